import type { Families } from './families.ts'
import type { LabelNames } from './label-names.ts'
import type { Series } from './family.ts'

/** The series of one step: each made when it is needed first, and then at hand. */
export class StepMetrics {
  readonly #labels: readonly [graph: string, step: string]
  readonly #families: Families
  readonly #attempts = new Map<string, Series>()
  readonly #durations = new Map<string, Series>()
  readonly #lookups = {
    hit: new Map<string, Series>(),
    shared: new Map<string, Series>(),
    miss: new Map<string, Series>(),
  }

  constructor(families: Families, graph: string, step: string) {
    this.#families = families
    this.#labels = [graph, step]
  }

  attempted(outcome: 'completed' | 'failed' | 'timed_out'): void {
    let series = this.#attempts.get(outcome)
    if (series === undefined)
      this.#attempts.set(outcome, (series = this.#families.attempts.of(...this.#labels, outcome)))
    series.value++
  }

  ended(status: string, durationMs: number): void {
    const { stepDuration } = this.#families
    let series = this.#durations.get(status)
    if (series === undefined) this.#durations.set(status, (series = stepDuration.of(...this.#labels, status)))
    stepDuration.observe(series, durationMs / 1_000)
  }

  retried(): void {
    this.#families.retries.of(...this.#labels).value++
  }

  lookedUp(scope: string, result: 'hit' | 'shared' | 'miss'): void {
    const known = this.#lookups[result]
    let series = known.get(scope)
    if (series === undefined)
      known.set(scope, (series = this.#families.cacheLookups.of(...this.#labels, scope, result)))
    series.value++
  }
}

/** The series of one target, in the same way. */
export class TargetMetrics {
  readonly started: Series
  readonly running: Series
  readonly #labels: readonly [graph: string, target: string]
  readonly #families: Families
  readonly #ended = new Map<string, Series>()
  readonly #durations = new Map<string, Series>()

  constructor(families: Families, graph: string, target: string) {
    this.#families = families
    this.#labels = [graph, target]
    this.started = families.started.of(graph, target)
    this.running = families.running.of(graph, target)
  }

  ended(status: string, code: string, durationMs: number): void {
    const { ended, duration } = this.#families
    const key = `${status} ${code}`
    let series = this.#ended.get(key)
    if (series === undefined) this.#ended.set(key, (series = ended.of(...this.#labels, status, code)))
    series.value++
    let lasting = this.#durations.get(status)
    if (lasting === undefined) this.#durations.set(status, (lasting = duration.of(...this.#labels, status)))
    duration.observe(lasting, durationMs / 1_000)
  }
}

/** The series of one graph. */
export class GraphMetrics {
  /** The graph's name as a label. */
  readonly name: string
  readonly #families: Families
  readonly #names: LabelNames
  readonly #isDeclared: boolean
  readonly #steps = new Map<string, StepMetrics>()
  readonly #targets = new Map<string, string>()
  readonly #ofTargets = new Map<string, TargetMetrics>()

  constructor(families: Families, names: LabelNames, name: string, isDeclared: boolean) {
    this.#families = families
    this.#names = names
    this.name = name
    this.#isDeclared = isDeclared
  }

  step(name: string): StepMetrics {
    let step = this.#steps.get(name)
    if (step !== undefined) return step
    const label = this.#names.of(name, this.#isDeclared, `step of ${this.name}`)
    step = this.#steps.get(label)
    if (step === undefined) this.#steps.set(label, (step = new StepMetrics(this.#families, this.name, label)))
    return step
  }

  ofTarget(name: string): TargetMetrics {
    let target = this.#ofTargets.get(name)
    if (target !== undefined) return target
    const label = this.target(name)
    target = this.#ofTargets.get(label)
    if (target === undefined) this.#ofTargets.set(label, (target = new TargetMetrics(this.#families, this.name, label)))
    return target
  }

  /** A target's name as a label. */
  target(name: string): string {
    let label = this.#targets.get(name)
    if (label !== undefined) return label
    label = this.#names.of(name, this.#isDeclared, `target of ${this.name}`)
    if (label === name) this.#targets.set(name, label)
    return label
  }
}
