import { recordKey } from './batch-ledger.ts'
import { textOf } from './toy-codec.ts'
import type { NewExecution, StepRecord } from '../../src/core/contracts/execution-record.ts'
import type { ExecutionStatus } from '../../src/core/contracts/statuses.ts'

/** Whoever does not know what it has looks again after this time. */
export const lookAnywayMs = 61_000

/** A step's record, as it was written last. */
export interface NotedStep {
  readonly record: StepRecord
  readonly value: unknown
  readonly at: number
  /** A value that was on its way when its step was undone: it counts no more. */
  readonly isStale?: boolean
  /** A durable function has gone on since: what it waits for next is another wait. */
  hasWoken?: boolean
}

/** A result that all executions share, as it was kept. */
export interface KeptResult {
  readonly value: unknown
  readonly owner: string
  readonly at: number
  readonly expiresAt: number
}

/** One execution from its creation to its deletion, as the store has seen it. */
export interface Life {
  readonly id: string
  readonly number: number
  readonly kind: 'execution' | 'batch'
  readonly target: string
  readonly queue: string
  readonly key: string
  deadline: number | undefined
  readonly createdAt: number
  /** It does not begin before. */
  readonly startAt: number | undefined
  /** When it began, in this life of it. */
  startedAt: number | undefined
  /** Who has taken it out of its docket: from then on nobody goes on with it there. */
  detachedBy: string | undefined
  /** Whether somebody was told that it would survive. */
  isPromised: boolean
  /** Whoever could not go on with it looks again then. */
  leftAloneUntil: number
  owner: string | undefined
  epoch: number
  /** The epoch of which its owner does not know: it had given up the call that was carried out later, and looks in a while what it has. */
  unheardEpoch: number | undefined
  status: ExecutionStatus
  output: unknown
  /** The name of what it failed with. */
  error: string | undefined
  endedAt: number | undefined
  /** When it changed hands last. */
  ownedSince: number
  /** Who ended it. */
  endedBy: string | undefined
  /** When somebody asked for its end. */
  cancelledAt: number | undefined
  /** Who made it. */
  readonly parent: string | undefined
  readonly forkedFrom: string | undefined
  /** Values that it was given for what steps make, by the steps' names. */
  readonly overrides: Readonly<Record<string, string>>
  /** Until when it sleeps, while it is parked: for ever, where it waits for messages alone. */
  sleepsUntil: number | undefined
  /** When its steps that wait are due, by their keys. */
  readonly due: Map<string, number>
  /** When a durable function went on last, by its step: the note that it waits may come after that. */
  readonly woken: Map<string, number>
  /** Times that timers were given by somebody, by their keys. */
  readonly moves: Map<string, number[]>
  /** How often it ended and began again. */
  reopened: number
  /** When it began, for the last time. */
  begunAt: number
  /** When the store was told last that it begins: once more, where the answer was lost. */
  startNotedAt: number
  /** By step and, in a batch, item. */
  readonly steps: Map<string, NotedStep>
}

/** What is created. */
export function newLife(
  given: NewExecution,
  number: number,
  overrides: Readonly<Record<string, string>>,
  now: number,
): Life {
  const { id, kind, target, queue, key, deadline, owner, createdAt, startAt, startedAt } = given
  const { parent, forkedFrom, steps = [] } = given
  return {
    id,
    number,
    kind,
    target,
    queue,
    key,
    deadline,
    createdAt,
    startAt,
    startedAt,
    detachedBy: undefined,
    isPromised: false,
    leftAloneUntil: -Infinity,
    owner,
    epoch: owner === undefined ? 0 : 1,
    unheardEpoch: undefined,
    status: startedAt === undefined ? 'pending' : 'running',
    output: undefined,
    error: undefined,
    endedAt: undefined,
    ownedSince: now,
    endedBy: undefined,
    cancelledAt: undefined,
    parent,
    forkedFrom,
    overrides,
    sleepsUntil: owner === undefined ? startAt : undefined,
    due: new Map(),
    woken: new Map(),
    moves: new Map(),
    reopened: 0,
    begunAt: now,
    startNotedAt: now,
    steps: new Map(
      steps.map((record) => [recordKey(record.step, record.item), { record, value: textOf(record.output), at: now }]),
    ),
  }
}

export function hasCompleted({ status }: StepRecord): boolean {
  return status === 'completed' || status === 'cached'
}

/** Whether an undoing has come to an end. */
export function isOver(undo: StepRecord | undefined): boolean {
  return undo !== undefined && undo.type !== '' && (undo.status === 'completed' || undo.status === 'failed')
}
