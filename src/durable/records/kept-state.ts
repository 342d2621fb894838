import { isRecord } from '../../core/is-record.ts'

/** What is stored in the place of the value of a step that goes on from what its work was at. */
export function storedState(state: unknown): { readonly $state: unknown } {
  return { $state: state }
}

/** What a step's work was at, of what is stored in the place of its value; undefined where that is something else. */
export function keptStateOf(stored: unknown): unknown {
  return isRecord(stored) ? stored['$state'] : undefined
}
