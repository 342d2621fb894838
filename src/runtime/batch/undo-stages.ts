import { takersOf } from '../../core/graph/plan.ts'
import type { Plan } from '../../core/graph/plan.ts'

/** Steps that may be undone at the same time, as far as shared steps and those of items need each other; by their names. */
export interface UndoStage {
  readonly shared: ReadonlySet<string>
  readonly items: ReadonlySet<string>
}

/**
 * The steps with `compensate` of a batch, in the stages in which they are undone: within one no step of an item is made of a shared one, nor the other
 * way round. So the items of a stage can be undone one by one.
 */
export function undoStages(whole: Plan, shared: Pick<Plan, 'slots' | 'producers'>): readonly UndoStage[] {
  const isShared = whole.steps.map(({ spec }) => {
    const slot = shared.slots.get(spec.output.name)
    return slot !== undefined && shared.producers[slot] !== -1
  })
  const stageOf: number[] = []
  const stages: { readonly shared: Set<string>; readonly items: Set<string> }[] = []
  for (let position = whole.steps.length - 1; position >= 0; position--) {
    const { spec, outputSlot } = whole.steps[position]!
    const stage = takersOf(whole, outputSlot).reduce(
      (latest, taker) => Math.max(latest, stageOf[taker]! + Number(isShared[taker] !== isShared[position])),
      0,
    )
    stageOf[position] = stage
    if (spec.compensate === undefined) continue
    const names = (stages[stage] ??= { shared: new Set(), items: new Set() })
    ;(isShared[position] === true ? names.shared : names.items).add(spec.name)
  }
  return stages.filter((stage) => stage !== undefined)
}
