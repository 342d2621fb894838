import { StoreError } from '../../core/errors.ts'
import type { StepRecord } from '../../core/contracts/execution-record.ts'
import type { DocketContext } from '../context/docket-context.ts'

/**
 * Reads the steps of several; where the store refuses that, of each for itself: the damaged records of one must not keep others
 * from going on. A StoreError stands for those that can't be read.
 */
export async function readStepsOfMany(
  context: DocketContext,
  ids: readonly string[],
): Promise<(id: string) => readonly StepRecord[] | StoreError | Promise<readonly StepRecord[] | StoreError>> {
  if (ids.length === 0) return () => []
  try {
    const steps = await context.readSteps(ids)
    return (id) => steps.get(id) ?? []
  } catch (error) {
    if (!(error instanceof StoreError) || error.isTransient) throw error
    await requireReadable(context)
    return (id) => readStepsOf(context, id)
  }
}

/** No execution has this id: if even that is refused, it is the store that needs repair, not a record. @throws StoreError */
export async function requireReadable(context: DocketContext): Promise<void> {
  await context.readSteps([''])
}

/** Those of one that may be damaged. Read once more: the store may have been mended since it refused. */
async function readStepsOf(context: DocketContext, id: string): Promise<readonly StepRecord[] | StoreError> {
  try {
    return (await context.readSteps([id])).get(id) ?? []
  } catch (error) {
    if (!(error instanceof StoreError) || error.isTransient) throw error
    return error
  }
}
