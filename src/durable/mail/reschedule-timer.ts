import { checkOptions, describe } from '../../core/check-options.ts'
import { isName } from '../../core/check-name.ts'
import { didYouMean } from '../../core/closest-name.ts'
import type { ExecutionRecord, StepRecord } from '../../core/contracts/execution-record.ts'
import type { PostVerdict } from '../../core/contracts/message.ts'
import { isTerminal, isTerminalStep } from '../../core/contracts/statuses.ts'
import { moveIdentity } from '../../core/contracts/timer-message.ts'
import type { TimerMove } from '../../core/contracts/timer-message.ts'
import { durationHint, durationMs } from '../../core/duration.ts'
import type { Duration } from '../../core/duration.ts'
import { OptionError } from '../../core/errors.ts'
import { requireIndex } from '../../core/graph/plan.ts'
import { isDate } from '../../core/is-builtin.ts'
import { isRecord } from '../../core/is-record.ts'
import { allAnswers } from '../../runtime/store-access/all-answers.ts'
import type { DocketContext } from '../context/docket-context.ts'
import { noSuchExecution } from '../records/execution-info.ts'

/** What a call of `reschedule` takes besides timer and time. */
export interface RescheduleOptions {
  /** Of a batch, the key of the item whose timer it is. @default the timer that all items share */
  readonly item?: string | undefined
}

/** What became of a timer's new time. */
export type RescheduleVerdict = Exclude<PostVerdict, 'unknown' | 'duplicate'>

/** A call of `reschedule`, as it was made. */
export interface TimerCall {
  readonly timer: unknown
  readonly when: Date | Duration
  readonly options: RescheduleOptions
}

/** @throws OptionError for what is no timer, no time, or no options */
export function checkReschedule({ timer, when, options }: TimerCall): void {
  if (!isName(nameOf(timer)))
    throw new OptionError(`reschedule takes a timer, as timer() makes it, or its name, not ${describe(timer)}`)
  if (isDate(when) ? Number.isNaN(when.getTime()) : durationMs(when) === undefined)
    throw new OptionError(
      `reschedule takes a Date, or a duration from now, not ${isDate(when) ? 'an invalid Date' : describe(when)}; ${durationHint}`,
    )
  checkOptions('reschedule', options, ['item'], ({ item }) =>
    item === undefined || isName(item) ? [] : [`item must be the key of an item, not ${describe(item)}`],
  )
}

/** Gives a timer of an execution another time. @throws as `ExecutionHandle.reschedule` does */
export async function rescheduleTimer(
  context: DocketContext,
  id: string,
  { timer, when, options: { item = '' } }: TimerCall,
): Promise<RescheduleVerdict> {
  const { connection, clock } = context
  const { store, encoding } = connection
  await connection.readyBy()
  const dueAt = isDate(when) ? when.getTime() : clock.now() + durationMs(when)!
  if (Number.isNaN(new Date(dueAt).getTime()))
    throw new OptionError(`reschedule: ${describe(when)} from now is longer than dates reach`)
  const record = await context.recordOf(id)
  if (record === undefined) throw noSuchExecution(id)
  const step = nameOf(timer) as string
  requireTimer(context, record, step, item)
  if (isTerminal(record.status)) return 'ended'
  if (await hasEnded(context, record, step, item)) return 'late'
  const move: TimerMove = { step, item, dueAt }
  const payload = await encoding.encode(move, moveIdentity(id))
  const message = { execution: id, class: 'control', kind: 'reschedule', payload, at: clock.now() } as const
  // Twice it says no more than once.
  const [verdict] = allAnswers(store, 'post', [message], await connection.patiently(() => store.post([message])))
  if (verdict === 'unknown') throw noSuchExecution(id)
  if (verdict === 'accepted') context.lookSoon()
  return verdict as RescheduleVerdict
}

function nameOf(timer: unknown): unknown {
  return isRecord(timer) && timer['kind'] === 'timer' ? timer['name'] : timer
}

/** @throws OptionError for a timer that the graph, where it is known here, does not have, and for an item where there are none */
function requireTimer(context: DocketContext, { id, kind, graph: name }: ExecutionRecord, step: string, item: string) {
  if (kind !== 'batch' && item !== '')
    throw new OptionError(`reschedule: item is for batches, and "${id}" is an execution`, { executionId: id })
  const graph = context.graphOf(name)
  if (graph === undefined) return
  const { specs, former } = requireIndex(graph)
  const timers = specs.flatMap((spec) => (spec.kind === 'timer' ? [spec.name] : []))
  if (timers.includes(former?.steps.get(step) ?? step)) return
  const hint = didYouMean(step, timers) || `; it has: ${timers.join(', ') || 'none'}`
  throw new OptionError(`graph "${graph.name}" (execution "${id}") has no timer "${step}"${hint}`, { executionId: id })
}

/** Whether it is on record that the timer waits no more, in this life of its execution. */
async function hasEnded(
  context: DocketContext,
  { id, graph: name, startedAt = 0 }: ExecutionRecord,
  step: string,
  item: string,
): Promise<boolean> {
  const graph = context.graphOf(name)
  const former = graph === undefined ? undefined : requireIndex(graph).former?.steps
  const names = [step, former?.get(step) ?? step]
  let isFound = false
  await context.connection.patiently(() =>
    context.pagesOf(
      id,
      () => !isFound,
    )((steps) => {
      isFound ||= steps.some(
        (one) => one.item === item && names.includes(one.step) && isTerminalStep(one.status) && isOfNow(one, startedAt),
      )
    }),
  )
  return isFound
}

/** What a retry begins anew was stopped before. */
function isOfNow({ status, endedAt = Infinity }: StepRecord, startedAt: number): boolean {
  return status === 'completed' || endedAt >= startedAt
}
