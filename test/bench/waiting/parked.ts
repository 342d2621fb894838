import { createDocket } from '../../../src/index.ts'
import type { Places } from '../durable/engine.ts'
import { durableChain, openStore } from '../opponents/durable-docket.ts'
import type { StoreKind } from '../opponents/durable-docket.ts'
import { waitingGraphs } from '../opponents/waiting-docket.ts'
import { inLanes } from './waiting-engine.ts'

interface On {
  readonly kind: StoreKind
  readonly places: Places
  readonly name: string
}

/** What parked executions leave in the process that parked them. */
export interface ParkedHeap {
  readonly count: number
  /** From the first start until all are parked. */
  readonly seconds: number
  /** With a thousand parked before, after a collection. */
  readonly startMb: number
  readonly grownMb: number
}

const first = 1_000

/** Parks so many executions; needs `--expose-gc`. */
export async function parkedHeap({ count, ...on }: On & { readonly count: number }): Promise<ParkedHeap> {
  const parking = new Parking(on)
  // What each process has once is there.
  await parking.park('first', first)
  const startMb = aliveMb()
  const start = performance.now()
  await parking.park('more', count - first)
  const seconds = (performance.now() - start) / 1_000
  const grownMb = aliveMb() - startMb
  await parking.close()
  return { count, seconds, startMb, grownMb }
}

/** Leaves a store with so many parked executions. */
export async function fillParked({ count, ...on }: On & { readonly count: number }): Promise<void> {
  const parking = new Parking(on)
  await parking.park('parked', count)
  await parking.close()
}

/** Milliseconds from `createDocket` until a first execution has run to its end, over each of the stores, in turn. */
export async function startUps({
  rounds,
  names,
  ...on
}: Omit<On, 'name'> & { readonly rounds: number; readonly names: readonly string[] }): Promise<number[][]> {
  const { graph, target, inputs } = durableChain(1)
  const { signals } = waitingGraphs(() => {})
  const found = names.map((): number[] => [])
  for (let round = 0; round < rounds; round++)
    for (const [index, name] of names.entries()) {
      const start = performance.now()
      const docket = createDocket({ graphs: [graph, signals], store: openStore(on.kind, on.places, name) })
      await docket.execute(graph, target, inputs)
      // It has looked for work, and for messages.
      await docket.resume()
      found[index]!.push(performance.now() - start)
      await docket.close()
    }
  return found
}

/** A docket whose executions are parked as soon as they wait. */
class Parking {
  #parked = 0
  #isDone = Promise.withResolvers<void>()
  #wanted = 0
  readonly #graphs = waitingGraphs(() => {})
  readonly #docket

  constructor({ kind, places, name }: On) {
    this.#docket = createDocket({
      graphs: [this.#graphs.signals],
      store: openStore(kind, places, name),
      park: 0,
      observers: [
        (event) => {
          if (event.type !== 'execution.released' || event.cause !== 'park') return
          if (++this.#parked === this.#wanted) this.#isDone.resolve()
        },
      ],
    })
  }

  async park(prefix: string, count: number): Promise<void> {
    if (count === 0) return
    this.#isDone = Promise.withResolvers()
    this.#wanted += count
    const { signals, Gone } = this.#graphs
    await inLanes(count, 500, (index) => this.#docket.start(signals, Gone, { Key: 'k' }, { id: `${prefix}-${index}` }))
    await this.#isDone.promise
  }

  close(): Promise<void> {
    return this.#docket.close()
  }
}

function aliveMb(): number {
  const { gc } = globalThis as { readonly gc?: () => void }
  if (gc === undefined) throw new Error('this process needs --expose-gc')
  gc()
  return process.memoryUsage().heapUsed / 2 ** 20
}
