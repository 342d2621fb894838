import type { Family, Series } from './family.ts'

/** One line of what a registry shows. */
interface ShownValue {
  readonly metricName?: string
  readonly labels: Readonly<Record<string, string | number>>
  readonly value: number
}

/**
 * A metric as registries of prom-client 15 take it. Those of prom-client itself look up labels at each count, which takes longer than a step in memory
 * does: here it is counted at once, and shown when somebody looks.
 */
export class RegistryMetric {
  /** A registry in the form of OpenMetrics takes `_total` off it. */
  name: string
  readonly help: string
  readonly type: string
  /** How a cluster adds up the metrics of its processes. */
  readonly aggregator: string
  readonly labelNames: readonly string[]
  readonly #family: Family
  readonly #look: (() => Promise<void>) | undefined

  /** `look`: brings it up to date before it is shown. */
  constructor(family: Family, look?: () => Promise<void>) {
    const { name, help, type, labels } = family.definition
    this.name = name
    this.help = help
    this.type = type
    this.labelNames = labels
    this.#family = family
    this.#look = look
    // What is read of the store is the same in all processes.
    this.aggregator = look === undefined ? 'sum' : 'max'
  }

  async get(): Promise<object> {
    await this.#look?.()
    const { name, help, type, aggregator } = this
    const values = [...this.#family.series].flatMap((series) => this.#shown(series))
    return { name, help, type, values, aggregator }
  }

  reset(): void {
    this.#family.reset()
  }

  #shown(series: Series): readonly ShownValue[] {
    const { buckets = [] } = this.#family.definition
    const labels = Object.fromEntries(this.labelNames.map((label, index) => [label, series.labels[index]!]))
    if (series.counts === undefined) return [{ labels, value: series.value }]
    let below = 0
    const counted = [...buckets, '+Inf'].map((le, index) => {
      below += series.counts![index]!
      return { metricName: `${this.name}_bucket`, labels: { le, ...labels }, value: below }
    })
    return [
      ...counted,
      { metricName: `${this.name}_sum`, labels, value: series.value },
      { metricName: `${this.name}_count`, labels, value: series.count },
    ]
  }
}
