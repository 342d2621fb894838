/** A process of its own that exports its spans by OTLP, and that is killed by its second step where it is to be. */
import { context } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { resourceFromAttributes } from '@opentelemetry/resources'
import { SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace'
import { createDocket, dataType, graph, step, type } from '../../src/index.ts'
import { openTelemetryObserver } from '../../src/observers/open-telemetry.ts'
import { sqliteStore } from '../../stores/sqlite/index.ts'

const Seed = dataType('Seed', type<number>())
const First = dataType('First', type<number>())
const Second = dataType('Second', type<number>())

if (import.meta.main) {
  const { path, url, isKilled } = JSON.parse(process.argv[2]!) as {
    readonly path: string
    readonly url: string
    readonly isKilled: boolean
  }
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
  const exporter = new OTLPTraceExporter({ url })
  const provider = new TracerProvider({
    resource: resourceFromAttributes({ 'service.name': 'traced' }),
    spanProcessors: [new SimpleSpanProcessor({ exporter })],
  })
  const first = step({
    name: 'First',
    inputs: { seed: Seed },
    output: First,
    persist: 'execution',
    run: ({ seed }) => seed + 1,
  })
  const second = step({
    name: 'Second',
    inputs: { first: First },
    output: Second,
    persist: 'execution',
    run: async ({ first: value }) => {
      if (!isKilled) return value + 1
      await provider.forceFlush()
      process.kill(process.pid, 'SIGKILL')
      return new Promise<number>(() => {})
    },
  })
  const traced = graph({ name: 'traced', steps: [first, second] })
  const observers = [openTelemetryObserver({ tracer: provider.getTracer('test') })]
  // Until it is over, nobody goes on with what a killed process had; the other one keeps its own on however busy a machine.
  const lease = isKilled ? '1s' : '30s'
  const docket = createDocket({ graphs: [traced], store: sqliteStore(path), lease, observers })
  process.stdout.write(String(await docket.execute(traced, Second, { Seed: 1 }, { id: 'a' })))
  await docket.close()
  await provider.shutdown()
}
