import { toName } from '../sql/names.ts'
import { toSqlTime } from '../sql/times.ts'
import { isUnfinished } from '../sql/tables.ts'
import type { SqliteConnection } from './connection.ts'

// An owner that wakes up after this long is taken for a new one; until then it is told that it is dead.
const keptMs = 86_400_000
// At a time.
const mostForgotten = 1_000

/** Which owners live, by the store's clock. */
export class SqliteOwners {
  readonly #connection: SqliteConnection
  readonly #now: () => number

  constructor(connection: SqliteConnection, now: () => number) {
    this.#connection = connection
    this.#now = now
  }

  renew(owner: string, leaseMs: number): boolean {
    const now = this.#now()
    const name = toName(owner)
    const [seen, expiry] = [toSqlTime(now), toSqlTime(now + leaseMs)]
    return this.#connection.transaction(() => {
      const renewed = this.#connection.run(
        'update docket_owners set seen_at = ?, expires_at = ? where owner = ? and expires_at > ?',
        seen,
        expiry,
        name,
        seen,
      )
      if (renewed === 1) return true
      const text =
        'insert into docket_owners (owner, seen_at, expires_at) values (?, ?, ?) on conflict (owner) do nothing'
      if (this.#connection.run(text, name, seen, expiry) === 0) return false
      // Where processes always crash, none of them gets to its end.
      this.#tidyUp()
      return true
    })
  }

  end(owner: string): void {
    const now = toSqlTime(this.#now())
    this.#connection.transaction(() => {
      this.#connection.run(
        `insert into docket_owners (owner, seen_at, expires_at) values (?, ?, ?)
         on conflict (owner) do update set expires_at = min(docket_owners.expires_at, excluded.expires_at)`,
        toName(owner),
        now,
        now,
      )
      this.#tidyUp()
    })
  }

  /** Forgets owners that have long been dead. */
  #tidyUp(): void {
    this.#connection.run(
      `delete from docket_owners where owner in (
         select o.owner from docket_owners o where o.expires_at < ? and not exists (
           select 1 from docket_executions e where e.owner = o.owner and ${isUnfinished('e')})
         limit ?)`,
      toSqlTime(this.#now() - keptMs),
      mostForgotten,
    )
  }

  /** For names as they are in the tables. Within a transaction. */
  isAlive(owner: string): boolean {
    const row = this.#connection.first('select expires_at from docket_owners where owner = ?', owner)
    return row !== undefined && (row['expires_at'] as string) > toSqlTime(this.#now())
  }
}
