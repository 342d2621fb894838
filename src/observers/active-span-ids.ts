/** What of the API of OpenTelemetry is there for all its copies in a process. */
interface GlobalApi {
  readonly context?: { active(): { getValue(key: symbol): unknown } }
}

interface SpanLike {
  spanContext?(): { readonly traceId?: unknown; readonly spanId?: unknown }
}

/** Where the API keeps what was registered with it, and under what a context holds its span: pinned by a test to the version that is supported. */
const apiKey = Symbol.for('opentelemetry.js.api.1')
const spanKey = Symbol.for('OpenTelemetry Context Key SPAN')

/** Ids of a span, under the names that logs have for them. */
export interface SpanIds {
  readonly trace_id?: string
  readonly span_id?: string
}

const none: SpanIds = Object.freeze({})

/** The ids of a span, as logs have them. */
export function spanIdsOf({ traceId, spanId }: { readonly traceId: string; readonly spanId: string }): SpanIds {
  return { trace_id: traceId, span_id: spanId }
}

/** The ids of the span that is active; none where there is no span, and where the API is not loaded. */
export function activeSpanIds(): SpanIds {
  try {
    const api = Reflect.get(globalThis, apiKey) as GlobalApi | undefined
    const span = api?.context?.active().getValue(spanKey) as SpanLike | undefined
    const { traceId, spanId } = span?.spanContext?.() ?? {}
    if (typeof traceId !== 'string' || typeof spanId !== 'string') return none
    return spanIdsOf({ traceId, spanId })
  } catch {
    return none
  }
}
