import type { Plan } from '../../core/graph/plan.ts'
import { randomId } from '../../runtime/environment/ids.ts'
import type { ResolvedOptions } from '../../runtime/execution/execution-setup.ts'
import type { DocketContext } from '../context/docket-context.ts'
import type { StartOptions } from '../context/start-options.ts'

/** Executions that nobody could ever ask for again: without an id, and with nothing that is remembered of them alone. */
export class EphemeralExecutions {
  readonly #context: DocketContext
  readonly #isEphemeral = new WeakMap<Plan, boolean>()
  readonly #options = new WeakMap<Plan, ResolvedOptions>()

  constructor(context: DocketContext) {
    this.#context = context
  }

  /** Whether an execution of this plan is not written down. */
  has(plan: Plan): boolean {
    const known = this.#isEphemeral.get(plan)
    if (known !== undefined) return known
    const { persistOf } = this.#context.setup
    const isEphemeral = plan.steps.every(({ spec }) => (spec.persist ?? persistOf?.(spec))?.scope !== 'execution')
    this.#isEphemeral.set(plan, isEphemeral)
    return isEphemeral
  }

  /** The options of a call; where nobody looks at the execution, the same for all of its plan. */
  optionsOf(plan: Plan, options: StartOptions | undefined): ResolvedOptions {
    const known = options === undefined ? this.#options.get(plan) : undefined
    if (known !== undefined) return known
    const resolved = this.#context.optionsOf(plan, { ...options, id: randomId(this.#context.options.random) })
    if (options !== undefined || resolved.emitter !== undefined || this.#context.options.random !== undefined)
      return resolved
    const shared = { ...resolved, id: undefined }
    this.#options.set(plan, shared)
    return shared
  }
}
