import type { Logger as PinoLogger } from 'pino'
import { checkOptions, describe } from '../core/check-options.ts'
import { isRecord } from '../core/is-record.ts'
import type { ExecutionEvent } from '../core/contracts/events.ts'
import type { Logger } from '../core/contracts/logger.ts'
import { describeThrown } from '../core/thrown.ts'
import { loggableError } from './loggable-error.ts'

/** How `pinoObserver` logs. */
export interface PinoObserverOptions {
  /** Whether steps and attempts that go well are logged too, at debug level. @default true */
  readonly steps?: boolean
}

/**
 * Logs an execution's events to a pino logger and lends it to `ctx.log`. Executions start and end at `info`, failed ones at
 * `error`; failed attempts and retries at `warn`; steps, cache look-ups and batch progress at `debug`, also a step that fails with what its
 * last attempt was logged with. The event's fields are the log's fields; an error goes under `err`, as pino's serializer wants it.
 *
 * @throws OptionError
 * @example graph({ name, steps, observers: [pinoObserver(pino())] })
 */
export function pinoObserver(
  logger: PinoLogger,
  options: PinoObserverOptions = {},
): { next(event: ExecutionEvent): void; readonly logger: Logger } {
  checkOptions('pinoObserver', options, ['steps'], ({ steps }) => [
    steps !== undefined && typeof steps !== 'boolean' && `steps must be true or false, not ${describe(steps)}`,
    !(isRecord(logger) && typeof logger['child'] === 'function') &&
      `logger must be one of pino, not ${describe(logger)}`,
  ])
  const { steps = true } = options
  // What a failed attempt was reported with; a step that fails for good ends with the same, and needs no second warning.
  const reported = new WeakSet<object>()
  let last: unknown
  const noteReported = (error: unknown): void => {
    last = error
    if (typeof error === 'object' && error !== null) reported.add(error)
  }
  const isReported = (error: unknown): boolean =>
    error !== undefined && (typeof error === 'object' && error !== null ? reported.has(error) : error === last)
  return {
    logger: logger as unknown as Logger,
    next(event) {
      const isRepeated = event.type === 'step.ended' && isReported(event.error)
      const level = isRepeated ? 'debug' : levelOf(event)
      if (event.type === 'attempt.failed') noteReported(event.error)
      if (level === 'debug' && !steps) return
      const {
        type,
        error,
        reason,
        ...fields
      }: ExecutionEvent & { readonly error?: unknown; readonly reason?: unknown } = event
      const err = error ?? reason
      if (err === undefined) logger[level](fields, type)
      else logger[level]({ ...fields, err: isRepeated ? describeThrown(err) : loggableError(err) }, type)
    },
  }
}

function levelOf(event: ExecutionEvent): 'debug' | 'info' | 'warn' | 'error' {
  switch (event.type) {
    case 'execution.started':
      return 'info'
    case 'execution.ended':
      return event.status === 'failed' ? 'error' : 'info'
    case 'execution.resumed':
    case 'execution.released':
    case 'act.recorded':
      return 'info'
    case 'undo.ended':
      return event.status === 'failed' ? 'error' : 'debug'
    case 'undo.attempt-failed':
    case 'execution.compensating':
    case 'attempt.failed':
    case 'retry.scheduled':
    case 'store.failed':
    case 'lease.lost':
    case 'loop.blocked':
    case 'execution.incompatible':
    case 'step.inputs-changed':
    case 'signal.set-aside':
    case 'event.set-aside':
    case 'parking.failed':
    case 'schedule.skipped':
    case 'schedule.missed':
    case 'schedule.vanished':
      return 'warn'
    case 'schedule.paused':
    case 'schedule.failed':
      return 'error'
    case 'step.ended':
      return event.status === 'failed' ? 'warn' : 'debug'
    default:
      return 'debug'
  }
}
