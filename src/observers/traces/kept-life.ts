import type { SpanContext } from '@opentelemetry/api'
import { parseTraceParent, traceParentOf } from './trace-parent.ts'

/** A life of an execution, as it is kept for the next one. */
export interface KeptLife {
  readonly span: SpanContext
  /** When it began, in milliseconds since the epoch, by the execution's clock. */
  readonly at: number
}

/** As it is kept. */
export function textOfLife({ span, at }: KeptLife): string {
  return `${traceParentOf(span)} ${at}`
}

/** What was kept, read again; undefined for what nobody here writes. */
export function keptLifeOf(text: string | undefined): KeptLife | undefined {
  const [parent, at, ...more] = text?.split(' ') ?? []
  const span = parseTraceParent(parent)
  const began = Number(at)
  return span === undefined || more.length > 0 || !Number.isFinite(began) ? undefined : { span, at: began }
}
