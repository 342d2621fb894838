import type { ExecutionDetails, ExecutionHandle } from '../index.ts'
import { isTerminal } from '../core/contracts/statuses.ts'
import type { CliStreams } from './cli-streams.ts'

const firstPauseMs = 200
const longestPauseMs = 1_000

/** Looks at an execution again and again, more and more seldom while nothing changes, until it has ended or the signal is aborted. */
export async function* looksAt(
  handle: ExecutionHandle<unknown>,
  { signal, onFollow }: Pick<CliStreams, 'signal' | 'onFollow'>,
): AsyncGenerator<ExecutionDetails, void, undefined> {
  onFollow?.()
  let updatedAt = 0
  for (let pauseMs = firstPauseMs; !signal.aborted;) {
    const details = await handle.details({ live: '500ms' })
    yield details
    if (isTerminal(details.status)) return
    const changedAt = details.updatedAt.getTime()
    pauseMs = changedAt === updatedAt ? Math.min(pauseMs * 1.5, longestPauseMs) : firstPauseMs
    updatedAt = changedAt
    await pause(pauseMs, signal)
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', end)
      resolve()
    }
    const timer = setTimeout(end, ms)
    signal.addEventListener('abort', end)
    if (signal.aborted) end()
  })
}
