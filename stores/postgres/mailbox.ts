import type { MailRequest, Message, NewMessage } from '../../src/core/contracts/message.ts'
import { cellsOf } from '../sql/cells.ts'
import type { Cell } from '../sql/cells.ts'
import type { Dialect } from '../sql/dialect.ts'
import { namesOf } from '../sql/dialect.ts'
import { fromName } from '../sql/names.ts'
import type { SqlReader } from '../sql/reader.ts'
import { messageColumns, messageFields } from '../sql/tables.ts'
import type { PostgresConnection } from './connection.ts'
import { columnar, unnest } from './dialect.ts'
import type { PostgresHintSender } from './hint-sender.ts'

/** Mailboxes. Numbers are given while the execution's row is held: whoever reads number 2 can read number 1. */
export class PostgresMailbox {
  readonly #connection: PostgresConnection
  readonly #dialect: Dialect
  readonly #hints: PostgresHintSender
  readonly #reader: SqlReader
  readonly #post: string

  constructor(connection: PostgresConnection, dialect: Dialect, hints: PostgresHintSender, reader: SqlReader) {
    this.#connection = connection
    this.#dialect = dialect
    this.#hints = hints
    this.#reader = reader
    const executions = dialect.table('executions')
    const values = messageColumns.map(({ name }) => (name === 'seq' ? 'p.last_mail + p.place' : `p.${name}`))
    this.#post = `with wanted as materialized (select * from ${unnest(messageColumns, 'a', 1, 'n')}
      ), held as materialized (
        select e.id, e.owner, e.last_mail from ${executions} e
        where e.id in (select execution from wanted) order by e.id for no key update
      ), placed as materialized (
        select a.*, h.last_mail, h.owner, row_number() over (partition by a.execution order by a.n) as place
        from wanted a join held h on h.id = a.execution
      ), put as (
        insert into ${dialect.table('mailbox')} (${namesOf(messageColumns)}) select ${values.join(', ')} from placed p
      ), counted as (
        update ${executions} e set last_mail = e.last_mail + p.places, mail_left = e.mail_left + p.places
        from (select execution, max(place) as places from placed group by execution) p where e.id = p.execution
      )
      select n, owner from placed`
  }

  async post(messages: readonly NewMessage[]): Promise<readonly boolean[]> {
    if (messages.length === 0) return []
    // The number is not known yet; the statement gives it.
    const rows = messages.map((message): Cell[] =>
      cellsOf(messageFields, { ...message, seq: 0 }, this.#dialect.timeText),
    )
    const posted = await this.#connection.query({ text: this.#post, parameters: columnar(messageColumns, rows) })
    for (const { owner } of posted)
      if (owner !== null) this.#hints.send({ type: 'mail', owner: fromName(owner as string) })
    const places = new Set(posted.map((row) => row['n']))
    return messages.map((_, index) => places.has(index + 1))
  }

  read(request: MailRequest): Promise<readonly Message[]> {
    return this.#reader.readMail(request)
  }
}
