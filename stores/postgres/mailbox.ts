import type { ClientBase } from 'pg'
import { StoreError } from '../../src/core/errors.ts'
import type { MailRequest, Message, NewMessage, PostVerdict, ReceiptPage } from '../../src/core/contracts/message.ts'
import { hasReceipts, idReceipt, slotReceipt } from '../../src/core/contracts/receipts.ts'
import { cellsOf } from '../sql/cells.ts'
import type { Cell, CellColumn, Row } from '../sql/cells.ts'
import type { Dialect } from '../sql/dialect.ts'
import { namesOf } from '../sql/dialect.ts'
import { fromName, toName } from '../sql/names.ts'
import type { SqlReader } from '../sql/reader.ts'
import { roundsOf } from '../sql/rounds.ts'
import { endedStatuses, endParking, messageColumns, messageFields } from '../sql/tables.ts'
import type { PostgresConnection } from './connection.ts'
import { columnar, lockPatience, unnest } from './dialect.ts'
import { storeName } from './errors.ts'
import { clientOf } from './given-transaction.ts'
import type { PostgresHintSender } from './hint-sender.ts'

const postedColumns: readonly CellColumn[] = [...messageColumns, { name: 'and_ended', kind: 'integer' }]
const judgedColumns: readonly CellColumn[] = [
  ...postedColumns,
  { name: 'id_receipt', kind: 'name' },
  { name: 'slot_receipt', kind: 'name' },
]
const columnsOfParking = ['parked_at', 'due_at', 'waits_for', 'waits_for_bytes']
const maxTries = 100

/** Mailboxes. Numbers are given while the execution's row is held: whoever reads number 2 can read number 1. */
export class PostgresMailbox {
  readonly #connection: PostgresConnection
  readonly #dialect: Dialect
  readonly #hints: PostgresHintSender
  readonly #reader: SqlReader
  readonly #passing: PostStatements
  readonly #within: PostStatements

  constructor(connection: PostgresConnection, dialect: Dialect, hints: PostgresHintSender, reader: SqlReader) {
    this.#connection = connection
    this.#dialect = dialect
    this.#hints = hints
    this.#reader = reader
    this.#passing = postStatements(dialect, lockPatience())
    // What it sets would hold for the rest of the caller's transaction.
    this.#within = postStatements(dialect, `(select 'as it is' as lock_timeout) patience`)
  }

  async post(messages: readonly NewMessage[], transaction: unknown): Promise<readonly PostVerdict[]> {
    const client = transaction === undefined ? undefined : clientOf(transaction)
    if (client !== undefined) await this.#connection.requireTransaction(client)
    const verdicts = new Map<NewMessage, PostVerdict>()
    const { post, judge } = client === undefined ? this.#passing : this.#within
    if (messages.some(hasReceipts))
      for (const round of roundsOf(messages, ({ execution }) => execution)) {
        let rest = round
        for (let tries = 0; rest.length > 0; tries++) {
          if (tries === maxTries) throw new StoreError(storeName, 'others kept posting to the same executions', true)
          rest = await this.#postSome(judge, true, rest, verdicts, client)
        }
      }
    else if (messages.length > 0) await this.#postSome(post, false, messages, verdicts, client)
    return messages.map((message) => verdicts.get(message) ?? 'unknown')
  }

  /** Gives those that were not judged, since others have posted to the same execution at this moment. */
  async #postSome(
    text: string,
    isJudged: boolean,
    messages: readonly NewMessage[],
    verdicts: Map<NewMessage, PostVerdict>,
    client: ClientBase | undefined,
  ): Promise<readonly NewMessage[]> {
    const rows = messages.map((message): Cell[] => {
      // The number is not known yet; the statement gives it.
      const cells = cellsOf(messageFields, { ...message, seq: 0 }, this.#dialect.timeText)
      cells.push(message.andEnded === true ? 1 : 0)
      if (!isJudged) return cells
      const receipts = [idReceipt(message), message.slot === undefined ? undefined : slotReceipt(message.slot)]
      return [...cells, ...receipts.map((name) => (name === undefined ? null : toName(name)))]
    })
    const parameters = columnar(isJudged ? judgedColumns : postedColumns, rows)
    const query = { text, parameters }
    const posted = await (client === undefined
      ? this.#connection.queryPrepared(query)
      : this.#connection.query(query, client))
    const left: NewMessage[] = []
    for (const row of posted) {
      const message = messages[(row['n'] as number) - 1]!
      if (row['verdict'] === 'stale') left.push(message)
      else verdicts.set(message, row['verdict'] as PostVerdict)
    }
    await this.#notify(posted, messages, client)
    return left
  }

  async #notify(
    posted: readonly Row[],
    messages: readonly NewMessage[],
    client: ClientBase | undefined,
  ): Promise<void> {
    const accepted = posted.filter(({ verdict }) => verdict === 'accepted')
    if (accepted.some((row) => row['was_parked'] === true)) await this.#hints.sendWithin({ type: 'work' }, client)
    const unread = new Set<string>()
    for (const { owner: name, n, after } of accepted) {
      if (name === null) continue
      const owner = fromName(name as string)
      const { andEnded: _, ...message } = messages[(n as number) - 1]!
      const isGiven =
        client === undefined &&
        typeof after === 'number' &&
        this.#hints.hasDelivered({ type: 'mail', owner, posted: { message: { ...message, seq: after + 1 }, after } })
      if (!isGiven) unread.add(owner)
    }
    for (const owner of unread) await this.#hints.sendWithin({ type: 'mail', owner }, client)
  }

  read(request: MailRequest): Promise<readonly Message[]> {
    return this.#reader.readMail(request)
  }

  receipts(execution: string, next: string | undefined): Promise<ReceiptPage> {
    return this.#reader.readReceipts('r.name', execution, next)
  }
}

const inserted = (seq: string): string =>
  messageColumns.map(({ name }) => (name === 'seq' ? seq : `p.${name}`)).join(', ')
// The same as in `fewRows`: it holds for every row, and makes planners look each execution up in an index.
const few = `where a.and_ended >= 0 and a.n > 0`
const isRefused = `a.and_ended = 0 and h.status in ${endedStatuses}`

/** How messages are posted: judged by the status of their executions alone, or by receipts as well. */
interface PostStatements {
  readonly post: string
  readonly judge: string
}

function postStatements(dialect: Dialect, patience: string): PostStatements {
  return { post: postStatement(dialect, patience), judge: judgeStatement(dialect, patience) }
}

/** Messages that are judged by the status of their executions alone: any number to each. */
function postStatement(dialect: Dialect, patience: string): string {
  const executions = dialect.table('executions')
  return `with wanted as materialized (select * from ${unnest(postedColumns, 'a', 1, 'n')} ${few}
    ), held as materialized (
      select e.id, e.owner, e.status, e.last_mail, e.parked_at from ${patience}, ${executions} e
      where e.id in (select execution from wanted) and patience.lock_timeout <> '' order by e.id for no key update of e
    ), judged as materialized (
      select a.*, h.last_mail, h.owner, h.parked_at is not null as was_parked, case when ${isRefused} then 'ended' else 'accepted' end as verdict
      from wanted a join held h on h.id = a.execution
    ), placed as materialized (
      select j.*, row_number() over (partition by j.execution order by j.n) as place from judged j where j.verdict = 'accepted'
    ), put as (
      insert into ${dialect.table('mailbox')} (${namesOf(messageColumns)}) select ${inserted('p.last_mail + p.place')} from placed p
    ), counted as (
      update ${executions} e set last_mail = e.last_mail + p.places, mail_left = e.mail_left + p.places, ${endParking}
      from (select execution, max(place) as places from placed group by execution) p where e.id = p.execution
    )
    select n, owner, verdict, was_parked from judged`
}

/**
 * Messages with ids or slots, one to each execution. What the statement sees of receipts is what was there when it began, and the
 * execution's row is held later: \`mail_version\` says whether somebody has written receipts in between. Then nothing is judged.
 */
function judgeStatement(dialect: Dialect, patience: string): string {
  const executions = dialect.table('executions')
  const receipts = dialect.table('receipts')
  return `with wanted as materialized (select * from ${unnest(judgedColumns, 'a', 1, 'n')} ${few}
    ), seen as materialized (
      select e.id, e.mail_version from ${executions} e where e.id in (select execution from wanted)
    ), held as materialized (
      select e.id, e.owner, e.status, e.last_mail, e.mail_version, e.parked_at from ${patience}, ${executions} e
      where e.id in (select execution from wanted) and patience.lock_timeout <> '' order by e.id for no key update of e
    ), judged as materialized (
      select a.*, h.last_mail, h.owner, h.parked_at is not null as was_parked, i.verdict is not null as is_repeated,
        case when v.mail_version <> h.mail_version then 'stale' when i.verdict is not null then i.verdict
          when ${isRefused} then 'ended' else coalesce(s.verdict, 'accepted') end as verdict
      from wanted a join held h on h.id = a.execution join seen v on v.id = a.execution
      left join ${receipts} i on i.execution = a.execution and i.name = a.id_receipt
      left join ${receipts} s on s.execution = a.execution and s.name = a.slot_receipt
    ), fresh as materialized (select j.* from judged j where j.verdict <> 'stale' and not j.is_repeated
    ), put as (
      insert into ${dialect.table('mailbox')} (${namesOf(messageColumns)})
      select ${inserted('p.last_mail + 1')} from fresh p where p.verdict = 'accepted'
    ), remembered as (
      insert into ${receipts} (execution, name, verdict)
      select f.execution, f.id_receipt, f.verdict from fresh f where f.id_receipt is not null
      union all
      select f.execution, f.slot_receipt, 'duplicate' from fresh f where f.slot_receipt is not null and f.verdict = 'accepted'
      on conflict (execution, name) do nothing
    ), counted as (
      update ${executions} e set mail_version = e.mail_version + 1,
        last_mail = e.last_mail + (f.verdict = 'accepted')::int, mail_left = e.mail_left + (f.verdict = 'accepted')::int,
        ${columnsOfParking.map((name) => `${name} = case when f.verdict = 'accepted' then null else e.${name} end`).join(', ')}
      from fresh f where e.id = f.execution
    )
    select n, owner, verdict, was_parked, case when verdict = 'accepted' and not is_repeated then last_mail end as after from judged`
}
