import { afterEach, expect, test, vi } from 'vitest'
import { createDocket } from '../../src/index.ts'
import { memoryStore } from '../../stores/memory/index.ts'
import { line, Third } from './line.ts'

afterEach(() => void vi.useRealTimers())

test('a call of a docket under the timers of a test framework ends once these are advanced, and not before', async () => {
  const { setTimeout: realTimeout } = globalThis
  vi.useFakeTimers()
  const { line: graph } = line()
  const docket = createDocket({ graphs: [graph], store: memoryStore() })
  const ended = vi.fn()
  const call = docket.execute(graph, Third, { Seed: 1 })
  void call.then(ended)
  await new Promise((resolve) => realTimeout(resolve, 300))
  expect(ended).not.toHaveBeenCalled()
  await vi.advanceTimersByTimeAsync(100)
  await call
  vi.useRealTimers()
  await docket.close({ deadline: 0 })
})
