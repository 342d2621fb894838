import { isNeeded, leafName } from './simulated-step.ts'
import type { SimulatedGraph } from './simulated-step.ts'
import type { RandomSource } from './random-source.ts'
import type { SimulatedVersion } from './versions.ts'

/** What a batch is asked for: the same for all who ask for its id. */
export interface SimulatedBatch {
  readonly id: string
  readonly graph: SimulatedGraph
  /** Leaves that are given once for all items. */
  readonly shared: ReadonlySet<number>
  /** Values of all leaves, an item each. */
  readonly items: readonly (readonly string[])[]
  readonly hasKeys: boolean
  readonly onError: 'fail' | 'collect'
  readonly concurrency: number
  /** What the items are given for what a step makes, and that step. */
  readonly override?: { readonly step: number; readonly value: string } | undefined
  /** Values that no store takes: nothing of the batch may ever be written. */
  readonly isTooBig: boolean
}

/** As much as a value may have. */
export const maxValueBytes = 4_000

export function randomBatch(random: RandomSource, id: string, graph: SimulatedGraph): SimulatedBatch {
  const shared = new Set(Array.from({ length: graph.leaves }, (_, leaf) => leaf).filter(() => random.chance(0.3)))
  const isTooBig = random.chance(0.05)
  // Where items are big, they are written in several portions.
  const padding = isTooBig ? maxValueBytes : random.pick([0, 0, 1_200])
  const items = Array.from({ length: random.pick([0, 1, 2, 3, 4, 5, 8, 12]) }, () => {
    const value = random.int(0, 3)
    const pad = padding === 0 ? '' : `(${'x'.repeat(padding)})`
    return Array.from({ length: graph.leaves }, (_, leaf) => `${'ab'[leaf]}${shared.has(leaf) ? 's' : value}${pad}`)
  })
  return {
    id,
    graph,
    shared,
    items,
    hasKeys: random.chance(0.5),
    onError: random.pick(['fail', 'collect']),
    concurrency: random.pick([1, 2, 100]),
    isTooBig:
      isTooBig &&
      items.length > 0 &&
      Array.from({ length: graph.leaves }, (_, leaf) => leaf).some((leaf) => isNeeded(graph, leaf)),
  }
}

/** An item's name in the records. */
export function keyOfItem({ hasKeys }: SimulatedBatch, index: number): string {
  return hasKeys ? `k${index}` : String(index)
}

/** The arguments of `startBatch`. */
export function callOf(
  batch: SimulatedBatch,
  version: SimulatedVersion,
): {
  readonly items: readonly Readonly<Record<string, string>>[]
  readonly options: Readonly<Record<string, unknown>>
} {
  const { id, graph, shared, items, hasKeys, onError, concurrency } = batch
  const record = (values: readonly string[], isShared: boolean): Readonly<Record<string, string>> =>
    Object.fromEntries(
      values.flatMap((value, leaf) =>
        isNeeded(graph, leaf) && shared.has(leaf) === isShared ? [[version.type(leafName(graph, leaf)), value]] : [],
      ),
    )
  const key = hasKeys ? { key: (_: unknown, index: number) => keyOfItem(batch, index) } : {}
  const given = items[0] ?? Array.from({ length: graph.leaves }, (_, leaf) => `${'ab'[leaf]}s`)
  return {
    items: items.map((values) => record(values, false)),
    options: { id, shared: record(given, true), onError, concurrency, ...key },
  }
}

type Planned = Pick<SimulatedBatch, 'graph' | 'shared' | 'override'>

/** Whether all items of a batch share what a step makes. */
export function isShared(batch: Planned, step: number): boolean {
  const { graph, shared, override } = batch
  if (override?.step === step || isGiven(batch, step)) return true
  return graph.steps[step]!.ports.every(({ from, isAll }) => {
    if (isAll === true) return true
    return 'leaf' in from ? shared.has(from.leaf) : isShared(batch, from.step)
  })
}

/** Whether a step is a race that has a value which was given: it takes no other. */
function isGiven({ graph, override }: Planned, step: number): boolean {
  const { kind, ports } = graph.steps[step]!
  const isRace = kind === 'race' || kind === 'passing race'
  return isRace && ports.some(({ from }) => 'step' in from && from.step === override?.step)
}
