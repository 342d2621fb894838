import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, test } from 'vitest'
import { sqliteStore } from '../../stores/sqlite/index.ts'
import { storeConformance } from '../../src/testing/conformance/index.ts'

storeConformance(
  { describe, test },
  {
    name: 'sqlite',
    capabilities: { transactions: false, isShared: true },
    tellsHints: false,
    createSpace() {
      const folder = mkdtempSync(join(tmpdir(), 'docket-sqlite-'))
      const clock = { ms: Date.now() }
      return {
        createStore: () => sqliteStore({ path: join(folder, 'docket.db'), synchronous: 'normal', now: () => clock.ms }),
        advance: (ms) => void (clock.ms += ms),
        now: () => clock.ms,
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
    tellsHints: false,
    createSpace() {
      const folder = mkdtempSync(join(tmpdir(), 'docket-sqlite-'))
      const database = new DatabaseSync(join(folder, 'docket.db'))
      database.exec('pragma journal_mode = wal; pragma synchronous = normal')
      const clock = { ms: Date.now() }
      return {
        createStore: () => sqliteStore({ database, now: () => clock.ms }),
        advance: (ms) => void (clock.ms += ms),
        now: () => clock.ms,
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
