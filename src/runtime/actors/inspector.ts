import type { InspectionEvent, Observer } from 'xstate'
import { isPromiseLike } from '../inputs/check-value.ts'
import { warnOnce } from '../environment/warn-once.ts'

/** What takes inspection events, as XState's `inspect` does: a function, or an observer with `next`. */
export type Inspector = Observer<InspectionEvent> | ((event: InspectionEvent) => void)

/** An inspector that never throws. */
export type HarmlessInspector = (event: InspectionEvent) => void

/** The inspector as a function that never throws: XState would put the inspected actor into the status 'error'. */
export function harmlessInspector(inspector: Inspector): HarmlessInspector {
  const warn = (thrown: unknown): void => warnOnce(inspector, 'an XState inspector', thrown)
  return (event) => {
    try {
      const answer: unknown = typeof inspector === 'function' ? inspector(event) : inspector.next?.(event)
      // An async function is a void one to the compiler; its rejection must not end the process.
      if (answer !== undefined && isPromiseLike(answer)) answer.then(undefined, warn)
    } catch (thrown) {
      warn(thrown)
    }
  }
}
