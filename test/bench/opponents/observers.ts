import { context } from '@opentelemetry/api'
import type { Tracer } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { BatchSpanProcessor, TraceIdRatioBasedSampler, TracerProvider } from '@opentelemetry/sdk-trace'
import { pino } from 'pino'
import { Registry } from 'prom-client'
import type { Observer } from '../../../src/index.ts'
import { openTelemetryObserver } from '../../../src/observers/open-telemetry.ts'
import { pinoObserver } from '../../../src/observers/pino.ts'
import { prometheusObserver } from '../../../src/observers/prometheus.ts'

/** Nobody observes. */
export const nobody = 'none'
/** All contenders are compared with the first. */
export const observerNames = [
  nobody,
  'bare',
  'prometheus',
  'open-telemetry, 1 % sampled',
  'open-telemetry, all sampled',
  'pino at info',
  'pino at debug',
] as const

/** Who observes a docket. */
export type ObserverName = (typeof observerNames)[number]

let isManaged = false

/** The observers of a docket; what they send goes nowhere. */
export function observersOf(name: ObserverName): readonly Observer[] {
  switch (name) {
    case 'none':
      return []
    case 'bare':
      return [() => {}]
    case 'prometheus':
      return [prometheusObserver({ registry: new Registry() })]
    case 'open-telemetry, 1 % sampled':
      return [tracing(0.01)]
    case 'open-telemetry, all sampled':
      return [tracing(1)]
    case 'pino at info':
      return [pinoObserver(pino({ level: 'info' }, pino.destination({ dest: '/dev/null', sync: false })))]
    case 'pino at debug':
      return [pinoObserver(pino({ level: 'debug' }, pino.destination({ dest: '/dev/null', sync: false })))]
    default:
      return name satisfies never
  }
}

/** A provider as programs have it: spans go out in batches. */
function tracing(ratio: number): Observer {
  if (!isManaged) context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
  isManaged = true
  const exporter = {
    export: (_: unknown, done: (result: { code: number }) => void) => done({ code: 0 }),
    forceFlush: async () => {},
    shutdown: async () => {},
  }
  const provider = new TracerProvider({
    sampler: new TraceIdRatioBasedSampler(ratio),
    spanProcessors: [new BatchSpanProcessor({ exporter: exporter as never })],
  })
  return openTelemetryObserver({ tracer: provider.getTracer('bench') as Tracer })
}
