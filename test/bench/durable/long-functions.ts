import { createDocket } from '../../../src/index.ts'
import { spreadOf } from '../measure.ts'
import { durableFunction } from '../opponents/docket-function.ts'
import { openStore } from '../opponents/durable-docket.ts'
import type { StoreKind } from '../opponents/durable-docket.ts'
import { freshName } from './engine.ts'
import type { Places } from './engine.ts'

interface On {
  readonly kind: StoreKind
  readonly places: Places
}

/** What a checkpoint costs early and late in a long function, in milliseconds. */
export interface LongFunction {
  readonly early: number
  readonly late: number
}

const aroundTen = [5, 105] as const
const neighbours = 100
const dayMs = 86_400_000

/** One function of so many steps: the medians of a hundred neighbours at each end. */
export async function longFunction({ kind, places, length }: On & { readonly length: number }): Promise<LongFunction> {
  let times: number[] = []
  const { functions, Sum } = durableFunction({ beforeStep: () => void times.push(performance.now()) })
  await using docket = createDocket({ graphs: [functions], store: openStore(kind, places) })
  // As warm as it gets.
  await docket.execute(functions, Sum, { Length: 500, Sleep: 0 })
  times = []
  await docket.execute(functions, Sum, { Length: length, Sleep: 0 })
  const gaps = times.slice(1).map((time, index) => time - times[index]!)
  return { early: spreadOf(gaps.slice(...aroundTen)).median, late: spreadOf(gaps.slice(-neighbours)).median }
}

/** Milliseconds from `createDocket`, where another process has left a function with so many checkpoints, until that has them all again and goes on. */
export async function reruns({
  kind,
  places,
  length,
  rounds,
}: On & { readonly length: number; readonly rounds: number }): Promise<number[]> {
  const found: number[] = []
  for (let round = 0; round < rounds; round++) {
    const name = freshName('rerun')
    let reached = Promise.withResolvers<void>()
    const { functions, Sum } = durableFunction({ afterSteps: () => reached.resolve() })
    const first = createDocket({ graphs: [functions], store: openStore(kind, places, name) })
    await first.start(functions, Sum, { Length: length, Sleep: dayMs })
    await reached.promise
    await first.close({ drain: false, deadline: 0 })
    reached = Promise.withResolvers()
    const start = performance.now()
    const second = createDocket({ graphs: [functions], store: openStore(kind, places, name) })
    await second.resume()
    await reached.promise
    found.push(performance.now() - start)
    await second.close({ drain: false, deadline: 0 })
  }
  return found
}

/** What so many functions that sleep leave in the heap of the process that has parked them, in kilobytes each. Needs `--expose-gc`. */
export async function sleepingKb({ kind, places, count }: On & { readonly count: number }): Promise<number> {
  const { functions, Sum } = durableFunction()
  const store = openStore(kind, places, freshName('sleeping'))
  await using docket = createDocket({ graphs: [functions], store, park: 0 })
  const park = async (prefix: string, number: number): Promise<void> => {
    const inputs = { Length: 1, Sleep: dayMs }
    for (let from = 0; from < number; from += 100)
      await Promise.all(
        Array.from({ length: Math.min(100, number - from) }, (_, index) =>
          docket.start(functions, Sum, inputs, { id: `${prefix}-${from + index}` }),
        ),
      )
    const ids = Array.from({ length: number }, (_, index) => `${prefix}-${index}`)
    const areParked = async (): Promise<boolean> =>
      (await store.get(ids)).every((record) => record?.parkedAt !== undefined)
    while (!(await areParked())) await new Promise((resolve) => setTimeout(resolve, 50))
  }
  // What each process has once is there.
  await park('first', 500)
  const before = aliveKb()
  await park('more', count)
  return (aliveKb() - before) / count
}

function aliveKb(): number {
  for (let round = 0; round < 4; round++) globalThis.gc!()
  return process.memoryUsage().heapUsed / 1_024
}
