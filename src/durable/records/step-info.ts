import type { ExecutionRecord, StepRecord } from '../../core/contracts/execution-record.ts'
import type { StoredValue } from '../../core/contracts/stored-value.ts'
import type { StepStatus } from '../../core/contracts/statuses.ts'
import type { ValueEncoding } from '../../core/values/value-encoding.ts'
import type { Turn } from '../../runtime/environment/turn.ts'
import type { UndoView } from '../../runtime/execution/execution-view.ts'
import type { AnyGraph } from '../../core/graph/graph-index.ts'
import { requireIndex } from '../../core/graph/plan.ts'
import { childId } from '../../runtime/execution/child-execution.ts'
import type { StepSpec } from '../../core/graph/graph-index.ts'
import { isEventStep } from '../../core/language/event.ts'
import type { AwaitedLimit } from '../../runtime/steps/shared-limits.ts'
import { queuedOf } from './queued-since.ts'
import { isRemoteStep } from '../../core/language/remote-step.ts'
import { attemptsOfRecord } from './attempt-history.ts'
import type { AttemptInfo } from './attempt-history.ts'
import { awaitedKeyOf } from './awaited-key.ts'
import { dateOf } from './date-of.ts'
import { specsByName } from './restore-execution.ts'
import { stepsOfBatch } from './restore-batch.ts'

/** What a step waits for. */
export type StepWait =
  /** Until these steps have ended. */
  | { readonly kind: 'inputs'; readonly steps: readonly string[] }
  /** Until its next attempt is due. */
  | { readonly kind: 'retry'; readonly at: Date }
  /** Until this time has come. */
  | { readonly kind: 'time'; readonly at: Date }
  /** For a value of this type from outside, at the latest until a time, where its wait has a timeout. */
  | { readonly kind: 'signal'; readonly signal: string; readonly until: Date | undefined }
  /** For values of any of these types from outside, at the latest until a time, where it goes on by itself then. */
  | { readonly kind: 'messages'; readonly types: readonly string[]; readonly until: Date | undefined }
  /** For another service to make this; it is called again at a time, if nothing came from it before. */
  | { readonly kind: 'remote'; readonly operation: string; readonly until: Date | undefined }
  /** For the end of the execution with this id, its child, at the latest until a time, where its step has a timeout. */
  | { readonly kind: 'child'; readonly execution: string; readonly until: Date | undefined }
  /** For an event of this type under this key, at the latest until a time, where its wait has a timeout. */
  | { readonly kind: 'event'; readonly event: string; readonly key: string; readonly until: Date | undefined }
  /** For what these verbs of its function wait for, by their names, at the latest until a time, where one of them has one. */
  | { readonly kind: 'verbs'; readonly verbs: readonly string[]; readonly until: Date | undefined }
  /** Until another attempt of the same step gives its slot of `concurrency` back, or its turn in its `rate` comes, in this process. */
  | { readonly kind: 'slot' }
  /** Until the limits that processes share let it begin. */
  | { readonly kind: 'limit'; readonly limits: readonly LimitInfo[] }
  /** Until the store, or an equal call that makes the result, has answered. */
  | { readonly kind: 'result' }
  /** For the execution's owner, which alone knows what the step does; where that has died, for another process to go on. */
  | { readonly kind: 'owner' }

/** A limit that processes share, and that a step, or an execution in its queue, waits for. */
export interface LimitInfo {
  /** Whether it limits what runs at the same time, or what begins in a period. */
  readonly kind: 'concurrency' | 'rate'
  /** Over which executions it holds. */
  readonly scope: 'graph' | 'queue'
  /** The key that the step's function gave, of a queue's limit that counts each key by itself that of the execution, '' where it has none; undefined where there is none. */
  readonly key: string | undefined
  /** What it is found by in the store; of a queue's limit the queue's name. */
  readonly id: string
  /** How many it lets run at the same time, or begin in each period, as it was declared last; undefined where nothing is known of it (any more). */
  readonly limit: number | undefined
  /** Of a rate, the period that `limit` is for, in milliseconds. */
  readonly perMs: number | undefined
  /** The executions that have its slots; of those of a queue, twenty at the most. */
  readonly heldBy: readonly string[]
  /** Of a rate, when the next one may begin: those that wait before this one go first. */
  readonly nextAt: Date | undefined
}

/** How far what a step did is undone, as far as records say that. */
export interface UndoInfo extends Omit<UndoView, 'startedAt' | 'endedAt' | 'dueAt'> {
  /** When its first attempt began. */
  readonly startedAt: Date
  /** When it was undone, or given up. */
  readonly endedAt: Date | undefined
  /** When the next attempt is due, while retrying. */
  readonly dueAt: Date | undefined
}

/** What one verb of a durable function came to, or that it is open. */
export interface CheckpointInfo {
  /** The verb's whole name, with its branch, key and number. */
  readonly name: string
  /** Which verb it is. */
  readonly kind: string
  /** Whether it is open, or how it ended. */
  readonly status: 'open' | 'completed' | 'failed' | 'timedOut'
  /** How often the function had begun anew. */
  readonly generation: number
  /** What it gave; while it is open, what is known of it. */
  readonly value: unknown
  /** What it failed with. */
  readonly error: unknown
  /** When that was. */
  readonly at: Date
  /** Until when it waits. */
  readonly dueAt: Date | undefined
}

/** What is known of one step. */
export interface StepInfo {
  /** The step's name. */
  readonly step: string
  /** Key of the batch's item; undefined outside batches, and for what the items share. */
  readonly item: string | undefined
  /**
   * `unknown`: there is no record of it, so that the process that runs the execution, or ran it, alone knows. Where no process has the execution, what begins
   * again is `pending`.
   */
  readonly status: StepStatus | 'unknown'
  /** The current or last attempt; 0 before the first. Undefined where that is not on record: of a step that is not persisted, and ran, or may have run, in another process, or has ended. */
  readonly attempt: number | undefined
  /** Its value, once completed or cached. */
  readonly output: unknown
  /** What its last attempt failed with. */
  readonly error: unknown
  /** Its last attempts, 25 at the most, in their order. */
  readonly attempts: readonly AttemptInfo[]
  /** When its inputs were there; undefined for one that does not have them, or has not begun, as far as is known. */
  readonly queuedAt: Date | undefined
  /** When its first attempt began. */
  readonly startedAt: Date | undefined
  /** When it ended. */
  readonly endedAt: Date | undefined
  /** When the next attempt is due. */
  readonly dueAt: Date | undefined
  /** When it came into this state, where that is known: in the process that runs it, nearly always. */
  readonly since: Date | undefined
  /** How far what it did is undone; absent where nothing of it is. */
  readonly undo?: UndoInfo | undefined
  /** Of a durable function, what is on record of its verbs, in their order: the first thousand. Absent elsewhere. */
  readonly checkpoints?: readonly CheckpointInfo[] | undefined
  /** Why it does not go on: undefined for one that runs or has ended. */
  readonly waitsFor: StepWait | undefined
  /** True where what it makes is declared `sensitive`: tools don't show it. Absent elsewhere. */
  readonly isSensitive?: boolean | undefined
}

/** What the records of steps say; what a batch keeps besides is not shown. @throws SerializationError for one that can't be read, unless the encoding is a lenient one */
export async function stepInfosOf(
  { id, kind }: ExecutionRecord,
  steps: readonly StepRecord[],
  encoding: ValueEncoding,
  turn: Turn,
  graph?: AnyGraph,
  undoings?: ReadonlyMap<string, number>,
): Promise<readonly StepInfo[]> {
  const specs = graph === undefined ? undefined : specsByName(requireIndex(graph))
  const awaitedBy = async ({ step, item, status, type, output, dueAt }: StepRecord): Promise<Awaited | undefined> => {
    if (status !== 'waiting' && status !== 'queued') return undefined
    const spec = specs?.get(step)
    const kept = await decoded(output, (stored) => encoding.decode(stored, ['step', id, step, item, 'output']))
    // It says what is waited for, and can't be read.
    if (output !== undefined && kept === undefined) return undefined
    const queued = queuedOf(kept)
    if (status === 'queued') return queued === undefined ? undefined : queued
    const key = awaitedKeyOf(kept)
    if (key !== undefined) return { event: spec === undefined ? type : awaitedName(spec), key }
    // Without its graph, what has no time is waited for from outside.
    const stepKind = specs === undefined && dueAt === undefined ? 'signal' : spec?.kind
    if (stepKind === 'signal') return { signal: type }
    if (spec !== undefined && isRemoteStep(spec.step)) return { operation: spec.step.operation }
    if (spec !== undefined && receivesNow(spec)) return { types: spec.receives.map(({ name }) => name) }
    if (stepKind === 'durable') return { verbs: [] }
    return stepKind === 'subgraph'
      ? { execution: childId(id, item, spec?.firstName ?? step, undoings?.get(step) ?? 0) }
      : undefined
  }
  const infoOfStep = async (record: StepRecord): Promise<StepInfo> => {
    const { step, item, status, attempt, output, error, startedAt, endedAt, dueAt, queuedAt } = record
    const thrown = await decoded(error, (stored) => encoding.decodeError(stored, ['step', id, step, item, 'error']))
    const awaited = await awaitedBy(record)
    return {
      step,
      item: item === '' ? undefined : item,
      status,
      attempt,
      // Until a race has its value, and where it never has one, what came first stands there.
      output: await decoded(status === 'completed' || status === 'cached' ? output : undefined, (stored) =>
        encoding.decode(stored, ['step', id, step, item, 'output']),
      ),
      error: thrown,
      attempts: await attemptsOfRecord(record, thrown, ['step', id, step, item, 'attempts'], encoding),
      queuedAt: dateOf(
        queuedAt ?? startedAt ?? (awaited !== undefined && 'limits' in awaited ? awaited.since : undefined),
      ),
      startedAt: dateOf(startedAt),
      endedAt: dateOf(endedAt),
      dueAt: dateOf(dueAt),
      // Of later attempts the beginning is not on record.
      since: dateOf(endedAt ?? (status === 'running' && attempt === 1 ? startedAt : undefined)),
      waitsFor: waitOf(status, dueAt, awaited),
    }
  }
  const infos: StepInfo[] = []
  for (const record of kind === 'batch' ? stepsOfBatch(steps) : steps) {
    if (turn.mustYield()) await turn.next()
    infos.push(await infoOfStep(record))
  }
  return infos
}

/** The type of the signal, the event, or the id of the child that a step waits for. */
export type Awaited =
  | { readonly limits: readonly AwaitedLimit[]; readonly since?: number | undefined }
  | { readonly verbs: readonly string[] }
  | { readonly operation: string }
  | { readonly signal: string }
  | { readonly types: readonly string[] }
  | { readonly event: string; readonly key: string }
  | { readonly execution: string }

/** Whether a step that waits may go on by any of the types that it receives. */
export function receivesNow({ kind, receives }: StepSpec): boolean {
  return kind === 'machine' && receives.length > 0
}

/** The name of the signal or event that a step waits for. */
export function awaitedName({ step, output }: StepSpec): string {
  return isEventStep(step) ? step.event.name : output.name
}

/** `awaited`: what it waits for beside a time, if it waits for that. */
export function waitOf(
  status: StepStatus,
  dueAt: number | undefined,
  awaited: Awaited | undefined,
): StepWait | undefined {
  if (awaited !== undefined && 'limits' in awaited) return { kind: 'limit', limits: awaited.limits.map(limitInfoOf) }
  if (status === 'waiting' && awaited !== undefined) {
    const until = dateOf(dueAt)
    if ('types' in awaited) return { kind: 'messages', ...awaited, until }
    if ('verbs' in awaited) return { kind: 'verbs', ...awaited, until }
    if ('operation' in awaited) return { kind: 'remote', ...awaited, until }
    if ('event' in awaited) return { kind: 'event', ...awaited, until }
    return 'signal' in awaited ? { kind: 'signal', ...awaited, until } : { kind: 'child', ...awaited, until }
  }
  const at = dateOf(dueAt)
  if (at === undefined) return undefined
  if (status === 'retrying') return { kind: 'retry', at }
  return status === 'waiting' ? { kind: 'time', at } : undefined
}

function decoded(stored: StoredValue | undefined, decode: (stored: StoredValue) => unknown): unknown {
  return stored === undefined ? undefined : decode(stored)
}

/** The limit as the step knows it; its holders are known to the store. */
function limitInfoOf({ kind, scope, key, id }: AwaitedLimit): LimitInfo {
  return { kind, scope, key, id, limit: undefined, perMs: undefined, heldBy: [], nextAt: undefined }
}
