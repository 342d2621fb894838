import { problemsOfCall } from './call-options.ts'
import { problemsOfKeys } from './start-options.ts'
import type { StartKeys } from './start-options.ts'

/** What is wrong with the options of a start beside those that all executions have. */
export function problemsOfStart(options: object, transaction?: unknown): readonly (string | false)[] {
  const { onBusy, dedupe } = options as StartKeys
  return [
    ...problemsOfCall(options),
    ...problemsOfKeys(options),
    transaction !== undefined &&
      (onBusy !== undefined || dedupe !== undefined) &&
      `${onBusy === undefined ? 'dedupe' : 'onBusy'} can't be combined with a transaction: the key would be taken before that commits; start it after the commit, or give it an id of its own and leave that out`,
  ]
}
