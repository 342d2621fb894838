import { DatabaseSync } from 'node:sqlite'
import { sqliteStore } from '../../stores/sqlite/index.ts'
import { World } from '../durable/durable-time.ts'

/** A world whose store is a SQLite in memory, with a connection for looking at what is in it. */
export class SqliteWorld extends World {
  readonly database = new DatabaseSync(':memory:')
  override readonly store = sqliteStore({ database: this.database, now: () => this.clock.now() })

  /** The first column of all rows. */
  ask(sql: string, ...cells: readonly string[]): unknown[] {
    const rows = this.database.prepare(sql).all(...cells)
    return rows.map((row) => Object.values(row)[0])
  }
}

/** Worlds of all stores that need no server, by the store's name. */
export const worlds: readonly (readonly [store: string, newWorld: () => World])[] = [
  ['memory', () => new World()],
  ['sqlite', () => new SqliteWorld()],
]
