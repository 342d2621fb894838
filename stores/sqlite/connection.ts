import type { SQLInputValue, StatementSync } from 'node:sqlite'
import { StoreError } from '../../src/core/errors.ts'
import type { Cell, Row } from '../sql/cells.ts'
import { isTurnOver, nextTurn } from '../sql/event-loop-turn.ts'
import type { Answer, Query } from '../sql/dialect.ts'
import { isLocked, openError, sqliteError, storeName } from './errors.ts'
import { DatabaseSync } from './node-sqlite.ts'
import type { SqlitePlace } from './options.ts'

// Within SQLite, a wait for another process's lock holds up the whole event loop. So it lasts no longer than most locks, and the rest of
// the patience is spent outside: as long as most transactions may take, and well below the lease.
const busyTimeoutMs = 5
const patienceMs = 1_000
const longestPauseMs = 40
const withLog = 'pragma journal_mode = wal'
const hasTables = `select 1 from sqlite_master where name = 'docket_migrations'`
const takenMessage =
  'its database is in a transaction of the caller, to which this call does not belong; commit it, or give Docket a connection of its own'

/** One connection to a SQLite database, with its statements prepared once. Everything happens at once, unless another process has locked the file, and throws StoreError. */
export class SqliteConnection {
  readonly #place: SqlitePlace
  readonly #statements = new Map<string, StatementSync>()
  #handle: DatabaseSync | undefined
  #outside: DatabaseSync | undefined

  constructor(place: SqlitePlace) {
    this.#place = place
  }

  /** Twice is fine. */
  open(): Answer<void> {
    if (this.#handle !== undefined) return
    const { database } = this.#place
    if (database === undefined) return patiently(() => this.#open())
    this.#handle = database
    guarded(() => this.#requireNames())
  }

  #open(): void {
    const { path, synchronous, setsLog } = this.#place
    try {
      const handle = new DatabaseSync(path, { timeout: busyTimeoutMs })
      try {
        handle.exec(`pragma synchronous = ${synchronous}`)
        // One without tables of Docket may be somebody else's. What is no database is found by that, too.
        const isOurs = handle.prepare(hasTables).get() !== undefined
        if (setsLog && isOurs) handle.exec(withLog)
      } catch (thrown) {
        handle.close()
        throw thrown
      }
      this.#handle = handle
    } catch (thrown) {
      throw openError(thrown, path)
    }
  }

  /** Before tables are made: lets the file have a log beside it, so that readers and writers do not hold each other up. A connection of the user's is as it is. */
  useLog(): Answer<void> {
    if (this.#place.database === undefined) return patiently(() => guarded(() => this.exec(withLog)))
  }

  /** Closes what it opened itself. */
  close(): void {
    this.#statements.clear()
    this.#outside?.close()
    this.#outside = undefined
    if (this.#place.database === undefined && this.#handle?.isOpen === true) this.#handle.close()
    this.#handle = undefined
  }

  /** Refuses a connection on which columns have other names than their own. */
  #requireNames(): void {
    const [full, short] = ['full_column_names', 'short_column_names'].map(
      (name) => this.first(`pragma ${name}`)?.[name],
    )
    if (Number(full) === 0 && Number(short) === 1) return
    this.#handle = undefined
    const message =
      'its database names columns in another way (the pragma full_column_names is on, or short_column_names off); give Docket a connection of its own'
    throw new StoreError(storeName, message, false)
  }

  /** Whether the caller has a transaction open on the connection that is shared with it. */
  get isTaken(): boolean {
    return this.#required().isTransaction
  }

  /** Whether it is the connection that the user gave. */
  isHandle(other: unknown): boolean {
    return other !== undefined && other === this.#place.database
  }

  /** Runs a statement: how many rows it changed. */
  run(text: string, ...cells: readonly Cell[]): number {
    return Number(this.#statement(text).run(...(cells as SQLInputValue[])).changes)
  }

  all(text: string, ...cells: readonly Cell[]): readonly Row[] {
    return this.#statement(text).all(...(cells as SQLInputValue[])) as readonly Row[]
  }

  first(text: string, ...cells: readonly Cell[]): Row | undefined {
    return this.#statement(text).get(...(cells as SQLInputValue[]))
  }

  /** Runs statements that are not kept. */
  exec(text: string): void {
    this.#required().exec(text)
  }

  /** A read of its own. */
  query({ text, parameters }: Query): Answer<readonly Row[]> {
    return patiently(() =>
      guarded(() => {
        const cells = parameters as readonly Cell[]
        const outside = this.isTaken ? this.#openOutside() : undefined
        if (outside !== undefined) return outside.prepare(text).all(...(cells as SQLInputValue[])) as readonly Row[]
        this.#requireNoTransaction()
        return this.all(text, ...cells)
      }),
    )
  }

  /** All of it or nothing, with the right to write from the start: so it never fails half-way because another one wrote. */
  transaction<T>(work: () => T, begin: 'immediate' | 'exclusive' = 'immediate'): Answer<T> {
    return patiently(() => this.#transact(work, begin))
  }

  /** The same without waiting for a turn of the event loop: what keeps the process the owner must not queue behind what it owns. */
  urgentTransaction<T>(work: () => T): Answer<T> {
    return attempt(() => this.#transact(work, 'immediate'))
  }

  #transact<T>(work: () => T, begin: 'immediate' | 'exclusive'): T {
    return guarded(() => {
      this.#requireNoTransaction()
      return this.#all(`begin ${begin}`, work, 'commit', 'rollback')
    }, this.#place.path)
  }

  /** All of it or nothing: within the transaction that the caller has begun, where one is given. @throws StoreError for one of another connection */
  transactionOf<T>(given: unknown, work: () => T): Answer<T> {
    if (given === undefined) return this.transaction(work)
    if (this.isHandle(given)) return this.within(work)
    const message = 'a transaction must be begun on the very connection given as the option database'
    throw new StoreError(storeName, message, false)
  }

  /** All of it or nothing, within the transaction that the caller has begun. */
  within<T>(work: () => T): T {
    return guarded(() => {
      if (!this.#required().isTransaction)
        throw new StoreError(storeName, 'no transaction has been begun on the database that was given as one', false)
      return this.#all('savepoint docket', work, 'release docket', 'rollback to docket; release docket')
    })
  }

  #all<T>(begin: string, work: () => T, end: string, undo: string): T {
    const handle = this.#required()
    this.run(begin)
    try {
      const made = work()
      this.run(end)
      return made
    } catch (thrown) {
      // Some errors end the transaction themselves.
      if (handle.isOpen && handle.isTransaction) handle.exec(undo)
      throw thrown
    }
  }

  /** While the caller has a transaction open, a second connection reads what is committed. Data in memory has none. */
  #openOutside(): DatabaseSync | undefined {
    const file = this.#required().location()
    if (file === null || file === '') return undefined
    return (this.#outside ??= new DatabaseSync(file, { readOnly: true, timeout: busyTimeoutMs }))
  }

  /** Refuses for good what the caller asks for while it has a transaction open, without saying that it belongs to it. */
  requireUntaken(): void {
    if (this.isTaken) throw new StoreError(storeName, `${takenMessage}; or give the call the option transaction`, false)
  }

  /** What is written must not vanish with a transaction that the caller happens to have open, and may roll back. */
  #requireNoTransaction(): void {
    if (this.isTaken) throw new StoreError(storeName, takenMessage, true)
  }

  #required(): DatabaseSync {
    if (this.#handle === undefined) throw new StoreError(storeName, 'its database is not open', false)
    return this.#handle
  }

  #statement(text: string): StatementSync {
    const kept = this.#statements.get(text)
    if (kept !== undefined) return kept
    const statement = this.#required().prepare(text)
    // The connection may be one whose statements give rows as lists.
    statement.setReturnArrays(false)
    this.#statements.set(text, statement)
    return statement
  }
}

function guarded<T>(work: () => T, path?: string): T {
  try {
    return work()
  } catch (thrown) {
    throw sqliteError(thrown, path)
  }
}

/** Does it now, unless the event loop has to turn first; and as soon as no other process has the file locked. */
function patiently<T>(work: () => T): Answer<T> {
  if (isTurnOver()) return nextTurn().then(() => attempt(work))
  return attempt(work)
}

function attempt<T>(work: () => T): Answer<T> {
  try {
    return work()
  } catch (error) {
    if (!isLocked(error)) throw error
    return again(work)
  }
}

async function again<T>(work: () => T): Promise<T> {
  let pausesMs = 0
  for (let pauseMs = 1; ; pauseMs = Math.min(2 * pauseMs, longestPauseMs)) {
    const pause = pauseMs
    await new Promise<void>((resolve) => {
      setTimeout(resolve, pause)
    })
    pausesMs += pauseMs
    try {
      return work()
    } catch (error) {
      if (!isLocked(error) || pausesMs >= patienceMs) throw error
    }
  }
}
