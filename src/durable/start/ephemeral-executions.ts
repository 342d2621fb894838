import type { Plan } from '../../core/graph/plan.ts'
import type { DocketClosedError } from '../../core/errors.ts'
import { defaultQueue } from '../../core/contracts/queue-record.ts'
import { actorOfRunning } from '../../runtime/actors/actor-of-running.ts'
import { randomId } from '../../runtime/environment/ids.ts'
import { Execution } from '../../runtime/execution/execution.ts'
import type { ResolvedOptions } from '../../runtime/execution/execution-setup.ts'
import type { GivenInputs } from '../../runtime/inputs/given-inputs.ts'
import { boundsOf, storedLimitsOf } from '../records/stored-limits.ts'
import type { DocketContext } from '../context/docket-context.ts'
import type { StartOptions } from '../context/start-options.ts'

/** Whether something is said of where it stands. */
function isPlaced(options: StartOptions | undefined): boolean {
  const { queue, priority, key, startAt } = options ?? {}
  return (queue ?? priority ?? key ?? startAt) !== undefined
}

/** Executions that can never be found again: without an id, and with nothing that is remembered of them alone. */
export class EphemeralExecutions {
  readonly #context: DocketContext
  readonly #isEphemeral = new WeakMap<Plan, boolean>()
  readonly #options = new WeakMap<Plan, ResolvedOptions>()
  readonly #running = new Set<Execution>()

  constructor(context: DocketContext) {
    this.#context = context
  }

  /** Whether an execution of this plan is not written down: one that is to stand in a queue is. */
  has(plan: Plan, options?: StartOptions): boolean {
    if (!this.#context.queues.serves(options?.queue ?? defaultQueue) || isPlaced(options)) return false
    const known = this.#isEphemeral.get(plan)
    if (known !== undefined) return known
    const { persistOf } = this.#context.setup
    // Limits that processes share are held by executions that all of them can find.
    const isEphemeral =
      !plan.sharesLimits && plan.steps.every(({ spec }) => (spec.persist ?? persistOf?.(spec))?.scope !== 'execution')
    this.#isEphemeral.set(plan, isEphemeral)
    return isEphemeral
  }

  get areRunning(): boolean {
    return this.#running.size > 0
  }

  /** Runs one; nothing of it is written down. */
  run(
    given: GivenInputs,
    input: unknown,
    options: StartOptions | undefined,
    onCompleted: (output: unknown) => void,
    onFailed: (error: unknown) => void,
  ): void {
    const { inspect, setup } = this.#context
    const { plan, leafValues } = given
    const { shared, persistOf } = setup
    const resolved = this.#optionsOf(plan, options)
    const execution: Execution = new Execution({
      plan,
      options: resolved,
      keepsRuns: inspect !== undefined,
      cache: undefined,
      shared,
      persistOf,
      onCompleted: (output) => {
        this.#running.delete(execution)
        onCompleted(output)
      },
      onFailed: (error) => {
        this.#running.delete(execution)
        onFailed(error)
      },
    })
    this.#running.add(execution)
    if (inspect !== undefined) actorOfRunning({ execution, given, input, options: resolved, inspect })
    execution.start(leafValues)
  }

  /** Ends all that run. */
  end(errorOf: (executionId: string) => DocketClosedError): void {
    for (const execution of this.#running) execution.cancel(errorOf(execution.id))
  }

  /** The options of a call; where nobody looks at the execution, the same for all of its plan. */
  #optionsOf(plan: Plan, options: StartOptions | undefined): ResolvedOptions {
    const known = options === undefined ? this.#options.get(plan) : undefined
    if (known !== undefined) return known
    const { hostClock, options: docketOptions } = this.#context
    const id = options?.id ?? randomId(docketOptions.random)
    // No other process acts on its times.
    const resolved = this.#context.optionsOf(plan, { ...options, id }, hostClock)
    const limits = storedLimitsOf(options ?? {}, docketOptions, resolved.deadline)
    if (limits !== undefined) {
      const now = hostClock.now()
      return { ...resolved, ...boundsOf({ createdAt: now, startedAt: now, deadline: resolved.deadline }, limits, now) }
    }
    if (options !== undefined || resolved.emitter !== undefined || this.#context.options.random !== undefined)
      return resolved
    const shared = { ...resolved, id: undefined }
    this.#options.set(plan, shared)
    return shared
  }
}
