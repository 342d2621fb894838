import { compiledExecution } from '../../../machines/index.ts'
import type {
  ExecutionContext,
  ExecutionEvent as ExecutionMachineEvent,
  MachineRecord,
  ReleaseCause,
} from '../../../machines/index.ts'
import type { AsyncContext } from '../environment/async-context.ts'
import type { Emitter } from './emitter.ts'
import { endStatusOf } from './end-reason.ts'
import type { ExecutionSetup, Watcher } from './execution-setup.ts'
import { reported } from './end-report.ts'
import type { EndReport, OtherEnd } from './end-report.ts'
import { elapsedSince } from '../environment/clock.ts'
import type { FullClock } from '../environment/clock.ts'

/** What ends an execution. */
export type EndEvent = ExecutionMachineEvent & { readonly at: number }

/** The report of an end that is still to be written: for the caller of the execution, whoever writes it. */
export function reportOf<Event extends { readonly at: number }>(
  context: AsyncContext,
  event: Event,
  error: unknown,
  show: (event: Event | (OtherEnd & { readonly at: number }), error: unknown) => void,
): EndReport {
  return (instead) =>
    context.run(() => (instead === undefined ? show(event, error) : show({ ...instead, at: event.at }, instead.error)))
}

/** An execution, as those see it who look at it. */
interface Shown extends MachineRecord<ExecutionContext> {
  readonly context: AsyncContext
  readonly part: unknown
  readonly watcher: Watcher | undefined
  readonly emitter: Emitter | undefined
}

/** Emits how an execution or a batch has ended, or that it goes on elsewhere. */
export function emitEnd(
  emitter: Emitter,
  event: { readonly type: string; readonly at: number; readonly cause?: ReleaseCause },
  error: unknown,
  durationMs: number,
): void {
  if (event.cause !== undefined) emitter.executionReleased(event.at, event.cause, durationMs)
  else emitter.executionEnded(event.at, endStatusOf(event.type), durationMs, error)
}

/** An execution that has ended, and what its caller has set up for that. */
export interface EndedExecution extends Shown {
  readonly clock: FullClock
  readonly recorder: unknown
  readonly setup: Pick<ExecutionSetup, 'onCompleted' | 'onFailed'>
}

/** An execution whose state changes. */
export interface Changing extends MachineRecord<ExecutionContext> {
  readonly watcher: Watcher | undefined
}

/** Moves an execution on, for all that look at it. */
export function changeTo(execution: Changing, event: ExecutionMachineEvent): void {
  compiledExecution.transition(execution, compiledExecution.eventCode[event.type], event)
  execution.watcher?.executionChanged(event)
}

/** Lets an execution be seen as ended. */
function showEnd(execution: Shown, event: EndEvent, error: unknown, durationMs: number): void {
  changeTo(execution, event)
  // Wrong inputs end an execution that has not begun.
  if (execution.part === undefined && execution.startedAt !== undefined && execution.emitter !== undefined)
    emitEnd(execution.emitter, event, error, durationMs)
}

/** The report of an execution's end. */
function laterReportOf(execution: Shown, event: EndEvent, error: unknown, durationMs: number): EndReport {
  return reportOf(execution.context, event, error, (...end) => showEnd(execution, ...end, durationMs))
}

/** An execution that has made its output, which is on its way to the store. */
interface SucceedingExecution {
  readonly clock: FullClock
  readonly hasEnded: boolean
  holdOutcome(isHeld: boolean): void
  fail(error: unknown): void
  finish(event: EndEvent, error: undefined): void
}

/** Ends an execution with its output once that is written; until then nothing changes the outcome. */
export function succeedOnceWritten(execution: SucceedingExecution, written: Promise<void>, output: unknown): void {
  execution.holdOutcome(true)
  written.then(
    () => {
      if (!execution.hasEnded) execution.finish({ type: 'SUCCEED', output, at: execution.clock.now() }, undefined)
    },
    (error: unknown) => {
      execution.holdOutcome(false)
      execution.fail(error)
    },
  )
}

/**
 * Reports to the caller how an execution has ended, and lets it be seen as ended: at once, or, where the end is still to be written, once the
 * caller says so. `beganAt` is in steady time; `isReported`: the caller knows.
 */
export function reportEnd(
  execution: EndedExecution,
  event: EndEvent,
  error: unknown,
  beganAt: number,
  isReported = false,
): void {
  const { clock, emitter, part, recorder, setup } = execution
  const durationMs = emitter === undefined ? 0 : elapsedSince(clock, beganAt, execution.startedAt, event.at)
  // What succeeds was written before.
  const isWritten = event.type === 'SUCCEED' || part !== undefined || recorder === undefined
  if (isWritten) showEnd(execution, event, error, durationMs)
  if (event.type === 'SUCCEED') setup.onCompleted(event.output)
  else if (!isReported) setup.onFailed(error, isWritten ? reported : laterReportOf(execution, event, error, durationMs))
}
