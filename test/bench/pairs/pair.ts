import type { Run } from '../opponents/opponent.ts'

/** How many times as long one takes as the other, over many interleaved rounds. */
export interface PairRatio {
  readonly median: number
  readonly mean: number
  /** The interval that holds the mean with 95 % certainty. */
  readonly low: number
  readonly high: number
  readonly rounds: number
}

// Long enough for the clock and for a few collections, short enough that what disturbs the machine disturbs both.
const roundMs = 25
const warmUpMs = 1_000

/**
 * Runs two in turn (A B, B A, …), each round a few dozen milliseconds of CPU time, and compares them round by round: what else the
 * machine does lengthens the wall time of both, and hardly their CPU time.
 */
export async function pair(before: Run, after: Run, rounds: number): Promise<PairRatio> {
  await warmUp(before)
  await warmUp(after)
  const ms = await cpuMs(before, 1)
  let count = Math.max(1, Math.round(roundMs / Math.max(ms, 0.01)))
  while ((await cpuMs(before, count)) < roundMs / 2) count *= 2
  const logs: number[] = []
  for (let round = 0; round < rounds; round++) {
    const first = round % 2 === 0 ? before : after
    const one = await cpuMs(first, count)
    const other = await cpuMs(first === before ? after : before, count)
    logs.push(first === before ? Math.log(other / one) : Math.log(one / other))
  }
  return ratioOf(logs)
}

async function warmUp(run: Run): Promise<void> {
  for (const end = performance.now() + warmUpMs; performance.now() < end;) await run()
}

async function cpuMs(run: Run, count: number): Promise<number> {
  const start = process.cpuUsage()
  for (let i = 0; i < count; i++) await run()
  const { user, system } = process.cpuUsage(start)
  return (user + system) / 1_000
}

function ratioOf(logs: readonly number[]): PairRatio {
  const sorted = logs.toSorted((a, b) => a - b)
  // A round in which the machine did something else says nothing of either: a tenth at each end is left out of the mean.
  const cut = Math.floor(sorted.length / 10)
  const kept = sorted.slice(cut, sorted.length - cut)
  const mean = kept.reduce((sum, log) => sum + log, 0) / kept.length
  const variance = kept.reduce((sum, log) => sum + (log - mean) ** 2, 0) / (kept.length - 1)
  const half = 1.96 * Math.sqrt(variance / kept.length)
  return {
    median: Math.exp(sorted[sorted.length >> 1]!),
    mean: Math.exp(mean),
    low: Math.exp(mean - half),
    high: Math.exp(mean + half),
    rounds: logs.length,
  }
}
