import { checkOptions, describe } from '../../core/check-options.ts'
import { isName } from '../../core/check-name.ts'
import { didYouMean } from '../../core/closest-name.ts'
import type { ExecutionRecord } from '../../core/contracts/execution-record.ts'
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
import { turnOf } from '../../runtime/environment/turn.ts'
import type { DocketContext } from '../context/docket-context.ts'
import { ItemsReader, itemsStep } from '../records/batch-items.ts'
import { noSuchExecution } from '../records/execution-info.ts'
import { headOfBatch } from '../records/batch-head.ts'
import { problemOfItem } from './signal-place.ts'

/** What a call of `reschedule` takes besides timer and time. */
export interface RescheduleOptions {
  /** Of a batch, the index of the item whose timer it is. @default the timer that all items share */
  readonly item?: number | undefined
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
  checkOptions('reschedule', options, ['item'], ({ item }) => [problemOfItem(item)])
}

/** Gives a timer of an execution another time. @throws as `ExecutionHandle.reschedule` does */
export async function rescheduleTimer(
  context: DocketContext,
  id: string,
  { timer, when, options: { item: index } }: TimerCall,
): Promise<RescheduleVerdict> {
  const { connection, clock } = context
  const { encoding } = connection
  await connection.readyBy()
  const dueAt = isDate(when) ? when.getTime() : clock.now() + durationMs(when)!
  if (Number.isNaN(new Date(dueAt).getTime()))
    throw new OptionError(`reschedule: ${describe(when)} from now is longer than dates reach`)
  const record = await context.recordOf(id)
  if (record === undefined) throw noSuchExecution(id)
  const step = nameOf(timer) as string
  requireTimer(context, record, step, index)
  if (isTerminal(record.status)) return 'ended'
  const { item, hasEnded } = await findTimer(context, record, step, index)
  if (item === undefined) throw new OptionError(`reschedule: batch "${id}" has no item ${index}`, { executionId: id })
  if (hasEnded) return 'late'
  const move: TimerMove = { step, item, dueAt }
  const payload = await encoding.encode(move, moveIdentity(id))
  const of = { execution: id, id: connection.newMessageId() }
  const message = { ...of, class: 'control', kind: 'reschedule', payload, at: clock.now() } as const
  const [verdict] = await connection.post([message])
  if (verdict === 'unknown') throw noSuchExecution(id)
  if (verdict === 'accepted') context.lookSoon(id, message.id)
  return verdict as RescheduleVerdict
}

function nameOf(timer: unknown): unknown {
  return isRecord(timer) && timer['kind'] === 'timer' ? timer['name'] : timer
}

/** @throws OptionError for a timer that the graph, where it is known here, does not have, and for an item where there are none */
function requireTimer(
  context: DocketContext,
  { id, kind, graph: name, graphHash }: ExecutionRecord,
  step: string,
  item: number | undefined,
) {
  if (kind !== 'batch' && item !== undefined)
    throw new OptionError(`reschedule: item is for batches, and "${id}" is an execution`, { executionId: id })
  const graph = context.graphOf({ graph: name, graphHash })
  if (graph === undefined) return
  const { specs, former } = requireIndex(graph)
  const timers = specs.flatMap((spec) => (spec.kind === 'timer' ? [spec.name] : []))
  if (timers.includes(former?.steps.get(step) ?? step)) return
  const hint = didYouMean(step, timers) || `; it has: ${timers.join(', ') || 'none'}`
  throw new OptionError(`graph "${graph.name}" (execution "${id}") has no timer "${step}"${hint}`, { executionId: id })
}

/** What the records say of a timer. */
interface FoundTimer {
  /** Key of the batch's item that it is of; empty where it is of none. Undefined where the batch has no such item. */
  readonly item: string | undefined
  /** Whether it waits no more, in this life of its execution. */
  readonly hasEnded: boolean
}

async function findTimer(
  context: DocketContext,
  record: ExecutionRecord,
  step: string,
  index: number | undefined,
): Promise<FoundTimer> {
  const { clock, connection } = context
  const { id } = record
  const graph = context.graphOf(record)
  const former = graph === undefined ? undefined : requireIndex(graph).former?.steps
  const names = [step, former?.get(step) ?? step]
  const total = index === undefined ? 0 : (await headOfBatch(record, connection.encoding)).total
  return connection.patiently(async () => {
    const items = new ItemsReader(id, total, connection.encoding, turnOf(clock), false)
    const ended = new Set<string>()
    await context.pagesOf(id)(async (steps) => {
      for (const one of steps) {
        if (one.step === itemsStep && index !== undefined) await items.take(one)
        if (names.includes(one.step) && isTerminalStep(one.status)) ended.add(one.item)
      }
    })
    const written = index === undefined ? 0 : await items.done(total)
    const item = index === undefined ? '' : typeof written === 'number' ? undefined : written.keys[index]
    return { item, hasEnded: item !== undefined && ended.has(item) }
  })
}
