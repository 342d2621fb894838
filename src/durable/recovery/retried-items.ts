import { ExecutionConflictError, OptionError } from '../../core/errors.ts'
import { isTerminal } from '../../core/contracts/statuses.ts'
import type { ExecutionRecord } from '../../core/contracts/execution-record.ts'
import type { DocketContext } from '../context/docket-context.ts'
import type { CallerOptions } from '../context/start-options.ts'
import { endOfParent } from './child-cascade.ts'
import { stepWithoutChild } from './left-child.ts'
import { requireWhole } from '../records/graph-hash.ts'
import { itemStep } from '../records/restore-batch.ts'

/**
 * What of an execution that has ended is tried again: of a batch, the items that are named, or all that have failed.
 * @throws ExecutionConflictError where it has not ended, is being moved, is a child whose parent, or its step there, has ended, or nothing has failed; OptionError for items of what is no batch; StoreError
 */
export async function retriedOf(
  context: DocketContext,
  record: ExecutionRecord,
  items: readonly string[] | undefined,
): Promise<Pick<CallerOptions, 'retried'>> {
  requireWhole(record)
  const { id, status, kind } = record
  const isBatch = kind === 'batch'
  if (items !== undefined && !isBatch)
    throw new OptionError(`retry: "${id}" is one execution, and only batches have items; leave items out`)
  if (!isTerminal(status) || (status === 'completed' && !isBatch))
    throw notToBeRetried(record, context.incompatible.misfitOfOpen(record)?.reasons)
  // Whichever process went on with it next would cancel it.
  const orphaned = await endOfParent(context, record)
  if (orphaned !== undefined) throw orphanNotRetried(record, orphaned)
  const step = await stepWithoutChild(context, record)
  if (step !== undefined) throw leftNotRetried(record, step)
  if (items === undefined && status !== 'completed') return { retried: 'failed' }
  const failed = await failedItemsOf(context, id)
  const others = items?.filter((key) => !failed.has(key)) ?? []
  if (others.length > 0)
    throw new ExecutionConflictError(
      `retry: of batch "${id}", these items have not failed: ${others.map((key) => JSON.stringify(key)).join(', ')}`,
      { executionId: id },
    )
  if (failed.size === 0)
    throw new ExecutionConflictError(`batch "${id}" is completed, and none of its items has failed`, {
      executionId: id,
    })
  return { retried: items ?? 'failed' }
}

function orphanNotRetried({ id, graph, parent }: ExecutionRecord, why: Error): Error {
  const message = `execution "${id}" can't be retried alone: ${why.message}; retry "${parent}", which goes on with it, or fork "${id}"`
  return new ExecutionConflictError(message, { graph, executionId: id })
}

function leftNotRetried({ id, graph, parent }: ExecutionRecord, step: string): Error {
  const message = `execution "${id}" can't be retried alone: step "${step}" of "${parent}", of which this is a child, has ended without it, and nobody waits for it; fork "${id}", or retry "${parent}" should that fail`
  return new ExecutionConflictError(message, { graph, executionId: id })
}

/** `misfit`: why it can't go on here, if that is known. */
function notToBeRetried({ id, graph, status }: ExecutionRecord, misfit: readonly string[] | undefined): Error {
  const message =
    misfit === undefined
      ? `execution "${id}" is ${status}: only one that failed or was cancelled can be retried`
      : `execution "${id}" is ${status}, and can't go on in this process: ${misfit.join('; ')}. It goes on by itself where it fits, so there is nothing to retry: change what does not fit, or run the version that it began with`
  return new ExecutionConflictError(message, { graph, executionId: id })
}

/** Whether items that are to be tried again have failed in what is stored now: another process may have tried them meanwhile. */
export async function hasFailedItems(
  context: DocketContext,
  id: string,
  retried: CallerOptions['retried'],
): Promise<boolean> {
  if (retried === undefined) return false
  const failed = await failedItemsOf(context, id)
  return retried === 'failed' ? failed.size > 0 : retried.some((key) => failed.has(key))
}

function failedItemsOf(context: DocketContext, id: string): Promise<ReadonlySet<string>> {
  return context.connection.patiently(async () => {
    const failed = new Set<string>()
    await context.pagesOf(id)(async (steps) => {
      for (const { step, item, status } of steps) if (step === itemStep && status === 'failed') failed.add(item)
    })
    return failed
  })
}
