import type { ExecutionRecord } from '../core/contracts/execution-record.ts'
import { ExecutionConflictError } from '../core/errors.ts'
import { sleep } from '../runtime/environment/clock.ts'
import { acquireOne } from './context/acquire-one.ts'
import type { DocketContext } from './context/docket-context.ts'
import { isTerminal } from '../core/contracts/statuses.ts'
import { cancelNow } from './cancel-execution.ts'
import { passCancel } from './context/intercepted-cancel.ts'
import { deletedOnRequest } from './ownership/deleted-on-request.ts'
import { causeOf } from './recovery/resume.ts'
import type { Resumption } from './recovery/resume.ts'
import { isDetached, requireWhole } from './records/graph-hash.ts'
import { deleteUnowned, endUnowned, postMessage } from './recovery/unowned.ts'

const pauseMs = 250

/** How an execution is deleted. */
export interface DeleteOptions {
  /**
   * Whether what it did is undone first. With `false` what steps with `compensate` did stays, for one that no other process runs: the way out for an
   * execution that no docket can undo any more. @default true
   */
  readonly undo?: boolean | undefined
}

/**
 * Deletes an execution wherever it is; one that has not ended is cancelled first, and undone. False where there is none.
 * @throws DocketClosedError, StoreError, ExecutionConflictError where it has something to undo, and nobody runs it, and it can't go on here
 */
export async function deleteExecution(
  context: DocketContext,
  resumption: Resumption,
  id: string,
  options?: DeleteOptions,
  by: 'call' | 'parent' = 'call',
): Promise<boolean> {
  const now = (): Promise<boolean> => deleteNow(context, resumption, id, options)
  if (context.interceptors.cancel === undefined) return now()
  await context.connection.readyBy()
  const record = await context.recordOf(id)
  if (record === undefined || isTerminal(record.status)) return now()
  return passCancel(context, { executionId: id, reason: deletedOnRequest(id, record.graph), by }, now)
}

async function deleteNow(
  context: DocketContext,
  resumption: Resumption,
  id: string,
  { undo: undoes = true }: DeleteOptions = {},
): Promise<boolean> {
  const { connection, clock, owned } = context
  const undo = undoes ? (record: ExecutionRecord): Promise<void> => undoHere(context, resumption, record) : 'never'
  await connection.readyBy()
  const found = await context.recordOf(id)
  // Whoever wants nothing undone gets rid of a half that nobody goes on with any more.
  if (undoes && found !== undefined) requireWhole(found)
  if (owned.has(id) && undoes) await cancelNow(context, id, undefined)
  if (undoes) await owned.get(id)?.rest
  if (await deleteUnowned(context, id, undo)) return true
  if ((await postMessage(context, id, 'delete')) === 'unknown') return false
  // Its owner does it in a moment; should it die or be done meanwhile, this process does.
  for (;;) {
    await sleep(clock, pauseMs)
    context.requireOpen()
    const record = await context.recordOf(id)
    if (record === undefined) return true
    if (isDetached(record) && !(found !== undefined && isDetached(found))) throw movedMeanwhile(id)
    // Here, the message ends it, or its undoing is under way.
    if (owned.get(id)?.hasEnded === false) continue
    if (await deleteUnowned(context, id, undo)) return true
  }
}

/** What was taken out for another store has left the message behind. */
function movedMeanwhile(id: string): ExecutionConflictError {
  const message = `execution "${id}" can't be deleted here: it was taken out of this docket meanwhile; delete it where it goes on`
  return new ExecutionConflictError(message, { executionId: id })
}

/** Goes on with an execution that is to be undone, where no process runs it and it fits here: else somebody else does. */
export async function undoUnowned(context: DocketContext, resumption: Resumption, id: string): Promise<void> {
  if (context.owned.has(id) || context.options.takeOver === false) return
  await context.turns.inTurn(id, async () => {
    // A cancellation that its last owner has not read is consumed first, and gives it up.
    for (let tries = 0; tries < 2 && !context.owned.has(id); tries++) {
      const acquired = await acquireOne(context.connection, id)
      if (acquired === undefined) return
      try {
        await resumption.resumeOne(acquired, causeOf(acquired))
      } catch (error) {
        if (error instanceof ExecutionConflictError) return
        throw error
      }
    }
  })
}

/** Begins to undo what this process has just acquired. To be called in turn. @throws ExecutionConflictError where it can't go on here */
async function undoHere(context: DocketContext, resumption: Resumption, record: ExecutionRecord): Promise<void> {
  const { id, graph, status } = record
  await context.learn(record)
  if (context.graphOf(record) === undefined) {
    await context.change(record, { isReleased: true })
    throw notUndoable(record, `this docket does not know graph "${graph}"`)
  }
  if (status === 'compensating') await context.change(record, { isReleased: true })
  else await endUnowned(context, record, 'cancelled', deletedOnRequest(id, graph))
  // A function of it that does not listen to its signal may still run here: then it is undone as soon as that is gone.
  if (context.owned.has(id)) return
  const acquired = await acquireOne(context.connection, id)
  // Otherwise somebody else undoes it by now.
  if (acquired === undefined) return
  try {
    await resumption.resumeOne(acquired, causeOf(acquired))
  } catch (error) {
    throw error instanceof ExecutionConflictError ? notUndoable(record, error.message) : error
  }
}

function notUndoable({ id, graph }: ExecutionRecord, why: string): ExecutionConflictError {
  const message = `execution "${id}" can't be deleted here: it has something to undo first (${why}); delete it in a docket that can go on with it, or with undo: false, which leaves what it did`
  return new ExecutionConflictError(message, { executionId: id, graph })
}
