import type { MailRequest, Message, NewMessage, PostVerdict, ReceiptPage } from '../../src/core/contracts/message.ts'
import { judge } from '../../src/core/contracts/receipts.ts'
import { isTerminal } from '../../src/core/contracts/statuses.ts'
import type { ExecutionStatus } from '../../src/core/contracts/statuses.ts'
import { cellsOf } from '../sql/cells.ts'
import { namesOf } from '../sql/dialect.ts'
import type { Answer } from '../sql/dialect.ts'
import { toName } from '../sql/names.ts'
import type { SqlReader } from '../sql/reader.ts'
import { endParking, messageColumns, messageFields } from '../sql/tables.ts'
import { toSqlTime } from '../sql/times.ts'
import type { SqliteConnection } from './connection.ts'
import { placesOf } from './dialect.ts'

const insert = `insert into docket_mailbox (${namesOf(messageColumns)}) values (${placesOf(messageColumns)})`
const statusOf = 'select status from docket_executions where id = ?'
const count = `update docket_executions set last_mail = last_mail + 1, mail_left = mail_left + 1, ${endParking}
  where id = ? returning last_mail`
const receiptOf = 'select verdict from docket_receipts where execution = ? and name = ?'
export const putReceipt = 'insert or ignore into docket_receipts (execution, name, verdict) values (?, ?, ?)'

/** Mailboxes. */
export class SqliteMailbox {
  readonly #connection: SqliteConnection
  readonly #reader: SqlReader

  constructor(connection: SqliteConnection, reader: SqlReader) {
    this.#connection = connection
    this.#reader = reader
  }

  post(messages: readonly NewMessage[], transaction: unknown): Answer<readonly PostVerdict[]> {
    return this.#connection.transactionOf(transaction, () => messages.map((message) => this.#postOne(message)))
  }

  #postOne(message: NewMessage): PostVerdict {
    const execution = toName(message.execution)
    const row = this.#connection.first(statusOf, execution)
    if (row === undefined) return 'unknown'
    const known = (name: string): PostVerdict | undefined =>
      this.#connection.first(receiptOf, execution, toName(name))?.['verdict'] as PostVerdict | undefined
    const { verdict, isRepeated, receipts } = judge(message, isTerminal(row['status'] as ExecutionStatus), known)
    for (const [name, next] of receipts) this.#connection.run(putReceipt, execution, toName(name), next)
    if (verdict === 'accepted' && !isRepeated) {
      const { last_mail: seq } = this.#connection.first(count, execution)!
      this.#connection.run(insert, ...cellsOf(messageFields, { ...message, seq }, toSqlTime))
    }
    return verdict
  }

  read(request: MailRequest): Promise<readonly Message[]> {
    return this.#reader.readMail(request)
  }

  receipts(execution: string, next: string | undefined): Promise<ReceiptPage> {
    return this.#reader.readReceipts('r.name', execution, next)
  }
}
