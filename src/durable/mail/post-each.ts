import { append } from '../../core/append.ts'
import type { NewMessage, PostVerdict } from '../../core/contracts/message.ts'
import { StoreError } from '../../core/errors.ts'
import { allAnswers } from '../../runtime/store-access/all-answers.ts'
import type { DocketContext } from '../context/docket-context.ts'

/**
 * Posts messages of a docket's own together; where the store refuses one of them for good, each by itself, since that one must not keep the others.
 * Whatever it is given, it says of each what became of it. @throws StoreError for a passing reason
 */
export async function postEach(
  context: DocketContext,
  messages: readonly NewMessage[],
  onRefused: (error: unknown) => void,
): Promise<readonly (PostVerdict | 'refused')[]> {
  const { store } = context.connection
  try {
    const verdicts = allAnswers(store, 'post', messages, await store.post(messages))
    if (verdicts.includes('accepted')) context.lookSoon()
    return verdicts
  } catch (error) {
    if (!(error instanceof StoreError) || error.isTransient) throw error
    if (messages.length === 1) {
      onRefused(error)
      return ['refused']
    }
    const verdicts: (PostVerdict | 'refused')[] = []
    for (const message of messages) append(verdicts, await postEach(context, [message], onRefused))
    return verdicts
  }
}
