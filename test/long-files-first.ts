import { BaseSequencer } from 'vitest/node'
import type { TestSpecification } from 'vitest/node'

/** What takes eight seconds and more on two cores, and keeps a core busy all the while, the longest first. */
const computing = [
  'simulation/simulation',
  'simulation/simulation-of-more',
  'package/package',
  'chaos/waits/waits',
  'stores/mysql-conformance',
  'chaos/remains/remains',
  'stores/redis-cluster',
  'examples/examples',
  'processes/vanished-processes',
  'stores/postgres-conformance',
  'types/scale',
  'inspector/page/page',
  'stores/redis',
  'durable/bounded-records',
  'examples/dependency-report',
  'stores/sqlite-conformance',
  'stores/first-calls',
  'processes/nothing-stays',
  'runtime/execution/properties',
  'cli/processes',
  'simulation/regressions',
  'stores/mysql-pools',
  'package/bundles',
]

/** What takes as long, most of it in waiting: for leases that run out, for processes that are killed, for a server that comes back. */
const waiting = [
  'chaos/chaos',
  'chaos/judge/judge',
  'processes/two-processes',
  'processes/skewed-clocks',
  'processes/signals',
  'processes/linearizability/linearizability',
  'processes/limits/limits',
  'chaos/workers/workers',
  'processes/examples',
  'processes/deadly-steps',
  'processes/bad-data',
  'processes/attached-calls',
  'processes/children',
  'stores/locked-rows',
  'engines/workers',
  'stores/survived-losses',
  'processes/schedules',
  'engines/closing-processes',
  'processes/upkeep-backlog',
  'stores/statement-limits',
  'prior-art/docket-go/on-servers',
  'engines/bullmq-postgres',
  'processes/remote',
  'processes/slots',
  'processes/events',
  'engines/bullmq-redis',
  'inspector/page/real-docket',
  'inspector/page/acts',
  'processes/planted-values',
  'stores/stalled-servers',
  'engines/hostile-engine',
  'durable/walls',
]

/** Both, so mixed that at any time some wait while others compute. */
const longest = [computing, waiting]
  .flatMap((names) => names.map((name, index) => ({ file: `/test/${name}.test.ts`, at: index / names.length })))
  .toSorted((one, other) => one.at - other.at)
  .map(({ file }) => file)

/** The longest files first, so that none of them runs alone at the end; those that can't share a worker before all, since it is given up for each of them. */
export class LongFilesFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files)
    return sorted.toSorted((one, other) => rankOf(one) - rankOf(other))
  }
}

function rankOf({ moduleId, project }: TestSpecification): number {
  if (project.config.isolate) return -1
  const rank = longest.findIndex((name) => moduleId.endsWith(name))
  return rank === -1 ? longest.length : rank
}
