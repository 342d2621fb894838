import { setImmediate as ofNode } from 'node:timers'

/** The global setImmediate of the moment, which a test may fake. Where a set-up of tests that plays a browser has taken it away, Node's. */
export function hostImmediate(): typeof ofNode {
  return (globalThis.setImmediate as typeof ofNode | undefined) ?? ofNode
}

/** Node's own, for what goes out to a server: no test that fakes the global one is to hold that up. */
export const ownImmediate = ofNode
