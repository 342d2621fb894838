import { graph, step } from '../../src/index.ts'
import type { DocketOptions } from '../../src/index.ts'
import type { World } from './durable-time.ts'
import { First, Seed } from './line.ts'

/** A graph of one step that takes a second; tells in which order what began, and how much ran at once. */
export function jobs(world: World, name = 'jobs') {
  const began: number[] = []
  const seen = { now: 0, most: 0 }
  const work = step({
    name: 'Work',
    inputs: { value: Seed },
    output: First,
    persist: 'execution',
    run: async ({ value }: { readonly value: number }) => {
      began.push(value)
      seen.most = Math.max(seen.most, ++seen.now)
      await world.clock.sleep(1_000)
      seen.now--
      return value
    },
  })
  return { graph: graph({ name, steps: [work] }), began, seen }
}

export async function statusOf(
  world: World,
  handle: { details(): Promise<{ readonly status: string }> },
): Promise<string> {
  return (await world.clock.settle(handle.details())).status
}

/** Settles what starts, and lets a millisecond pass: so there is an order by age. */
export async function started<T>(world: World, starting: Promise<T>): Promise<T> {
  const made = await world.clock.settle(starting)
  await world.clock.advance(1)
  return made
}

/** Starts and asks, runs nothing. */
export function asker(world: World, one: DocketOptions['graphs'][number], more: Partial<DocketOptions> = {}) {
  return world.process({ graphs: [one], work: false, ...more })
}
