import { didYouMean } from '../core/closest-name.ts'
import { OptionError } from '../core/errors.ts'
import type { AnyDataType } from '../core/language/data-type.ts'
import type { AnyStep } from '../core/language/step.ts'
import { planOf, requireIndex } from '../core/graph/plan.ts'
import type { Plan } from '../core/graph/plan.ts'
import { stepLogicFor } from '../runtime/actors/step-logic.ts'
import type { DocketContext } from './context/docket-context.ts'
import { noSuchExecution } from './records/execution-info.ts'
import { producersOf } from './records/open-steps.ts'
import { planOfRecord } from './records/restore-execution.ts'

/** One step of a plan. */
export interface PlannedStep {
  /** The step's name. */
  readonly name: string
  /** What the plan has it from. */
  readonly declaration: AnyStep
  /** Names of the steps of the plan that make what it takes. */
  readonly dependsOn: readonly string[]
  /** The life of the step as a machine, as far as its policies let it go: the `config` that XState's inspectors draw. */
  readonly statechart: unknown
}

/** What makes a type, and in which order: the same for all executions of a graph and a target, but for what is given in the place of steps. */
export interface ExecutionPlan {
  /** The graph's name. */
  readonly graph: string
  /** The target type's name. */
  readonly target: string
  /** What the caller gives, and whether it can be left out. */
  readonly leaves: readonly { readonly type: AnyDataType; readonly isRequired: boolean }[]
  /** In topological order. */
  readonly steps: readonly PlannedStep[]
}

/** The plan of an execution; undefined where its graph is not known here, or has another target by now. @throws ExecutionConflictError where there is none, StoreError */
export async function planOfExecution(context: DocketContext, id: string): Promise<ExecutionPlan | undefined> {
  const { encoding } = context.connection
  await context.connection.readyBy()
  const stored = await context.recordOf(id)
  if (stored === undefined) throw noSuchExecution(id)
  const graph = context.graphOf(stored)
  if (graph === undefined) return undefined
  const record = await context.presentRecord(stored)
  if (record.kind !== 'batch') {
    const plan = await planOfRecord(record, graph, encoding)
    return plan && shown(plan)
  }
  const target = requireIndex(graph).types.get(record.target)
  return target === undefined ? undefined : shown(planOf(graph, target))
}

/** The plan that an execution of a graph and a target would have. @throws OptionError for names that nobody knows */
export function planByName(context: DocketContext, graphName: string, targetName: string): ExecutionPlan {
  const graph = context.graphNamed(graphName)
  if (graph === undefined) {
    const known = [...context.graphs.keys()]
    throw new OptionError(
      `plan: this docket does not know graph "${graphName}"${didYouMean(graphName, known) || `; it has: ${known.join(', ') || 'none'}`}`,
    )
  }
  const { types } = requireIndex(graph)
  const target = types.get(targetName)
  if (target === undefined)
    throw new OptionError(
      `plan: graph "${graphName}" has no type "${targetName}"${didYouMean(targetName, [...types.keys()])}`,
    )
  return shown(planOf(graph, target))
}

const plans = new WeakMap<Plan, ExecutionPlan>()

function shown(plan: Plan): ExecutionPlan {
  const known = plans.get(plan)
  if (known !== undefined) return known
  const made: ExecutionPlan = {
    graph: plan.index.graph.name,
    target: plan.target.name,
    leaves: plan.leaves.map(({ type, isRequired }) => ({ type, isRequired })),
    steps: plan.steps.map((step) => ({
      name: step.spec.name,
      declaration: step.spec.step,
      dependsOn: producersOf(plan, step).map((position) => plan.steps[position]!.spec.name),
      statechart: (stepLogicFor(step.spec) as { readonly config?: unknown }).config,
    })),
  }
  plans.set(plan, made)
  return made
}
