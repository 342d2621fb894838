import type { Logger as PinoLogger } from 'pino'
import { describe } from '../core/graph/check-step.ts'
import { isRecord } from '../core/is-record.ts'
import type { ExecutionEvent } from '../core/contracts/events.ts'
import type { Logger } from '../core/contracts/logger.ts'
import { checkObserverOptions } from './check-observer-options.ts'

/** How `pinoObserver` logs. */
export interface PinoObserverOptions {
  /** Whether steps and attempts that go well are logged too, at debug level. @default true */
  readonly steps?: boolean
}

/**
 * Logs an execution's events to a pino logger and lends it to `ctx.log`. Executions start and end at `info`, failed ones at
 * `error`; failed attempts and retries at `warn`; steps, cache look-ups and batch progress at `debug`. The event's fields are the
 * log's fields; an error goes under `err`, as pino's serializer wants it.
 *
 * @throws OptionError
 * @example graph({ name, steps, observers: [pinoObserver(pino())] })
 */
export function pinoObserver(
  logger: PinoLogger,
  options: PinoObserverOptions = {},
): { next(event: ExecutionEvent): void; readonly logger: Logger } {
  checkObserverOptions('pinoObserver', options, ['steps'], ({ steps }) => [
    steps !== undefined && typeof steps !== 'boolean' && `steps must be true or false, not ${describe(steps)}`,
    !(isRecord(logger) && typeof logger['child'] === 'function') &&
      `logger must be one of pino, not ${describe(logger)}`,
  ])
  const { steps = true } = options
  return {
    logger: logger as unknown as Logger,
    next(event) {
      const level = levelOf(event)
      if (level === 'debug' && !steps) return
      const {
        type,
        error,
        reason,
        ...fields
      }: ExecutionEvent & { readonly error?: unknown; readonly reason?: unknown } = event
      const err = error ?? reason
      logger[level](err === undefined ? fields : { ...fields, err }, type)
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
      return 'info'
    case 'attempt.failed':
    case 'retry.scheduled':
    case 'store.failed':
    case 'lease.lost':
    case 'loop.blocked':
    case 'execution.incompatible':
    case 'step.inputs-changed':
      return 'warn'
    case 'step.ended':
      return event.status === 'failed' ? 'warn' : 'debug'
    default:
      return 'debug'
  }
}
