import type { OwnerState } from '../../src/core/contracts/owner-state.ts'
import type { WorkerState } from '../../src/core/contracts/worker-record.ts'
import type { Dialect } from '../sql/dialect.ts'
import type { SqlSessions } from '../sql/sessions.ts'
import { fromName, toName } from '../sql/names.ts'
import { fromSqlTime } from '../sql/times.ts'
import type { MysqlConnection } from './connection.ts'
import { isDuplicate } from './errors.ts'
import { toKey } from './keys.ts'
import { literal } from './literals.ts'
import type { MysqlSession } from './session.ts'
import type { MysqlSessionLocks } from './session-locks.ts'

// More than 3,000 years; later is beyond what a time can be.
const longestLeaseMs = 1e14
// An answer that comes after the lease is of no use, and neither is the connection that it came over.
const shortestLimitMs = 1_000
const longestLimitMs = 10_000
// At a time.
const mostForgotten = 1_000

/** SQL of how many milliseconds ago a column's time was. */
function age(time: string): string {
  return `timestampdiff(microsecond, ${time}, utc_timestamp(3)) / 1000 as ${time}_age`
}

/** How owners are seen by their connections. */
export interface MysqlWatch {
  readonly sessions: SqlSessions
  readonly locks: MysqlSessionLocks
}

/** Which owners live, by the server's clock. */
export class MysqlOwners {
  readonly #connection: MysqlConnection
  readonly #table: string
  readonly #executions: string
  readonly #watch: MysqlWatch | undefined

  constructor(connection: MysqlConnection, dialect: Dialect, watch: MysqlWatch | undefined) {
    this.#connection = connection
    this.#watch = watch
    this.#table = dialect.table('owners')
    this.#executions = dialect.table('executions')
  }

  time(): Promise<number> {
    return this.#connection.withSessionApart(async (session) => {
      const [row] = await session.all('select cast(utc_timestamp(3) as char) as now')
      return fromSqlTime(row!['now'])
    }, longestLimitMs)
  }

  async renew(owner: string, leaseMs: number, worker?: string): Promise<boolean> {
    const said = literal(worker === undefined ? null : toName(worker))
    const key = literal(toKey(owner))
    const microseconds = literal(Math.round(Math.min(leaseMs, longestLeaseMs) * 1_000))
    const expiry = `utc_timestamp(3) + interval ${microseconds} microsecond`
    const limitMs = Math.min(Math.max(leaseMs, shortestLimitMs), longestLimitMs)
    const watch = this.#watch
    watch?.sessions.renewing(owner)
    let lock: string | undefined
    const isAlive = await this.#connection.withSessionApart(async (session, isApart) => {
      lock = isApart ? await watch?.locks.lock(session, owner) : undefined
      const sessionLock = literal(lock ?? null)
      const renewed = await session.run(
        `update ${this.#table} set seen_at = utc_timestamp(3), expires_at = ${expiry}, session_lock = ${sessionLock},
            worker = coalesce(${said}, worker)
          where owner = ${key} and expires_at > utc_timestamp(3)`,
      )
      if (renewed > 0) return true
      try {
        await session.run(
          `insert into ${this.#table} (owner, seen_at, expires_at, session_lock, worker)
            values (${key}, utc_timestamp(3), ${expiry}, ${sessionLock}, ${said})`,
        )
      } catch (thrown) {
        if (!isDuplicate(thrown)) throw thrown
        // It is dead; or it lives, and the update had nothing to change within the same millisecond.
        return (await this.living(session, [toKey(owner)])).size === 1
      }
      // Where processes always crash, none of them gets to its end.
      await this.#tidyUp(session)
      return true
    }, limitMs)
    watch?.sessions.renewed(owner, isAlive && lock !== undefined, isAlive && lock === undefined)
    return isAlive
  }

  async end(owner: string): Promise<void> {
    this.#watch?.sessions.forget(owner)
    const key = literal(toKey(owner))
    await this.#connection.withSessionApart(async (session) => {
      await session.run(
        `insert into ${this.#table} (owner, seen_at, expires_at) values (${key}, utc_timestamp(3), utc_timestamp(3))
          on duplicate key update expires_at = least(expires_at, values(expires_at))`,
      )
      await this.#tidyUp(session)
    }, longestLimitMs)
  }

  async read(owners: readonly string[]): Promise<readonly (OwnerState | undefined)[]> {
    if (owners.length === 0) return []
    const keys = owners.map(toKey)
    const rows = await this.#connection.withSession((session) =>
      session.all(
        `select owner, expires_at > utc_timestamp(3) as is_alive, ${age('seen_at')}, ${age('expires_at')}
          from ${this.#table} where owner in (${keys.map(literal).join(', ')})`,
      ),
    )
    const byKey = new Map(rows.map((row) => [row['owner'], row]))
    return keys.map((key) => {
      const row = byKey.get(key)
      if (row === undefined) return undefined
      const [sinceRenewalMs, leaseLeftMs] = [Number(row['seen_at_age']), -Number(row['expires_at_age'])]
      return { isAlive: Number(row['is_alive']) === 1, sinceRenewalMs, leaseLeftMs }
    })
  }

  async workers(limit: number): Promise<readonly WorkerState[]> {
    const rows = await this.#connection.withSession((session) =>
      session.all(
        `select worker, ${age('seen_at')}, ${age('expires_at')} from ${this.#table}
          where worker is not null and expires_at > utc_timestamp(3) limit ${literal(limit)}`,
      ),
    )
    return rows.map((row) => ({
      worker: fromName(String(row['worker'])),
      sinceRenewalMs: Number(row['seen_at_age']),
      leaseLeftMs: -Number(row['expires_at_age']),
    }))
  }

  /**
   * Forgets owners that have long been dead: one that wakes up after a day is taken for a new one; until then its renewals fail.
   * They are found without locks, so that nobody waits; the dead stay dead.
   */
  async #tidyUp(session: MysqlSession): Promise<void> {
    const isLongDead = 'expires_at < utc_timestamp(3) - interval 1 day'
    const rows = await session.all(
      `select o.owner from ${this.#table} o where o.${isLongDead} and not exists (
        select 1 from ${this.#executions} e where e.is_open = 1 and e.owner = o.owner) limit ${mostForgotten}`,
    )
    if (rows.length === 0) return
    const keys = rows.map((row) => row['owner'] as string).toSorted()
    await session.run(`delete from ${this.#table} where owner in (${keys.map(literal).join(', ')}) and ${isLongDead}`)
  }

  /** Which of some owners live; all are given as keys. */
  async living(session: MysqlSession, owners: readonly string[]): Promise<ReadonlySet<string>> {
    if (owners.length === 0) return new Set()
    const rows = await session.all(
      `select owner from ${this.#table} where owner in (${owners.map(literal).join(', ')}) and expires_at > utc_timestamp(3)`,
    )
    return new Set(rows.map((row) => row['owner'] as string))
  }
}
