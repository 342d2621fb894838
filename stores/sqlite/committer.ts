import { append } from '../../src/core/append.ts'
import type { ExecutionCommit, HeadChange } from '../../src/core/contracts/execution-record.ts'
import type { CommitAnswer } from '../../src/core/contracts/store.ts'
import { headOf } from '../../src/core/contracts/parking.ts'
import { receiptsIn, slotReceipt } from '../../src/core/contracts/receipts.ts'
import { cellsOf } from '../sql/cells.ts'
import type { Cell } from '../sql/cells.ts'
import { namesOf } from '../sql/dialect.ts'
import { toName } from '../sql/names.ts'
import {
  doneStatuses,
  headFields,
  outboxColumns,
  outboxFields,
  stepColumns,
  stepFields,
  stepRowColumns,
} from '../sql/tables.ts'
import { toSqlTime } from '../sql/times.ts'
import { replacesAny } from '../../src/core/contracts/step-replacement.ts'
import type { Answer } from '../sql/dialect.ts'
import { writeCheckpoints } from './checkpoints.ts'
import type { SqliteConnection } from './connection.ts'
import { placesOf } from './dialect.ts'
import { putReceipt } from './mailbox.ts'

const stepValues = `into docket_steps (${namesOf(stepRowColumns)}) values (${placesOf(stepRowColumns)})`
export const putStep = `insert or replace ${stepValues}`
const putUnfinishedStep = `insert ${stepValues} on conflict (execution, step, item) do update
  set ${stepColumns.map(({ name }) => `${name} = excluded.${name}`).join(', ')}
  where docket_steps.status not in ${doneStatuses} or docket_steps.type = ''`
const owned = 'where id = ? and owner = ? and epoch = ? and last_sequence <= ?'
const consume = 'delete from docket_mailbox where execution = ? and seq in (select value from json_each(?))'
const unread = `select 1 from docket_mailbox m join docket_executions e on e.id = m.execution
  where e.id = ? and e.owner = ? and e.epoch = ? and e.last_sequence <= ? and m.seq > ? limit 1`
const dropReceipt = `delete from docket_receipts where execution = ?1 and name = ?2
  and not exists (select 1 from docket_mailbox m where m.execution = ?1 and m.slot = ?3)`
const putOutgoing = `insert or ignore into docket_outbox (${namesOf(outboxColumns)}) values (${placesOf(outboxColumns)})`
const takeOff = 'update docket_executions set mail_left = mail_left - ? where id = ?'
const touchAll = `update docket_executions set updated_at = ?, last_sequence = ?
  where owner = ? and epoch = ? and last_sequence <= ? and id in (select value from json_each(?))`

/** Writes to executions. */
export class SqliteCommitter {
  readonly #connection: SqliteConnection

  constructor(connection: SqliteConnection) {
    this.#connection = connection
  }

  commit(commits: readonly ExecutionCommit[]): Answer<readonly CommitAnswer[]> {
    return this.#connection.transaction(() => {
      const touched = this.#touched(commits)
      return commits.map((commit) => this.#commitOne(commit, touched.has(commit)))
    })
  }

  /**
   * Most commits change nothing of the execution but its time, and many have that and the owner in common: one statement for all of
   * those costs half of one for each. Where it finds fewer than there are, it does not say which.
   */
  #touched(commits: readonly ExecutionCommit[]): ReadonlySet<ExecutionCommit> {
    const touched = new Set<ExecutionCommit>()
    for (const group of alikeOf(commits)) {
      const { at, owner, epoch, sequence = 0 } = group[0]!
      const ids = JSON.stringify(group.map(({ id }) => toName(id)))
      const own = toName(owner)
      if (this.#connection.run(touchAll, toSqlTime(at), sequence, own, epoch, sequence, ids) !== group.length) continue
      for (const commit of group) touched.add(commit)
    }
    return touched
  }

  #commitOne(commit: ExecutionCommit, isTouched: boolean): CommitAnswer {
    const { id, owner, epoch, sequence = 0, consumed, park } = commit
    const execution = toName(id)
    if (park !== undefined && this.#connection.first(unread, execution, toName(owner), epoch, sequence, park.lastSeq))
      return 'unread'
    if (!isTouched && !this.#change(execution, commit)) return false
    for (const step of commit.steps)
      this.#connection.run(
        replacesAny(step) ? putStep : putUnfinishedStep,
        execution,
        ...cellsOf(stepFields, step, toSqlTime),
      )
    if (consumed !== undefined && consumed.length > 0) {
      const count = this.#connection.run(consume, execution, JSON.stringify(consumed))
      if (count > 0) this.#connection.run(takeOff, count, execution)
    }
    for (const { name, verdict } of receiptsIn(commit))
      this.#connection.run(putReceipt, execution, toName(name), verdict)
    for (const slot of commit.openedSlots ?? [])
      this.#connection.run(dropReceipt, execution, toName(slotReceipt(slot)), toName(slot))
    for (const message of commit.outgoing ?? [])
      this.#connection.run(putOutgoing, ...cellsOf(outboxFields, { ...message, source: id }, toSqlTime))
    writeCheckpoints(this.#connection, commit)
    return true
  }

  #change(execution: string, commit: ExecutionCommit): boolean {
    const { owner, epoch, sequence = 0, at } = commit
    const head = headOf(commit)
    const changes = ['updated_at = ?', 'last_sequence = ?']
    const cells: Cell[] = [toSqlTime(at), sequence]
    if (head !== undefined) addHead(head, changes, cells)
    const text = `update docket_executions set ${changes.join(', ')} ${owned}`
    return this.#connection.run(text, ...cells, execution, toName(owner), epoch, sequence) === 1
  }
}

/** There are few shapes of changes, so few statements are kept for them. */
function addHead(head: HeadChange, changes: string[], cells: Cell[]): void {
  const fields = headFields.filter(({ field }) => Object.hasOwn(head, field))
  for (const { column, kind } of fields)
    append(changes, kind === 'value' ? [`${column} = ?`, `${column}_bytes = ?`] : [`${column} = ?`])
  append(cells, cellsOf(fields, head, toSqlTime))
  if (head.isReleased === true) changes.push('owner = null')
}

/** Those that change nothing but the time, as far as they follow each other with the same time and owner. */
function alikeOf(commits: readonly ExecutionCommit[]): readonly (readonly ExecutionCommit[])[] {
  const groups: ExecutionCommit[][] = []
  for (const commit of commits) {
    if (commit.head !== undefined || commit.park !== undefined) continue
    const [last] = groups.at(-1) ?? []
    const isAlike =
      last?.at === commit.at &&
      last.epoch === commit.epoch &&
      last.sequence === commit.sequence &&
      last.owner === commit.owner
    if (isAlike) groups.at(-1)!.push(commit)
    else groups.push([commit])
  }
  return groups.filter(({ length }) => length > 1)
}
