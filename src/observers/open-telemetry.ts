import type { Meter, Tracer } from '@opentelemetry/api'
import { checkOptions, describe } from '../core/check-options.ts'
import type { ExecutionLife, LifeObserver } from '../core/contracts/execution-life.ts'
import type { ObserverObject } from '../core/contracts/observer.ts'
import { isRecord } from '../core/is-record.ts'
import { loadOptional } from './load-optional.ts'
import { DocketMetrics } from './metrics/docket-metrics.ts'
import { metricsOf } from './metrics/meter-metrics.ts'
import { keepingOf, traceOfLife } from './traces/life-trace.ts'
import type { TraceApi } from './traces/life-trace.ts'
import { headerOf, traceParentOf } from './traces/trace-parent.ts'

/** Where `openTelemetryObserver` puts spans and metrics. */
export interface OpenTelemetryObserverOptions {
  /** Makes the spans. @default the one named docket of the provider that is registered, then or later */
  readonly tracer?: Tracer | undefined
  /** Counts what `prometheusObserver` counts. @default nothing is counted */
  readonly meter?: Meter | undefined
  /** How many names become attributes of metrics that are made at run time, of untyped and drawn graphs; the others are `other`. @default 100 */
  readonly maxUntypedNames?: number | undefined
}

/** How long a store may take to answer a look at what queues have. */
const fleetMs = 1_000

/**
 * Makes spans of what executions do. Each life of an execution in a process is a trace of its own, linked to its caller and to the life before; attempts are its
 * children, and active while a step's function runs. Where the trace goes on stands in the header `traceparent` of what is started, and called, from within.
 *
 * @throws OptionError, also where the package @opentelemetry/api is not installed
 * @example createDocket({ graphs, store, observers: [openTelemetryObserver()] })
 */
export function openTelemetryObserver(options: OpenTelemetryObserverOptions = {}): ObserverObject {
  checkOptions(
    'openTelemetryObserver',
    options,
    ['tracer', 'meter', 'maxUntypedNames'],
    ({ tracer, meter, maxUntypedNames: most }) => [
      tracer !== undefined &&
        !(isRecord(tracer) && typeof tracer['startSpan'] === 'function') &&
        `tracer must be a Tracer of OpenTelemetry, not ${describe(tracer)}`,
      meter !== undefined &&
        !(isRecord(meter) && typeof meter['createHistogram'] === 'function') &&
        `meter must be a Meter of OpenTelemetry, not ${describe(meter)}`,
      most !== undefined &&
        !(Number.isSafeInteger(most) && (most as number) >= 0) &&
        `maxUntypedNames must be a whole number, not ${describe(most)}`,
    ],
  )
  const api = loadOptional('openTelemetryObserver', '@opentelemetry/api', '1', '') as TraceApi
  const { meter, maxUntypedNames = 100 } = options
  // A provider may be registered later, and by another copy of the API, whose tracers know of it.
  const tracerNow = (): Tracer => options.tracer ?? api.trace.getTracer('docket')
  const isKept = keepingOf(api)
  const traceOf = (life: ExecutionLife): LifeObserver => traceOfLife(api, tracerNow(), life, isKept)
  const traces: ObserverObject = {
    keepsAs: 'trace',
    next: () => {},
    observe: traceOf,
    outgoing: (headers, by) => tracedHeaders(api, headers, by),
  }
  if (meter === undefined) return traces
  const metrics = metricsOf(meter, () => new DocketMetrics(maxUntypedNames, fleetMs))
  return {
    ...traces,
    next: (event) => metrics.next(event),
    nextOfProcess: (event) => metrics.nextOfProcess(event),
    attach: (docket) => metrics.fleet.attach(docket),
    observe: (life) => both(traceOf(life), metrics, life),
  }
}

function both(trace: LifeObserver, metrics: DocketMetrics, life: ExecutionLife): LifeObserver {
  const counted: LifeObserver = metrics.begin(life) ?? metrics
  return {
    // What is not counted is made for traces alone.
    doesWithout: trace.next === undefined ? counted.doesWithout : undefined,
    ...(trace.within !== undefined && { within: trace.within.bind(trace), entersOnce: trace.entersOnce }),
    next: (event) => {
      trace.next?.(event)
      counted.next?.(event)
    },
  }
}

/** Where the trace goes on from the span that is active. What a caller has said of that itself stands. */
function tracedHeaders(
  api: TraceApi,
  headers: Readonly<Record<string, string>>,
  by: 'call' | 'step',
): Readonly<Record<string, string>> {
  const active = api.context.active()
  const span = api.trace.getSpanContext(active)
  if (span === undefined || !api.trace.isSpanContextValid(span)) return headers
  if (by === 'call' && headerOf(headers, 'traceparent') !== undefined) return headers
  const { tracestate: _, ...others } = headers
  const state = span.traceState?.serialize()
  const baggage = baggageOf(api, active)
  return {
    ...others,
    traceparent: traceParentOf(span),
    ...(state !== undefined && state !== '' && { tracestate: state }),
    ...(baggage !== undefined && { baggage }),
  }
}

function baggageOf({ propagation }: TraceApi, active: Parameters<typeof propagation.inject>[0]): string | undefined {
  if (propagation.getBaggage(active) === undefined) return undefined
  const carrier: Record<string, string> = {}
  propagation.inject(active, carrier)
  return carrier['baggage']
}
