/** What all parts of a docket know of the queues that it serves. */
export interface ServedQueues {
  /** Whether this process runs executions of a queue. */
  serves(queue: string): boolean
  /** Whether no more than so many executions of a queue may run, in all processes. */
  isLimited(queue: string): boolean
  /** Whether the store has something to judge before an execution of a queue begins: it is paused, or has limits. */
  isRestricted(queue: string): boolean
  /** An execution of a queue has given its slot back: all of it waits. */
  rested(queue: string): void
}

export const noQueues: ServedQueues = {
  serves: () => false,
  isLimited: () => false,
  isRestricted: () => false,
  rested: () => {},
}
