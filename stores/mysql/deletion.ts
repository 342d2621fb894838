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
import { deleteInPortions } from './portions.ts'
import type { MysqlSession } from './session.ts'

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
  purge({ limit, ...filter }: Parameters<Store['purge']>[0]): Promise<number> {
    return filter.statuses.length === 0
      ? Promise.resolve(0)
      : deleteInPortions(limit, (some) => this.#purgeSome(some, filter))
  }

  #purgeSome(
    limit: number,
    { statuses, endedBefore }: Omit<Parameters<Store['purge']>[0], 'limit'>,
  ): ReturnType<Parameters<typeof deleteInPortions>[1]> {
    const isOld = `ended_at < ${literal(toSqlTime(endedBefore))} and is_open is null and status in (${listOf(statuses)})`
    return this.#connection.transaction(async (session) => {
      const found = await session.all(
        `select id from ${this.#executions} e where ${isOld} and not exists (
          select 1 from ${this.#ownersTable} o where o.owner = e.owner and o.expires_at > utc_timestamp(3))
          and not ${isAwaitedChild(this.#executions, 'e')}
          order by ended_at limit ${literal(limit)}`,
      )
      if (found.length === 0) return { found: 0, deleted: 0 }
      const held = await session.all(
        `select id, owner from ${this.#executions} force index (primary)
          where id in (${listOf(found.map((row) => row['id'] as string))}) and ${isOld} order by id for update skip locked`,
      )
      const last = held.flatMap(({ owner }) => (owner === null ? [] : [owner as string]))
      const living = await this.#owners.living(session, [...new Set(last)])
      const keys = held.flatMap(({ id, owner }) => (living.has(owner as string) ? [] : [id as string]))
      await this.#deleteAll(session, keys, await this.#mayHaveMore(session, keys))
      return { found: found.length, deleted: keys.length }
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
