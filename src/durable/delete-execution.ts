import { sleep } from '../runtime/environment/clock.ts'
import type { DocketContext } from './context/docket-context.ts'
import { ExecutionHandle } from './execution-handle.ts'
import { deleteUnowned, postMessage } from './recovery/unowned.ts'

const pauseMs = 250

/** Deletes an execution wherever it is; one that runs is cancelled first. False where there is none. @throws DocketClosedError, StoreError */
export async function deleteExecution(context: DocketContext, id: string): Promise<boolean> {
  const { connection, clock, owned } = context
  await connection.readyBy()
  if (owned.has(id)) await new ExecutionHandle(context, id).cancel()
  if (await deleteUnowned(context, id)) return true
  if ((await postMessage(context, id, 'delete')) === 'unknown') return false
  // Its owner does it in a moment; should it die or be done meanwhile, this process does.
  for (;;) {
    await sleep(clock, pauseMs)
    context.requireOpen()
    if ((await context.recordOf(id)) === undefined || (await deleteUnowned(context, id))) return true
  }
}
