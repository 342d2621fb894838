import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { createDocket } from '../../src/index.ts'
import type { Docket, ExecutionEvent } from '../../src/index.ts'
import type { Store } from '../../src/core/contracts/store.ts'
import { memoryStore } from '../../stores/memory/index.ts'
import { sqliteStore } from '../../stores/sqlite/index.ts'
import { line, Third } from './line.ts'

const hour = 3_600_000
const realNow = Date.now
let skewMs = 0

beforeEach(() => {
  skewMs = 0
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
  Date.now = () => realNow() + skewMs
})
afterEach(() => {
  Date.now = realNow
  vi.useRealTimers()
})

/** Stores without a clock of their own: makes clients of the same data. */
const kinds: readonly (readonly [string, () => () => Store])[] = [
  [
    'memory',
    () => {
      const store = memoryStore()
      return () => store
    },
  ],
  [
    'sqlite',
    () => {
      const folder = mkdtempSync(join(tmpdir(), 'docket-time-of-day-'))
      onTestFinished(() => rmSync(folder, { recursive: true }))
      return () => sqliteStore({ path: join(folder, 'docket.db'), synchronous: 'normal' })
    },
  ],
]

/** Two processes, of which the first has begun a step that takes 20 s when the time of day is set. */
async function setWhileRunning(
  newClient: () => Store,
  byMs: number,
  begin: (docket: Docket, graph: ReturnType<typeof line>['line']) => Promise<unknown>,
  persist: 'execution' | 'global' = 'execution',
): Promise<{ readonly runs: readonly string[]; readonly events: readonly string[]; readonly found: unknown }> {
  const events: ExecutionEvent[] = []
  const observers = [(event: ExecutionEvent): void => void events.push(event)]
  const runs: string[] = []
  const processes = [1, 2].map(() => {
    const { line: graph } = line({
      persist,
      first: { run: (value) => (runs.push('First'), value + 1) },
      second: {
        run: (value) => {
          runs.push('Second')
          return new Promise((resolve) => void setTimeout(() => resolve(value + 1), 20_000))
        },
      },
      third: { run: (value) => (runs.push('Third'), value + 1) },
    })
    const docket = createDocket({ graphs: [graph], store: newClient(), lease: '5s', observers })
    onTestFinished(() => docket.close({ deadline: 0 }))
    return { docket, graph }
  })
  await vi.advanceTimersByTimeAsync(1_000)
  const outcomes = processes.map(({ docket, graph }) => begin(docket, graph))
  await vi.advanceTimersByTimeAsync(1_000)
  skewMs += byMs
  await vi.advanceTimersByTimeAsync(20_000)
  skewMs -= byMs
  await vi.advanceTimersByTimeAsync(5_000)
  const found = await Promise.all(outcomes)
  return { runs, events: events.map(({ type }) => type), found }
}

describe.each(kinds)('on a %s store', (_, newPlace) => {
  describe.each([
    ['forward', hour],
    ['back', -hour],
  ])('when the time of day is set %s by more than the lease', (__, byMs) => {
    test('an execution keeps its owner: its steps run once', async () => {
      const { runs, events, found } = await setWhileRunning(newPlace(), byMs, (docket, graph) =>
        docket.execute(graph, Third, { Seed: 1 }, { id: 'a' }),
      )
      expect(runs).toEqual(['First', 'Second', 'Third'])
      expect(found).toEqual([4, 4])
      for (const type of ['lease.lost', 'execution.resumed', 'loop.blocked']) expect(events).not.toContain(type)
    })

    test('a batch keeps its owner: its steps run once', async () => {
      const { runs, found } = await setWhileRunning(newPlace(), byMs, async (docket, graph) =>
        (await docket.startBatch(graph, Third, [{ Seed: 1 }], { id: 'b' })).result(),
      )
      expect(runs).toEqual(['First', 'Second', 'Third'])
      expect(found).toEqual([[4], [4]])
    })

    test('a result is made once for all who ask', async () => {
      const { runs, found } = await setWhileRunning(
        newPlace(),
        byMs,
        (docket, graph) => docket.execute(graph, Third, { Seed: 1 }),
        'global',
      )
      expect(runs).toEqual(['First', 'Second', 'Third'])
      expect(found).toEqual([4, 4])
    })
  })
})
