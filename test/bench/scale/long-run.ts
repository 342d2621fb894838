import { createDocket, dataType, step, type, untypedGraph } from '../../../src/index.ts'
import type { Docket } from '../../../src/index.ts'
import type { Places } from '../durable/engine.ts'
import { durableChain, openStore } from '../opponents/durable-docket.ts'
import type { StoreKind } from '../opponents/durable-docket.ts'
import { scaleGraph } from './fixtures.ts'
import { stallDuring } from './stalls.ts'
import type { Stall } from './stalls.ts'

/** One execution that has written very much. */
export interface LongRun {
  readonly kind: StoreKind
  readonly places: Places
  readonly name: string
  /** A chain of so many persisted steps, or so many items of one persisted step each. */
  readonly shape: 'steps' | 'items'
  readonly count: number
}

/** What it took to go on with it. */
export interface LongResumed {
  readonly ms: number
  readonly stall: Stall
  /** The highest that was seen, above what there was before. */
  readonly peakMb: number
}

const id = 'long'

/** Runs it up to its last step, and holds it there for good. */
export async function leaveLong(run: LongRun): Promise<void> {
  const { promise: isHeld, resolve: held } = Promise.withResolvers<void>()
  const { start } = longOf(run, held)
  const handle = await start()
  await Promise.race([isHeld, handle.result().then(() => {})])
}

/** Goes on with it in a fresh process: from `resume` until its last step runs. Needs `--expose-gc`. */
export async function resumeLong(run: LongRun): Promise<LongResumed> {
  const { promise: isHeld, resolve: held } = Promise.withResolvers<void>()
  const { docket } = longOf(run, held)
  await docket.list({ limit: 1 })
  ;(globalThis as { readonly gc?: () => void }).gc?.()
  const before = usedMb()
  let peak = before
  const sampler = setInterval(() => (peak = Math.max(peak, usedMb())), 5)
  const { ms, stall } = await stallDuring(async () => {
    for (;;) if ((await docket.resume()) > 0) break
    await isHeld
  })
  clearInterval(sampler)
  return { ms, stall, peakMb: Math.max(peak, usedMb()) - before }
}

function longOf({ kind, places, name, shape, count }: LongRun, held: () => void) {
  const never = new Promise<void>(() => {})
  const store = openStore(kind, places, name)
  const hold = (place: number): Promise<void> | void => {
    if (place !== count - 1) return undefined
    held()
    return never
  }
  if (shape === 'steps') {
    const { graph, target, inputs } = durableChain(count, hold)
    const docket: Docket = createDocket({ graphs: [graph], store, takeOver: false })
    return { docket, start: () => docket.start(graph, target, inputs, { id }) }
  }
  const [Item, Done] = ['Item', 'Done'].map((of) => dataType(of, type<number>()))
  const run = async ({ item }: { readonly item: number }): Promise<number> => {
    const pause = hold(item)
    if (pause !== undefined) await pause
    return item
  }
  const make = step({ name: 'make', inputs: { item: Item! }, output: Done!, persist: 'execution', run })
  const graph = untypedGraph({ name: 'items', steps: [make] })
  const docket: Docket = createDocket({ graphs: [graph], store, takeOver: false })
  const items = Array.from({ length: count }, (_, place) => ({ Item: place }))
  return { docket, start: () => docket.startBatch(graph, Done!, items, { id }) }
}

/** How the heap is while very many executions go by. */
export interface HeapOverTime {
  readonly count: number
  readonly ms: number
  /** Alive when a tenth had ended, and when all had. */
  readonly earlyMb: number
  readonly lateMb: number
  readonly peakMb: number
}

/** Runs so many executions, fifty at once. Needs `--expose-gc`. */
export async function measureHeap(kind: StoreKind, places: Places, name: string, count: number): Promise<HeapOverTime> {
  const { gc } = globalThis as { readonly gc?: () => void }
  const { graph, target, inputs } = scaleGraph()
  await using docket = createDocket({ graphs: [graph], store: openStore(kind, places, name) })
  let peakMb = 0
  const sampler = setInterval(() => (peakMb = Math.max(peakMb, usedMb())), 20)
  const start = performance.now()
  const runTo = async (total: number): Promise<number> => {
    const lane = async (): Promise<void> => {
      while (begun < total) {
        begun++
        await docket.execute(graph, target, inputs)
      }
    }
    await Promise.all(Array.from({ length: 50 }, lane))
    gc?.()
    return usedMb()
  }
  let begun = 0
  const earlyMb = await runTo(count / 10)
  const lateMb = await runTo(count)
  const ms = performance.now() - start
  clearInterval(sampler)
  return { count, ms, earlyMb, lateMb, peakMb }
}

function usedMb(): number {
  return process.memoryUsage().heapUsed / 2 ** 20
}
