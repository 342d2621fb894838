import { StoreError } from '../../src/core/errors.ts'
import { firstRecord } from '../../src/core/contracts/first-record.ts'
import type { ExecutionRecord, NewExecution } from '../../src/core/contracts/execution-record.ts'
import type { CreateAnswer } from '../../src/core/contracts/store.ts'
import { selectList } from '../sql/dialect.ts'
import type { Dialect } from '../sql/dialect.ts'
import { executionOf } from '../sql/reader.ts'
import { roundsOf } from '../sql/rounds.ts'
import { executionColumns, sequenceColumn } from '../sql/tables.ts'
import { writeCheckpoints } from './checkpoints.ts'
import type { MysqlConnection } from './connection.ts'
import { isDuplicate, isLockWait, storeName } from './errors.ts'
import { connectionOf } from './given-transaction.ts'
import { executionShape, stepShape, toKey } from './keys.ts'
import { literal, literals } from './literals.ts'
import type { MysqlSession } from './session.ts'

/** A new execution with its key, and its row as SQL. */
interface Candidate {
  readonly created: NewExecution
  readonly key: string
  readonly row: string
}

const maxTries = 20

/** Creates executions: one statement where all are new. */
export class MysqlCreator {
  readonly #connection: MysqlConnection
  readonly #insert: string
  readonly #insertSteps: string
  readonly #checkpoints: string
  readonly #select: string
  readonly #table: string

  constructor(connection: MysqlConnection, dialect: Dialect) {
    const table = dialect.table('executions')
    this.#connection = connection
    this.#table = table
    this.#insert = `insert into ${table} (${[...executionShape.columns, sequenceColumn.name].join(', ')}) values`
    this.#insertSteps = `insert into ${dialect.table('steps')} (${stepShape.columns.join(', ')})`
    this.#checkpoints = dialect.table('checkpoints')
    this.#select = `select ${selectList(dialect, executionColumns, 'e')}, e.id as id_key from ${table} e force index (primary)`
  }

  async create(executions: readonly NewExecution[], transaction: unknown): Promise<readonly CreateAnswer[]> {
    const client = transaction === undefined ? undefined : connectionOf(transaction)
    const found = new Map<NewExecution, CreateAnswer>()
    for (const round of roundsOf(executions, ({ id }) => id)) {
      const candidates = round
        .map((created): Candidate => {
          const row = literals([...executionShape.cells(firstRecord(created)), created.sequence ?? 0])
          return { created, key: toKey(created.id), row }
        })
        // So that two calls that create the same ones don't wait for each other in a circle.
        .sort((one, other) => (one.key < other.key ? -1 : 1))
      const work = async (session: MysqlSession): Promise<void> => {
        const missing = candidates.filter(({ created }) => !found.has(created))
        for (const portion of session.portionsOf(missing, ({ row }) => row))
          await this.#createPortion(session, portion, found, client !== undefined)
      }
      if (client === undefined) await this.#connection.withSession((session) => work(session.hurry(0)))
      else
        await this.#connection.within(client, async (session) => {
          // An insert of what is there would lock it until the caller's transaction ends.
          const known = await this.#read(session, candidates)
          for (const { created, key } of candidates) if (known.has(key)) found.set(created, known.get(key)!)
          await work(session)
        })
    }
    return executions.map((one) => found.get(one))
  }

  /** Each statement creates all of its rows or none, and no other one depends on it: so no transaction is needed. */
  async #createPortion(
    session: MysqlSession,
    portion: readonly Candidate[],
    found: Map<NewExecution, CreateAnswer>,
    isWithin: boolean,
  ): Promise<void> {
    let missing = portion
    for (let tries = 0; missing.length > 0; tries++) {
      if (tries === maxTries)
        throw new StoreError(
          storeName,
          'other processes kept creating and deleting the same executions; try again',
          true,
        )
      try {
        await session.run(`${this.#insert} ${missing.map(({ row }) => row).join(',')}`)
        await this.#insertBegun(session, missing)
        return
      } catch (thrown) {
        const isLocked = !isWithin && isLockWait(thrown)
        if (!isDuplicate(thrown) && !isLocked) throw thrown
        const left = isLocked ? await this.#withoutLocked(session, missing, found) : missing
        // In a caller's transaction a plain read may not see what is there.
        if (left.length === 0) return
        const records = await this.#read(session, left, isWithin ? ' lock in share mode' : '')
        for (const { created, key } of left) {
          const record = records.get(key)
          if (record !== undefined) found.set(created, record)
        }
        const stillMissing = left.filter(({ key }) => !records.has(key))
        // Nobody is seen who creates them: what was deleted a moment ago may be locked still. Each by itself, then it is known which.
        if (isLocked && stillMissing.length === missing.length) {
          if (missing.length === 1) found.set(missing[0]!.created, 'locked')
          else for (const one of missing) await this.#createPortion(session, [one], found, isWithin)
          return
        }
        missing = stillMissing
      }
    }
  }

  /** Those are locked that are there, and not committed: somebody else is about to create them. Gives the others. */
  async #withoutLocked(
    session: MysqlSession,
    candidates: readonly Candidate[],
    found: Map<NewExecution, CreateAnswer>,
  ): Promise<readonly Candidate[]> {
    const keys = candidates.map(({ key }) => literal(key)).join(', ')
    const select = `select id from ${this.#table} force index (primary) where id in (${keys})`
    const there = new Set((await session.allDirty(select)).map((row) => row['id']))
    for (const { id } of await session.all(select)) there.delete(id)
    for (const { created, key } of candidates) if (there.has(key)) found.set(created, 'locked')
    return candidates.filter(({ key }) => !there.has(key))
  }

  async #read(
    session: MysqlSession,
    candidates: readonly Candidate[],
    lock = '',
  ): Promise<ReadonlyMap<string, ExecutionRecord>> {
    const keys = candidates.map(({ key }) => literal(key)).join(', ')
    const rows = await session.all(`${this.#select} where e.id in (${keys}) order by e.id${lock}`)
    return new Map(rows.map((row) => [row['id_key'] as string, executionOf(row, storeName)]))
  }

  /** Not in one transaction with their executions: an execution whose process dies in between has begun no step. */
  async #insertBegun(session: MysqlSession, made: readonly Candidate[]): Promise<void> {
    const begun = made.flatMap(({ created: { id, steps = [] } }) => steps.map((step) => ({ ...step, execution: id })))
    // Others may have it by now, and have written more.
    await session.insert(this.#insertSteps, begun.map(stepShape.cells), 'on duplicate key update attempt = attempt')
    const others = made.map(({ created }) => created)
    await writeCheckpoints(session, this.#checkpoints, others, 'on duplicate key update status = status')
  }
}
