import type { ExecutionRecord } from '../../core/contracts/execution-record.ts'
import { isOpenStatus, isTerminalStep } from '../../core/contracts/statuses.ts'
import { requireIndex } from '../../core/graph/plan.ts'
import type { DocketContext } from '../context/docket-context.ts'
import { digestOfChild, mayOutliveParent } from '../records/child-digest.ts'

type Child = Pick<ExecutionRecord, 'id' | 'requestDigest'>

/** A reading of a parent's steps that is about to begin. */
interface Look {
  readonly children: Child[]
  /** The steps that have ended without a child, by the child's id. */
  readonly found: Promise<ReadonlyMap<string, string>>
}

// All steps of a parent are read, and many of its children may be retried at once: what comes in one turn is read once.
const looks = new WeakMap<DocketContext, Map<string, Look>>()

/**
 * The step of a parent that goes on which has ended without this child of it, by what is on record: nobody waits for the child any more, and whichever process goes on
 * with the parent next may cancel it. A function that has returned has left its children to themselves. Undefined where there is none. @throws StoreError
 */
export async function stepWithoutChild(context: DocketContext, child: ExecutionRecord): Promise<string | undefined> {
  const { parent } = child
  const record = parent === undefined ? undefined : await context.recordOf(parent)
  if (record === undefined || !isOpenStatus(record.status)) return undefined
  // Its parent was deleted, and this one was started under its id.
  if (digestOfChild(record, mayOutliveParent(child.requestDigest)) !== child.requestDigest) return undefined
  let waiting = looks.get(context)
  if (waiting === undefined) looks.set(context, (waiting = new Map<string, Look>()))
  let look = waiting.get(record.id)
  if (look === undefined) {
    const children: Child[] = []
    const found = Promise.resolve().then(() => {
      waiting.delete(record.id)
      return stepsWithout(context, record, children)
    })
    waiting.set(record.id, (look = { children, found }))
  }
  look.children.push(child)
  return (await look.found).get(child.id)
}

/** What a child may be of. Keys and names may be any texts, and one may begin as another one does: the longest that is found is meant. */
interface Candidate {
  readonly child: string
  readonly isOfFunction: boolean
}

async function stepsWithout(
  context: DocketContext,
  parent: ExecutionRecord,
  children: readonly Child[],
): Promise<ReadonlyMap<string, string>> {
  const byName = new Map<string, Candidate[]>()
  for (const { id, requestDigest } of children) {
    const isOfFunction = mayOutliveParent(requestDigest)
    for (const name of namesIn(id.slice(parent.id.length + 1), isOfFunction)) {
      const all = byName.get(name)
      if (all === undefined) byName.set(name, [{ child: id, isOfFunction }])
      else all.push({ child: id, isOfFunction })
    }
  }
  const firstNameOf = firstNamesIn(context, parent)
  const longest = new Map<string, { readonly step: string; readonly hasLeft: boolean; readonly length: number }>()
  await context.pagesOf(parent.id)((steps) => {
    for (const { step, item, status } of steps) {
      const name = item === '' ? firstNameOf(step) : `${item}/${firstNameOf(step)}`
      for (const { child, isOfFunction } of byName.get(name) ?? []) {
        if (name.length <= (longest.get(child)?.length ?? 0)) continue
        const hasReturned = isOfFunction && status === 'completed'
        longest.set(child, { step, hasLeft: isTerminalStep(status) && !hasReturned, length: name.length })
      }
    }
  })
  return new Map([...longest].filter(([, { hasLeft }]) => hasLeft).map(([child, { step }]) => [child, step]))
}

/** The steps, with their items, that a child may be of by its id, behind its parent's; behind `~` stands how often a step was undone. */
function namesIn(rest: string, isOfFunction: boolean): ReadonlySet<string> {
  const ends = isOfFunction ? [...rest.matchAll(/\//gu)].map(({ index }) => index) : [rest.length]
  return new Set(ends.map((end) => rest.slice(0, end)).flatMap((name) => [name, name.replace(/~\d+$/u, '')]))
}

/** What steps were called first: ids of children are made of that. */
function firstNamesIn(context: DocketContext, parent: ExecutionRecord): (step: string) => string {
  const graph = context.graphOf(parent)
  const specs = graph === undefined ? [] : requireIndex(graph).specs
  const firstNames = new Map(specs.map(({ name, firstName }) => [name, firstName]))
  return (step) => firstNames.get(step) ?? step
}
