import type { World } from './durable-time.ts'
import { line, Third } from './line.ts'
import type { LineOptions } from './line.ts'

/** Starts an execution in a process that dies after a while. */
export async function deathAfter(world: World, ms: number, options: LineOptions) {
  const { line: graph, runs } = line(options)
  const { docket, die } = world.mortal({ graphs: [graph] })
  await docket.start(graph, Third, { Seed: 1 }, { id: 'a' })
  await world.clock.advance(ms)
  die()
  return { graph, runs }
}
