import type { OwnerState } from '../../src/core/contracts/owner-state.ts'
import type { WorkerState } from '../../src/core/contracts/worker-record.ts'
import { fromName, toName } from '../sql/names.ts'
import { fromSqlTime, toSqlTime } from '../sql/times.ts'
import { isRunnable } from '../sql/tables.ts'
import type { Answer } from '../sql/dialect.ts'
import type { SqliteConnection } from './connection.ts'
import type { StoreTimes } from './options.ts'

// An owner that wakes up after this long is taken for a new one; until then its renewals fail.
const keptMs = 86_400_000
// At a time.
const mostForgotten = 1_000

// Clocks are read one after the other; whoever was seen this much later than now was seen before the machine was started anew.
const slackMs = 1_000

/** SQL that says whether a row of the owners is of one that lives; takes `livingCells`. */
export const isLiving = 'lease_until > ? and lease_seen < ?'

/**
 * Which owners live: by the machine's own time, which all its processes have in common and nobody can set. The times of day beside it are
 * for people who read the table.
 */
export class SqliteOwners {
  readonly #connection: SqliteConnection
  readonly #now: () => number
  readonly #elapsed: () => number

  constructor(connection: SqliteConnection, { now, elapsed }: StoreTimes) {
    this.#connection = connection
    this.#now = now
    this.#elapsed = elapsed
  }

  time(): number {
    return this.#now()
  }

  renew(owner: string, leaseMs: number, worker?: string): Answer<boolean> {
    const now = this.#now()
    const name = toName(owner)
    const said = worker === undefined ? null : toName(worker)
    const elapsed = this.#elapsed()
    const lease = [toSqlTime(now), toSqlTime(now + leaseMs), elapsed, elapsed + leaseMs] as const
    return this.#connection.urgentTransaction(() => {
      const renewed = this.#connection.run(
        `update docket_owners set seen_at = ?, expires_at = ?, lease_seen = ?, lease_until = ?,
           worker = coalesce(?, worker)
         where owner = ? and ${isLiving}`,
        ...lease,
        said,
        name,
        ...livingCells(elapsed),
      )
      if (renewed === 1) return true
      const text =
        'insert into docket_owners (owner, seen_at, expires_at, lease_seen, lease_until, worker) values (?, ?, ?, ?, ?, ?) on conflict (owner) do nothing'
      if (this.#connection.run(text, name, ...lease, said) === 0) return false
      // Where processes always crash, none of them gets to its end.
      this.#tidyUp()
      return true
    })
  }

  end(owner: string): Answer<void> {
    const now = toSqlTime(this.#now())
    const elapsed = this.#elapsed()
    return this.#connection.urgentTransaction(() => {
      this.#connection.run(
        `insert into docket_owners (owner, seen_at, expires_at, lease_seen, lease_until) values (?, ?, ?, ?, ?)
         on conflict (owner) do update set expires_at = min(docket_owners.expires_at, excluded.expires_at),
           lease_until = min(docket_owners.lease_until, excluded.lease_until)`,
        toName(owner),
        now,
        now,
        elapsed,
        elapsed,
      )
      this.#tidyUp()
    })
  }

  read(owners: readonly string[]): readonly (OwnerState | undefined)[] {
    const elapsed = this.#elapsed()
    const text = `select seen_at, expires_at, lease_seen, lease_until, ${isLiving} as is_living from docket_owners where owner = ?`
    return owners.map((owner) => {
      const row = this.#connection.first(text, ...livingCells(elapsed), toName(owner))
      if (row === undefined) return undefined
      const isAlive = row['is_living'] === 1
      const seen = Number(row['lease_seen'])
      if (seen < elapsed + slackMs)
        return { isAlive, sinceRenewalMs: elapsed - seen, leaseLeftMs: Number(row['lease_until']) - elapsed }
      // The machine was started anew since: only the time of day is left.
      const now = this.#now()
      const leaseLeftMs = Math.min(0, fromSqlTime(row['expires_at']) - now)
      return { isAlive, sinceRenewalMs: now - fromSqlTime(row['seen_at']), leaseLeftMs }
    })
  }

  workers(limit: number): readonly WorkerState[] {
    const elapsed = this.#elapsed()
    const text = `select worker, lease_seen, lease_until from docket_owners where worker is not null and ${isLiving} limit ?`
    return this.#connection.all(text, ...livingCells(elapsed), limit).map((row) => ({
      worker: fromName(String(row['worker'])),
      sinceRenewalMs: elapsed - Number(row['lease_seen']),
      leaseLeftMs: Number(row['lease_until']) - elapsed,
    }))
  }

  /** Forgets owners that have long been dead. */
  #tidyUp(): void {
    const elapsed = this.#elapsed()
    this.#connection.run(
      `delete from docket_owners where owner in (
         select o.owner from docket_owners o where (o.lease_until < ? or o.lease_seen > ?) and not exists (
           select 1 from docket_executions e indexed by docket_executions_unfinished where e.owner = o.owner and ${isRunnable('e')})
         limit ?)`,
      elapsed - keptMs,
      elapsed + slackMs,
      mostForgotten,
    )
  }

  /** For names as they are in the tables. Within a transaction. */
  isAlive(owner: string): boolean {
    const text = `select 1 from docket_owners where owner = ? and ${isLiving}`
    return this.#connection.first(text, owner, ...this.livingCells()) !== undefined
  }

  /** The parameters of `isLiving`, now. */
  livingCells(): readonly [number, number] {
    return livingCells(this.#elapsed())
  }
}

function livingCells(elapsed: number): readonly [number, number] {
  return [elapsed, elapsed + slackMs]
}
