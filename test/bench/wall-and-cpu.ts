import { spreadOf } from './measure.ts'
import type { Effort, Series } from './measure.ts'
import { factor } from './table-text.ts'
import type { TableRows } from './workloads/workload.ts'

/** One of those that are measured, by the clock and by the processor. */
export interface Timed {
  readonly name: string
  readonly run: () => Promise<unknown>
  /** Before each of its rounds, and not measured. What it gives is called after the round. */
  readonly begin?: () => Promise<() => Promise<void>>
}

/** Of all contenders: milliseconds a run, for each round. */
export interface WallAndCpu {
  readonly wall: readonly Series[]
  readonly cpu: readonly Series[]
}

/** Measures in turn, the same number of runs for each, so that what a round leaves behind is the same. `usage` gives what is counted as CPU time. */
export async function wallAndCpu(
  contenders: readonly Timed[],
  { rounds, roundMs, warmUpMs }: Effort,
  usage: (before?: NodeJS.CpuUsage) => NodeJS.CpuUsage = (before) => process.cpuUsage(before),
): Promise<WallAndCpu> {
  const counts: number[] = []
  for (const { run, begin } of contenders) {
    const end = await begin?.()
    const since = performance.now()
    let done = 0
    for (; done === 0 || performance.now() - since < warmUpMs * 2; done++) await run()
    counts.push(Math.max(1, Math.round((done * roundMs) / (performance.now() - since))))
    await end?.()
  }
  const count = Math.min(...counts)
  const wall = contenders.map(({ name }) => ({ name, msPerRun: [] as number[] }))
  const cpu = contenders.map(({ name }) => ({ name, msPerRun: [] as number[] }))
  for (let round = 0; round < rounds; round++)
    for (const [index, { run, begin }] of contenders.entries()) {
      const end = await begin?.()
      const before = usage()
      const since = performance.now()
      for (let done = 0; done < count; done++) await run()
      wall[index]!.msPerRun.push((performance.now() - since) / count)
      const { user, system } = usage(before)
      cpu[index]!.msPerRun.push((user + system) / 1_000 / count)
      await end?.()
    }
  return { wall, cpu }
}

/** How many times as much CPU time each takes as the first, compared round by round. */
export function cpuTable(cpu: readonly Series[]): TableRows {
  const [base] = cpu
  const rows = cpu.map(({ name, msPerRun }) => {
    const { median, low, high } = spreadOf(msPerRun.map((ms, round) => ms / base!.msPerRun[round]!))
    return [name, `${factor(median)} (${factor(low)} – ${factor(high)})`]
  })
  return [['', `× ${base!.name}, CPU`], ...rows]
}
