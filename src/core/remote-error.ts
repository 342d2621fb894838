import { DocketError, named, defaultFields } from './docket-error.ts'
import type { ErrorPlace } from './docket-error.ts'

/** Why an operation of another service has no value. */
export type RemoteFailure =
  /** It was begun there, and failed. */
  | 'REMOTE_FAILED'
  /** It was begun there, and cancelled. */
  | 'REMOTE_CANCELLED'
  /** The service does not do it: the request, or its caller, was wrong; or it does not speak this protocol. */
  | 'REMOTE_REFUSED'
  /** The service could not be called. */
  | 'REMOTE_UNREACHABLE'

/** An operation of another service has no value. */
export class RemoteError extends DocketError {
  static {
    named(this, 'RemoteError')
    defaultFields(this, { status: undefined })
  }

  /** The operation's name. */
  readonly operation: string
  /** The status of the service's answer; undefined where there was none. */
  declare readonly status: number | undefined

  constructor(
    code: RemoteFailure,
    message: string,
    { operation, status, ...place }: ErrorPlace & { readonly operation: string; readonly status?: number | undefined },
    options?: ErrorOptions,
  ) {
    super(code, message, place, options)
    this.operation = operation
    if (status !== undefined) this.status = status
  }
}
