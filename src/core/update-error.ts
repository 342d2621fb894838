import { DocketError, named } from './docket-error.ts'
import type { ErrorPlace } from './docket-error.ts'

/** What became of an update that has no answer of the kind that its sender wants. */
export type UpdateFailure =
  /** Its `validate`, or its schema, refused it: nothing of it has happened. */
  | 'UPDATE_REJECTED'
  /** It was accepted, and whoever handled it failed it; `cause` is with what. */
  | 'UPDATE_FAILED'
  /** The execution, or the step that receives it, ended before it was answered. */
  | 'UPDATE_ENDED'
  /** No answer came in time; it may still come, and is found under the same id. */
  | 'UPDATE_TIMEOUT'

/** An update has no answer: it was refused, failed, came too late, or takes too long. */
export class UpdateError extends DocketError {
  static {
    named(this, 'UpdateError')
  }

  /** The update's id: sent again under it, it is the same one. */
  readonly updateId: string

  constructor(code: UpdateFailure, message: string, updateId: string, place: ErrorPlace, options?: ErrorOptions) {
    super(code, message, place, options)
    this.updateId = updateId
  }
}
