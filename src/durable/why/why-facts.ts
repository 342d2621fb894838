import type { ExecutionRecord } from '../../core/contracts/execution-record.ts'
import type { PersistSpec, StepSpec } from '../../core/graph/graph-index.ts'
import type { Plan, PlanStep } from '../../core/graph/plan.ts'
import type { ExecutionDetails } from '../records/execution-info.ts'
import type { StepInfo } from '../records/step-info.ts'
import type { WorkerInfo } from '../records/worker-info.ts'
import type { Why } from './why.ts'

/** So many are counted of those that begin before an execution: they are read whole. */
export const mostAhead = 100

/** What is known of the queue of an execution that nobody runs. */
export interface QueueFacts {
  readonly pausedAt: Date | undefined
  readonly note: string | undefined
  /** How many of it could begin or go on now. */
  readonly ready: number
  /** How many of its queue and key begin before it, up to `mostAhead`. */
  readonly ahead: number
}

/** What the reasons are taken from: everything that was read of one execution. */
export interface WhyFacts {
  readonly record: ExecutionRecord
  readonly details: ExecutionDetails
  /** Undefined where its graph is not known here, or its records don't fit. */
  readonly plan: Plan | undefined
  /** Of a step, what is remembered of it. */
  readonly persistOf: (spec: StepSpec) => PersistSpec | undefined
  /** The time of day. */
  readonly now: number
  /** Names under which the execution's graph is known to processes. */
  readonly graphNames: readonly string[]
  /** Whether this docket knows its graph. */
  readonly knowsGraph: boolean
  /** What a process could not write as its end, if it is here. */
  readonly unwritten: { readonly status: string; readonly refusal: unknown } | undefined
  /** Of an execution that nobody runs. */
  readonly queue: QueueFacts | undefined
  /** Of an execution that nobody runs, the processes that live. */
  readonly workers: readonly WorkerInfo[]
  /** Of each child that a step waits for, why that is where it is. */
  readonly children: ReadonlyMap<string, Why>
}

/** Names of the steps that make what a step needs, in the order of its ports. */
export function producersOf({ plan }: Pick<WhyFacts, 'plan'>, name: string): readonly string[] {
  const planStep = planStepOf(plan, name)
  if (plan === undefined || planStep === undefined) return []
  const positions = planStep.portSlots.map((slot) => plan.producers[slot]!)
  return [...new Set(positions)].flatMap((at) => (at === -1 ? [] : [plan.steps[at]!.spec.name]))
}

/** The same, but for those without which it goes on. */
export function requiredBy({ plan }: Pick<WhyFacts, 'plan'>, name: string): readonly string[] {
  const planStep = planStepOf(plan, name)
  if (plan === undefined || planStep === undefined) return []
  const { portSlots, spec } = planStep
  const positions = portSlots.flatMap((slot, port) =>
    spec.ports[port]!.kind === 'optional' ? [] : [plan.producers[slot]!],
  )
  return [...new Set(positions)].flatMap((at) => (at === -1 ? [] : [plan.steps[at]!.spec.name]))
}

const positions = new WeakMap<Plan, ReadonlyMap<string, PlanStep>>()

/** A step of the plan by its name. */
export function planStepOf(plan: Plan | undefined, name: string): PlanStep | undefined {
  if (plan === undefined) return undefined
  let byName = positions.get(plan)
  if (byName === undefined) positions.set(plan, (byName = new Map(plan.steps.map((step) => [step.spec.name, step]))))
  return byName.get(name)
}

const infosByName = new WeakMap<readonly StepInfo[], ReadonlyMap<string, readonly StepInfo[]>>()

/** What is known of a step: of the item where that has it, else what all items share, else of every item that is shown. */
export function infosOf(
  { details: { steps } }: Pick<WhyFacts, 'details'>,
  name: string,
  item: string | undefined,
): readonly StepInfo[] {
  let byName = infosByName.get(steps)
  if (byName === undefined) infosByName.set(steps, (byName = Map.groupBy(steps, ({ step }) => step)))
  const named = byName.get(name) ?? []
  const own = named.filter((info) => info.item === item)
  if (own.length > 0) return own
  const shared = named.filter((info) => info.item === undefined)
  return shared.length > 0 ? shared : item === undefined ? named : []
}
