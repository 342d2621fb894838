import type { Execution } from '../execution/execution.ts'

/** A value that is shared by all items of a batch, or why there is none. */
export type SharedOutcome =
  { readonly value: unknown; readonly error?: undefined } | { readonly error: unknown; readonly value?: undefined }

/** Gives what arrived to one item's execution, if that has a place for it. */
export function deliver(execution: Execution, slot: number, outcome: SharedOutcome): void {
  if (slot === -1) return
  if ('error' in outcome) execution.markUnavailable(slot, outcome.error)
  else execution.provide(slot, outcome.value)
}
