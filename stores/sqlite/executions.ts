import type {
  ExecutionCommit,
  ExecutionRecord,
  HeadChange,
  NewExecution,
  NewMessage,
  Store,
} from '../../src/core/contracts/store.ts'
import { cellsOf } from '../sql/cells.ts'
import type { Cell } from '../sql/cells.ts'
import { namesOf, selectList } from '../sql/dialect.ts'
import type { Dialect } from '../sql/dialect.ts'
import { toName } from '../sql/names.ts'
import { executionOf } from '../sql/reader.ts'
import {
  doneStatuses,
  executionColumns,
  executionFields,
  firstRecord,
  headFields,
  messageColumns,
  messageFields,
  stepColumns,
  stepFields,
  stepRowColumns,
} from '../sql/tables.ts'
import { toSqlTime } from '../sql/times.ts'
import { replacesAny } from '../../src/core/contracts/step-replacement.ts'
import type { SqliteDatabase } from './database.ts'
import { storeName } from './errors.ts'

const places = (count: number): string => Array.from({ length: count }, () => '?').join(', ')

const insertExecution = `insert into docket_executions (${namesOf(executionColumns)})
  values (${places(executionColumns.length)}) on conflict (id) do nothing`
const stepValues = `into docket_steps (${namesOf(stepRowColumns)}) values (${places(stepRowColumns.length)})`
const putStep = `insert or replace ${stepValues}`
const putUnfinishedStep = `insert ${stepValues} on conflict (execution, step, item) do update
  set ${stepColumns.map(({ name }) => `${name} = excluded.${name}`).join(', ')}
  where docket_steps.status not in ${doneStatuses} or docket_steps.type = ''`
const insertMessage = `insert into docket_mailbox (${namesOf(messageColumns)}) values (${places(messageColumns.length)})`
const owned = 'where id = ? and owner = ? and epoch = ?'
const touchAll = `update docket_executions set updated_at = ?
  where owner = ? and epoch = ? and id in (select value from json_each(?))`

/** Creates, writes and deletes executions, and fills their mailboxes. */
export class SqliteExecutions {
  readonly #database: SqliteDatabase
  readonly #select: string
  readonly #now: () => number

  constructor(database: SqliteDatabase, dialect: Dialect, now: () => number) {
    this.#database = database
    this.#now = now
    this.#select = `select ${selectList(dialect, executionColumns, 'e')} from docket_executions e where e.id = ?`
  }

  create(executions: readonly NewExecution[], isWithin: boolean): readonly (ExecutionRecord | undefined)[] {
    const work = (): readonly (ExecutionRecord | undefined)[] =>
      executions.map((created) => {
        const cells = cellsOf(executionFields, firstRecord(created), toSqlTime)
        if (this.#database.run(insertExecution, ...cells) === 1) return undefined
        return executionOf(this.#database.first(this.#select, toName(created.id))!, storeName)
      })
    if (isWithin) return this.#database.within(work)
    // The caller waits for it, perhaps with its transaction open: to try again would not help.
    this.#database.requireUntaken()
    return this.#database.transaction(work)
  }

  commit(commits: readonly ExecutionCommit[]): readonly boolean[] {
    return this.#database.transaction(() => {
      const touched = this.#touched(commits)
      return commits.map((commit) => this.#commitOne(commit, touched.has(commit)))
    })
  }

  /**
   * Most commits change nothing of the execution but its time, and many have that and the owner in common: one statement for all of
   * those costs half of one for each. Where it finds fewer than there are, it has not told which.
   */
  #touched(commits: readonly ExecutionCommit[]): ReadonlySet<ExecutionCommit> {
    const touched = new Set<ExecutionCommit>()
    for (const group of alikeOf(commits)) {
      const { at, owner, epoch } = group[0]!
      const ids = JSON.stringify(group.map(({ id }) => toName(id)))
      if (this.#database.run(touchAll, toSqlTime(at), toName(owner), epoch, ids) !== group.length) continue
      for (const commit of group) touched.add(commit)
    }
    return touched
  }

  #commitOne(commit: ExecutionCommit, isTouched: boolean): boolean {
    const { id, consumed } = commit
    const execution = toName(id)
    if (!isTouched && !this.#change(execution, commit)) return false
    for (const step of commit.steps)
      this.#database.run(
        replacesAny(step) ? putStep : putUnfinishedStep,
        execution,
        ...cellsOf(stepFields, step, toSqlTime),
      )
    if (consumed !== undefined)
      this.#database.run('delete from docket_mailbox where execution = ? and seq <= ?', execution, consumed)
    return true
  }

  #change(execution: string, { owner, epoch, at, head, consumed }: ExecutionCommit): boolean {
    const changes = ['updated_at = ?']
    const cells: Cell[] = [toSqlTime(at)]
    if (head !== undefined) addHead(head, changes, cells)
    if (consumed !== undefined) {
      changes.push('read_mail = max(read_mail, ?)')
      cells.push(consumed)
    }
    const text = `update docket_executions set ${changes.join(', ')} ${owned}`
    return this.#database.run(text, ...cells, execution, toName(owner), epoch) === 1
  }

  delete(executions: readonly Pick<ExecutionCommit, 'id' | 'owner' | 'epoch'>[]): readonly boolean[] {
    return this.#database.transaction(() =>
      executions.map(({ id, owner, epoch }) => {
        const execution = toName(id)
        const text = `delete from docket_executions ${owned}`
        if (this.#database.run(text, execution, toName(owner), epoch) === 0) return false
        this.#deleteRest(execution)
        return true
      }),
    )
  }

  purge({ statuses, endedBefore, limit }: Parameters<Store['purge']>[0]): number {
    return this.#database.transaction(() => {
      const old = this.#database.all(
        `select id from docket_executions
         where ended_at is not null and ended_at < ? and status in (select value from json_each(?))
           and status not in ('pending', 'running') and not exists (
             select 1 from docket_owners o where o.owner = docket_executions.owner and o.expires_at > ?)
         order by ended_at limit ?`,
        toSqlTime(endedBefore),
        JSON.stringify(statuses),
        toSqlTime(this.#now()),
        limit,
      )
      for (const row of old) {
        this.#database.run('delete from docket_executions where id = ?', row['id'] as string)
        this.#deleteRest(row['id'] as string)
      }
      return old.length
    })
  }

  post(messages: readonly NewMessage[]): readonly boolean[] {
    return this.#database.transaction(() =>
      messages.map((message) => {
        const row = this.#database.first(
          'update docket_executions set last_mail = last_mail + 1 where id = ? returning last_mail',
          toName(message.execution),
        )
        if (row === undefined) return false
        const cells = cellsOf(messageFields, { ...message, seq: row['last_mail'] }, toSqlTime)
        this.#database.run(insertMessage, ...cells)
        return true
      }),
    )
  }

  #deleteRest(execution: string): void {
    this.#database.run('delete from docket_steps where execution = ?', execution)
    this.#database.run('delete from docket_mailbox where execution = ?', execution)
  }
}

/** There are few shapes of changes, so few statements are kept for them. */
function addHead(head: HeadChange, changes: string[], cells: Cell[]): void {
  const fields = headFields.filter(({ field }) => Object.hasOwn(head, field))
  for (const { column, kind } of fields)
    changes.push(...(kind === 'value' ? [`${column} = ?`, `${column}_bytes = ?`] : [`${column} = ?`]))
  cells.push(...cellsOf(fields, head, toSqlTime))
  if (head.isReleased === true) changes.push('owner = null')
}

/** Those that change nothing but the time, as far as they follow each other with the same time and owner. */
function alikeOf(commits: readonly ExecutionCommit[]): readonly (readonly ExecutionCommit[])[] {
  const groups: ExecutionCommit[][] = []
  for (const commit of commits) {
    if (commit.head !== undefined || commit.consumed !== undefined) continue
    const [last] = groups.at(-1) ?? []
    if (last?.at === commit.at && last.epoch === commit.epoch && last.owner === commit.owner)
      groups.at(-1)!.push(commit)
    else groups.push([commit])
  }
  return groups.filter(({ length }) => length > 1)
}
