import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { ShortLivedMap } from '../../../src/runtime/collections/short-lived-map.ts'
import type { PassingHeap } from './fixtures/passing-heap.ts'

describe('a map for what comes and goes', () => {
  test('has what was set last, and nothing that was deleted', () => {
    const map = new ShortLivedMap<number>()
    map.set('a', 1)
    map.set('b', 2)
    map.set('a', 3)
    map.delete('b')
    map.delete('c')
    expect([map.size, map.has('a'), map.has('b'), map.get('a'), map.get('b')]).toEqual([1, true, false, 3, undefined])
    expect([...map.keys()]).toEqual(['a'])
  })

  test('gives its values in the order of setting, without those that are deleted meanwhile', () => {
    const map = new ShortLivedMap<number>()
    for (const [index, key] of ['a', 'b', 'c', 'd'].entries()) map.set(key, index)
    const seen: number[] = []
    for (const value of map.values()) {
      seen.push(value)
      map.delete('c')
    }
    expect(seen).toEqual([0, 1, 3])
  })

  test('leaves nothing of what went for the garbage collector’s full round', () => {
    const passed = 5_000
    const script = join(import.meta.dirname, 'fixtures/passing-heap.ts')
    const args = ['--expose-gc', '--conditions=docket-source', script, `${passed}`]
    const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' })
    if (status !== 0) throw new Error(stderr)
    const { grownBytes, size } = JSON.parse(stdout) as PassingHeap
    expect(size).toBe(50)
    // The arrays are 40 MB together; a Map keeps nearly all of them.
    expect(grownBytes).toBeLessThan(8e6)
  })
})
