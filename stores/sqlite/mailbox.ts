import type { MailRequest, Message, NewMessage } from '../../src/core/contracts/message.ts'
import { cellsOf } from '../sql/cells.ts'
import { namesOf } from '../sql/dialect.ts'
import { toName } from '../sql/names.ts'
import type { Answer, SqlReader } from '../sql/reader.ts'
import { messageColumns, messageFields } from '../sql/tables.ts'
import { toSqlTime } from '../sql/times.ts'
import type { SqliteConnection } from './connection.ts'
import { placesOf } from './dialect.ts'

const insert = `insert into docket_mailbox (${namesOf(messageColumns)}) values (${placesOf(messageColumns)})`
const count = `update docket_executions set last_mail = last_mail + 1, mail_left = mail_left + 1
  where id = ? returning last_mail`

/** Mailboxes. */
export class SqliteMailbox {
  readonly #connection: SqliteConnection
  readonly #reader: SqlReader

  constructor(connection: SqliteConnection, reader: SqlReader) {
    this.#connection = connection
    this.#reader = reader
  }

  post(messages: readonly NewMessage[]): Answer<readonly boolean[]> {
    return this.#connection.transaction(() =>
      messages.map((message) => {
        const row = this.#connection.first(count, toName(message.execution))
        if (row === undefined) return false
        const cells = cellsOf(messageFields, { ...message, seq: row['last_mail'] }, toSqlTime)
        this.#connection.run(insert, ...cells)
        return true
      }),
    )
  }

  read(request: MailRequest): Promise<readonly Message[]> {
    return this.#reader.readMail(request)
  }
}
