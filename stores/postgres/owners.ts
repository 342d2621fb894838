import type { OwnerState } from '../../src/core/contracts/owner-state.ts'
import type { WorkerState } from '../../src/core/contracts/worker-record.ts'
import { fromName, toName } from '../sql/names.ts'
import type { Dialect } from '../sql/dialect.ts'
import type { SqlSessions } from '../sql/sessions.ts'
import { isRunnable } from '../sql/tables.ts'
import type { PostgresConnection } from './connection.ts'
import type { PostgresHints } from './hints.ts'
import { lockOwn } from './session-locks.ts'
import type { PostgresSessionLocks } from './session-locks.ts'

/** SQL that says whether an owner (an expression) lives, by the server's clock. One that is not registered does not. */
export function isAlive(dialect: Dialect, owner: string): string {
  return `exists (select 1 from ${dialect.table('owners')} w where w.owner = ${owner} and w.expires_at > statement_timestamp())`
}

// An answer that comes after the lease is of no use, and neither is the connection that it came over.
const shortestLimitMs = 1_000
const longestLimitMs = 10_000
// At a time.
const mostForgotten = 1_000
const ms = `interval '1 millisecond'`
// The columns round to milliseconds; rounded up, it would be in the future for a while.
const past = `date_trunc('milliseconds', clock_timestamp())`

/** SQL of how many milliseconds ago a column's time was. */
function age(time: string): string {
  return `extract(epoch from statement_timestamp() - ${time})::float8 * 1000 as ${time}_age`
}

/** How owners are seen by their connections. */
export interface PostgresWatch {
  readonly sessions: SqlSessions
  readonly locks: PostgresSessionLocks
}

/** Which owners live, by the server's clock. */
export class PostgresOwners {
  readonly #connection: PostgresConnection
  readonly #watch: PostgresWatch | undefined
  readonly #hints: Pick<PostgresHints, 'ownerIsHere'>
  readonly #renew: string
  readonly #renewWatched: string
  readonly #end: string
  readonly #tidy: string
  readonly #read: string
  readonly #workers: string

  constructor(
    connection: PostgresConnection,
    dialect: Dialect,
    watch: PostgresWatch | undefined,
    hints: Pick<PostgresHints, 'ownerIsHere'>,
  ) {
    this.#connection = connection
    this.#watch = watch
    this.#hints = hints
    const owners = dialect.table('owners')
    const renew = (session: string, from: string): string => `insert into ${owners} as o
        (owner, seen_at, expires_at, session_key, worker)
      select $1, clock_timestamp(), clock_timestamp() + least($2::float8, 1e14) * ${ms}, ${session}, $3::text ${from}
      on conflict (owner) do update
        set seen_at = excluded.seen_at, expires_at = excluded.expires_at, session_key = excluded.session_key,
          worker = coalesce(excluded.worker, o.worker)
      where o.expires_at > clock_timestamp()
      returning o.xmax = 0 as is_new, o.session_key is not null as is_watched`
    this.#renew = renew('null::bigint', '')
    this.#renewWatched = `with session as materialized (select ${lockOwn('$4::bigint')} as is_held)
      ${renew('case when s.is_held then $4::bigint end', 'from session s')}`
    // An owner that wakes up after a day is taken for a new one; until then its renewals fail. The order has what of each is looked up by its index, however much others have.
    this.#tidy = `delete from ${owners} where owner = any(array(
      select o.owner from ${owners} o where o.expires_at < statement_timestamp() - interval '1 day'
        and (select e.owner from ${dialect.table('executions')} e where e.owner = o.owner and ${isRunnable('e')}
          order by e.owner, e.queue, e.graph, e.created_at, e.id limit 1) is null
      limit ${mostForgotten} for update of o skip locked))`
    this.#read = `select owner, expires_at > statement_timestamp() as is_alive, ${age('seen_at')}, ${age('expires_at')}
      from ${owners} where owner = any($1)`
    this.#workers = `select worker, ${age('seen_at')}, ${age('expires_at')} from ${owners}
      where worker is not null and expires_at > statement_timestamp() limit $1`
    this.#end = `insert into ${owners} as o (owner, seen_at, expires_at) values ($1, ${past}, ${past})
      on conflict (owner) do update set expires_at = least(o.expires_at, excluded.expires_at)`
  }

  async time(): Promise<number> {
    const text = 'select (extract(epoch from clock_timestamp()) * 1000)::float8 as now'
    const [row] = await this.#connection.queryApart({ text, parameters: [] }, longestLimitMs)
    return row!['now'] as number
  }

  async renew(owner: string, leaseMs: number, worker?: string): Promise<boolean> {
    const limitMs = Math.min(Math.max(leaseMs, shortestLimitMs), longestLimitMs)
    const watch = this.#watch
    const plain = {
      text: this.#renew,
      parameters: [toName(owner), leaseMs, worker === undefined ? null : toName(worker)],
    }
    watch?.sessions.renewing(owner)
    const rows = await (watch === undefined
      ? this.#connection.queryApart(plain, limitMs)
      : this.#connection.queryApart(
          { text: this.#renewWatched, parameters: [...plain.parameters, watch.locks.keyOf(owner)] },
          limitMs,
          plain,
        ))
    const isWatched = rows[0]?.['is_watched']
    watch?.sessions.renewed(owner, isWatched === true, isWatched === false)
    // Where processes always crash, none of them gets to its end.
    if (rows[0]?.['is_new'] === true) await this.#tidyUp()
    this.#hints.ownerIsHere(owner, rows.length === 1)
    return rows.length === 1
  }

  async end(owner: string): Promise<void> {
    this.#watch?.sessions.forget(owner)
    this.#hints.ownerIsHere(owner, false)
    await this.#connection.queryApart({ text: this.#end, parameters: [toName(owner)] }, longestLimitMs)
    await this.#tidyUp()
  }

  async read(owners: readonly string[]): Promise<readonly (OwnerState | undefined)[]> {
    const rows = await this.#connection.query({ text: this.#read, parameters: [owners.map(toName)] })
    const byName = new Map(rows.map((row) => [row['owner'], row]))
    return owners.map((owner) => {
      const row = byName.get(toName(owner))
      if (row === undefined) return undefined
      const [sinceRenewalMs, leaseLeftMs] = [Number(row['seen_at_age']), -Number(row['expires_at_age'])]
      return { isAlive: row['is_alive'] === true, sinceRenewalMs, leaseLeftMs }
    })
  }

  async workers(limit: number): Promise<readonly WorkerState[]> {
    const rows = await this.#connection.query({ text: this.#workers, parameters: [limit] })
    return rows.map((row) => ({
      worker: fromName(String(row['worker'])),
      sinceRenewalMs: Number(row['seen_at_age']),
      leaseLeftMs: -Number(row['expires_at_age']),
    }))
  }

  /** Forgets owners that have long been dead. If it fails, the next one does it. */
  async #tidyUp(): Promise<void> {
    await this.#connection.queryApart({ text: this.#tidy, parameters: [] }, longestLimitMs).catch(() => {})
  }
}
