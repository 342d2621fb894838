import type {
  MailRequest,
  Message,
  NewMessage,
  PostVerdict,
  Receipt,
  ReceiptPage,
} from '../../src/core/contracts/message.ts'
import { hasReceipts, idReceipt, judge, slotReceipt } from '../../src/core/contracts/receipts.ts'
import { isTerminal } from '../../src/core/contracts/statuses.ts'
import type { ExecutionStatus } from '../../src/core/contracts/statuses.ts'
import type { Cell, Row } from '../sql/cells.ts'
import { changeOf } from '../sql/dialect.ts'
import type { Dialect } from '../sql/dialect.ts'
import type { SqlReader } from '../sql/reader.ts'
import { endParking } from '../sql/tables.ts'
import type { MysqlConnection } from './connection.ts'
import { connectionOf } from './given-transaction.ts'
import { cellsOfKey, messageShape, toKey } from './keys.ts'
import { literals } from './literals.ts'
import { listOf } from './locks.ts'
import type { MysqlSession } from './session.ts'

/** Mailboxes. Numbers are given while the execution's row is locked: whoever reads number 2 can read number 1. */
export class MysqlMailbox {
  readonly #connection: MysqlConnection
  readonly #dialect: Dialect
  readonly #executions: string
  readonly #receipts: string
  readonly #insert: string
  readonly #reader: SqlReader

  constructor(connection: MysqlConnection, dialect: Dialect, reader: SqlReader) {
    this.#connection = connection
    this.#dialect = dialect
    this.#executions = dialect.table('executions')
    this.#receipts = dialect.table('receipts')
    this.#insert = `insert into ${dialect.table('mailbox')} (${messageShape.columns.join(', ')})`
    this.#reader = reader
  }

  async post(messages: readonly NewMessage[], transaction: unknown): Promise<readonly PostVerdict[]> {
    if (messages.length === 0) return []
    const work = (session: MysqlSession): Promise<readonly PostVerdict[]> => this.#post(session, messages)
    return transaction === undefined
      ? this.#connection.transaction((session) => work(session.hurry(1)))
      : this.#connection.within(connectionOf(transaction), work)
  }

  async #post(session: MysqlSession, messages: readonly NewMessage[]): Promise<readonly PostVerdict[]> {
    const keys = messages.map(({ execution }) => toKey(execution))
    const rows = await session.all(
      `select id, status, last_mail from ${this.#executions} force index (primary)
        where id in (${listOf(keys)}) order by id for update`,
    )
    const byKey = new Map(rows.map((row) => [row['id'] as string, row]))
    const known = await this.#receiptsOf(session, messages)
    const added: Cell[][] = []
    const appended: (readonly Cell[])[] = []
    const counts = new Map<string, number>()
    const verdicts = messages.map((message, index): PostVerdict => {
      const key = keys[index]!
      const row: Row | undefined = byKey.get(key)
      if (row === undefined) return 'unknown'
      const hasEnded = isTerminal(row['status'] as ExecutionStatus)
      const judged = judge(message, hasEnded, (name) => known.get(placeOf(key, toKey(name))))
      for (const [name, next] of judged.receipts) {
        known.set(placeOf(key, toKey(name)), next)
        added.push(receiptCells(key, { name, verdict: next }))
      }
      if (judged.verdict === 'accepted' && !judged.isRepeated) {
        const count = (counts.get(key) ?? 0) + 1
        counts.set(key, count)
        appended.push(messageShape.cells({ ...message, seq: (row['last_mail'] as number) + count }))
      }
      return judged.verdict
    })
    await session.insert(this.#insert, appended)
    await session.insert(insertReceipts(this.#receipts), added)
    for (const [count, of] of Map.groupBy(counts.keys(), (key) => counts.get(key)!))
      await session.run(
        `${changeOf(this.#dialect, 'executions')} set last_mail = last_mail + ${count}, mail_left = mail_left + ${count}, ${endParking}
          where id in (${listOf(of)})`,
      )
    return verdicts
  }

  /** What is remembered of the ids and slots of messages: as it is now, whatever the caller's transaction saw before. */
  async #receiptsOf(session: MysqlSession, messages: readonly NewMessage[]): Promise<Map<string, PostVerdict>> {
    const judged = messages.filter(hasReceipts)
    // By itself, a list of pairs is no range of an index everywhere.
    const executions = [...new Set(judged.map(({ execution }) => toKey(execution)))]
    const places = judged.flatMap((message) => {
      const { execution, slot } = message
      const names = [idReceipt(message), slot === undefined ? undefined : slotReceipt(slot)]
      return names.flatMap((name) => (name === undefined ? [] : [literals([toKey(execution), toKey(name)])]))
    })
    if (places.length === 0) return new Map()
    const rows = await session.all(
      `select execution, name, verdict from ${this.#receipts} force index (primary)
        where execution in (${listOf(executions)}) and (execution, name) in (${places.join(', ')}) lock in share mode`,
    )
    return new Map(
      rows.map(({ execution, name, verdict }) => [placeOf(String(execution), String(name)), verdict as PostVerdict]),
    )
  }

  read(request: MailRequest): Promise<readonly Message[]> {
    return this.#reader.readMail(request)
  }

  receipts(execution: string, next: string | undefined): Promise<ReceiptPage> {
    return this.#reader.readReceipts('coalesce(r.name_full, r.name)', execution, next)
  }
}

/** The beginning of a statement that remembers `receiptCells`. */
export function insertReceipts(table: string): string {
  return `insert into ${table} (execution, name, name_full, verdict)`
}

/** What is remembered of messages to an execution with this key. */
export function receiptCells(execution: string, { name, verdict }: Receipt): Cell[] {
  return [execution, ...cellsOfKey(name), verdict]
}

function placeOf(execution: string, name: string): string {
  return JSON.stringify([execution, name])
}
