import { compiledExecution } from '../../../machines/index.ts'
import type {
  ExecutionContext,
  ExecutionEvent as ExecutionMachineEvent,
  MachineRecord,
} from '../../../machines/index.ts'
import type { AsyncContext } from '../environment/async-context.ts'
import type { Emitter } from './emitter.ts'
import { endStatusOf } from './end-reason.ts'
import type { Watcher } from './execution-setup.ts'
import type { EndReport, Failure } from './end-report.ts'

/** What ends an execution. */
export type EndEvent = ExecutionMachineEvent & { readonly at: number }

/** The report of an end that is still to be written: for the caller of the execution, whoever writes it. */
export function reportOf<Event extends { readonly at: number }>(
  context: AsyncContext,
  event: Event,
  error: unknown,
  show: (event: Event | (Failure & { readonly at: number }), error: unknown) => void,
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

/** Lets an execution be seen as ended. */
export function showEnd(execution: Shown, event: EndEvent, error: unknown, durationMs: number): void {
  compiledExecution.transition(execution, compiledExecution.eventCode[event.type], event)
  execution.watcher?.executionChanged(event)
  // Wrong inputs end an execution that has not begun.
  if (execution.part === undefined && execution.startedAt !== undefined)
    execution.emitter?.executionEnded(event.at, endStatusOf(event.type), durationMs, error)
}

/** The report of an execution's end. */
export function laterReportOf(execution: Shown, event: EndEvent, error: unknown, durationMs: number): EndReport {
  return reportOf(execution.context, event, error, (...end) => showEnd(execution, ...end, durationMs))
}
