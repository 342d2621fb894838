import { isRecord } from '../../core/is-record.ts'
import type { AnyGraph, StepDefaults } from '../../core/graph/graph-index.ts'
import { withDefaults } from '../../core/graph/with-defaults.ts'
import type { DocketOptions } from './docket-options.ts'

/** Graphs as a docket runs them: with its own defaults below theirs, worked out once for each. */
export class DocketGraphs {
  readonly #defaults: StepDefaults | undefined
  // Graphs that were drawn by name come and go.
  readonly #own = new WeakMap<AnyGraph, AnyGraph>()
  readonly #declared = new WeakMap<AnyGraph, AnyGraph>()

  constructor(defaults: StepDefaults | undefined) {
    const { timeout, retry, concurrency } = defaults ?? {}
    this.#defaults = (timeout ?? retry ?? concurrency) === undefined ? undefined : { timeout, retry, concurrency }
  }

  /** As the docket runs it. */
  of(graph: AnyGraph): AnyGraph {
    if (this.#defaults === undefined || this.#declared.has(graph)) return graph
    let own = this.#own.get(graph)
    if (own === undefined) {
      own = withDefaults(graph, this.#defaults)
      this.#own.set(graph, own)
      this.#declared.set(own, graph)
    }
    return own
  }

  /** As the program has declared it. */
  declared(graph: AnyGraph): AnyGraph {
    return this.#declared.get(graph) ?? graph
  }
}

/** The same options, with what `defaults` says of `persist` where a docket takes that. */
export function withDefaultPersist(options: DocketOptions): DocketOptions {
  const defaults: unknown = isRecord(options) ? options.defaults : undefined
  if (!isRecord(defaults) || defaults['persist'] === undefined || options.persist !== undefined) return options
  return { ...options, persist: defaults['persist'] as DocketOptions['persist'] }
}
