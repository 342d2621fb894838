import type { MetricDefinition } from './definitions.ts'

/** One series of a metric: a value, or of a histogram counts by size. */
export class Series {
  /** In the order of the metric's labels. */
  readonly labels: readonly string[]
  /** Of a counter or a gauge; of a histogram the sum of what was observed. */
  value = 0
  /** Of a histogram, how many were observed. */
  count = 0
  /** Of a histogram, how many were in each bucket, not counting those below; the last one has no bound. */
  readonly counts: Float64Array | undefined
  readonly #bounds: readonly number[]

  constructor(labels: readonly string[], bounds: readonly number[] | undefined) {
    this.labels = labels
    this.#bounds = bounds ?? []
    this.counts = bounds === undefined ? undefined : new Float64Array(bounds.length + 1)
  }

  /** Counts what has a size. */
  observe(size: number): void {
    const bounds = this.#bounds
    let index = 0
    while (index < bounds.length && size > bounds[index]!) index++
    this.counts![index]!++
    this.value += size
    this.count++
  }

  reset(): void {
    this.value = 0
    this.count = 0
    this.counts?.fill(0)
  }
}

/** A metric with its series. */
export class Family {
  readonly definition: MetricDefinition
  readonly #series = new Map<string, Series>()
  /** Is called with what a histogram observes, in the place of counting it. @default it is counted */
  observedBy: ((series: Series, size: number) => void) | undefined

  constructor(definition: MetricDefinition) {
    this.definition = definition
    // One without labels is there from the beginning, so that its absence says something.
    if (definition.labels.length === 0) this.of()
  }

  /** All series, in the order in which they came. */
  get series(): Iterable<Series> {
    return this.#series.values()
  }

  /** The series with these labels. */
  of(...labels: readonly string[]): Series {
    const key = labels.join('\u0000')
    let series = this.#series.get(key)
    if (series === undefined) this.#series.set(key, (series = new Series(labels, this.definition.buckets)))
    return series
  }

  /** Counts what has a size. */
  observe(series: Series, size: number): void {
    if (this.observedBy === undefined) series.observe(size)
    else this.observedBy(series, size)
  }

  /** Counts from nothing again. The series stay: they are at hand in other places. What is there now is no count: to forget it would have it below zero once it goes. */
  reset(): void {
    if (this.definition.type !== 'gauge') for (const series of this.series) series.reset()
  }

  /** Forgets all series. */
  clear(): void {
    this.#series.clear()
  }
}
