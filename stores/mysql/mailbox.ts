import type { MailRequest, Message, NewMessage } from '../../src/core/contracts/message.ts'
import type { Cell } from '../sql/cells.ts'
import type { Dialect } from '../sql/dialect.ts'
import type { SqlReader } from '../sql/reader.ts'
import type { MysqlConnection } from './connection.ts'
import { messageShape, toKey } from './keys.ts'
import { listOf } from './locks.ts'
import type { MysqlSession } from './session.ts'

/** Mailboxes. Numbers are given while the execution's row is locked: whoever reads number 2 can read number 1. */
export class MysqlMailbox {
  readonly #connection: MysqlConnection
  readonly #executions: string
  readonly #insert: string
  readonly #reader: SqlReader

  constructor(connection: MysqlConnection, dialect: Dialect, reader: SqlReader) {
    this.#connection = connection
    this.#executions = dialect.table('executions')
    this.#insert = `insert into ${dialect.table('mailbox')} (${messageShape.columns.join(', ')})`
    this.#reader = reader
  }

  async post(messages: readonly NewMessage[]): Promise<readonly boolean[]> {
    if (messages.length === 0) return []
    return this.#connection.transaction((session) => this.#post(session, messages))
  }

  async #post(session: MysqlSession, messages: readonly NewMessage[]): Promise<readonly boolean[]> {
    const keys = messages.map(({ execution }) => toKey(execution))
    const rows = await session.all(
      `select id, last_mail from ${this.#executions} force index (primary) where id in (${listOf(keys)}) order by id for update`,
    )
    const firsts = new Map(rows.map((row) => [row['id'] as string, row['last_mail'] as number]))
    const lasts = new Map(firsts)
    const cells = messages.flatMap((message, index): (readonly Cell[])[] => {
      const last = lasts.get(keys[index]!)
      if (last === undefined) return []
      lasts.set(keys[index]!, last + 1)
      return [messageShape.cells({ ...message, seq: last + 1 })]
    })
    await session.insert(this.#insert, cells)
    const byCount = Map.groupBy(lasts.keys(), (key) => lasts.get(key)! - firsts.get(key)!)
    for (const [count, of] of byCount)
      await session.run(`update ${this.#executions} set last_mail = last_mail + ${count}, mail_left = mail_left + ${count}
        where id in (${listOf(of)})`)
    return keys.map((key) => lasts.has(key))
  }

  read(request: MailRequest): Promise<readonly Message[]> {
    return this.#reader.readMail(request)
  }
}
