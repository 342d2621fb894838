/** Traces with OpenTelemetry: the spans of an execution, what steps call within them, and where they are linked to. */
import { context, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace'
import { createDocket, dataType, graph, step } from 'docket'
import { openTelemetryObserver } from 'docket/observers/open-telemetry'
import { memoryStore } from 'docket/stores/memory'
import { z } from 'zod'

// #region provider
// What a program sets up once. With @opentelemetry/sdk-node, some of it is done for you; an OTLP exporter sends the spans somewhere.
const exporter = new InMemorySpanExporter()
const provider = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] })
trace.setGlobalTracerProvider(provider)
context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
// #endregion

const tracer = trace.getTracer('shop')
const Order = dataType('Order', z.string())
const Stock = dataType('Stock', z.number())
const Receipt = dataType('Receipt', z.string())
// #region step
const checkStock = step({
  name: 'CheckStock',
  inputs: { order: Order },
  output: Stock,
  persist: 'execution',
  // Whatever is instrumented, a client of HTTP or of a database, makes children of the attempt's span.
  run: () =>
    tracer.startActiveSpan('GET /stock', (span) => {
      span.end()
      return 7
    }),
})
// #endregion
const pay = step({
  name: 'Pay',
  inputs: { order: Order, stock: Stock },
  output: Receipt,
  persist: 'execution',
  run: ({ order }, { headers }) => {
    console.log(`called from a trace: ${headers['traceparent'] !== undefined}`)
    return `paid: ${order}`
  },
})
const orders = graph({ name: 'orders', steps: [checkStock, pay] })

// #region observer
await using docket = createDocket({
  graphs: [orders],
  store: memoryStore(),
  observers: [openTelemetryObserver()],
})
await tracer.startActiveSpan('POST /orders', async (request) => {
  await docket.execute(orders, Receipt, { Order: 'o-1' }, { id: 'o-1' })
  request.end()
})
// #endregion

const spans = exporter.getFinishedSpans()
const nameOf = (id: string | undefined): string => spans.find((span) => span.spanContext().spanId === id)?.name ?? ''
for (const span of spans) {
  const parent = span.parentSpanContext === undefined ? 'a root' : `in ${nameOf(span.parentSpanContext.spanId)}`
  const links = span.links.map((link) => `, linked to ${nameOf(link.context.spanId)}`)
  console.log(`${span.name}: ${parent}${links.join('')}`)
}
