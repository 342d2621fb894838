import type { SpanContext } from '@opentelemetry/api'
import type { ExecutionEvent } from '../core/contracts/events.ts'
import type { ExecutionLife } from '../core/contracts/execution-life.ts'

/** Gives the span that stands for what an event of a life is about; undefined where there is none. */
export type SpanOfEvent = (event: ExecutionEvent) => SpanContext | undefined

const registryKey = Symbol.for('docket.lifeSpans.1')

/** Of the lives of executions that are traced, their spans: for logs, which may be written by an observer that another copy of the package has made. */
function registry(): WeakMap<object, SpanOfEvent> {
  const known = Reflect.get(globalThis, registryKey) as WeakMap<object, SpanOfEvent> | undefined
  if (known !== undefined) return known
  const made = new WeakMap<object, SpanOfEvent>()
  Object.defineProperty(globalThis, registryKey, { value: made, enumerable: false })
  return made
}

/** Lets others find the spans of a life. */
export function showSpans({ key }: Pick<ExecutionLife, 'key'>, of: SpanOfEvent): void {
  registry().set(key, of)
}

/** The span of what an event of a life is about; undefined where the life is not traced. */
export function spanOfEvent({ key }: Pick<ExecutionLife, 'key'>, event: ExecutionEvent): SpanContext | undefined {
  return registry().get(key)?.(event)
}
