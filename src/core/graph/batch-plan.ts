import type { AnyDataType } from '../language/data-type.ts'
import { GraphError } from '../errors.ts'
import type { GraphProblem } from '../errors.ts'
import type { AnyGraph } from './graph-index.ts'
import { compilePlan, planOf } from './plan.ts'
import type { Plan } from './plan.ts'

/** A value that goes from one part of a batch to the other. */
export interface BatchLink {
  readonly from: number
  readonly to: number
}

/** What one item runs. */
export interface ItemPlan {
  readonly plan: Plan
  /** For each of the batch's imports, its slot in this plan; -1 if this item does not need it. */
  readonly importSlots: readonly number[]
  /** For each of the batch's gathered types, its slot in this plan. */
  readonly gatheredSlots: readonly number[]
}

/** A plan for many items: what runs for each of them, and what runs once for all. */
export interface BatchPlan {
  /** All of it as one plan: how the target needs each type. */
  readonly whole: Plan
  /** The same without overrides. */
  readonly plain: Plan
  readonly item: ItemPlan
  /** What runs once: steps with an `all(T)` port, and steps that need nothing of an item. */
  readonly shared: Plan
  /** Slots of the shared plan whose values items take. */
  readonly imports: readonly number[]
  /** Slots of the shared plan that take all items' values of a type as an array: the barrier. */
  readonly gathered: readonly number[]
  /** Slots of the shared plan that an `all` port takes although they are the same for every item. */
  readonly copied: readonly BatchLink[]
  /** Whether something takes all items' values, so that nothing ends before the last item is known. */
  readonly needsAll: boolean
}

const gatheredName = (type: string): string => `\u0000all ${type}`

/**
 * Splits the plan of a target into what runs once and what runs for each item. Shared are the types in `sharedNames`, what
 * steps with an `all(T)` port make, and what steps make that need shared types only. Overridden types are shared, and their steps are
 * no part of the plan.
 * @throws GraphError when a step that runs once would need a value of a single item
 */
export function batchPlanOf(
  graph: AnyGraph,
  target: AnyDataType,
  sharedNames: ReadonlySet<string>,
  tolerates: boolean,
  overridden: ReadonlySet<string>,
): BatchPlan {
  const plain = planOf(graph, target)
  const plan = overridden.size === 0 ? plain : planOf(graph, target, overridden)
  const { index } = plan
  const shared = new Set([...sharedNames, ...overridden])
  const problems: GraphProblem[] = []
  for (const { spec, portNames } of plan.steps) {
    // A race takes nothing but a value that is given, if it has one.
    const foreign = spec.ports.filter(
      ({ kind, name, type }) => kind !== 'all' && portNames.includes(name) && !shared.has(type),
    )
    if (spec.takesAll || foreign.length === 0) shared.add(spec.output.name)
    if (!spec.takesAll) continue
    for (const port of foreign) {
      const remedy = index.producers.has(port.type)
        ? `take it as all(${port.type}) too`
        : `give "${port.type}" once in shared, or take it as all(${port.type})`
      problems.push({
        kind: 'bad-declaration',
        step: spec.name,
        message: `step "${spec.name}" runs once for the whole batch, but its input "${port.name}" ("${port.type}") differs from item to item; ${remedy}`,
      })
    }
  }
  if (problems.length > 0) throw new GraphError(graph.name, problems)
  const gatheredTypes = new Set(
    plan.steps.flatMap(({ spec }) => spec.ports.filter((port) => port.kind === 'all').map((port) => port.type)),
  )
  const exported = [...gatheredTypes].filter((type) => !shared.has(type))
  const copied = [...gatheredTypes].filter((type) => shared.has(type))
  const needed = plan.steps
    .filter(({ spec }) => !shared.has(spec.output.name))
    .flatMap(({ spec }) => spec.ports.map((port) => port.type))
  const imported = [
    ...new Set([...needed.filter((type) => shared.has(type)), ...(shared.has(target.name) ? [target.name] : [])]),
  ]
  const late = new Set(imported)
  const vitalToTarget = new Set(plan.types.filter((_, slot) => plan.isVital[slot]).map((type) => type.name))
  const wantedOfItem = [...new Set([target.name, ...exported])]
  const itemPlan = compilePlan({
    index,
    target,
    wanted: wantedOfItem,
    given: new Set([...imported, ...overridden]),
    late,
    gathered: gatheredName,
    overridden,
    vital: vitalToTarget,
  })
  const slotsOf = (types: readonly string[]): readonly number[] => types.map((type) => itemPlan.slots.get(type) ?? -1)
  const gathered = new Set([...gatheredTypes].map(gatheredName))
  const vital = tolerates ? new Set<string>() : vitalToTarget
  const sharedPlan = compilePlan({
    index,
    target,
    wanted: [...new Set([...imported, ...copied])],
    given: new Set([...gathered, ...overridden]),
    late: gathered,
    gathered: gatheredName,
    overridden,
    vital,
  })
  const slotOf = (name: string): number => sharedPlan.slots.get(name)!
  return {
    whole: plan,
    plain,
    item: { plan: itemPlan, importSlots: slotsOf(imported), gatheredSlots: slotsOf(exported) },
    shared: sharedPlan,
    imports: imported.map(slotOf),
    gathered: exported.map((type) => slotOf(gatheredName(type))),
    copied: copied.map((type) => ({ from: slotOf(type), to: slotOf(gatheredName(type)) })),
    needsAll: gatheredTypes.size > 0,
  }
}
