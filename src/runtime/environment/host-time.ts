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

/** The machine's steady time, in milliseconds. */
export function hostElapsed(): number {
  return steadyTime.now()
}

/** The same for what is kept in memory for a while: where a test fakes `Date` alone, it follows that. */
export function hostLifetime(): number {
  return lifetime.now()
}

let lastAt = Number.NaN
let lastElapsed = 0

/**
 * Steady time at a time of day that was just read: no more than a millisecond before now. A reading costs some 70 ns, more than all else
 * that an event does, and within a millisecond of the host's own clocks one is enough.
 */
export function hostElapsedAt(at: number): number {
  if (at === lastAt && isHostsOwn()) return lastElapsed
  lastAt = at
  return (lastElapsed = steadyTime.now())
}
