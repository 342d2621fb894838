import type { Plan } from '../../core/graph/plan.ts'
import { randomId } from '../../runtime/execution/execution-setup.ts'
import type { ResolvedOptions } from '../../runtime/execution/execution-setup.ts'
import type { DurableRuntime } from '../context/docket-context.ts'
import type { StartOptions } from './execution-request.ts'

/** Executions that nobody could ever ask for again: without an id, and with nothing that is remembered of them alone. */
export class EphemeralExecutions {
  readonly #runtime: DurableRuntime
  readonly #isUnwritten = new WeakMap<Plan, boolean>()
  readonly #options = new WeakMap<Plan, ResolvedOptions>()

  constructor(runtime: DurableRuntime) {
    this.#runtime = runtime
  }

  /** Whether an execution of this plan is not written down. */
  has(plan: Plan): boolean {
    const known = this.#isUnwritten.get(plan)
    if (known !== undefined) return known
    const { persistOf } = this.#runtime.setup
    const isUnwritten = plan.steps.every(({ spec }) => (spec.persist ?? persistOf?.(spec))?.scope !== 'execution')
    this.#isUnwritten.set(plan, isUnwritten)
    return isUnwritten
  }

  /** The options of a call; where nobody looks at the execution, the same for all of its plan. */
  optionsOf(plan: Plan, options: StartOptions | undefined): ResolvedOptions {
    const known = options === undefined ? this.#options.get(plan) : undefined
    if (known !== undefined) return known
    const resolved = this.#runtime.optionsOf(plan, { ...options, id: randomId(this.#runtime.options.random) })
    if (options !== undefined || resolved.emitter !== undefined || this.#runtime.options.random !== undefined)
      return resolved
    const shared = { ...resolved, id: undefined }
    this.#options.set(plan, shared)
    return shared
  }
}
