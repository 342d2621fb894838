import type { ErrorPlace } from '../../core/docket-error.ts'
import { OptionError } from '../../core/errors.ts'
import type { StepSpec } from '../../core/graph/graph-index.ts'
import { firstSharingStep } from '../../core/graph/limited-steps.ts'
import type { Plan } from '../../core/graph/plan.ts'
import { isShared } from '../../core/language/policy.ts'
import type { Slots } from '../environment/current-step.ts'

/** A limit that a step waits for. */
export interface AwaitedLimit {
  /** Whether it limits what runs at the same time, or what begins in a period. */
  readonly kind: 'concurrency' | 'rate'
  /** The key that the step's function gave; undefined where there is none. */
  readonly key: string | undefined
  /** Over which executions it holds. */
  readonly scope: 'graph' | 'queue'
  /** What it is found by in the store. */
  readonly id: string
}

/** An attempt that wants to begin under limits which all processes share. */
export interface LimitedAttempt {
  readonly spec: StepSpec
  readonly inputs: unknown
  /** The execution's id. */
  readonly execution: string
  /** Key of the batch's item; empty outside batches. */
  readonly item: string
  /** The name of the graph at first, by which its limits are found. */
  readonly graph: string
  /** The queue in which the execution stands. */
  readonly queue: string
  /** Since when it waits, by the store's time, as an earlier process has noted it; undefined for one that has just come. */
  readonly since: number | undefined
  /** It may begin: it has what it needs until that is given back. */
  granted(): void
  /** It waits, since then, for what is named. Called again when it waits for something else. `rests`: its execution needs no slot of the worker meanwhile. */
  waits(since: number, limits: readonly AwaitedLimit[], rests: boolean): void
  /** The store refuses to say whether it may. */
  failed(error: unknown): void
}

/** What an attempt has of limits, or waits for. */
export interface LimitTicket {
  /** Of a limit of what runs at the same time: the slots of which it has one, or waits for one. */
  readonly heldSlots: Slots | undefined
  readonly awaitedSlots: Slots | undefined
  /** Gives back what it has, or waits no more. */
  leave(): void
}

/** Limits of steps that all processes share. */
export interface SharedLimits {
  /** @throws what the user's key functions throw, OptionError for what is no key */
  enter(attempt: LimitedAttempt): LimitTicket
}

/** Why only a docket can run a step whose limits all processes share, and what to do. */
export function sharedLimitRefusal({ name, concurrency, rate }: StepSpec, place: ErrorPlace): OptionError {
  const which = isShared(concurrency) ? 'concurrency' : 'rate'
  const scope = (isShared(concurrency) ? concurrency : rate)!.scope
  return new OptionError(
    `step "${name}" has a ${which} of scope '${scope}', which processes share by a docket's store: start the graph there, with createDocket({ graphs, store }), or limit each process alone, with scope 'process'`,
    place,
  )
}

/** Why this plan can't run outside of a docket, if it can't. */
export function sharingRefusal(plan: Plan): OptionError | undefined {
  // Without limits of its own, or graphs within it, there is nothing to look for.
  if (!plan.sharesLimits && !plan.nests) return undefined
  const found = firstSharingStep(plan)
  return found === undefined ? undefined : sharedLimitRefusal(found.spec, { graph: found.graph, step: found.spec.name })
}

/** @throws OptionError where a limit of a plan is one that processes share: nothing of it runs outside of a docket */
export function refuseSharedLimits(plan: Plan): void {
  const refusal = sharingRefusal(plan)
  if (refusal !== undefined) throw refusal
}
