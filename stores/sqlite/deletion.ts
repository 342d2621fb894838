import type { Store } from '../../src/core/contracts/store.ts'
import type { ExecutionFence } from '../../src/core/contracts/execution-record.ts'
import { toName } from '../sql/names.ts'
import { isAwaitedChild, isUnfinished } from '../sql/tables.ts'
import { toSqlTime } from '../sql/times.ts'
import type { Answer } from '../sql/dialect.ts'
import type { SqliteConnection } from './connection.ts'
import { isLiving } from './owners.ts'
import type { SqliteOwners } from './owners.ts'
import { deleteInPortions } from './portions.ts'

const ofExecution = [
  ['docket_executions', 'id'],
  ['docket_steps', 'execution'],
  ['docket_checkpoints', 'execution'],
  ['docket_mailbox', 'execution'],
  ['docket_receipts', 'execution'],
] as const

/** What `purge` asks the database for; a test asks it how it would find the answer. SQLite's planner would sort all that have ended, by the index of statuses. */
export const purgeQuery = `select id from docket_executions indexed by docket_executions_ended
  where ended_at is not null and ended_at < ? and status in (select value from json_each(?))
  and not (${isUnfinished('docket_executions')}) and not exists (
  select 1 from docket_owners o where o.owner = docket_executions.owner and ${isLiving})
  and not ${isAwaitedChild('docket_executions', 'docket_executions')}
  order by ended_at limit ?`

/** Deletes executions with all they have. */
export class SqliteDeletion {
  readonly #connection: SqliteConnection
  readonly #owners: SqliteOwners

  constructor(connection: SqliteConnection, owners: SqliteOwners) {
    this.#connection = connection
    this.#owners = owners
  }

  delete(executions: readonly ExecutionFence[]): Answer<readonly boolean[]> {
    return this.#connection.transaction(() =>
      executions.map(({ id, owner, epoch, sequence = 0 }) => {
        const execution = toName(id)
        const text = 'delete from docket_executions where id = ? and owner = ? and epoch = ? and last_sequence <= ?'
        if (this.#connection.run(text, execution, toName(owner), epoch, sequence) === 0) return false
        this.#deleteRest(execution)
        return true
      }),
    )
  }

  purge({ limit, ...filter }: Parameters<Store['purge']>[0]): Promise<number> {
    return deleteInPortions(this.#connection, limit, (some) => this.#purgeSome(some, filter))
  }

  #purgeSome(limit: number, { statuses, endedBefore }: Omit<Parameters<Store['purge']>[0], 'limit'>): number {
    const old = this.#connection.all(
      purgeQuery,
      toSqlTime(endedBefore),
      JSON.stringify(statuses),
      ...this.#owners.livingCells(),
      limit,
    )
    const ids = JSON.stringify(old.map((row) => row['id']))
    for (const [table, column] of ofExecution)
      this.#connection.run(`delete from ${table} where ${column} in (select value from json_each(?))`, ids)
    return old.length
  }

  #deleteRest(execution: string): void {
    for (const [table, column] of ofExecution)
      if (column === 'execution') this.#connection.run(`delete from ${table} where execution = ?`, execution)
  }
}
