import type { BatchPlan } from '../../core/graph/batch-plan.ts'
import type { Plan } from '../../core/graph/plan.ts'
import type { KeyNames } from '../../runtime/steps/key-names.ts'
import { keyNameOfStep } from '../../runtime/steps/key-names.ts'
import type { RestoredBatch } from './restore-batch.ts'
import { placeOf } from './step-place.ts'
import type { StepPages } from './step-pages.ts'

/** A batch whose children are looked at. */
interface BatchOfItems {
  readonly id: string
  readonly plan: BatchPlan
  readonly keys: readonly string[]
  readonly keyNames?: KeyNames | undefined
  readonly restored: Pick<RestoredBatch, 'outcomes'>
  readonly pages: StepPages
}

/** The step of an item that has begun a child. */
interface ItemStep {
  readonly step: string
  readonly item: string
}

/** Whether items of a batch may have children. */
export function mayLeaveChildren({ item }: BatchPlan): boolean {
  return item.plan.steps.some(({ spec }) => spec.kind === 'subgraph' || spec.kind === 'durable')
}

/**
 * Those of a batch's open children, by id, that belong to items which have ended without them: their process may have died before it could end these, and the items do not
 * begin again. A function that has returned may have left some to themselves, unless its item has failed.
 */
export async function leftByItems(
  children: readonly string[],
  batch: BatchOfItems,
): Promise<ReadonlyMap<string, ItemStep>> {
  const { restored, pages } = batch
  const stepOf = stepsOfChildren(batch)
  const left = new Map<string, ItemStep>()
  for (const id of children) {
    const found = stepOf(id)
    if (found !== undefined) left.set(id, found)
  }
  const isFailed = ({ item }: ItemStep): boolean => 'error' in restored.outcomes.get(item)!
  if ([...left.values()].every(isFailed)) return left
  const returned = new Set<string>()
  await pages((steps) => {
    for (const { step, item, status } of steps) if (status === 'completed') returned.add(placeOf({ step, item }))
  })
  for (const [id, one] of left) if (!isFailed(one) && returned.has(placeOf(one))) left.delete(id)
  return left
}

/** By which step of an item that has ended a child was begun; undefined where that is another one's, or may be. */
function stepsOfChildren({
  id,
  plan,
  keys,
  keyNames,
  restored,
}: BatchOfItems): (child: string) => ItemStep | undefined {
  const known = new Set(keys)
  const stepIn = ({ index, steps }: Plan, rest: string): string | undefined =>
    steps.find(({ spec }) => {
      const name = keyNameOfStep({ plan: { index }, keyNames }, spec.name)
      return rest === name || rest.startsWith(`${name}/`) || rest.startsWith(`${name}~`)
    })?.spec.name
  return (child) => {
    const rest = child.slice(id.length + 1)
    if (stepIn(plan.shared, rest) !== undefined) return undefined
    let found: ItemStep | undefined
    // Keys may be any texts: one may begin as another one does.
    for (let at = rest.indexOf('/'); at !== -1; at = rest.indexOf('/', at + 1)) {
      const item = rest.slice(0, at)
      const step = known.has(item) ? stepIn(plan.item.plan, rest.slice(at + 1)) : undefined
      if (step === undefined) continue
      if (!restored.outcomes.has(item)) return undefined
      found = { step, item }
    }
    return found
  }
}
