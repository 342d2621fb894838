import type { ActRecord } from '../../core/contracts/act-record.ts'

/** An act on record. */
export interface ActInfo {
  /** Names the act. */
  readonly id: string
  /** When it was written down: before it was done. */
  readonly at: Date
  /** The person, or the program, that did it. */
  readonly by: string
  /** What was done. */
  readonly act: string
  /** The execution that it was done to, whether that is there or not; undefined where it was about something else. */
  readonly execution: string | undefined
  /** Anything else that is to be known of it. */
  readonly note: string | undefined
}

/** As it is shown. */
export function actInfoOf({ at, ...act }: ActRecord): ActInfo {
  return { ...act, at: new Date(at) }
}
