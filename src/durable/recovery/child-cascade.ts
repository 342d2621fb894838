import type { ExecutionRecord } from '../../core/contracts/execution-record.ts'
import { isOpenStatus, isTerminal, openStatuses } from '../../core/contracts/statuses.ts'
import { ExecutionCancelledError } from '../../core/errors.ts'
import { requireIndex } from '../../core/graph/plan.ts'
import type { DocketContext } from '../context/docket-context.ts'
import { digestOfChild, mayOutliveParent } from '../records/child-digest.ts'
import { hasCompleted } from '../records/known-outcome.ts'

const portionSize = 100

/** The children of an execution that have not ended, whoever runs them. @throws StoreError */
export async function* openChildrenOf(context: DocketContext, parent: string): AsyncIterable<ExecutionRecord> {
  const { store } = context.connection
  for (let after: ExecutionRecord | undefined; ;) {
    const query = { parent, statuses: openStatuses, after, limit: portionSize }
    const portion = await context.connection.patiently(() => store.list(query))
    yield* portion
    if (portion.length < portionSize) return
    after = portion.at(-1)
  }
}

/** Whether an execution may have children, as far as that is known here. */
export function mayHaveChildren(context: DocketContext, { graph }: Pick<ExecutionRecord, 'graph'>): boolean {
  const known = context.graphOf(graph)
  return known === undefined || requireIndex(known).specs.some(({ kind }) => kind === 'subgraph' || kind === 'durable')
}

/**
 * Why a child is not to go on: its parent has failed, was cancelled or was deleted. One that was created at that moment, or was on its way then, is found nowhere else.
 * Undefined where it is to go on. @throws StoreError
 */
export async function orphanedBy(
  context: DocketContext,
  record: ExecutionRecord,
): Promise<ExecutionCancelledError | undefined> {
  return isTerminal(record.status) ? undefined : endOfParent(context, record)
}

/** Why an execution, which may have ended itself, could not go on as the child that it is. Undefined where it could, or is none. @throws StoreError */
export async function endOfParent(
  context: DocketContext,
  record: ExecutionRecord,
): Promise<ExecutionCancelledError | undefined> {
  const id = record.parent
  if (id === undefined) return undefined
  const parent = await context.connection.gets.add(id, context.clock.elapsed() + 30_000)
  const mayOutlive = mayOutliveParent(record.requestDigest)
  // Deleted while it ran, or another one under its id: nobody waits for this child any more, nor cancels it. Others have completed, and were purged since.
  if (parent === undefined || digestOfChild(parent, mayOutlive) !== record.requestDigest)
    return mayOutlive ? undefined : parentIsGone(id, record.id)
  const hasFailed = parent.status === 'compensating' ? !hasCompleted(parent) : !isOpenStatus(parent.status)
  return hasFailed && parent.status !== 'completed' ? parentHasEnded(id, record.id) : undefined
}

function parentIsGone(parent: string, child: string): ExecutionCancelledError {
  const message = `the execution "${parent}", of which this is a child, was deleted`
  return new ExecutionCancelledError(message, { executionId: child })
}

export function parentHasEnded(parent: string, child: string, cause?: unknown): ExecutionCancelledError {
  const message = `the execution "${parent}", of which this is a child, has ended`
  return new ExecutionCancelledError(message, { executionId: child }, cause === undefined ? undefined : { cause })
}
