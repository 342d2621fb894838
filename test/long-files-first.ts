import { BaseSequencer } from 'vitest/node'
import type { TestSpecification } from 'vitest/node'

// Those that take longest on two cores. Some wait for leases to run out, or for processes; some keep a core busy: so they alternate.
const longest = [
  'chaos/waits/waits',
  'simulation/simulation',
  'processes/vanished-processes',
  'package/package',
  'examples/examples',
  'chaos/remains/remains',
  'types/scale',
  'chaos/chaos',
  'stores/mysql-conformance',
  'chaos/workers/workers',
  'examples/dependency-report',
  'processes/two-processes',
  'processes/skewed-clocks',
  'chaos/judge/judge',
  'stores/redis-cluster',
  'processes/planted-values',
  'chaos/functions/functions',
  'stores/postgres-conformance',
  'processes/deadly-steps',
  'processes/attached-calls',
  'stores/redis',
].map((name) => `/test/${name}.test.ts`)

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
