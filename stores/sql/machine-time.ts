import { ContinuousTime, lifetimeReading } from '../../src/core/continuous-time.ts'
import type { TimeReading } from '../../src/core/continuous-time.ts'

// The reading that was interrupted least is the one that counts.
const readings = 5
const precise = 0.05

/**
 * The time of the machine in milliseconds: what its monotonic clock says, which nobody can set and which all processes on one kernel have
 * in common. It begins anew when the machine starts, and stands still while that is suspended. Fake timers of a test move it as they move
 * the durations of the same process: both read `performance`.
 */
export function machineTime(): () => number {
  const time = new ContinuousTime(machineReading())
  return () => time.now()
}

/** The same for what is kept in memory for a while: where a test fakes `Date` alone, it follows that. */
export function lifetime(): () => number {
  const machine = machineReading()
  const time = new ContinuousTime(() => lifetimeReading(machine))
  return () => time.now()
}

function machineReading(): () => TimeReading {
  const startedAt = startOfProcess()
  return () => {
    const { performance } = globalThis
    return { source: performance.now, ms: startedAt + performance.now() }
  }
}

/** When this process's `performance` began to count. */
function startOfProcess(): number {
  let startedAt = 0
  let shortest = Infinity
  for (let reading = 0; reading < readings && shortest > precise; reading++) {
    const before = performance.now()
    const machine = Number(process.hrtime.bigint()) / 1e6
    const after = performance.now()
    if (after - before >= shortest) continue
    shortest = after - before
    startedAt = machine - (before + after) / 2
  }
  return startedAt
}
