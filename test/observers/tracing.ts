import { context, trace } from '@opentelemetry/api'
import type { SpanContext } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace'
import type { ReadableSpan, Sampler } from '@opentelemetry/sdk-trace'
import { openTelemetryObserver } from '../../src/observers/open-telemetry.ts'

const manager = new AsyncLocalStorageContextManager().enable()
context.setGlobalContextManager(manager)

/** A provider of its own, whose spans are kept. */
export function tracing(sampler?: Sampler) {
  const exporter = new InMemorySpanExporter()
  const provider = new TracerProvider({
    spanProcessors: [new SimpleSpanProcessor({ exporter })],
    ...(sampler !== undefined && { sampler }),
  })
  const tracer = provider.getTracer('test')
  const observer = openTelemetryObserver({ tracer })
  const spans = (): readonly ReadableSpan[] => exporter.getFinishedSpans()
  return {
    tracer,
    observer,
    observers: [observer],
    spans,
    roots: () => spans().filter(({ parentSpanContext }) => parentSpanContext === undefined),
    named: (name: string) => spans().filter((one) => one.name === name),
    one: (name: string): ReadableSpan => {
      const [found, ...more] = spans().filter((span) => span.name === name)
      if (found === undefined || more.length > 0)
        throw new Error(`${more.length + (found ? 1 : 0)} spans named ${name}`)
      return found
    },
  }
}

/** The span that is active where this is called. */
export function activeSpan(): SpanContext | undefined {
  return trace.getSpanContext(context.active())
}

/** The spans that a span is linked to, by what the link says. */
export function linksOf(span: ReadableSpan): readonly (readonly [unknown, string])[] {
  return span.links.map((link) => [link.attributes?.['docket.link'], link.context.spanId])
}
