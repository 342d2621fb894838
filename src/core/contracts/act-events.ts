import type { EventBase } from './event-base.ts'

/**
 * A person, or a program for them, is about to do something to an execution, a queue or a schedule: it is on record, and not yet done. `executionId`
 * is the id of the execution, or '' where it is about something else; `graph` that of the execution, or '' where none is known.
 */
export interface ActRecorded extends EventBase {
  readonly type: 'act.recorded'
  /** Names the act. */
  readonly id: string
  /** The person, or the program, that does it. */
  readonly by: string
  /** What is done: `cancel`, `retry`, `pauseQueue`, … */
  readonly act: string
  /** Anything else that is to be known of it. */
  readonly note: string | undefined
}
