import type { ExecutionRecord } from '../../core/contracts/execution-record.ts'
import { isOpenStatus, isTerminalStep } from '../../core/contracts/statuses.ts'
import { requireIndex } from '../../core/graph/plan.ts'
import type { DocketContext } from '../context/docket-context.ts'
import { digestOfChild, mayOutliveParent } from '../records/child-digest.ts'

/**
 * The step of a parent that goes on which has ended without this child of it, by what is on record: nobody waits for the child any more, and whichever process goes on
 * with the parent next may cancel it. A function that has returned has left its children to themselves. Undefined where there is none. @throws StoreError
 */
export async function stepWithoutChild(
  context: DocketContext,
  { id, parent, requestDigest }: ExecutionRecord,
): Promise<string | undefined> {
  const record = parent === undefined ? undefined : await context.recordOf(parent)
  if (record === undefined || !isOpenStatus(record.status)) return undefined
  const isOfFunction = mayOutliveParent(requestDigest)
  // Its parent was deleted, and this one was started under its id.
  if (digestOfChild(record, isOfFunction) !== requestDigest) return undefined
  const firstNameOf = firstNamesIn(context, record)
  const rest = id.slice(record.id.length + 1)
  // Keys and names may be any texts: one may begin as another one does.
  let found: { readonly step: string; readonly hasLeft: boolean; readonly length: number } | undefined
  await context.pagesOf(record.id)((steps) => {
    for (const { step, item, status } of steps) {
      const name = item === '' ? firstNameOf(step) : `${item}/${firstNameOf(step)}`
      if (name.length <= (found?.length ?? 0) || !isUnder(name, rest, isOfFunction)) continue
      const hasReturned = isOfFunction && status === 'completed'
      found = { step, hasLeft: isTerminalStep(status) && !hasReturned, length: name.length }
    }
  })
  return found?.hasLeft === true ? found.step : undefined
}

/** Whether the id of a child, behind its parent's, is one of a step; behind `~` stands how often it was undone. */
function isUnder(name: string, rest: string, isOfFunction: boolean): boolean {
  if (!rest.startsWith(name)) return false
  const behind = rest.slice(name.length).replace(/^~\d+/u, '')
  return isOfFunction ? behind.startsWith('/') : behind === ''
}

/** What steps were called first: ids of children are made of that. */
function firstNamesIn(context: DocketContext, parent: ExecutionRecord): (step: string) => string {
  const graph = context.graphOf(parent)
  const specs = graph === undefined ? [] : requireIndex(graph).specs
  const firstNames = new Map(specs.map(({ name, firstName }) => [name, firstName]))
  return (step) => firstNames.get(step) ?? step
}
