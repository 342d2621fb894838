import type { AnyActorRef, InspectionEvent, Observer } from 'xstate'
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

/**
 * The inspector for an actor system of Docket's own: inspectors that this one adds to it, with `actorRef.system.inspect`, never throw either.
 * What they throw would reach whoever starts the execution, which would be nobody's then.
 */
export function inspectorOfSystem(inspect: HarmlessInspector): HarmlessInspector {
  let isFirst = true
  return (event) => {
    if (isFirst) {
      isFirst = false
      const { system } = event.actorRef as AnyActorRef
      const add = system.inspect
      const value: typeof add = (inspector) => add(harmlessInspector(inspector))
      Object.defineProperty(system, 'inspect', { value, writable: true, enumerable: true, configurable: true })
    }
    inspect(event)
  }
}
