import type { SpanContext } from '@opentelemetry/api'

const form = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/
const nothing = /^0+$/

/** The span that a `traceparent` names, as W3C Trace Context has it; undefined for anything that names none. */
export function parseTraceParent(text: unknown): SpanContext | undefined {
  if (typeof text !== 'string' || text.length > 512) return undefined
  const [, version, traceId, spanId, flags, rest] = form.exec(text.trim()) ?? []
  if (traceId === undefined || spanId === undefined || version === 'ff') return undefined
  // What later versions append is none of ours; the first one appends nothing.
  if (version === '00' && rest !== undefined) return undefined
  if (nothing.test(traceId) || nothing.test(spanId)) return undefined
  return { traceId, spanId, traceFlags: Number.parseInt(flags!, 16) & 1, isRemote: true }
}

/** As others read it. */
export function traceParentOf({ traceId, spanId, traceFlags }: SpanContext): string {
  return `00-${traceId}-${spanId}-${(traceFlags & 1).toString().padStart(2, '0')}`
}

/** A header by its name, in whatever case. */
export function headerOf(headers: Readonly<Record<string, string>>, name: string): string | undefined {
  if (Object.hasOwn(headers, name)) return headers[name]
  for (const key of Object.keys(headers))
    if (key.length === name.length && key.toLowerCase() === name) return headers[key]
  return undefined
}
