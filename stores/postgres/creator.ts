import type { ClientBase } from 'pg'
import { StoreError } from '../../src/core/errors.ts'
import { firstRecord } from '../../src/core/contracts/first-record.ts'
import type { NewExecution } from '../../src/core/contracts/execution-record.ts'
import type { CreateAnswer } from '../../src/core/contracts/store.ts'
import { cellsOf } from '../sql/cells.ts'
import { namesOf } from '../sql/dialect.ts'
import type { Dialect } from '../sql/dialect.ts'
import { fromName, toName } from '../sql/names.ts'
import { SqlReader } from '../sql/reader.ts'
import { roundsOf } from '../sql/rounds.ts'
import { executionFields, newExecutionColumns, stepFields, stepRowColumns } from '../sql/tables.ts'
import { newCheckpoints, newCheckpointsPart } from './checkpoints.ts'
import type { PostgresConnection } from './connection.ts'
import { columnar, lockPatience, unnest } from './dialect.ts'
import { clientOf } from './given-transaction.ts'
import type { PostgresHintSender } from './hint-sender.ts'

interface InsertStatements {
  readonly plain: string
  /** With what they begin with, beside their records. */
  readonly withSteps: string
}

// Nobody else holds an id for long but a transaction that is open, behind which others are not to wait.
const patienceMs = 25
/** Of one that is tried by itself, since one of its call was locked. */
const shortPatienceMs = 3

/** Creates executions: one statement for those that are new, another to read the others. */
export class PostgresCreator {
  readonly #connection: PostgresConnection
  readonly #dialect: Dialect
  readonly #hints: PostgresHintSender
  readonly #statements: InsertStatements
  readonly #hurried: InsertStatements
  /** In a transaction of the caller's, whose settings stay as they are. */
  readonly #within: InsertStatements

  constructor(connection: PostgresConnection, dialect: Dialect, hints: PostgresHintSender) {
    this.#connection = connection
    this.#dialect = dialect
    this.#hints = hints
    this.#statements = insertStatements(dialect, `${lockPatience(patienceMs)} cross join`)
    this.#hurried = insertStatements(dialect, `${lockPatience(shortPatienceMs)} cross join`)
    this.#within = insertStatements(dialect, '')
  }

  async create(executions: readonly NewExecution[], transaction: unknown): Promise<readonly CreateAnswer[]> {
    const client = transaction === undefined ? undefined : clientOf(transaction)
    if (client !== undefined) await this.#connection.requireTransaction(client)
    const answers = new Map<NewExecution, CreateAnswer>()
    for (const round of roundsOf(executions, ({ id }) => id)) {
      if (client !== undefined) await this.#createAll(round, answers, client, this.#within)
      else if (!(await this.#createIfFree(round, answers, this.#statements)))
        // Each by itself, which takes a fraction of a millisecond, or the patience.
        for (const one of round)
          if (!(await this.#createIfFree([one], answers, this.#hurried))) answers.set(one, 'locked')
    }
    return executions.map((one) => answers.get(one))
  }

  /** False where somebody else is about to create one of them: then none is created. */
  async #createIfFree(
    executions: readonly NewExecution[],
    answers: Map<NewExecution, CreateAnswer>,
    statements: InsertStatements,
  ): Promise<boolean> {
    try {
      await this.#createAll(executions, answers, undefined, statements)
      return true
    } catch (error) {
      if (error instanceof StoreError && error.isLocked) return false
      throw error
    }
  }

  async #createAll(
    executions: readonly NewExecution[],
    answers: Map<NewExecution, CreateAnswer>,
    client: ClientBase | undefined,
    statements: InsertStatements,
  ): Promise<void> {
    let rest = executions
    // One that was there may be deleted before it is read.
    while (rest.length > 0) rest = await this.#createOnce(rest, answers, client, statements)
  }

  /** Gives those that are neither created nor found. */
  async #createOnce(
    executions: readonly NewExecution[],
    answers: Map<NewExecution, CreateAnswer>,
    client: ClientBase | undefined,
    { plain, withSteps }: InsertStatements,
  ): Promise<readonly NewExecution[]> {
    const cells = executions.map((created) => {
      const row = cellsOf(executionFields, firstRecord(created), this.#dialect.timeText)
      row.push(created.sequence ?? 0)
      return row
    })
    const parameters = columnar(newExecutionColumns, cells)
    const steps = executions.flatMap(({ id, steps: begun = [] }) =>
      begun.map((step) => [toName(id), ...cellsOf(stepFields, step, this.#dialect.timeText)]),
    )
    const insert =
      steps.length === 0 && executions.every(({ checkpoints }) => checkpoints === undefined)
        ? { text: plain, parameters }
        : {
            text: withSteps,
            parameters: [
              ...parameters,
              ...columnar(stepRowColumns, steps),
              ...newCheckpoints(executions, this.#dialect),
            ],
          }
    const rows = await (client === undefined
      ? this.#connection.queryPrepared(insert)
      : this.#connection.query(insert, client))
    if (rows.some(({ owner }) => owner === null)) await this.#hints.sendWithin({ type: 'work' }, client)
    if (rows.length === executions.length) return []
    const made = new Set(rows.map((row) => fromName(row['id'] as string)))
    const others = executions.filter(({ id }) => !made.has(id))
    const reader = new SqlReader(this.#dialect, (query) => this.#connection.query(query, client))
    const records = await reader.get(others.map(({ id }) => id))
    records.forEach((record, index) => record && answers.set(others[index]!, record))
    return others.filter((one) => !answers.has(one))
  }
}

function insertStatements(dialect: Dialect, patience: string): InsertStatements {
  // By id, so that two calls that create the same ones don't wait for each other in a circle.
  const plain = `insert into ${dialect.table('executions')} (${namesOf(newExecutionColumns)})
      select ${newExecutionColumns.map(({ name }) => `a.${name}`).join(', ')}
      from ${patience} ${unnest(newExecutionColumns, 'a')} order by a.id collate "C"
      on conflict (id) do nothing returning id, owner`
  const withSteps = `with made as (${plain}), begun as (
      insert into ${dialect.table('steps')} (${namesOf(stepRowColumns)})
      select ${stepRowColumns.map(({ name }) => `s.${name}`).join(', ')}
      from ${unnest(stepRowColumns, 's', newExecutionColumns.length + 1)} join made on made.id = s.execution
      on conflict (execution, step, item) do nothing
    )${newCheckpointsPart(dialect, newExecutionColumns.length + stepRowColumns.length + 1)} select id, owner from made`
  return { plain, withSteps }
}
