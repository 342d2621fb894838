import { listedStore, measureFilters } from '../scale/listing.ts'
import type { Filtered, ListedStore } from '../scale/listing.ts'
import { duration, grouped } from '../table-text.ts'
import type { Result, Workload } from './workload.ts'

const names: Readonly<Record<ListedStore, string>> = { sqlite: 'SQLite', postgres: 'PostgreSQL', mysql: 'MariaDB' }
const fullSize = 1_000_000
const quickSize = 20_000

/** Pages of `docket.list` and counts of `docket.count`, by each filter, of a store that holds very much. */
export const listFilters: Workload = {
  name: 'list-filters',
  title: 'lists and counts by filters',
  measure: async (_, { isQuick, servers, size = isQuick ? quickSize : fullSize, stores }): Promise<Result> => {
    const kinds = (stores ?? ['sqlite', 'postgres']).filter((kind): kind is ListedStore => kind in names)
    const places = await servers.places(...kinds.filter((kind) => kind !== 'sqlite'))
    const tables: (readonly (readonly string[])[])[] = []
    const figures: Record<string, number> = {}
    for (const kind of kinds) {
      console.error(`${names[kind]}: a store with ${grouped(size)} executions`)
      const { docket, middle } = await listedStore(kind, places, size)
      console.error(`${names[kind]}: filled`)
      const measured = await measureFilters(docket, middle, isQuick ? 3 : 20)
      await docket.close()
      for (const what of ['list', 'count', 'search'] as const) {
        const slowest = measured.filter((one) => one.what === what).map(({ msEach }) => at(msEach, 0.95))
        figures[`${names[kind]}: ${what}, p95 of the slowest filter, ms`] = Math.max(...slowest)
        figures[`${names[kind]}: ${what}, p95 of all, ms`] = at(
          measured.filter((one) => one.what === what).flatMap(({ msEach }) => msEach),
          0.95,
        )
      }
      tables.push(tableOf(names[kind], measured))
    }
    return {
      name: listFilters.name,
      title: `${listFilters.title}: ${grouped(size)} executions`,
      series: [],
      figures,
      tables,
      notes: [
        'a page: the newest hundred, whole; a count: all statuses, up to 10,000 each',
        'what a step waits for: 2,000 executions of six steps that wait for another signal besides, of which a thousand are looked through; none is found',
        'of a thousand executions 967 have completed, twenty have failed and ten were cancelled; seven in eleven are of one graph, half are in queues, three in thirteen have a key',
      ],
    }
  },
}

function tableOf(store: string, measured: readonly Filtered[]): readonly (readonly string[])[] {
  const counts = new Map(measured.filter(({ what }) => what === 'count').map((one) => [one.name, one.msEach]))
  return [
    [store, 'a page', 'p95', 'a count', 'p95'],
    ...measured
      .filter(({ what }) => what === 'list')
      .map(({ name, msEach }) => {
        const counted = counts.get(name)!
        return [name, ...[at(msEach, 0.5), at(msEach, 0.95), at(counted, 0.5), at(counted, 0.95)].map(duration)]
      }),
    ...measured
      .filter(({ what }) => what === 'search')
      .map(({ name, msEach }) => [name, duration(at(msEach, 0.5)), duration(at(msEach, 0.95)), '–', '–']),
  ]
}

/** The value that so large a part of them is at or below. */
function at(values: readonly number[], share: number): number {
  const sorted = values.toSorted((one, other) => one - other)
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)]!
}
