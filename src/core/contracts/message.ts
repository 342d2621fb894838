import type { StoredValue } from './stored-value.ts'

/** What somebody who does not own an execution wants of it. */
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
