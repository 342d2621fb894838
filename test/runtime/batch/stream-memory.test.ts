import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { StreamedHeap } from './fixtures/streamed-heap.ts'

const items = 100_000
const concurrency = 20
const megabyte = 2 ** 20

/** Streams in a process of its own, where nothing else is on the heap. */
function streamed(order: string): StreamedHeap {
  const script = join(import.meta.dirname, 'fixtures/streamed-heap.ts')
  const args = ['--expose-gc', '--conditions=docket-source', script, `${items}`, `${concurrency}`, order]
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' })
  if (status !== 0) throw new Error(stderr)
  return JSON.parse(stdout) as StreamedHeap
}

describe.each(['ordered', 'unordered'])('a stream of 100,000 items through three steps, %s', (order) => {
  const { outcomes, startBytes, liveBytes, mostOpen } = streamed(order)

  test('holds after each 10,000 items what it held after the first 1,000', () => {
    expect(outcomes).toBe(items)
    expect(liveBytes.length).toBe(10)
    // The values of the items alone are 300 MB.
    for (const bytes of liveBytes) expect((bytes - startBytes) / megabyte).toBeLessThan(2)
  })

  test('has no more items open than may run, and 100 outcomes that wait', () => {
    expect(mostOpen).toBeGreaterThanOrEqual(concurrency)
    // One more is on its way to the consumer.
    expect(mostOpen).toBeLessThanOrEqual(concurrency + 100 + 1)
  })
})
