import type { Registry } from 'prom-client'
import { checkOptions, describe } from '../core/check-options.ts'
import { durationHint, durationMs } from '../core/duration.ts'
import type { Duration } from '../core/duration.ts'
import { isRecord } from '../core/is-record.ts'
import { observedDocket } from '../core/contracts/observed-docket.ts'
import type { ObservableDocket } from '../core/contracts/observed-docket.ts'
import type { ObserverObject } from '../core/contracts/observer.ts'
import { fleetMetrics } from './metrics/definitions.ts'
import { DocketMetrics } from './metrics/docket-metrics.ts'
import { RegistryMetric } from './metrics/registry-metric.ts'
import { loadOptional } from './load-optional.ts'

/** What `prometheusObserver` counts in. */
export interface PrometheusObserverOptions {
  /** Where the metrics are shown. In a bundle, give it always. @default prom-client's own `register` */
  readonly registry?:
    | Registry<'text/plain; version=0.0.4; charset=utf-8'>
    | Registry<'application/openmetrics-text; version=1.0.0; charset=utf-8'>
    | undefined
  /** A docket whose store is read for what queues have and who serves them; one that has the observer among its `observers` is anyway. @default none */
  readonly docket?: ObservableDocket | undefined
  /** Queues that are looked at besides those that dockets name, and those that living processes serve. @default none */
  readonly queues?: readonly string[] | undefined
  /** How long a store may take to answer: later, what is read of it is left out. @default '1s' */
  readonly storeTimeout?: Duration | undefined
  /** How many names become labels that are made at run time, of untyped and drawn graphs, their steps and types; the others are `other`. @default 100 */
  readonly maxUntypedNames?: number | undefined
}

/** What a registry has of ours, for all observers that count in it: also those that another copy of this package makes. */
const stateKey = Symbol.for('docket.prometheus.1')

/**
 * Counts what executions do, as metrics of prom-client. Give it to a docket: then store calls, queues and workers are in it too. Labels come from what programs declare, so
 * that the number of series does not grow with executions. Made twice for one registry, both count in the same metrics, and nothing twice.
 *
 * @throws OptionError, also where the package prom-client is not installed
 * @example createDocket({ graphs, store, observers: [prometheusObserver()] })
 */
export function prometheusObserver(options: PrometheusObserverOptions = {}): ObserverObject {
  checkOptions(
    'prometheusObserver',
    options,
    ['registry', 'docket', 'queues', 'storeTimeout', 'maxUntypedNames'],
    ({ registry, docket, queues, storeTimeout, maxUntypedNames: most }) => [
      registry !== undefined &&
        !(isRecord(registry) && typeof registry['registerMetric'] === 'function') &&
        `registry must be a Registry of prom-client, not ${describe(registry)}`,
      docket !== undefined &&
        !(typeof docket === 'object' && docket !== null && observedDocket in docket) &&
        `docket must be a docket, as createDocket makes it, not ${describe(docket)}`,
      queues !== undefined &&
        !(Array.isArray(queues) && queues.every((queue) => typeof queue === 'string')) &&
        `queues must be an array of names, not ${describe(queues)}`,
      storeTimeout !== undefined &&
        !(durationMs(storeTimeout as Duration)! > 0) &&
        `storeTimeout ${describe(storeTimeout)} is not a duration above zero; ${durationHint}`,
      most !== undefined &&
        !(Number.isSafeInteger(most) && (most as number) >= 0) &&
        `maxUntypedNames must be a whole number, not ${describe(most)}`,
    ],
  )
  const { docket, queues, storeTimeout = '1s', maxUntypedNames = 100 } = options
  const registry = (options.registry ?? defaultRegistry()) as Registry
  const metrics = metricsIn(registry, () => new DocketMetrics(maxUntypedNames, durationMs(storeTimeout)!))
  if (queues !== undefined) metrics.fleet.see(queues)
  if (docket !== undefined) metrics.fleet.attach(docket[observedDocket])
  return {
    doesWithout: metrics.doesWithout,
    next: (event) => metrics.next(event),
    observe: (life) => metrics.begin(life),
    nextOfProcess: (event) => metrics.nextOfProcess(event),
    attach: (attached) => metrics.fleet.attach(attached),
  }
}

function defaultRegistry(): Registry {
  const instead = ', or give a registry of your own'
  const { register } = loadOptional('prometheusObserver', 'prom-client', '15', instead) as {
    readonly register: Registry
  }
  return register
}

/** What the registry has, or gets. A metric of somebody else under one of the names stays as it is. */
function metricsIn(registry: Registry, make: () => DocketMetrics): DocketMetrics {
  const known = Reflect.get(registry, stateKey) as DocketMetrics | undefined
  const metrics = known ?? make()
  if (known === undefined) Object.defineProperty(registry, stateKey, { value: metrics, enumerable: false })
  const fleet: ReadonlySet<string> = new Set(fleetMetrics)
  for (const [key, family] of Object.entries(metrics.families)) {
    if (registry.getSingleMetric(family.definition.name) !== undefined) continue
    const look = fleet.has(key) ? () => metrics.fleet.look() : undefined
    registry.registerMetric(new RegistryMetric(family, look) as never)
  }
  return metrics
}
