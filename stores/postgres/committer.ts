import { StoreError } from '../../src/core/errors.ts'
import { isTerminal } from '../../src/core/contracts/statuses.ts'
import type { ExecutionCommit, HeadChange, StepRecord } from '../../src/core/contracts/execution-record.ts'
import type { CommitAnswer, LockPatience } from '../../src/core/contracts/store.ts'
import { headOf } from '../../src/core/contracts/parking.ts'
import { receiptsIn, slotReceipt } from '../../src/core/contracts/receipts.ts'
import { cellsOf, columnsOf } from '../sql/cells.ts'
import type { Cell, CellColumn } from '../sql/cells.ts'
import { namesOf } from '../sql/dialect.ts'
import type { Dialect } from '../sql/dialect.ts'
import { toName } from '../sql/names.ts'
import { roundsOf } from '../sql/rounds.ts'
import { doneStatuses, headFields, outboxColumns, outboxFields, stepColumns, stepFields } from '../sql/tables.ts'
import { stayingOf } from '../../src/core/contracts/step-replacement.ts'
import { dropColumns, dropParameters, dropsPart, noteColumns, noteParameters, notesPart } from './checkpoints.ts'
import type { PostgresConnection } from './connection.ts'
import { columnar, fenceColumns, fewRows, isOwned, lockPatience, unnest } from './dialect.ts'
import type { PostgresHintSender } from './hint-sender.ts'
import { ownedAmong } from './locks.ts'

const plainColumns: readonly CellColumn[] = [...fenceColumns, { name: 'updated_at', kind: 'time' }]
const consumedColumns: readonly CellColumn[] = [
  { name: 'n', kind: 'integer' },
  { name: 'seq', kind: 'integer' },
]
const slotColumns: readonly CellColumn[] = [
  { name: 'n', kind: 'integer' },
  { name: 'name', kind: 'name' },
  { name: 'verdict', kind: 'word' },
  { name: 'opened', kind: 'name' },
]
const headColumns: readonly CellColumn[] = [{ name: 'mask', kind: 'integer' }, ...columnsOf(headFields)]
const parkColumn: CellColumn = { name: 'park_seq', kind: 'integer' }
/** What few steps have: attempts before the last one, and a time at which they had to wait. */
const historyFields = stepFields.filter(({ field }) => field === 'attempts' || field === 'queuedAt')
const historyColumns = columnsOf(historyFields)
const usualFields = stepFields.filter((field) => !historyFields.includes(field))
const usualColumns = columnsOf(usualFields)
const numbered: CellColumn = { name: 'n', kind: 'integer' }
const numberedOutboxColumns: readonly CellColumn[] = [{ name: 'n', kind: 'integer' }, ...outboxColumns]
const releaseBit = 1 << headFields.length

/** Writes to executions: all of a call in one statement, so in one round trip and one flush of the log. */
export class PostgresCommitter {
  readonly #connection: PostgresConnection
  readonly #dialect: Dialect
  readonly #hints: PostgresHintSender
  readonly #passing: CommitStatements
  readonly #waiting: CommitStatements

  constructor(connection: PostgresConnection, dialect: Dialect, hints: PostgresHintSender) {
    this.#connection = connection
    this.#dialect = dialect
    this.#hints = hints
    this.#passing = new CommitStatements(dialect, ' skip locked')
    this.#waiting = new CommitStatements(dialect, '')
  }

  async commit(commits: readonly ExecutionCommit[], patience?: LockPatience): Promise<readonly CommitAnswer[]> {
    const done = new Set<ExecutionCommit>()
    const statements = patience?.waits === true ? this.#waiting : this.#passing
    for (const round of roundsOf(commits, ({ id }) => id)) await this.#commitRound(round, done, statements)
    const others = commits.filter((commit) => !done.has(commit))
    // What is written is written, whatever becomes of the question about the others: it is put again.
    // Those that are their owners' all the same: somebody else has locked them.
    const locked = await ownedAmong(this.#connection, this.#dialect, others).catch((error: unknown) => {
      if (done.size === 0 || !(error instanceof StoreError && error.isTransient)) throw error
      return new Set(others)
    })
    return commits.map((commit) => {
      if (!locked.has(commit)) return done.has(commit)
      // It is its owner's, and a message has come; or somebody is just posting one.
      return commit.park === undefined ? 'locked' : 'unread'
    })
  }

  async #commitRound(
    commits: readonly ExecutionCommit[],
    done: Set<ExecutionCommit>,
    statements: CommitStatements,
  ): Promise<void> {
    if (commits.length === 0) return
    const { timeText } = this.#dialect
    const parts = partsOf(commits)
    const hasHistory = (parts & part.history) !== 0
    const [hasHeads, parks] = [(parts & part.heads) !== 0, (parts & part.park) !== 0]
    const rows = commits.map((commit): Cell[] => {
      const { id, owner, epoch, sequence = 0, at, park } = commit
      const head = headOf(commit)
      const plain: Cell[] = [toName(id), toName(owner), epoch, sequence, timeText(at)]
      if (parks) plain.push(park?.lastSeq ?? null)
      return hasHeads ? [...plain, maskOf(head), ...cellsOf(headFields, head ?? {}, timeText)] : plain
    })
    const steps = commits.flatMap((commit, index) =>
      stayingOf(commit.steps).map((step): Cell[] => [
        index + 1,
        ...cellsOf(hasHistory ? stepFields : usualFields, step, timeText),
      ]),
    )
    const consumed = commits.flatMap((commit, index) => (commit.consumed ?? []).map((seq): Cell[] => [index + 1, seq]))
    const slots = commits.flatMap((commit, index) => receiptRowsOf(commit, index + 1))
    const columns = columnsOfCommit(parts)
    const outgoing = commits.flatMap((commit, index) =>
      (commit.outgoing ?? []).map((message): Cell[] => [
        index + 1,
        ...cellsOf(outboxFields, { ...message, source: commit.id }, timeText),
      ]),
    )
    const written = await this.#connection.queryPrepared({
      text: statements.of(parts),
      parameters: [
        ...columnar(columns, rows),
        ...columnar([numbered, ...stepColumnsOf(parts)], steps),
        ...(parts & part.mail ? [...columnar(consumedColumns, consumed), ...columnar(slotColumns, slots)] : []),
        ...(parts & part.outgoing ? columnar(numberedOutboxColumns, outgoing) : []),
        ...(parts & part.notes ? noteParameters(commits, this.#dialect) : []),
        ...(parts & part.drops ? dropParameters(commits) : []),
      ],
    })
    for (const row of written) {
      const commit = commits[(row['n'] as number) - 1]!
      done.add(commit)
      this.#notify(commit)
    }
  }

  #notify({ id, head, park, awaited = [] }: ExecutionCommit): void {
    for (const name of awaited) this.#hints.send({ type: 'answered', execution: id, name })
    if (head?.status !== undefined && isTerminal(head.status)) this.#hints.send({ type: 'ended', execution: id }, false)
    else if (head?.isReleased === true && park === undefined) this.#hints.send({ type: 'work' })
  }
}

/** What a statement can write beside step records: a bit each. */
const part = { heads: 1, mail: 2, outgoing: 4, park: 8, notes: 16, drops: 32, history: 64 } as const

/** What these commits write together. What is rare brings along what mostly comes with it, so that there are few statements. */
function partsOf(commits: readonly ExecutionCommit[]): number {
  let parts = 0
  for (const commit of commits) {
    if (commit.park !== undefined) parts |= part.heads | part.mail | part.outgoing | part.park
    if (commit.outgoing !== undefined) parts |= part.heads | part.mail | part.outgoing
    if (commit.head !== undefined) parts |= part.heads
    if (hasMail(commit)) parts |= part.mail
    if (commit.steps.some(hasHistoryOf)) parts |= part.history
    if (commit.checkpoints !== undefined) parts |= part.notes
    if (commit.droppedCheckpoints !== undefined) parts |= part.notes | part.drops
  }
  return parts
}

function hasMail({ consumed, closedSlots, openedSlots, receipts }: ExecutionCommit): boolean {
  return [consumed, closedSlots, openedSlots, receipts].some((some) => some !== undefined && some.length > 0)
}

function hasHistoryOf({ attempts, queuedAt }: StepRecord): boolean {
  return attempts !== undefined || queuedAt !== undefined
}

function stepColumnsOf(parts: number): readonly CellColumn[] {
  return parts & part.history ? stepColumns : usualColumns
}

function columnsOfCommit(parts: number): readonly CellColumn[] {
  return [...plainColumns, ...(parts & part.park ? [parkColumn] : []), ...(parts & part.heads ? headColumns : [])]
}

/** Entries with their verdicts, and those of slots that are opened, with these. */
function receiptRowsOf(commit: ExecutionCommit, n: number): Cell[][] {
  const { openedSlots = [] } = commit
  return [
    ...receiptsIn(commit).map(({ name, verdict }): Cell[] => [n, toName(name), verdict, null]),
    ...openedSlots.map((slot): Cell[] => [n, toName(slotReceipt(slot)), null, toName(slot)]),
  ]
}

/** Which fields a change names, a bit for each. */
function maskOf(head: HeadChange | undefined): number {
  if (head === undefined) return 0
  let mask = head.isReleased === true ? releaseBit : 0
  headFields.forEach(({ field }, index) => {
    if (Object.hasOwn(head, field)) mask |= 1 << index
  })
  return mask
}

/** The statements for what commits write, each made when it is needed first. */
class CommitStatements {
  readonly #made = new Map<number, string>()
  readonly #dialect: Dialect
  readonly #ifLocked: string

  constructor(dialect: Dialect, ifLocked: string) {
    this.#dialect = dialect
    this.#ifLocked = ifLocked
  }

  of(parts: number): string {
    let text = this.#made.get(parts)
    if (text === undefined) this.#made.set(parts, (text = commitStatement(this.#dialect, this.#ifLocked, parts)))
    return text
  }
}

/**
 * Holds the rows that are still their owners' and, with ` skip locked`, that nobody else holds, in the order of their ids (so that no two statements wait for
 * each other), and writes for those alone.
 */
function commitStatement(dialect: Dialect, ifLocked: string, parts: number): string {
  const columns = columnsOfCommit(parts)
  const written = stepColumnsOf(parts)
  let last = columns.length + 1 + written.length
  /** Where the parameters of so many columns begin. */
  const placeOf = (those: readonly CellColumn[]): number => {
    const first = last + 1
    last += those.length
    return first
  }
  const changes = headFields.flatMap((field, index) =>
    columnsOf([field]).map(
      ({ name }) => `${name} = case when h.mask & ${1 << index} <> 0 then h.${name} else e.${name} end`,
    ),
  )
  const heads = `, ${changes.join(', ')}, owner = case when h.mask & ${releaseBit} <> 0 then null else e.owner end`
  // What the statement sees of mailboxes is what was there when it began, the execution's row is held later: its number has grown if a
  // message came in between.
  const isRead = ` and (a.park_seq is null or (
          e.last_mail = (select s.last_mail from ${dialect.table('executions')} s where s.id = a.id)
          and not exists (select 1 from ${dialect.table('mailbox')} m where m.execution = a.id and m.seq > a.park_seq)))`
  // A count, since planners make a join of `not exists`, which may read all mailboxes.
  const holders = `(select count(*) from ${dialect.table('mailbox')} m where m.execution = s.id and m.slot = s.opened
        and not exists (select 1 from consumed c where c.execution = m.execution and c.seq = m.seq))`
  const mailPart = (): string => `, consumed as (
      delete from ${dialect.table('mailbox')} m
      using held h join ${unnest(consumedColumns, 'c', placeOf(consumedColumns))} on c.n = h.n
      where m.execution = h.id and m.seq = c.seq returning m.execution, m.seq
    ), slots as materialized (
      select h.id, s.name, s.verdict, s.opened from held h join ${unnest(slotColumns, 's', placeOf(slotColumns))} on s.n = h.n
    ), closed as (
      insert into ${dialect.table('receipts')} (execution, name, verdict)
      select s.id, s.name, s.verdict from slots s where s.verdict is not null on conflict (execution, name) do nothing
    ), opened as (
      delete from ${dialect.table('receipts')} r using slots s
      where r.execution = s.id and r.name = s.name and s.opened is not null and ${holders} = 0
    )`
  const outgoingPart = (): string => `, sent as (
      insert into ${dialect.table('outbox')} (${namesOf(outboxColumns)})
      select ${outboxColumns.map(({ name }) => `o.${name}`).join(', ')} from ${unnest(numberedOutboxColumns, 'o', placeOf(numberedOutboxColumns))} join held h on h.n = o.n
      on conflict (entry) do nothing
    )`
  const [hasHeads, consumes, parks] = [parts & part.heads, parts & part.mail, parts & part.park]
  // In the order of their parameters.
  const others = [
    consumes ? mailPart() : '',
    parts & part.outgoing ? outgoingPart() : '',
    parts & part.notes ? notesPart(dialect, placeOf(noteColumns)) : '',
    parts & part.drops ? dropsPart(dialect, last - noteColumns.length + 1, placeOf(dropColumns)) : '',
  ].join('')
  const counts = `left join (select execution, count(*) as count from consumed group by execution) c on c.execution = h.id`
  return `with held as materialized (
      select a.* from ${lockPatience()} cross join ${fewRows(columns)} cross join lateral (
        select 1 from ${dialect.table('executions')} e
        where ${isOwned} and patience.lock_timeout <> ''${parks ? isRead : ''}
        for no key update${ifLocked}) e
    ), put as (
      insert into ${dialect.table('steps')} as old (execution, ${namesOf(written)})
      select h.id, ${written.map(({ name }) => `s.${name}`).join(', ')}
      from ${unnest([numbered, ...written], 's', columns.length + 1)} join held h on h.n = s.n
      on conflict (execution, step, item) do update
      set ${written.map(({ name }) => `${name} = excluded.${name}`).join(', ')}${parts & part.history ? '' : `, ${historyColumns.map(({ name }) => `${name} = null`).join(', ')}`}
      where old.status not in ${doneStatuses} or old.type = '' or excluded.status in ${doneStatuses} or excluded.type = ''
    )${others}, changed as (
      update ${dialect.table('executions')} e
      set updated_at = h.updated_at, last_sequence = h.sequence${consumes ? ', mail_left = e.mail_left - coalesce(c.count, 0), mail_version = e.mail_version + 1' : ''}${hasHeads ? heads : ''}
      from held h ${consumes ? counts : ''} where e.id = h.id
    )
    select n from held`
}
