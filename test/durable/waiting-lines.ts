import type { Store } from '../../src/core/contracts/store.ts'
import type { AnyGraph } from '../../src/index.ts'
import type { World } from './durable-time.ts'
import { line, Third } from './line.ts'
import type { LineOptions } from './line.ts'

/** A line whose second steps take a while; `most` is how many of them were under way at the same time. */
export function slowLine(world: World, options: LineOptions & { readonly ms?: number } = {}) {
  const seen = { now: 0, most: 0 }
  const { line: graph, runs } = line({
    ...options,
    second: {
      ...options.second,
      run: async (value) => {
        seen.most = Math.max(seen.most, ++seen.now)
        await world.clock.sleep(options.ms ?? 1_000)
        seen.now--
        return value + 1
      },
    },
  })
  return { graph, runs, seen }
}

/** Writes executions that no process has begun, as `start` within transactions does. */
export async function leaveWaiting(world: World, graph: AnyGraph, count: number): Promise<void> {
  const model = `model-${graph.name}`
  const docket = world.process({ graphs: [graph], takeOver: false })
  await world.clock.settle(docket.execute(graph, Third, { Seed: 1 }, { id: model }))
  const [record] = await world.store.get([model])
  await world.store.create(
    Array.from({ length: count }, (_, index) => ({
      ...record!,
      id: `${graph.name}-${String(index).padStart(5, '0')}`,
      owner: undefined,
      startedAt: undefined,
    })),
  )
  await world.clock.advance(10)
}

/** The ids of those that have completed, in that order. */
export async function completedOf(store: Store): Promise<readonly string[]> {
  const records = await store.list({ statuses: ['completed'], limit: 10_000 })
  return records
    .filter(({ id }) => !id.startsWith('model'))
    .toSorted((one, other) => one.endedAt! - other.endedAt!)
    .map(({ id }) => id)
}
