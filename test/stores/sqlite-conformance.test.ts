import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, test } from 'vitest'
import { sqliteStore } from '../../stores/sqlite/index.ts'
import { storeConformance } from '../../src/testing/conformance/index.ts'
import { memoryFolder } from '../servers/memory-folder.ts'

storeConformance(
  { describe, test },
  {
    name: 'sqlite',
    capabilities: { transactions: false, isShared: true },
    sendsHints: false,
    createSpace() {
      const folder = memoryFolder('sqlite')
      const clock = settableClock()
      const options = { path: join(folder, 'docket.db'), synchronous: 'normal', ...clock.times } as const
      return {
        createStore: () => sqliteStore(options),
        ...clock,
        dispose: async () => rmSync(folder, { recursive: true }),
      }
    },
  },
)

storeConformance(
  { describe, test },
  {
    name: "sqlite, on the caller's connection",
    capabilities: { transactions: true, isShared: true },
    sendsHints: false,
    createSpace() {
      const folder = memoryFolder('sqlite')
      const database = new DatabaseSync(join(folder, 'docket.db'))
      database.exec('pragma journal_mode = wal; pragma synchronous = normal')
      const clock = settableClock()
      return {
        createStore: () => sqliteStore({ database, ...clock.times }),
        ...clock,
        async beginTransaction() {
          database.exec('begin')
          return {
            client: database,
            commit: async () => database.exec('commit'),
            rollback: async () => database.exec('rollback'),
          }
        },
        async dispose() {
          database.close()
          rmSync(folder, { recursive: true })
        },
      }
    },
  },
)

/** A machine's clocks, moved by hand: of the time of day, which can be set, and of the time that only passes. */
function settableClock() {
  let [now, elapsed] = [Date.now(), 5_000]
  return {
    times: { now: () => now, elapsed: () => elapsed },
    now: () => now,
    advance(ms: number): void {
      now += ms
      elapsed += ms
    },
    setTimeOfDay: (byMs: number): void => void (now += byMs),
  }
}
