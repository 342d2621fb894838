import { loadavg } from 'node:os'
import { BenchChild } from '../durable/bench-child.ts'
import type { MachineContender } from '../durable/machine-engine.ts'
import { ratioOf, spreadOf } from '../measure.ts'
import { factor, grouped } from '../table-text.ts'
import type { Result, Workload } from './workload.ts'

/** What is measured of machines, by the name that the targets use. */
export const msPerEvent = 'an event'
const contenders: readonly MachineContender[] = [
  '@restatedev/xstate',
  'Docket on PostgreSQL',
  'Docket on Redis',
  'Docket on SQLite',
]
const machines = 100

/** Machines that get their events one after another, a hundred at the same time. */
export const machineEvents: Workload = {
  name: 'machines',
  title: `${machines} XState machines that get events, each one after another`,
  measure: async (_, { isQuick, servers }): Promise<Result> => {
    const places = await servers.places('postgres', 'redis')
    const events = isQuick ? 20 : 100
    const found = new Map<MachineContender, number[]>(contenders.map((contender) => [contender, []]))
    const leftOut: string[] = []
    for (let round = 0; round < (isQuick ? 1 : 5); round++)
      for (const [contender, times] of found) {
        try {
          await using child = new BenchChild('machine-child.ts')
          times.push(await child.ask<number>('measure', { contender, places, machines, events }, 300_000))
        } catch (error) {
          found.delete(contender)
          leftOut.push(`${contender} is left out: ${error instanceof Error ? error.message : String(error)}`)
        }
      }
    const all = [...found].map(([name, msPerRun]) => ({ name, msPerRun }))
    const first = all[0]
    return {
      name: machineEvents.name,
      title: machineEvents.title,
      series: [],
      measures: { [msPerEvent]: all },
      tables: [
        [
          ['', 'events/s', 'middle half', `× ${first?.name ?? ''}`],
          ...all.map((series) => {
            const perSecond = spreadOf(series.msPerRun.map((ms) => 1_000 / ms))
            return [
              series.name,
              grouped(perSecond.median),
              `${grouped(perSecond.low)} – ${grouped(perSecond.high)}`,
              factor(ratioOf(first!, series).median),
            ]
          }),
        ],
      ],
      notes: [
        ...leftOut,
        'from the first event until the last machine has ended; each event is on disk before the next one is sent',
        `load of the machine when it ended: ${loadavg()[0]!.toFixed(1)}`,
      ],
    }
  },
}
