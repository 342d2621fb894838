/** How long a call waits for a store that can't be reached, where nothing else sets its time. */
export const patienceMs = 30_000

const firstPauseMs = 25
const firstPauseOfLockedMs = 2
const longestPauseMs = 1_000

/** How long to wait before a store is called again; `tries` counts from 0. */
export function pauseAfter(tries: number): number {
  return Math.min(firstPauseMs * 2 ** tries, longestPauseMs)
}

/** The same for what somebody else has locked: mostly a message that is just being posted, for as long as its commit takes. */
export function pauseOfLocked(tries: number): number {
  return Math.min(firstPauseOfLockedMs * 2 ** tries, longestPauseMs)
}

/** How long the calls of a store are repeated for a step. */
export function patienceOf({ timeoutMs }: { readonly timeoutMs?: number | undefined }): number {
  return timeoutMs ?? patienceMs
}
