import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { childProgram } from '../child-program.ts'
import { placeMaker, storeKinds } from './place.ts'

const newPlace = await placeMaker()

describe.each(storeKinds)('a step that kills its process at once, on %s', (kind) => {
  test.each(['execution', 'global'])('is tried as often as maxAttempts says, with scope %s', async (scope) => {
    const { address } = await newPlace(kind)
    const program = childProgram(join(import.meta.dirname, 'deadly-process.ts'))
    const order = JSON.stringify({ address, scope })
    const said: string[] = []
    for (let life = 0; life < 5; life++) {
      const { stdout, signal } = spawnSync(process.execPath, [program, order], {
        encoding: 'utf8',
      })
      said.push(stdout.trim())
      if (signal !== 'SIGKILL') break
    }
    expect(said).toEqual([
      'attempt 1',
      'attempt 2',
      expect.stringContaining('the process died during attempt 2 of 2 of step "Second"'),
    ])
  })
})
