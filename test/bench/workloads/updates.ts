import { loadavg } from 'node:os'
import { BenchChild } from '../durable/bench-child.ts'
import { freshName } from '../durable/engine.ts'
import type { UpdateContender } from '../durable/update-engine.ts'
import { quantileOf } from '../measure.ts'
import type { Series } from '../measure.ts'
import { duration } from '../table-text.ts'
import type { Result, Workload } from './workload.ts'

/** What is measured of requests, by the names that the targets use. */
export const updateMeasures = { own: 'from its own process', other: 'from another process' } as const

const contenders: readonly UpdateContender[] = [
  'Docket on PostgreSQL',
  'Docket on Redis',
  'Docket on SQLite',
  'Restate',
  'DBOS',
]

/** Requests to a run that answers them: from the call to the answer. */
export const updates: Workload = {
  name: 'updates',
  title: 'a request to a run that answers it, one after another: from the call to the answer',
  measure: async (_, { isQuick, servers }): Promise<Result> => {
    const places = await servers.places('postgres', 'redis')
    const [rounds, warmUps, count, limitMs] = isQuick ? [1, 10, 20, 3_000] : [3, 30, 100, 20_000]
    const own = new Map<UpdateContender, number[]>()
    const other = new Map<UpdateContender, number[]>()
    const leftOut = new Map<UpdateContender, string>()
    for (let round = 0; round < rounds; round++)
      for (const contender of contenders) {
        if (leftOut.has(contender)) continue
        try {
          await using engine = new BenchChild('update-child.ts')
          await using sender = new BenchChild('update-child.ts')
          const which = { contender, places, name: freshName('updates') }
          const url = await engine.ask<string | undefined>('open', which, 120_000)
          await sender.ask('openSender', { ...which, url }, 120_000)
          const key = freshName('run')
          await engine.ask('begin', key)
          let from = 0
          // Whoever looks for messages once a second takes minutes: a few of them say the same.
          const ask = async (child: BenchChild, most: number): Promise<number[]> => {
            const times = await child.ask<number[]>('updates', { key, count: most, from, limitMs }, 120_000)
            from += times.length
            return times
          }
          await ask(engine, warmUps)
          await ask(sender, warmUps)
          own.set(contender, [...(own.get(contender) ?? []), ...(await ask(engine, count))])
          other.set(contender, [...(other.get(contender) ?? []), ...(await ask(sender, count))])
          await Promise.allSettled([sender.ask('close', undefined, 10_000), engine.ask('close', undefined, 10_000)])
        } catch (error) {
          leftOut.set(contender, `${contender} is left out: ${error instanceof Error ? error.message : String(error)}`)
        }
      }
    const measures = { [updateMeasures.own]: seriesOf(own), [updateMeasures.other]: seriesOf(other) }
    return {
      name: updates.name,
      title: updates.title,
      series: [],
      measures,
      tables: Object.entries(measures).map(([measure, all]) => [
        [measure, 'p50', 'p90', 'p99', 'how many'],
        ...all.map(({ name, msPerRun }) => [
          name,
          ...[0.5, 0.9, 0.99].map((at) => duration(quantileOf(msPerRun, at))),
          String(msPerRun.length),
        ]),
      ]),
      notes: [
        ...leftOut.values(),
        'Docket: an update of a durable function; Restate: a call of a virtual object; DBOS, which has no updates: send, recv, setEvent, getEvent',
        `load of the machine when it ended: ${loadavg()[0]!.toFixed(1)}`,
      ],
    }
  },
}

function seriesOf(found: ReadonlyMap<UpdateContender, number[]>): Series[] {
  return [...found].map(([name, msPerRun]) => ({ name, msPerRun }))
}
