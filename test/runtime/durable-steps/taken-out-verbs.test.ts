import { expect, test } from 'vitest'
import type { DurableContext } from '../../../src/index.ts'
import { resultOf } from './orders.ts'

test('verbs can be taken out of the context: of the function, of a branch, of a call', async () => {
  const beats: unknown[] = []
  const run = async ({ step, sleep, branch, uuid, now }: DurableContext): Promise<unknown> => {
    await sleep(1)
    const beside = await branch('beside', ({ step: call }) =>
      call(
        'beat',
        ({ attempt, heartbeat, lastHeartbeat }) => {
          beats.push(lastHeartbeat)
          heartbeat(attempt)
          if (attempt === 1) throw new Error('again')
          return 'beside'
        },
        { retry: { maxAttempts: 2 } },
      ),
    )
    return [await step('once', () => 1), beside, uuid().length, now() instanceof Date]
  }
  expect(await resultOf(run)).toEqual([1, 'beside', 36, true])
  expect(beats).toEqual([undefined, 1])
})
