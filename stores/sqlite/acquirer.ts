import { append } from '../../src/core/append.ts'
import type {
  AcquiredExecution,
  AcquireRequest,
  ExecutionPlace,
  PlaceRange,
} from '../../src/core/contracts/execution-record.ts'
import { isOpenStatus } from '../../src/core/contracts/statuses.ts'
import type { Cell, Row } from '../sql/cells.ts'
import { namesOf } from '../sql/dialect.ts'
import { fromName, toName } from '../sql/names.ts'
import { executionOf, readable } from '../sql/reader.ts'
import type { Answer } from '../sql/dialect.ts'
import { endParking, executionColumns, isRunnable } from '../sql/tables.ts'
import { toSqlTime } from '../sql/times.ts'
import type { SqliteConnection } from './connection.ts'
import type { SqliteOwners } from './owners.ts'
import { storeName } from './errors.ts'

// A transaction holds up the event loop while it lasts, and whoever else writes to the file.
const perTransaction = 100
// SQLite's planner would go through all that are unfinished, by the index of statuses.
const executions = 'docket_executions e indexed by docket_executions_unfinished'
const nextOwner = `select e.owner from ${executions}
  where ${isRunnable('e')} and e.owner > ? order by e.owner limit 1`
const candidate = 'select e.id, e.owner, e.status, e.created_at'
const notExcepted = 'e.id not in (select value from json_each(?))'
const ofOwner = (condition: string): string => `${candidate} from ${executions}
  where ${isRunnable('e')} and ${condition} and e.graph = ? and ${notExcepted}
  order by e.created_at, e.id limit ?`
// Every time is between these.
const [beforeAll, afterAll] = ['', '~']
const ofNobody = ofOwner('e.owner is null and (e.created_at, e.id) > (?, ?) and (e.created_at, e.id) <= (?, ?)')
const hasNamelessOwner = `select 1 from ${executions} where ${isRunnable('e')} and e.owner = '' limit 1`
const due = `${candidate} from docket_executions e indexed by docket_executions_due
  where e.due_at is not null and e.due_at <= ? and e.graph = ? and ${notExcepted}
  order by e.due_at, e.id limit ?`
const take = `update docket_executions set owner = ?, epoch = epoch + 1, recoveries = recoveries + ?, ${endParking}
  where id = ? returning ${namesOf(executionColumns)}`
const byId = `${candidate} from docket_executions e where e.id in (select value from json_each(?)) and ${notExcepted}`

/** What `acquire` asks the database for; a test asks it how it would find the answers. */
export const acquireQueries: readonly string[] = [nextOwner, ofOwner('e.owner = ?'), ofNobody, due]

/** Makes the caller the owner of what has no living one. */
export class SqliteAcquirer {
  readonly #connection: SqliteConnection
  readonly #owners: SqliteOwners

  constructor(connection: SqliteConnection, owners: SqliteOwners) {
    this.#connection = connection
    this.#owners = owners
  }

  async acquire(request: AcquireRequest): Promise<readonly AcquiredExecution[]> {
    // Nothing can be had before the caller's transaction ends; whoever looks for work looks again.
    if (request.ids === undefined && this.#connection.isTaken) return []
    if (request.ids !== undefined) return (await this.#acquireSome(request)).map(acquiredOf)
    const rows: Row[] = []
    for (;;) {
      const limit = Math.min(perTransaction, request.limit - rows.length)
      const taken = await this.#acquireMore({ ...request, ...this.#restOf(request, rows), limit }, rows.length > 0)
      append(rows, taken)
      if (taken.length < limit || rows.length >= request.limit) return readable(rows, acquiredOf)
    }
  }

  /** What was taken already must not be lost for what can't be. */
  async #acquireMore(request: AcquireRequest, hasSome: boolean): Promise<readonly Row[]> {
    try {
      return await this.#acquireSome(request)
    } catch (error) {
      if (hasSome) return []
      throw error
    }
  }

  /** What was taken already is the caller's own now. */
  #restOf({ andOwn, except }: AcquireRequest, rows: readonly Row[]): Pick<AcquireRequest, 'except'> {
    return andOwn === true ? { except: [...(except ?? []), ...rows.map((row) => fromName(row['id'] as string))] } : {}
  }

  #acquireSome(request: AcquireRequest): Answer<readonly Row[]> {
    const owner = toName(request.owner)
    return this.#connection.transaction(() =>
      this.#candidates(request, owner)
        .sort(oldestFirst)
        .slice(0, request.limit)
        .map((row) => {
          const last = row['owner']
          const wasLost = last !== null && last !== owner && isOpen(row)
          const taken = this.#connection.first(take, owner, wasLost ? 1 : 0, row['id'] as string)
          return { ...taken!, was_lost: wasLost }
        }),
    )
  }

  #candidates({ ids, graphs, andEnded, andOwn, except, ranges, limit }: AcquireRequest, owner: string): Row[] {
    const left = JSON.stringify((except ?? []).map(toName))
    const isFree = (last: string): boolean => (last === owner ? andOwn === true : !this.#owners.isAlive(last))
    if (ids !== undefined)
      return this.#connection
        .all(byId, JSON.stringify(ids.map(toName)), left)
        .filter(
          (row) => (andEnded === true || isOpen(row)) && (row['owner'] === null || isFree(row['owner'] as string)),
        )
    const found: Row[] = []
    const names = [...new Set(graphs)]
    const look = (text: string, cellsOf: (graph: string) => readonly Cell[]): void => {
      for (const graph of names)
        append(found, this.#connection.all(text, ...cellsOf(graph), toName(graph), left, limit))
    }
    const now = toSqlTime(this.#owners.time())
    look(due, () => [now])
    look(ofNobody, (graph) => boundsOf(ranges?.get(graph)))
    for (const last of this.#lastOwners()) if (isFree(last)) look(ofOwner('e.owner = ?'), () => [last])
    return found
  }

  /** The owners of unfinished executions: one look at the index for each, however many they have. */
  #lastOwners(): readonly string[] {
    const owners: string[] = []
    let row = this.#connection.first(nextOwner, '')
    // An owner may be called the empty text.
    if (this.#connection.first(hasNamelessOwner)) owners.push('')
    for (; row !== undefined; row = this.#connection.first(nextOwner, owners.at(-1)!))
      owners.push(row['owner'] as string)
    return owners
  }
}

function boundsOf({ after, upTo }: PlaceRange = {}): readonly Cell[] {
  return [
    ...(after === undefined ? [beforeAll, ''] : cellsOf(after)),
    ...(upTo === undefined ? [afterAll, ''] : cellsOf(upTo)),
  ]
}

function cellsOf({ createdAt, id }: ExecutionPlace): Cell[] {
  return [toSqlTime(createdAt), toName(id)]
}

function acquiredOf(row: Row): AcquiredExecution {
  return { execution: executionOf(row, storeName), wasLost: row['was_lost'] === true }
}

function isOpen(row: Row): boolean {
  return isOpenStatus(row['status'] as string)
}

function oldestFirst(one: Row, other: Row): number {
  const [first, second] = [one, other].map((row) => `${String(row['created_at'])} ${String(row['id'])}`)
  return first! < second! ? -1 : first! > second! ? 1 : 0
}
