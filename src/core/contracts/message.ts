import type { StoredValue } from './stored-value.ts'

/** A message to an execution, from a process that does not own it. */
export interface NewMessage {
  /** The id of the execution that gets it. */
  readonly execution: string
  /** What it is: `cancel`, `delete`, … */
  readonly kind: string
  /** What comes with it. */
  readonly payload: StoredValue | undefined
  /** When it was posted, in milliseconds since the epoch. */
  readonly at: number
}

/** A message as its reader gets it. */
export interface Message extends NewMessage {
  /** Grows within an execution. */
  readonly seq: number
}
