import type { AnyGraph, PersistSpec, StepSpec } from '../../core/graph/graph-index.ts'
import { requireIndex } from '../../core/graph/plan.ts'
import { isAlwaysRecorded, persistSpecOf } from '../../core/graph/step-spec.ts'
import type { PersistPolicy, PersistScope } from '../../core/language/policy.ts'
import type { DocketOptions } from './docket-options.ts'

type PersistOf = ((spec: StepSpec) => PersistSpec | undefined) | undefined

/** The policy of steps that have none: the docket's, worked out once for each. */
export class PersistDefaults {
  readonly #persist: DocketOptions['persist']
  /** Graphs that were drawn by name come and go. */
  readonly #specs = new WeakMap<StepSpec, PersistSpec>()
  #hasAny = false

  constructor({ persist, graphs }: DocketOptions) {
    this.#persist = persist
    for (const graph of graphs) this.with(graph)
  }

  /** Undefined where no step has one. */
  get of(): PersistOf {
    return this.#hasAny ? (spec) => this.#specs.get(spec) : undefined
  }

  /** The same with the steps of one more graph. */
  with(graph: AnyGraph): PersistOf {
    const { specs } = requireIndex(graph)
    const takenElsewhere = new Set(
      specs.flatMap(({ step, ports }) => (step.queue === undefined ? [] : ports.map(({ type }) => type))),
    )
    for (const spec of specs) {
      if (spec.persist !== undefined) continue
      // What a step in another queue takes is on record, so that it is found there.
      const policy = policyOf(spec, this.#persist, takenElsewhere.has(spec.output.name))
      if (policy === undefined) continue
      this.#specs.set(spec, persistSpecOf(policy, spec.step, graph))
      this.#hasAny = true
    }
    return this.of
  }
}

function policyOf(
  spec: StepSpec,
  persist: DocketOptions['persist'],
  isTakenElsewhere: boolean,
): PersistScope | PersistPolicy | undefined {
  if (isAlwaysRecorded(spec)) return 'execution'
  // The record of all results is what its execution ends with.
  if (spec.kind === 'value' || spec.step.drawn === 'results') return undefined
  return persist ?? (isTakenElsewhere || spec.step.drawn === 'node' ? 'execution' : undefined)
}
