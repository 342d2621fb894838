import type { Connection, ResultSetHeader } from 'mysql2/promise'
import { StoreError } from '../../src/core/errors.ts'
import type { Cell, Row } from '../sql/cells.ts'
import { isAnswer, storeName } from './errors.ts'
import { literals } from './literals.ts'

/** A field as the driver shows it to whoever reads cells. */
interface DriverField {
  readonly type: string
  readonly name: string
  string(): string | null
  buffer(): Buffer | null
}

const numberTypes = new Set(['TINY', 'SHORT', 'INT24', 'LONG', 'LONGLONG', 'FLOAT', 'DOUBLE', 'DECIMAL', 'NEWDECIMAL'])

/** How cells are read, whatever the user has set in the driver: numbers are numbers, `…_bytes` are bytes, all else is text. */
function typeCast(field: DriverField): unknown {
  if (field.name.endsWith('_bytes')) return field.buffer()
  const text = field.string()
  return text !== null && numberTypes.has(field.type) ? Number(text) : text
}

// Statements with many rows are split long before the server's limit: it must also keep them in memory.
const preferredBytes = 4_000_000
// What a statement has beside its rows, at most, and what a packet has beside its statement.
const statementOverhead = 8_192
const packetOverhead = 64

/** What is known of a connection. */
export interface SessionSettings {
  /** The longest statement that the server takes, in bytes. */
  readonly maxPacket: number
  /** Whether a statement outside transactions would read what others have not committed. */
  readonly isDirty: boolean
  /** Whether a statement can have settings of its own. */
  readonly isMariaDb: boolean
}

const waitsForLocks = /^(?:select|insert|update|delete)\b/

/** One connection, for as long as it is lent. What fails throws what the driver throws. */
export class MysqlSession {
  readonly #client: Connection
  readonly #maxPacket: number
  readonly #isMariaDb: boolean
  #isDirty: boolean
  /** Stands before a statement that may wait for locks. */
  #hurry = ''

  constructor(client: Connection, { maxPacket, isDirty, isMariaDb }: SessionSettings) {
    this.#client = client
    this.#maxPacket = maxPacket
    this.#isDirty = isDirty
    this.#isMariaDb = isMariaDb
  }

  /**
   * From now on it waits for locks for so long at most: what somebody else holds is tried again apart from the others. MySQL does not let a
   * statement say so; connections of the store's own wait for a second there.
   */
  hurry(seconds: 0 | 1): this {
    this.#hurry = this.#isMariaDb ? `set statement innodb_lock_wait_timeout = ${seconds} for ` : ''
    return this
  }

  /** The rows of a query, with what others have not committed; outside transactions. */
  async allDirty(text: string): Promise<readonly Row[]> {
    await this.#client.query('set transaction isolation level read uncommitted')
    return (await this.#query(text)) as readonly Row[]
  }

  /** All of it or nothing. What fails throws what the driver throws; what can't be rolled back throws no answer of the server. */
  async inTransaction<T>(work: (session: MysqlSession) => Promise<T>): Promise<T> {
    const wasDirty = this.#isDirty
    this.#isDirty = false
    await this.run('start transaction')
    try {
      const made = await work(this)
      await this.run('commit')
      return made
    } catch (thrown) {
      try {
        await this.run('rollback')
      } catch (cause) {
        // Not known to be rolled back: the connection must not be used again.
        throw isAnswer(thrown) ? cause : thrown
      }
      throw thrown
    } finally {
      this.#isDirty = wasDirty
    }
  }

  /** The rows of a query. */
  async all(text: string): Promise<readonly Row[]> {
    return (await this.#send(text)) as readonly Row[]
  }

  /** Runs a statement: how many rows it found. */
  async run(text: string): Promise<number> {
    return ((await this.#send(text)) as ResultSetHeader).affectedRows
  }

  /** Runs `<head> values (…), (…) <tail>`, in as many statements as the rows need. */
  async insert(head: string, rows: readonly (readonly Cell[])[], tail = ''): Promise<void> {
    for (const part of this.portionsOf(rows.map(literals), (text) => text))
      await this.run(`${head} values ${part.join(',')} ${tail}`)
  }

  /** Splits rows so that each portion fits into one statement; a row that is too large for any has one to itself. */
  portionsOf<T>(rows: readonly T[], textOf: (row: T) => string): readonly (readonly T[])[] {
    const limit = Math.min(preferredBytes, this.#maxPacket - statementOverhead)
    const portions: T[][] = []
    let bytes = Number.POSITIVE_INFINITY
    for (const row of rows) {
      const size = Buffer.byteLength(textOf(row)) + 1
      if (bytes + size > limit) {
        portions.push([])
        bytes = 0
      }
      portions.at(-1)!.push(row)
      bytes += size
    }
    return portions
  }

  async #send(sql: string): Promise<unknown> {
    // The server would close the connection, and the reason would look like a network that fails.
    if (sql.length * 3 > this.#maxPacket && Buffer.byteLength(sql) > this.#maxPacket - packetOverhead)
      throw new StoreError(
        storeName,
        `a value is too large: with ${Buffer.byteLength(sql)} bytes its statement exceeds the server's max_allowed_packet of ${this.#maxPacket}`,
        false,
      )
    if (this.#isDirty) await this.#client.query('set transaction isolation level read committed')
    return this.#query(waitsForLocks.test(sql) ? this.#hurry + sql : sql)
  }

  async #query(sql: string): Promise<unknown> {
    const [answer] = await this.#client.query({
      sql,
      typeCast: typeCast as never,
      rowsAsArray: false,
      nestTables: false,
    } as never)
    return answer
  }
}
