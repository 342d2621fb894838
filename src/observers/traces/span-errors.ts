import type { Attributes, Span } from '@opentelemetry/api'
import { describeThrown, isError, readOf } from '../../core/thrown.ts'

// The value of SpanStatusCode.ERROR.
const failed = 2

/** Notes what something failed with, on its span: as an exception, and as the span's status. */
export function failSpan(span: Span, error: unknown): void {
  const type = errorTypeOf(error)
  const message = describeThrown(error)
  const stack = isError(error) ? readOf(error, 'stack') : undefined
  span.setAttribute('error.type', type)
  const attributes: Attributes = { 'exception.type': type, 'exception.message': message }
  span.addEvent('exception', typeof stack === 'string' ? { ...attributes, 'exception.stacktrace': stack } : attributes)
  span.setStatus({ code: failed, message })
}

/** A code where there is one, which there are few of; else the name of its class. */
function errorTypeOf(error: unknown): string {
  for (const key of ['code', 'name'] as const) {
    const value = typeof error === 'object' && error !== null ? readOf(error, key) : undefined
    if (typeof value === 'string' && value !== '') return value
  }
  return typeof error === 'object' ? '_OTHER' : typeof error
}
