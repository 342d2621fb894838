import type { Clock } from '../../src/index.ts'

/** The clock of a machine on which somebody has set it wrong: it goes as fast as others do, from another time on. */
export function shiftedClock(byMs: number): Clock {
  return {
    now: () => Date.now() + byMs,
    setTimeout: (handler, ms) => globalThis.setTimeout(handler, ms),
    clearTimeout: (handle: NodeJS.Timeout) => globalThis.clearTimeout(handle),
  }
}
