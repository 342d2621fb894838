import type { ExecutionCommit, HeadChange } from '../../src/core/contracts/execution-record.ts'
import type { CommitAnswer, LockPatience } from '../../src/core/contracts/store.ts'
import { headOf } from '../../src/core/contracts/parking.ts'
import { receiptsIn, slotReceipt } from '../../src/core/contracts/receipts.ts'
import { cellsOf, columnsOf } from '../sql/cells.ts'
import type { Cell, Field } from '../sql/cells.ts'
import type { Dialect } from '../sql/dialect.ts'
import { deletionOf, namesOf } from '../sql/dialect.ts'
import { toName } from '../sql/names.ts'
import { roundsOf } from '../sql/rounds.ts'
import { doneStatuses, headFields, outboxColumns, outboxFields } from '../sql/tables.ts'
import { toSqlTime } from '../sql/times.ts'
import { replacesAny, stayingOf } from '../../src/core/contracts/step-replacement.ts'
import { writeCheckpoints } from './checkpoints.ts'
import type { MysqlConnection } from './connection.ts'
import { stepShape, toKey } from './keys.ts'
import { literal } from './literals.ts'
import { listOf, lockOwned, tryLockOwned } from './locks.ts'
import { insertReceipts, receiptCells } from './mailbox.ts'
import type { MysqlSession } from './session.ts'

// What an execution's row can't be without. No row is made of it: the row is there, and locked.
const dummies: Readonly<Record<string, Cell>> = {
  kind: '',
  graph: '',
  target: '',
  status: '',
  request_digest: '',
  headers: '{}',
  graph_hash: '',
  machine_version: 0,
  queue: '',
  priority: 0,
  queue_key: '',
  epoch: 0,
  recoveries: 0,
  owned_ms: 0,
  created_at: '2000-01-01',
}
const needed = Object.keys(dummies)
const releaseBit = 1 << headFields.length

/** Writes to executions: all of a call in one transaction, with the same few statements for any number of them. */
export class MysqlCommitter {
  readonly #connection: MysqlConnection
  readonly #dialect: Dialect
  readonly #executions: string
  readonly #mailbox: string
  readonly #receipts: string
  readonly #checkpoints: string
  readonly #insertOutgoing: string
  readonly #insertSteps: string
  readonly #replaceSteps: string
  readonly #replaceUnfinishedSteps: string

  constructor(connection: MysqlConnection, dialect: Dialect) {
    this.#connection = connection
    this.#dialect = dialect
    this.#executions = dialect.table('executions')
    this.#mailbox = dialect.table('mailbox')
    this.#receipts = dialect.table('receipts')
    this.#checkpoints = dialect.table('checkpoints')
    this.#insertOutgoing = `insert into ${dialect.table('outbox')} (${namesOf(outboxColumns)})`
    this.#insertSteps = `insert into ${dialect.table('steps')} (${stepShape.columns.join(', ')})`
    this.#replaceSteps = replacing((name) => `values(${name})`)
    // Each assignment sees those before it. The status comes before the type, so the condition stays what it was: a row that is replaced
    // then has a status that lets it be replaced, whatever its type.
    const mayReplace = `status not in ${doneStatuses} or type = ''`
    this.#replaceUnfinishedSteps = replacing((name) => `if(${mayReplace}, values(${name}), ${name})`)
  }

  async commit(commits: readonly ExecutionCommit[], patience?: LockPatience): Promise<readonly CommitAnswer[]> {
    const answers = new Map<ExecutionCommit, CommitAnswer>()
    for (const round of roundsOf(commits, ({ id }) => id)) {
      if (round.length === 0) continue
      const { held, locked, unread } = await this.#connection.transaction((session) =>
        this.#write(session.hurry(1), round, patience),
      )
      for (const commit of held) answers.set(commit, true)
      for (const commit of locked) answers.set(commit, commit.park === undefined ? 'locked' : 'unread')
      for (const commit of unread) answers.set(commit, 'unread')
    }
    return commits.map((commit) => answers.get(commit) ?? false)
  }

  async #write(
    session: MysqlSession,
    commits: readonly ExecutionCommit[],
    patience: LockPatience | undefined,
  ): Promise<Record<'held' | 'locked' | 'unread', readonly ExecutionCommit[]>> {
    const { held: owned, locked } =
      patience?.waits === true
        ? { held: await lockOwned(session, this.#executions, commits), locked: [] }
        : await tryLockOwned(session, this.#executions, commits)
    const unread = await this.#unreadAmong(session, owned)
    const held = unread.length === 0 ? owned : owned.filter((commit) => !unread.includes(commit))
    if (held.length === 0) return { held, locked, unread }
    const steps = held.flatMap(({ id, steps: records }) =>
      stayingOf(records).map((record) => ({ ...record, execution: id })),
    )
    const [finished, unfinished] = [steps.filter(replacesAny), steps.filter((step) => !replacesAny(step))]
    await session.insert(this.#insertSteps, finished.map(stepShape.cells), this.#replaceSteps)
    await session.insert(this.#insertSteps, unfinished.map(stepShape.cells), this.#replaceUnfinishedSteps)
    await this.#writeHeads(session, held, await this.#consume(session, held))
    await this.#writeSlots(session, held)
    const outgoing = held.flatMap(({ id, outgoing: messages = [] }) =>
      messages.map((message) => cellsOf(outboxFields, { ...message, source: id }, toSqlTime)),
    )
    await session.insert(this.#insertOutgoing, outgoing, 'on duplicate key update entry = entry')
    await writeCheckpoints(session, this.#checkpoints, held)
    return { held, locked, unread }
  }

  /** Which would park executions to which messages have come that were not read. */
  async #unreadAmong(session: MysqlSession, commits: readonly ExecutionCommit[]): Promise<readonly ExecutionCommit[]> {
    const unread: ExecutionCommit[] = []
    for (const commit of commits) {
      const { id, park } = commit
      if (park === undefined) continue
      const isLater = `execution = ${literal(toKey(id))} and seq > ${literal(park.lastSeq)}`
      const rows = await session.all(`select seq from ${this.#mailbox} where ${isLater} limit 1`)
      if (rows.length > 0) unread.push(commit)
    }
    return unread
  }

  async #writeSlots(session: MysqlSession, commits: readonly ExecutionCommit[]): Promise<void> {
    const put = commits.flatMap((commit) =>
      receiptsIn(commit).map((receipt) => receiptCells(toKey(commit.id), receipt)),
    )
    await session.insert(insertReceipts(this.#receipts), put, 'on duplicate key update verdict = verdict')
    for (const { id, openedSlots = [] } of commits)
      if (openedSlots.length > 0) await this.#openSlots(session, toKey(id), openedSlots)
  }

  /** Opens those that no message holds which is still there: of long slots the entries have digests, so both are compared here. */
  async #openSlots(session: MysqlSession, execution: string, slots: readonly string[]): Promise<void> {
    const held = await session.all(
      `select slot from ${this.#mailbox} force index (primary)
        where execution = ${literal(execution)} and slot in (${listOf(slots.map(toName))}) lock in share mode`,
    )
    const taken = new Set(held.map(({ slot }) => String(slot)))
    const opened = slots.filter((slot) => !taken.has(toName(slot))).map((slot) => toKey(slotReceipt(slot)))
    if (opened.length === 0) return
    const are = `execution = ${literal(execution)} and name in (${listOf(opened)})`
    await session.run(deletionOf(this.#dialect, 'receipts', are))
  }

  /** How many messages were consumed that were still there, by commit. */
  async #consume(
    session: MysqlSession,
    commits: readonly ExecutionCommit[],
  ): Promise<ReadonlyMap<ExecutionCommit, number>> {
    const counts = new Map<ExecutionCommit, number>()
    for (const commit of commits) {
      const { id, consumed = [] } = commit
      if (consumed.length === 0) continue
      const isOne = `execution = ${literal(toKey(id))} and seq in (${consumed.map(literal).join(', ')})`
      counts.set(commit, await session.run(`delete from ${this.#mailbox} where ${isOne}`))
    }
    return counts
  }

  /**
   * One statement that changes other things in each row: an insert of rows that are all there. Which fields a row changes is given by bits
   * in the column `last_mail`, which itself stays as it is.
   */
  async #writeHeads(
    session: MysqlSession,
    commits: readonly ExecutionCommit[],
    consumed: ReadonlyMap<ExecutionCommit, number>,
  ): Promise<void> {
    const heads = new Map(commits.map((commit) => [commit, headOf(commit)]))
    const fields = headFields.filter((field) =>
      [...heads.values()].some((head) => head !== undefined && names(head, field)),
    )
    const changed = columnsOf(fields).map(({ name }) => name)
    const others = needed.filter((name) => !changed.includes(name))
    const rows = commits.map((commit): Cell[] => [
      toKey(commit.id),
      toSqlTime(commit.at),
      commit.sequence ?? 0,
      consumed.get(commit) ?? 0,
      maskOf(heads.get(commit)),
      ...cellsOf(fields, heads.get(commit) ?? {}, toSqlTime).map(
        (cell, index) => cell ?? dummies[changed[index]!] ?? null,
      ),
      ...others.map((name) => dummies[name]!),
    ])
    const changes = fields.flatMap((field) =>
      columnsOf([field]).map(
        ({ name }) => `${name} = if(${isNamed(1 << headFields.indexOf(field))}, values(${name}), ${name})`,
      ),
    )
    if ([...heads.values()].some((head) => head?.isReleased === true))
      for (const name of ['owner', 'owner_full']) changes.push(`${name} = if(${isNamed(releaseBit)}, null, ${name})`)
    await session.insert(
      `insert into ${this.#executions} (${['id', 'updated_at', 'last_sequence', 'mail_left', 'last_mail', ...changed, ...others].join(', ')})`,
      rows,
      `on duplicate key update updated_at = values(updated_at), last_sequence = values(last_sequence), mail_left = mail_left - values(mail_left)${changes.map((change) => `, ${change}`).join('')}`,
    )
  }
}

/** The end of an insert of step records: what becomes of those that are there. */
function replacing(valueOf: (name: string) => string): string {
  return `on duplicate key update ${stepShape.columns.map((name) => `${name} = ${valueOf(name)}`).join(', ')}`
}

/** SQL that says whether a row names what the bit stands for. */
function isNamed(bit: number): string {
  return `values(last_mail) & ${bit}`
}

/** Whether a change names a field. `undefined` takes away what can be taken away. */
function names(head: HeadChange, { field, column }: Field): boolean {
  if (!Object.hasOwn(head, field)) return false
  return head[field as keyof HeadChange] !== undefined || !(column in dummies)
}

/** Which fields a change names, a bit for each. */
function maskOf(head: HeadChange | undefined): number {
  if (head === undefined) return 0
  let mask = head.isReleased === true ? releaseBit : 0
  headFields.forEach((field, index) => {
    if (names(head, field)) mask |= 1 << index
  })
  return mask
}
