import { hasEnded, isDone, markOf, tagOf } from './change.ts'
import type { Change, ChangeOf, ExecutionRow, MessageRow, ResultRow, StepRow } from './change.ts'

/** An execution's record from one change to the next; undefined where there was none. */
export interface Moment {
  readonly at: number
  readonly order: number
  /** Which execution of this id: a deleted one may be followed by another. */
  readonly life: number
  readonly row: ExecutionRow | undefined
}

/** A step that was completed. */
export interface Commit {
  readonly at: number
  readonly order: number
  readonly life: number
  readonly tag: string | undefined
}

/** A message from its posting to its end. */
export interface Letter extends MessageRow {
  readonly id: string
  readonly postedAt: number
  removedAt: number | undefined
}

/** Everything that was, by what it was of. */
export class History {
  readonly executions = new Map<string, Moment[]>()
  /** By execution, then by step: as they are now. */
  readonly steps = new Map<string, Map<string, StepRow>>()
  /** By execution, then by step: each time it was completed. */
  readonly commits = new Map<string, Map<string, Commit[]>>()
  readonly letters: Letter[] = []
  readonly results = new Map<string, ResultRow>()
  /** When a global result was there, by the number that it is. */
  readonly made = new Map<number, number>()
  readonly #open = new Map<string, Map<string, Letter>>()
  /** How many changes there were. */
  order = 0

  moments(id: string): readonly Moment[] {
    return this.executions.get(id) ?? []
  }

  current(id: string): Moment | undefined {
    return this.executions.get(id)?.at(-1)
  }

  /** What stood at a time. */
  at(id: string, at: number): ExecutionRow | undefined {
    return this.moments(id).findLast((moment) => moment.at <= at)?.row
  }

  /** All that stood at some time between two times: undefined stands for there being none. */
  during(id: string, from: number, to: number): readonly (ExecutionRow | undefined)[] {
    const moments = this.moments(id)
    const found: (ExecutionRow | undefined)[] = []
    if (moments.length === 0 || moments[0]!.at > from) found.push(undefined)
    for (const [index, { at, row }] of moments.entries())
      if (at <= to && (moments[index + 1]?.at ?? Infinity) >= from) found.push(row)
    return found
  }

  add(change: Change): void {
    this.order++
    if (change.subject === 'execution') this.#addExecution(change)
    else if (change.subject === 'step') this.#addStep(change)
    else if (change.subject === 'message') this.#addMessage(change)
    else this.#addResult(change)
  }

  #addExecution({ id, at, row }: ChangeOf<'execution'>): void {
    const last = this.current(id)
    const life = (last?.life ?? 0) + (last?.row === undefined && row !== undefined ? 1 : 0)
    listOf(this.executions, id).push({ at, order: this.order, life, row })
  }

  #addStep({ id, part, at, row }: ChangeOf<'step'>): void {
    const steps = mapOf(this.steps, id)
    const wasDone = isDone(steps.get(part))
    if (row === undefined) steps.delete(part)
    else steps.set(part, row)
    if (row === undefined || !isDone(row) || wasDone) return
    const life = this.current(id)?.life ?? 0
    listOf(mapOf(this.commits, id), part).push({ at, order: this.order, life, tag: tagOf(row.output) })
  }

  #addMessage({ id, part, at, row }: ChangeOf<'message'>): void {
    const open = mapOf(this.#open, id)
    if (row === undefined) {
      const letter = open.get(part)
      if (letter !== undefined) letter.removedAt = at
      open.delete(part)
    } else {
      const letter = { id, kind: row.kind, postedAt: at, removedAt: undefined }
      open.set(part, letter)
      this.letters.push(letter)
    }
  }

  #addResult({ id, at, row }: ChangeOf<'result'>): void {
    if (row === undefined) this.results.delete(id)
    else this.results.set(id, row)
    const mark = row?.status === 'completed' ? markOf(row.output) : undefined
    if (mark !== undefined && !this.made.has(mark.n)) this.made.set(mark.n, at)
  }

  /** The last owner of an execution as it is now. */
  writer(id: string): string | undefined {
    const moments = this.moments(id)
    const life = moments.at(-1)?.life
    const owned = moments.findLast((moment) => moment.row?.owner !== undefined)
    return owned?.life === life ? owned?.row?.owner : undefined
  }

  /** The epoch in which an execution ended that has ended. */
  endEpoch(id: string): number | undefined {
    const moments = this.moments(id)
    let epoch: number | undefined
    for (let i = moments.length - 1; i >= 0 && hasEnded(moments[i]!.row); i--) epoch = moments[i]!.row!.epoch
    return epoch
  }
}

function listOf<Key, Item>(map: Map<Key, Item[]>, key: Key): Item[] {
  let list = map.get(key)
  if (list === undefined) map.set(key, (list = []))
  return list
}

function mapOf<Key, Inner, Item>(map: Map<Key, Map<Inner, Item>>, key: Key): Map<Inner, Item> {
  let inner = map.get(key)
  if (inner === undefined) map.set(key, (inner = new Map()))
  return inner
}
