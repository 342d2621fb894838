import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** One of those that are measured against each other. */
export interface Contender {
  readonly name: string
  readonly run: () => Promise<unknown>
}

/** What was measured of one contender: milliseconds a run, for each round. */
export interface Series {
  readonly name: string
  readonly msPerRun: readonly number[]
}

/** The middle of a series, and the range in which half of it lies. */
export interface Spread {
  readonly median: number
  readonly low: number
  readonly high: number
}

/** How long and how often to measure. */
export interface Effort {
  readonly rounds: number
  /** How long each contender runs in each round, as far as single runs allow. */
  readonly roundMs: number
  readonly warmUpMs: number
}

export const fullEffort: Effort = { rounds: 11, roundMs: 80, warmUpMs: 400 }
export const quickEffort: Effort = { rounds: 3, roundMs: 25, warmUpMs: 100 }

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as (options: { readonly type: 'minor' }) => void

/**
 * Measures all contenders in interleaved rounds (A B C, A B C, …), so that what disturbs the machine disturbs all of them. The young
 * generation is emptied before each turn, so that nobody pays for the garbage of others. Not the whole heap: after a forced full
 * collection V8 throws away optimised code that knows short-lived objects, and for the rest of the round everybody took 2 to 8 times
 * as long.
 */
export async function race(contenders: readonly Contender[], effort: Effort): Promise<readonly Series[]> {
  const counts: number[] = []
  for (const contender of contenders) counts.push(await warmUp(contender, effort))
  const series = contenders.map(({ name }) => ({ name, msPerRun: [] as number[] }))
  for (let round = 0; round < effort.rounds; round++) {
    for (const [index, contender] of contenders.entries()) {
      collectGarbage({ type: 'minor' })
      series[index]!.msPerRun.push(await msPerRun(contender, counts[index]!))
    }
  }
  return series
}

/** Runs until the code is hot; gives how many runs fill a round. */
async function warmUp(contender: Contender, { warmUpMs, roundMs }: Effort): Promise<number> {
  const end = performance.now() + warmUpMs
  let ms = 0
  for (let count = 1; ms === 0 || performance.now() < end; count = Math.min(count * 2, 1_000)) {
    ms = await msPerRun(contender, count)
  }
  return Math.max(1, Math.round(roundMs / ms))
}

async function msPerRun({ run }: Contender, count: number): Promise<number> {
  const start = performance.now()
  for (let i = 0; i < count; i++) await run()
  return (performance.now() - start) / count
}

/** Median and quartiles. */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b)
  return { median: quantile(sorted, 0.5), low: quantile(sorted, 0.25), high: quantile(sorted, 0.75) }
}

/** The value that a share of all lies below; NaN of none. */
export function quantileOf(values: readonly number[], share: number): number {
  return quantile(
    values.toSorted((a, b) => a - b),
    share,
  )
}

function quantile(sorted: readonly number[], share: number): number {
  if (sorted.length === 0) return Number.NaN
  const at = (sorted.length - 1) * share
  const below = sorted[Math.floor(at)]!
  return below + (sorted[Math.ceil(at)]! - below) * (at - Math.floor(at))
}

/** How many times as long the first takes as the second: compared round by round, as both were disturbed alike. */
export function ratioOf(one: Series, other: Series): Spread {
  return spreadOf(one.msPerRun.map((ms, round) => ms / other.msPerRun[round]!))
}
