import { firstRecord } from '../../src/core/contracts/first-record.ts'
import type { ExecutionRecord, NewExecution } from '../../src/core/contracts/execution-record.ts'
import { cellsOf } from '../sql/cells.ts'
import { namesOf, selectList } from '../sql/dialect.ts'
import type { Answer, Dialect } from '../sql/dialect.ts'
import { toName } from '../sql/names.ts'
import { executionOf } from '../sql/reader.ts'
import { executionColumns, executionFields, newExecutionColumns, stepFields } from '../sql/tables.ts'
import { toSqlTime } from '../sql/times.ts'
import { writeCheckpoints } from './checkpoints.ts'
import { putStep } from './committer.ts'
import type { SqliteConnection } from './connection.ts'
import { placesOf } from './dialect.ts'
import { storeName } from './errors.ts'

const insert = `insert into docket_executions (${namesOf(newExecutionColumns)})
  values (${placesOf(newExecutionColumns)}) on conflict (id) do nothing`

/** Creates executions, in a transaction of their own or within the caller's. */
export class SqliteCreator {
  readonly #connection: SqliteConnection
  readonly #select: string

  constructor(connection: SqliteConnection, dialect: Dialect) {
    this.#connection = connection
    this.#select = `select ${selectList(dialect, executionColumns, 'e')} from docket_executions e where e.id = ?`
  }

  create(executions: readonly NewExecution[], transaction: unknown): Answer<readonly (ExecutionRecord | undefined)[]> {
    const work = (): readonly (ExecutionRecord | undefined)[] => executions.map((created) => this.#createOne(created))
    // The caller waits for it, perhaps with its transaction open: to try again would not help.
    if (transaction === undefined) this.#connection.requireUntaken()
    return this.#connection.transactionOf(transaction, work)
  }

  #createOne(created: NewExecution): ExecutionRecord | undefined {
    const cells = cellsOf(executionFields, firstRecord(created), toSqlTime)
    cells.push(created.sequence ?? 0)
    if (this.#connection.run(insert, ...cells) === 1) {
      for (const step of created.steps ?? [])
        this.#connection.run(putStep, toName(created.id), ...cellsOf(stepFields, step, toSqlTime))
      writeCheckpoints(this.#connection, { id: created.id, checkpoints: created.checkpoints })
      return undefined
    }
    return executionOf(this.#connection.first(this.#select, toName(created.id))!, storeName)
  }
}
