import type { SpanContext } from '@opentelemetry/api'
import type { ExecutionEvent } from '../core/contracts/events.ts'
import type { ExecutionLife } from '../core/contracts/execution-life.ts'

/** Gives the span that stands for what an event of a life is about; undefined where there is none. */
export type SpanOfEvent = (event: ExecutionEvent) => SpanContext | undefined

/** Under this a life has its spans: for logs, which may be written by an observer that another copy of the package has made. */
const spansKey = Symbol.for('docket.lifeSpans.1')

/** Lets others find the spans of a life. */
export function showSpans({ key }: Pick<ExecutionLife, 'key'>, of: SpanOfEvent): void {
  Reflect.set(key, spansKey, of)
}

/** The span of what an event of a life is about; undefined where the life is not traced. */
export function spanOfEvent({ key }: Pick<ExecutionLife, 'key'>, event: ExecutionEvent): SpanContext | undefined {
  return (Reflect.get(key, spansKey) as SpanOfEvent | undefined)?.(event)
}
