import type { CancelIntercepted } from '../../core/contracts/interceptor.ts'
import { RefusedError } from '../../core/errors.ts'
import type { DocketContext } from './docket-context.ts'

/**
 * Lets a cancellation pass the interceptors, if there are any. What a call cancels they may refuse; where a parent has ended, or a caller's signal, nothing can
 * go on with what belongs to it: it is cancelled all the same, and what they threw is reported.
 */
export async function passCancel<Answer>(
  context: DocketContext,
  call: CancelIntercepted,
  cancel: () => Promise<Answer>,
): Promise<Answer> {
  const { cancel: chain } = context.interceptors
  if (chain === undefined) return cancel()
  let outcome: Promise<Answer> | undefined
  const { by, executionId } = call
  try {
    await chain(call, async () => {
      outcome ??= cancel()
      await outcome
    })
  } catch (error) {
    if (by === 'call') throw error
    context.connection.failures.report(`an interceptor of the cancellation of execution "${executionId}"`, error)
  }
  if (outcome === undefined && by === 'call')
    throw new RefusedError(
      `an interceptor of cancel neither went on by next() nor threw: execution "${executionId}" is not cancelled`,
    )
  return outcome ?? cancel()
}
