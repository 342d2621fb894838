import type { ReleaseCause } from '../../../machines/index.ts'

/** What came of an execution or a batch in the place of the end that it came to here: it could not be written, or it goes on elsewhere. */
export type OtherEnd =
  | { readonly type: 'FAIL'; readonly error: unknown }
  | { readonly type: 'RELEASE'; readonly error: unknown; readonly cause: ReleaseCause }

/**
 * Shows observers and actors how an execution or a batch has ended: of a durable one, once that is written. `instead`: what came of it in the
 * place of the end that it came to here.
 */
export type EndReport = (instead?: OtherEnd) => void

/** For what has been shown already. */
export const reported: EndReport = () => {}
