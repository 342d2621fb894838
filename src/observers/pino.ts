import type { Logger as PinoLogger } from 'pino'
import { checkOptions, describe } from '../core/check-options.ts'
import { isRecord } from '../core/is-record.ts'
import type { ExecutionEvent } from '../core/contracts/events.ts'
import type { ObserverEvents } from '../core/contracts/execution-life.ts'
import type { Logger } from '../core/contracts/logger.ts'
import type { ObserverObject } from '../core/contracts/observer.ts'
import { activeSpanIds, spanIdsOf } from './active-span-ids.ts'
import type { SpanIds } from './active-span-ids.ts'
import { spanOfEvent } from './life-spans.ts'
import { loggableError, shortError } from './loggable-error.ts'

/** How `pinoObserver` logs. */
export interface PinoObserverOptions {
  /** Whether steps and attempts that go well are logged too, at debug level. @default true */
  readonly steps?: boolean
}

/**
 * Logs an execution's events to a pino logger and lends it to `ctx.log`. Executions start and end at `info`, failed ones at
 * `error`; failed attempts and retries at `warn`; steps, cache look-ups and batch progress at `debug`, also a step that fails with what its
 * last attempt was logged with. The event's fields are the log's fields; an error goes under `err`, as pino's serializer wants it, an object always. In a docket, `owner` and
 * `epoch` say which process logs, in which life of the execution. `trace_id` and `span_id` are those of what the event is about, where `openTelemetryObserver` observes it too; else of
 * the span of OpenTelemetry in which the execution began to live here.
 *
 * @throws OptionError
 * @example graph({ name, steps, observers: [pinoObserver(pino())] })
 */
export function pinoObserver(
  logger: PinoLogger,
  options: PinoObserverOptions = {},
): ObserverObject & { readonly logger: Logger } {
  checkOptions('pinoObserver', options, ['steps'], ({ steps }) => [
    steps !== undefined && typeof steps !== 'boolean' && `steps must be true or false, not ${describe(steps)}`,
    !(isRecord(logger) && typeof logger['child'] === 'function') &&
      `logger must be one of pino, not ${describe(logger)}`,
  ])
  const { steps = true } = options
  const log = new EventLog(steps)
  return {
    logger: withSpanIds(logger),
    next: (event) => log.write(logger, event, activeSpanIds()),
    observe: (life) => {
      const { record } = life
      // What an execution does is done in the async context of whatever step brought it on.
      const around = activeSpanIds()
      let own = record === undefined ? logger : undefined
      return {
        doesWithout: log.doesWithout(logger),
        next: (event) => {
          if (!log.isWanted(event)) return
          own ??= logger.child({ owner: record!.owner, epoch: record!.epoch })
          const span = spanOfEvent(life, event)
          log.write(own, event, span === undefined ? around : spanIdsOf(span))
        },
      }
    },
  }
}

/** The same logger, of which a child that is made where a span is active has its ids. */
function withSpanIds(logger: PinoLogger): Logger {
  const lent = Object.create(logger) as PinoLogger
  const child = (bindings: object, options?: object): unknown =>
    logger.child({ ...bindings, ...activeSpanIds() }, options)
  return Object.assign(lent, { child }) as unknown as Logger
}

/** Writes events as lines. */
class EventLog {
  readonly #steps: boolean
  // What a failed attempt was reported with; a step that fails for good ends with the same, and needs no second warning.
  readonly #reported = new WeakSet<object>()
  #last: unknown

  constructor(steps: boolean) {
    this.#steps = steps
  }

  /** Whether it may become a line. */
  isWanted(event: ExecutionEvent): boolean {
    return this.#steps || event.type === 'attempt.failed' || levelOf(event) !== 'debug'
  }

  /** What is no line as it is now: of steps that begin, and of looks for results. */
  doesWithout(logger: PinoLogger): ObserverEvents {
    const areLogged = this.#steps && (logger as Partial<PinoLogger>).isLevelEnabled?.('debug') !== false
    return areLogged ? [] : ['step.started', 'attempt.started', 'cache.hit', 'cache.miss']
  }

  write(logger: PinoLogger, event: ExecutionEvent, ids: SpanIds): void {
    const isRepeated = event.type === 'step.ended' && this.#isReported(event.error)
    const level = isRepeated ? 'debug' : levelOf(event)
    if (event.type === 'attempt.failed') this.#noteReported(event.error)
    if (level === 'debug' && !this.#steps) return
    // Loggers that only look like one of pino may not say.
    if ((logger as Partial<PinoLogger>).isLevelEnabled?.(level) === false) return
    const { type, error, reason, ...fields }: ExecutionEvent & { readonly error?: unknown; readonly reason?: unknown } =
      event
    const err = error === undefined ? reason : error
    // Of what a machine emits, the values may be sensitive.
    const emitted = event.type === 'step.emitted' && { event: event.event.type }
    const line = { ...fields, ...emitted, ...ids }
    if (err === undefined) logger[level](line, type)
    else logger[level]({ ...line, err: isRepeated ? shortError(err) : loggableError(err) }, type)
  }

  #noteReported(error: unknown): void {
    this.#last = error
    if (typeof error === 'object' && error !== null) this.#reported.add(error)
  }

  #isReported(error: unknown): boolean {
    if (error === undefined) return false
    return typeof error === 'object' && error !== null ? this.#reported.has(error) : error === this.#last
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
    case 'schedule.overruled':
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
