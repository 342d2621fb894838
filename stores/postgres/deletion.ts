import { StoreError } from '../../src/core/errors.ts'
import type { ExecutionFence } from '../../src/core/contracts/execution-record.ts'
import type { Store } from '../../src/core/contracts/store.ts'
import type { Dialect } from '../sql/dialect.ts'
import { isAwaitedChild, isUnfinished } from '../sql/tables.ts'
import type { PostgresConnection } from './connection.ts'
import { fenceColumns, isOwned, unnest } from './dialect.ts'
import { storeName } from './errors.ts'
import { fenceParameters, ownedAmong } from './locks.ts'
import { isAlive } from './owners.ts'

const maxTries = 100

/** Deletes executions with all they have, in one statement: a process that dies leaves nothing behind that nobody would find. */
export class PostgresDeletion {
  readonly #connection: PostgresConnection
  readonly #dialect: Dialect
  readonly #delete: string
  readonly #purge: string

  constructor(connection: PostgresConnection, dialect: Dialect) {
    this.#connection = connection
    this.#dialect = dialect
    const executions = dialect.table('executions')
    // What was posted while the statement waited for the row, or just before it had it, is not among what it sees. Then the counts of the row that it holds are
    // others than those that it sees, and the row is left to the next statement.
    const isAsSeen = `(e.last_mail, e.mail_version) = (select s.last_mail, s.mail_version from ${executions} s where s.id = e.id)`
    const all = `gone as (delete from ${executions} e using held h where e.id = h.id),
      steps as (delete from ${dialect.table('steps')} s using held h where s.execution = h.id),
      checkpoints as (delete from ${dialect.table('checkpoints')} c using held h where c.execution = h.id),
      mail as (delete from ${dialect.table('mailbox')} m using held h where m.execution = h.id),
      receipts as (delete from ${dialect.table('receipts')} r using held h where r.execution = h.id)`
    this.#delete = `with held as materialized (
        select e.id, a.n from ${unnest(fenceColumns, 'a', 1, 'n')}
        join ${executions} e on ${isOwned}
        where ${isAsSeen} order by e.id for update of e
      ), ${all} select n from held`
    this.#purge = `with held as materialized (
        select e.id from ${executions} e
        where e.ended_at is not null and e.ended_at < $1 and e.status = any($2::text[])
          and not (${isUnfinished('e')}) and (e.owner is null or not ${isAlive(dialect, 'e.owner')})
          and not ${isAwaitedChild(executions, 'e')} and ${isAsSeen}
        order by e.ended_at limit $3 for update skip locked
      ), ${all} select count(*) as count from held`
  }

  async delete(executions: readonly ExecutionFence[]): Promise<readonly boolean[]> {
    const deleted = new Set<ExecutionFence>()
    let left = executions
    for (let tries = 0; left.length > 0; tries++) {
      if (tries === maxTries) throw new StoreError(storeName, 'others kept posting to the same executions', true)
      const rows = await this.#connection.query({ text: this.#delete, parameters: fenceParameters(left) })
      for (const row of rows) deleted.add(left[(row['n'] as number) - 1]!)
      // Of those, a message has come at this moment.
      left = [
        ...(await ownedAmong(
          this.#connection,
          this.#dialect,
          left.filter((one) => !deleted.has(one)),
        )),
      ]
    }
    return executions.map((one) => deleted.has(one))
  }

  async purge({ statuses, endedBefore, limit }: Parameters<Store['purge']>[0]): Promise<number> {
    const parameters = [this.#dialect.timeText(endedBefore), statuses, limit]
    const [row] = await this.#connection.query({ text: this.#purge, parameters })
    return row!['count'] as number
  }
}
