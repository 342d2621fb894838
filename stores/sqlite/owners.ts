import { toName } from '../sql/names.ts'
import { toSqlTime } from '../sql/times.ts'
import { isUnfinished } from '../sql/tables.ts'
import type { SqliteDatabase } from './database.ts'

// An owner that wakes up after this long is taken for a new one; until then it is told that it is dead.
const keptMs = 86_400_000

/** Which owners live, by the store's clock. */
export class SqliteOwners {
  readonly #database: SqliteDatabase
  readonly #now: () => number

  constructor(database: SqliteDatabase, now: () => number) {
    this.#database = database
    this.#now = now
  }

  renew(owner: string, leaseMs: number): boolean {
    const now = this.#now()
    return this.#database.transaction(
      () =>
        this.#database.run(
          `insert into docket_owners (owner, seen_at, expires_at) values (?, ?, ?)
           on conflict (owner) do update set seen_at = excluded.seen_at, expires_at = excluded.expires_at
           where docket_owners.expires_at > excluded.seen_at`,
          toName(owner),
          toSqlTime(now),
          toSqlTime(now + leaseMs),
        ) === 1,
    )
  }

  end(owner: string): void {
    const now = toSqlTime(this.#now())
    this.#database.transaction(() => {
      this.#database.run(
        `insert into docket_owners (owner, seen_at, expires_at) values (?, ?, ?)
         on conflict (owner) do update set expires_at = min(docket_owners.expires_at, excluded.expires_at)`,
        toName(owner),
        now,
        now,
      )
      this.#database.run(
        `delete from docket_owners where expires_at < ? and not exists (
           select 1 from docket_executions e where e.owner = docket_owners.owner and ${isUnfinished('e')})`,
        toSqlTime(this.#now() - keptMs),
      )
    })
  }

  /** For names as they are in the tables. Within a transaction. */
  isAlive(owner: string): boolean {
    const row = this.#database.first('select expires_at from docket_owners where owner = ?', owner)
    return row !== undefined && (row['expires_at'] as string) > toSqlTime(this.#now())
  }
}
