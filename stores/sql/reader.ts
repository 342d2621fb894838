import { StoreError } from '../../src/core/errors.ts'
import type { CheckpointRecord, CheckpointRequest } from '../../src/core/contracts/checkpoint-record.ts'
import type { ResultState } from '../../src/core/contracts/result-record.ts'
import type { CountRequest, StatusCounts } from '../../src/core/contracts/execution-count.ts'
import type {
  ListedMessage,
  MailboxRequest,
  MailRequest,
  Message,
  ReceiptPage,
} from '../../src/core/contracts/message.ts'
import type { ExecutionQuery, ExecutionRecord, StepPage } from '../../src/core/contracts/execution-record.ts'
import { readCheckpoints } from './checkpoints.ts'
import { recordOf, valueOf } from './cells.ts'
import type { Row } from './cells.ts'
import type { Dialect, RunQuery } from './dialect.ts'
import { fromName } from './names.ts'
import { countQuery, listQuery } from './list-query.ts'
import { executionsQuery, mailboxQuery, mailQuery, overdueQuery, resultsQuery } from './queries.ts'
import { readReceiptPage } from './receipts-reading.ts'
import { readStepPage } from './steps-reading.ts'
import { executionFields, messageFields } from './tables.ts'

/** What every SQL store reads in the same way. */
export class SqlReader {
  readonly #dialect: Dialect
  readonly #run: RunQuery
  readonly #runOften: RunQuery

  /** `runOften`: for what is looked up by its key again and again, where there is but one way to look it up. @default run */
  constructor(dialect: Dialect, run: RunQuery, runOften = run) {
    this.#dialect = dialect
    this.#run = run
    this.#runOften = runOften
  }

  async get(ids: readonly string[]): Promise<readonly (ExecutionRecord | undefined)[]> {
    if (ids.length === 0) return []
    const rows = await this.#runOften(executionsQuery(this.#dialect, ids))
    const records = new Map(rows.map((row) => [fromName(row['id'] as string), executionOf(row, this.#dialect.store)]))
    return ids.map((id) => records.get(id))
  }

  async list(query: ExecutionQuery): Promise<readonly ExecutionRecord[]> {
    if (query.statuses?.length === 0) return []
    return readable(await this.#run(listQuery(this.#dialect, query)), (row) => executionOf(row, this.#dialect.store))
  }

  async count(request: CountRequest): Promise<StatusCounts> {
    if (request.statuses?.length === 0) return {}
    const rows = await this.#run(countQuery(this.#dialect, request))
    return Object.fromEntries(rows.map((row) => [row['status'], Number(row['many'])]))
  }

  async overdue(before: number, limit: number): Promise<readonly string[]> {
    const rows = await this.#run(overdueQuery(this.#dialect, before, limit))
    return rows.map((row) => fromName(row['id'] as string))
  }

  async readSteps(ids: readonly string[], next?: string): Promise<StepPage> {
    return readStepPage(this.#dialect, this.#runOften, ids, next)
  }

  async readCheckpoints(request: CheckpointRequest): Promise<readonly CheckpointRecord[]> {
    return readCheckpoints(this.#dialect, this.#runOften, request)
  }

  async readMail(request: MailRequest): Promise<readonly Message[]> {
    return (await this.#runOften(mailQuery(this.#dialect, request))).map(messageOf)
  }

  /** `whole`: SQL of the names in their rows `r`. */
  async readReceipts(whole: string, execution: string, next: string | undefined): Promise<ReceiptPage> {
    return readReceiptPage(this.#dialect, this.#run, { whole, execution, next })
  }

  async listMail(request: MailboxRequest): Promise<readonly ListedMessage[]> {
    const rows = await this.#runOften(mailboxQuery(this.#dialect, request))
    return rows.map((row) => ({ ...messageOf(row), bytes: Number(row['size']) }))
  }

  async getResults(keys: readonly string[]): Promise<readonly (ResultState | undefined)[]> {
    if (keys.length === 0) return []
    const rows = await this.#run(resultsQuery(this.#dialect, keys))
    const states = new Map(rows.map((row) => [fromName(row['id'] as string), resultStateOf(row)]))
    return keys.map((key) => states.get(key))
  }
}

/** The message of a row. Whatever else somebody has written there counts as its class where it is read: it is no `control`. */
function messageOf(row: Row): Message {
  const message = recordOf<Message>(messageFields, row)
  return message.class === 'control' || message.class === 'data' ? message : { ...(message as Message), class: 'data' }
}

/** The record of a row of the executions. @throws StoreError when somebody has altered it so that it can't be read */
export function executionOf(row: Row, store: string): ExecutionRecord {
  try {
    return recordOf(executionFields, row)
  } catch (cause) {
    const id = JSON.stringify(fromName(row['id'] as string))
    const message = `the row of execution ${id} was altered: its headers are not JSON; repair or delete it`
    throw new StoreError(store, message, false, { cause })
  }
}

/**
 * What `read` makes of rows; those that can't be read are left out, with a warning (once for each). For calls that serve many: one
 * altered row must not hide all the others.
 */
export function readable<Result>(rows: readonly Row[], read: (row: Row) => Result): readonly Result[] {
  return rows.flatMap((row) => {
    try {
      return [read(row)]
    } catch (error) {
      if (!(error instanceof StoreError)) throw error
      if (!reported.has(error.message))
        process.emitWarning(`${error.message}; it is left out`, { type: 'DocketStoreWarning' })
      if (reported.size < 1_000) reported.add(error.message)
      return []
    }
  })
}

const reported = new Set<string>()

/** The state of a result from its row. */
export function resultStateOf(row: Row): ResultState {
  const epoch = row['epoch'] as number
  if (row['status'] === 'completed') return { status: 'completed', output: valueOf(row, 'output')! }
  if (row['status'] === 'failed') return { status: 'failed', epoch, error: valueOf(row, 'error') }
  return { status: 'running', epoch }
}
