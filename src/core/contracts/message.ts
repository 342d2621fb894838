import type { StoredValue } from './stored-value.ts'

/** A message to an execution, from a process that does not own it. */
export interface NewMessage {
  readonly execution: string
  readonly kind: string
  readonly payload: StoredValue | undefined
  readonly at: number
}

export interface Message extends NewMessage {
  /** Grows within an execution. */
  readonly seq: number
}
