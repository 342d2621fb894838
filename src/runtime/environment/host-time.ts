import { ContinuousTime, isHostsOwn, lifetimeReading } from '../../core/continuous-time.ts'

// One object for all readings: it is read at once, and there are millions of them.
const reading: { source: unknown; ms: number } = { source: undefined, ms: 0 }

function steadyReading(): typeof reading {
  const { performance } = globalThis
  reading.source = performance.now
  reading.ms = performance.now()
  return reading
}

const steadyTime = new ContinuousTime(steadyReading)
const lifetime = new ContinuousTime(() => lifetimeReading(steadyReading))

let lastAt = Number.NaN
let lastElapsed = 0
// Where the reading at `lastAt` came from.
let lastSource: unknown
let lastDate: unknown
let lastNow: unknown

/** The machine's steady time, in milliseconds. */
export function hostElapsed(): number {
  const elapsed = steadyTime.now()
  // What takes the host's place may be moved by hand: nothing read of the other holds any more.
  if (reading.source !== lastSource) lastAt = Number.NaN
  return elapsed
}

/** The same for what is kept in memory for a while: where a test fakes `Date` alone, it follows that. */
export function hostLifetime(): number {
  return lifetime.now()
}

/**
 * Steady time at a time of day that was just read: no more than a millisecond before now. A reading costs some 70 ns, more than all else
 * that an event does, and within a millisecond of the host's own clocks one is enough. Whether they are is judged once a millisecond, and
 * at each call of `hostElapsed`: to look for another `performance` costs half as much as a reading.
 */
export function hostElapsedAt(at: number): number {
  const { Date } = globalThis
  if (at === lastAt && Date === lastDate && Date.now === lastNow) return lastElapsed
  lastElapsed = steadyTime.now()
  lastSource = reading.source
  lastDate = Date
  lastNow = Date.now
  lastAt = isHostsOwn() ? at : Number.NaN
  return lastElapsed
}
