import { setImmediate as ofNode } from 'node:timers'
import { inMicrotask } from './in-microtask.ts'

/** The global setImmediate of the moment, which a test may fake. Where a set-up of tests that plays a browser has taken it away, Node's. */
export function hostImmediate(): typeof ofNode {
  return (globalThis.setImmediate as typeof ofNode | undefined) ?? ofNode
}

/** Whether it is an Immediate of Node itself: it has a field that no stand-in has. */
export function isNodesImmediate(immediate: unknown): boolean {
  return typeof immediate === 'object' && immediate !== null && '_onImmediate' in immediate
}

/**
 * Calls back once, at the end of this turn of the event loop, for what goes out to a server: no test that fakes setImmediate is to hold that up. Fakes that
 * reach into `node:timers`, where this file was loaded under them, are all that there is of it then, for ever: it is a microtask instead.
 */
export function atEndOfTurn(act: () => void): void {
  let isDue = true
  const once = (): void => {
    if (!isDue) return
    isDue = false
    act()
  }
  if (!isNodesImmediate(ofNode(once))) inMicrotask(once)
}
