import type { Attributes, Meter } from '@opentelemetry/api'
import { fleetMetrics } from './definitions.ts'
import type { DocketMetrics } from './docket-metrics.ts'
import type { Family, Series } from './family.ts'

const shownBy = new WeakMap<Meter, DocketMetrics>()

/**
 * Shows metrics by a meter of OpenTelemetry, under names that an exporter to Prometheus turns into those that `prometheusObserver` has: dots for underscores,
 * without unit and `_total`. Once for each meter.
 */
export function metricsOf(meter: Meter, make: () => DocketMetrics): DocketMetrics {
  let metrics = shownBy.get(meter)
  if (metrics !== undefined) return metrics
  shownBy.set(meter, (metrics = make()))
  const fleet: ReadonlySet<string> = new Set(fleetMetrics)
  for (const [key, family] of Object.entries(metrics.families))
    show(meter, family, fleet.has(key) ? () => metrics.fleet.look() : undefined)
  return metrics
}

function show(meter: Meter, family: Family, look: (() => Promise<void>) | undefined): void {
  const { help, type, name: whole, buckets } = family.definition
  const name = whole.replace(/_(?:total|seconds|seconds_total)$/, '').replaceAll('_', '.')
  const unit = whole.endsWith('_seconds') ? 's' : ''
  if (type === 'histogram') {
    const advice = { explicitBucketBoundaries: [...buckets!] }
    const instrument = meter.createHistogram(name, { description: help, unit, advice })
    const attributes = new WeakMap<Series, Attributes>()
    family.observedBy = (series, size) => {
      let known = attributes.get(series)
      if (known === undefined) attributes.set(series, (known = attributesOf(family, series)))
      instrument.record(size, known)
    }
    return
  }
  const options = { description: help, unit }
  const observable =
    type === 'counter'
      ? meter.createObservableCounter(name, options)
      : look === undefined
        ? meter.createObservableUpDownCounter(name, options)
        : meter.createObservableGauge(name, options)
  observable.addCallback(async (result) => {
    await look?.()
    for (const series of family.series) result.observe(series.value, attributesOf(family, series))
  })
}

function attributesOf({ definition }: Family, { labels }: Series): Attributes {
  return Object.fromEntries(
    definition.labels.flatMap((label, index) => (labels[index] === '' ? [] : [[label, labels[index]]])),
  )
}
