import type { Store } from '../../src/core/contracts/store.ts'
import type { ExecutionFence } from '../../src/core/contracts/execution-record.ts'
import { deletionOf } from '../sql/dialect.ts'
import type { Dialect } from '../sql/dialect.ts'
import { isAwaitedChild } from '../sql/tables.ts'
import { toSqlTime } from '../sql/times.ts'
import type { MysqlConnection } from './connection.ts'
import { toKey } from './keys.ts'
import { literal } from './literals.ts'
import { listOf, lockOwned } from './locks.ts'
import type { MysqlOwners } from './owners.ts'
import { eachPortion } from './portions.ts'
import type { MysqlSession } from './session.ts'

// What is found at once, to be deleted in portions.
const mostFound = 4_000
/** Of most executions there is nothing in these. */
const seldomTables = ['mailbox', 'receipts', 'checkpoints'] as const
type SeldomTable = (typeof seldomTables)[number]

/** Deletes executions with all they have. */
export class MysqlDeletion {
  readonly #connection: MysqlConnection
  readonly #owners: MysqlOwners
  readonly #dialect: Dialect
  readonly #ownersTable: string
  readonly #executions: string

  constructor(connection: MysqlConnection, owners: MysqlOwners, dialect: Dialect) {
    this.#connection = connection
    this.#owners = owners
    this.#dialect = dialect
    this.#ownersTable = dialect.table('owners')
    this.#executions = dialect.table('executions')
  }

  async delete(executions: readonly ExecutionFence[]): Promise<readonly boolean[]> {
    if (executions.length === 0) return []
    return this.#connection.transaction(async (session) => {
      const held = new Set(await lockOwned(session, this.#executions, executions))
      await this.#deleteAll(session, [...new Set([...held].map(({ id }) => toKey(id)))])
      return executions.map((one) => held.has(one))
    })
  }

  /** Finds without locks, then locks what it found and looks again. */
  async purge({ statuses, endedBefore, limit }: Parameters<Store['purge']>[0]): Promise<number> {
    if (statuses.length === 0) return 0
    const isOld = `e.ended_at < ${literal(toSqlTime(endedBefore))} and e.is_open is null and e.status in (${listOf(statuses)})
      and not ${isAwaitedChild(this.#executions, 'e')}`
    let total = 0
    for (let left = limit; left > 0;) {
      const wanted = Math.min(left, mostFound)
      const found = await this.#connection.withSession((session) => this.#find(session, isOld, wanted))
      let deleted = 0
      await eachPortion(found, async (keys) => {
        const count = await this.#purgeNamed(keys, isOld)
        deleted += count
      })
      total += deleted
      left -= deleted
      // What it finds and can't delete, it would find again.
      if (found.length < wanted || deleted === 0) break
    }
    return total
  }

  /** Those that ended first. */
  async #find(session: MysqlSession, isOld: string, limit: number): Promise<readonly string[]> {
    const rows = await session.all(
      `select e.id from ${this.#executions} e where ${isOld} and not exists (
        select 1 from ${this.#ownersTable} o where o.owner = e.owner and o.expires_at > utc_timestamp(3))
        order by e.ended_at limit ${literal(limit)}`,
    )
    return rows.map(({ id }) => id as string)
  }

  /** Gives how many were deleted: what others have locked at the moment, have changed, or own is left out. */
  #purgeNamed(keys: readonly string[], isOld: string): Promise<number> {
    return this.#connection.transaction(async (session) => {
      const rows = await session.all(
        `select e.id, e.owner from ${this.#executions} e force index (primary)
          where e.id in (${listOf(keys)}) and ${isOld} order by e.id for update skip locked`,
      )
      const last = rows.flatMap(({ owner }) => (owner === null ? [] : [owner as string]))
      const living = await this.#owners.living(session, [...new Set(last)])
      const held = rows.flatMap(({ id, owner }) => (living.has(owner as string) ? [] : [id as string]))
      await this.#deleteAll(session, held, await this.#mayHaveMore(session, held))
      return held.length
    })
  }

  /**
   * Which of the tables of messages and checkpoints have anything between the first and the last of some keys, which are in order. Mostly it is none of them, and to go through
   * a list of thousands for nothing takes the server as long as to find all of it. Nothing comes while the executions are locked.
   */
  async #mayHaveMore(session: MysqlSession, keys: readonly string[]): Promise<readonly SeldomTable[]> {
    if (keys.length === 0) return []
    const between = `where execution between ${literal(keys[0]!)} and ${literal(keys.at(-1)!)}`
    const looks = seldomTables.map(
      (table, place) => `(select ${place} as place from ${this.#dialect.table(table)} ${between} limit 1)`,
    )
    return (await session.all(looks.join(' union all '))).map(({ place }) => seldomTables[place as number]!)
  }

  async #deleteAll(
    session: MysqlSession,
    keys: readonly string[],
    others: readonly SeldomTable[] = seldomTables,
  ): Promise<void> {
    if (keys.length === 0) return
    const list = listOf(keys)
    for (const table of ['steps', ...others] as const)
      await session.run(deletionOf(this.#dialect, table, `execution in (${list})`))
    await session.run(deletionOf(this.#dialect, 'executions', `id in (${list})`))
  }
}
