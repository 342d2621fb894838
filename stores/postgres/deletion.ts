import type { Store } from '../../src/core/contracts/store.ts'
import type { ExecutionCommit } from '../../src/core/contracts/execution-record.ts'
import type { Cell, Row } from '../sql/cells.ts'
import type { Dialect } from '../sql/dialect.ts'
import { toName } from '../sql/names.ts'
import { isAwaitedChild, isUnfinished } from '../sql/tables.ts'
import type { PostgresConnection } from './connection.ts'
import { columnar, fenceColumns, unnest } from './dialect.ts'
import { isAlive } from './owners.ts'

/** Deletes executions with all they have. */
export class PostgresDeletion {
  readonly #connection: PostgresConnection
  readonly #dialect: Dialect
  readonly #delete: string
  readonly #purge: string
  readonly #deleteLeftMail: string

  constructor(connection: PostgresConnection, dialect: Dialect) {
    this.#connection = connection
    this.#dialect = dialect
    const executions = dialect.table('executions')
    const all = `gone as (delete from ${executions} e using held h where e.id = h.id),
      steps as (delete from ${dialect.table('steps')} s using held h where s.execution = h.id),
      checkpoints as (delete from ${dialect.table('checkpoints')} c using held h where c.execution = h.id),
      mail as (delete from ${dialect.table('mailbox')} m using held h where m.execution = h.id),
      receipts as (delete from ${dialect.table('receipts')} r using held h where r.execution = h.id)`
    this.#delete = `with held as materialized (
        select e.id, a.n from ${unnest(fenceColumns, 'a', 1, 'n')}
        join ${executions} e on e.id = a.id and e.owner = a.owner and e.epoch = a.epoch order by e.id for update of e
      ), ${all} select n, id from held`
    this.#purge = `with held as materialized (
        select e.id from ${executions} e
        where e.ended_at is not null and e.ended_at < $1 and e.status = any($2::text[])
          and not (${isUnfinished('e')}) and (e.owner is null or not ${isAlive(dialect, 'e.owner')})
          and not ${isAwaitedChild(executions, 'e')}
        order by e.ended_at limit $3 for update skip locked
      ), ${all} select id from held`
    const left = (of: 'mailbox' | 'receipts'): string => `delete from ${dialect.table(of)} m
      where m.execution = any($1::text[]) and not exists (select 1 from ${executions} e where e.id = m.execution)`
    this.#deleteLeftMail = `with receipts as (${left('receipts')}) ${left('mailbox')}`
  }

  async delete(executions: readonly Pick<ExecutionCommit, 'id' | 'owner' | 'epoch'>[]): Promise<readonly boolean[]> {
    if (executions.length === 0) return []
    const cells = executions.map(({ id, owner, epoch }): Cell[] => [toName(id), toName(owner), epoch])
    const rows = await this.#connection.query({ text: this.#delete, parameters: columnar(fenceColumns, cells) })
    await this.#dropLeftMail(rows)
    const places = new Set(rows.map((row) => row['n']))
    return executions.map((_, index) => places.has(index + 1))
  }

  async purge({ statuses, endedBefore, limit }: Parameters<Store['purge']>[0]): Promise<number> {
    const parameters = [this.#dialect.timeText(endedBefore), statuses, limit]
    const rows = await this.#connection.query({ text: this.#purge, parameters })
    await this.#dropLeftMail(rows)
    return rows.length
  }

  /** What was posted while the deletion waited for the row, or just before it had it, is not among what that statement sees. */
  async #dropLeftMail(deleted: readonly Row[]): Promise<void> {
    if (deleted.length === 0) return
    const parameters = [deleted.map(({ id }) => id as string)]
    await this.#connection.query({ text: this.#deleteLeftMail, parameters })
  }
}
