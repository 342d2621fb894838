import type { NewMessage, PostVerdict } from '../../core/contracts/message.ts'
import { StoreError } from '../../core/errors.ts'
import type { DocketContext } from '../context/docket-context.ts'

/**
 * Posts messages of a docket's own, once each; where the store refuses one of them, or somebody has locked its execution, that one does not keep the others.
 * Whatever it is given, it says of each what became of it. @throws StoreError for a passing reason
 */
export async function postEach(
  context: DocketContext,
  messages: readonly NewMessage[],
  onRefused: (error: unknown) => void,
): Promise<readonly (PostVerdict | 'refused')[]> {
  const { connection, clock } = context
  const now = clock.elapsed()
  const posted = await Promise.allSettled(messages.map((message) => connection.posts.add(message, now)))
  if (posted.some((one) => one.status === 'fulfilled' && one.value === 'accepted')) context.lookSoon()
  return posted.map((one) => {
    if (one.status === 'fulfilled') return one.value
    const { reason } = one
    if (reason instanceof StoreError && reason.isTransient && !reason.isLocked) throw reason
    onRefused(reason)
    return 'refused'
  })
}
