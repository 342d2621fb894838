import { createDocket, dataType, step, type, untypedGraph } from '../../../src/index.ts'
import type { Docket } from '../../../src/index.ts'
import { openStore } from '../opponents/durable-docket.ts'
import type { StoreKind } from '../opponents/durable-docket.ts'
import type { Places } from './engine.ts'

/** Three persisted steps; `hold` is where the first owner dies and the next one goes on. */
export function heldGraph(hold: (key: string) => Promise<void>, onEnd: () => void = () => {}) {
  const [Key, First, Second, Third] = ['Key', 'First', 'Second', 'Third'].map((name) => dataType(name, type<string>()))
  const persist = 'execution' as const
  const graph = untypedGraph({
    name: 'held',
    steps: [
      step({ name: 'first', inputs: { key: Key! }, output: First!, persist, run: async ({ key }) => key }),
      step({
        name: 'second',
        inputs: { key: First! },
        output: Second!,
        persist,
        run: async ({ key }) => {
          await hold(key)
          return key
        },
      }),
      step({
        name: 'third',
        inputs: { key: Second! },
        output: Third!,
        persist,
        run: async ({ key }) => {
          onEnd()
          return key
        },
      }),
    ],
  })
  return { graph, target: Third! }
}

/** Starts so many executions and holds them at their second step, for good; ready when all have come there. */
export async function ownExecutions(
  kind: StoreKind,
  places: Places,
  name: string,
  { prefix, count }: { readonly prefix: string; readonly count: number },
): Promise<void> {
  let held = 0
  const { promise: isDone, resolve: allHeld } = Promise.withResolvers<void>()
  const never = new Promise<void>(() => {})
  const { graph, target } = heldGraph(() => {
    if (++held === count) allHeld()
    return never
  })
  const docket = createDocket({ graphs: [graph], store: openStore(kind, places, name), takeOver: false })
  let begun = 0
  const lane = async (): Promise<void> => {
    while (begun < count) await docket.start(graph, target, { Key: `${prefix}${begun++}` })
  }
  await Promise.all(Array.from({ length: Math.min(count, 500) }, lane))
  await isDone
}

/** What it took to go on with everything that a dead owner left. */
export interface Resumed {
  /** Until all of them ran here again. */
  readonly seconds: number
  /** From there until all had ended. */
  readonly endSeconds: number
  /** The highest that was seen, with what had not been collected yet. */
  readonly peakMb: number
  /** While all of them ran, after a collection. */
  readonly aliveMb: number
}

/** Goes on with all executions that nobody owns; needs `--expose-gc`. */
export async function resumeAll(kind: StoreKind, places: Places, name: string, count: number): Promise<Resumed> {
  const { gc } = globalThis as { readonly gc?: () => void }
  let peakMb = 0
  const look = (): void => void (peakMb = Math.max(peakMb, usedMb()))
  const sampler = setInterval(look, 20)
  let begun = 0
  let ended = 0
  const { promise: haveBegun, resolve: allBegun } = Promise.withResolvers<void>()
  const { promise: haveEnded, resolve: allEnded } = Promise.withResolvers<void>()
  const { promise: released, resolve: release } = Promise.withResolvers<void>()
  const { graph } = heldGraph(
    () => {
      if (++begun === count) allBegun()
      // Timers come late while much goes on.
      if (begun % 100 === 0) look()
      return released
    },
    () => {
      if (++ended === count) allEnded()
    },
  )
  const start = performance.now()
  const docket: Docket = createDocket({ graphs: [graph], store: openStore(kind, places, name) })
  await haveBegun
  const resumed = performance.now()
  gc?.()
  const aliveMb = usedMb()
  clearInterval(sampler)
  const resumeStart = performance.now()
  release()
  await haveEnded
  const endSeconds = (performance.now() - resumeStart) / 1_000
  await docket.close()
  return { seconds: (resumed - start) / 1_000, endSeconds, peakMb: Math.max(peakMb, aliveMb), aliveMb }
}

function usedMb(): number {
  return process.memoryUsage().heapUsed / 2 ** 20
}
