/** How something ended that is not, or no longer, a success. */
export interface Failure {
  readonly type: 'FAIL' | 'CANCEL'
  readonly error: unknown
}

/**
 * Shows observers and actors how an execution or a batch has ended: of a durable one, once that is written. `instead`: what came of it in the
 * place of the end that it came to here.
 */
export type EndReport = (instead?: Failure) => void

/** For what has been shown already. */
export const reported: EndReport = () => {}
