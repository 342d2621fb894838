import { createDocket } from '../../../src/index.ts'
import { docketGraph } from '../opponents/docket.ts'
import { durableChain, openStore } from '../opponents/durable-docket.ts'
import type { StoreKind } from '../opponents/durable-docket.ts'
import { spreadOf } from '../measure.ts'
import { layered } from '../shapes.ts'
import type { Places } from './engine.ts'

/** One step, so many beside each other, and one that gathers them, all persisted: milliseconds a run. */
export async function measureFan(kind: StoreKind, places: Places, width: number, runs: number): Promise<number[]> {
  const { graph, target } = docketGraph(layered('fan', 'fan', [1, width, 1]), async () => 1)
  await using docket = createDocket({ graphs: [graph], store: openStore(kind, places), persist: 'execution' })
  const inputs = { Seed: 1 }
  await docket.execute(graph, target, inputs)
  const times: number[] = []
  for (let run = 0; run < runs; run++) {
    const start = performance.now()
    await docket.execute(graph, target, inputs)
    times.push(performance.now() - start)
  }
  return times
}

/** What a step costs early and late in a long execution, by a line through all of them. */
export interface LongRun {
  readonly ms10: number
  readonly ms1000: number
}

export const longLength = 1_000
const binSize = 50

/** Executions of 1,000 steps, one after another. */
export async function measureLong(kind: StoreKind, places: Places, runs: number): Promise<LongRun[]> {
  let times: number[] = []
  const { graph, target, inputs } = durableChain(longLength, () => void times.push(performance.now()))
  await using docket = createDocket({ graphs: [graph], store: openStore(kind, places) })
  await docket.execute(graph, target, inputs)
  const found: LongRun[] = []
  for (let run = 0; run < runs; run++) {
    times = []
    await docket.execute(graph, target, inputs)
    const gaps = times.slice(1).map((time, index) => time - times[index]!)
    const { at } = lineThrough(binsOf(gaps))
    found.push({ ms10: at(10), ms1000: at(longLength) })
  }
  return found
}

/** Medians of 50 neighbours each: a pause of the machine is not growth. */
function binsOf(gaps: readonly number[]): (readonly [number, number])[] {
  const bins: (readonly [number, number])[] = []
  for (let from = 0; from + binSize <= gaps.length + 1; from += binSize)
    bins.push([from + binSize / 2, spreadOf(gaps.slice(from, from + binSize)).median])
  return bins
}

/** Theil's line: the median of the slopes between any two points. */
function lineThrough(points: readonly (readonly [number, number])[]): { readonly at: (x: number) => number } {
  const slopes = points.flatMap(([x, y], index) => points.slice(index + 1).map(([x2, y2]) => (y2 - y) / (x2 - x)))
  const slope = spreadOf(slopes).median
  const offset = spreadOf(points.map(([x, y]) => y - slope * x)).median
  return { at: (x) => offset + slope * x }
}
