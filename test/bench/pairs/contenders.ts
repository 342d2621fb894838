import { createActor, toPromise } from 'xstate'
import type { AnyActorLogic } from 'xstate'
import { z } from 'zod'
import type * as Docket from '../../../src/index.ts'
import type { Store } from '../../../src/core/contracts/store.ts'
import { shapes } from '../shapes.ts'
import type { Run } from '../opponents/opponent.ts'

/** One checkout of the project: what it exports, and stores of its own. */
export interface Checkout {
  readonly docket: typeof Docket
  readonly memoryStore: () => Store
  readonly sqliteStore: (path: string) => Store
  /** A folder for its files. */
  readonly folder: string
}

const work = async (): Promise<number> => 1
const inFlight = 20

/** What is measured of each checkout, by name. The graphs are the checkout's own; nothing of them is shared. */
export const pairedMeasures: Readonly<Record<string, (checkout: Checkout) => Run>> = {
  one: (checkout) => executed(checkout, 'one'),
  diamond: (checkout) => executed(checkout, 'diamond'),
  chain: (checkout) => executed(checkout, 'chain'),
  mesh: (checkout) => executed(checkout, 'mesh'),
  'fan-1k': (checkout) => executed(checkout, 'fan-1k'),
  actor: (checkout) => {
    const { graph, target } = shaped(checkout, 'diamond')
    const logic = checkout.docket.fromGraph(graph, target) as unknown as AnyActorLogic
    return () => toPromise(createActor(logic, { input: { Seed: 1 } }).start())
  },
  observer: (checkout) => executed(checkout, 'diamond', { observers: [() => {}] }),
  retry: ({ docket: { dataType, execute, step, type, untypedGraph } }) => {
    const Out = dataType('Out', type<number>())
    const flaky = step({
      name: 'flaky',
      output: Out,
      retry: { maxAttempts: 2, backoff: 0 },
      timeout: '1m',
      run: secondTime,
    })
    const graph = untypedGraph({ name: 'retry', steps: [flaky] })
    return () => Promise.all(Array.from({ length: inFlight }, () => execute(graph, Out, {})))
  },
  zod: (checkout) => {
    const { dataType, execute, step, untypedGraph } = checkout.docket
    const schema = z.object({ id: z.string().min(1), tags: z.array(z.string()) })
    const [In, Middle, Out] = ['In', 'Middle', 'Out'].map((name) => dataType(name, schema))
    const value = { id: 'a', tags: ['b', 'c'] }
    const graph = untypedGraph({
      name: 'zod',
      steps: [
        step({ name: 'first', inputs: { given: In! }, output: Middle!, run: async () => value }),
        step({ name: 'second', inputs: { middle: Middle! }, output: Out!, run: async () => value }),
      ],
    })
    return () => execute(graph, Out!, { In: value })
  },
  cached: ({ docket: { dataType, execute, step, type, untypedGraph } }) => {
    const In = dataType('In', type<{ readonly id: string; readonly tags: readonly string[] }>())
    const Out = dataType('Out', type<number>())
    const cached = step({ name: 'cached', inputs: { given: In }, output: Out, persist: 'global', run: work })
    const graph = untypedGraph({ name: 'cached', steps: [cached] })
    return () => execute(graph, Out, { In: { id: 'a', tags: ['b', 'c'] } })
  },
  concurrency: ({ docket: { dataType, execute, step, type, untypedGraph } }) => {
    const Out = dataType('Out', type<number>())
    const graph = untypedGraph({
      name: 'limited',
      steps: [step({ name: 'limited', output: Out, concurrency: 5, run: work })],
    })
    return () => Promise.all(Array.from({ length: inFlight }, () => execute(graph, Out, {})))
  },
  batch: (checkout) => {
    const { graph, target } = itemsOf(checkout)
    const items = [...numbered(1_000)]
    return () => checkout.docket.executeBatch(graph, target, items, { concurrency: 100 })
  },
  stream: (checkout) => {
    const { graph, target } = itemsOf(checkout)
    return async () => {
      let total = 0
      for await (const value of checkout.docket.streamBatch(graph, target, numbered(1_000), { concurrency: 100 }))
        total += value as number
      return total
    }
  },
  'durable-memory': (checkout) => durable(checkout, checkout.memoryStore()),
  'durable-sqlite': (checkout) => durable(checkout, checkout.sqliteStore(`${checkout.folder}/pairs.db`)),
}

const expected = new Error('the first attempt fails')

async function secondTime(_: unknown, { attempt }: { readonly attempt: number }): Promise<number> {
  if (attempt === 1) throw expected
  return attempt
}

function* numbered(count: number): Generator<{ readonly Item: number }> {
  for (let i = 0; i < count; i++) yield { Item: i }
}

function shaped(
  { docket: { dataType, step, type, untypedGraph } }: Checkout,
  name: string,
  options: { readonly observers?: readonly (() => void)[] } = {},
) {
  const { steps } = shapes.find((shape) => shape.name === name)!
  const seed = dataType('Seed', type<number>())
  const types = steps.map((_, index) => dataType(`T${index}`, type<number>()))
  const declared = steps.map((before, index) => {
    const inputs = before.length === 0 ? { seed } : Object.fromEntries(before.map((one) => [`v${one}`, types[one]!]))
    return step({ name: `s${index}`, inputs, output: types[index]!, run: work })
  })
  return { graph: untypedGraph({ name, ...options, steps: declared }), target: types.at(-1)! }
}

function executed(
  checkout: Checkout,
  name: string,
  options: { readonly observers?: readonly (() => void)[] } = {},
): Run {
  const { graph, target } = shaped(checkout, name, options)
  return () => checkout.docket.execute(graph, target, { Seed: 1 })
}

/** Three steps in a row for each item. */
function itemsOf({ docket: { dataType, step, type, untypedGraph } }: Checkout) {
  const [Item, Parsed, Checked, Scored] = ['Item', 'Parsed', 'Checked', 'Scored'].map((name) =>
    dataType(name, type<number>()),
  )
  const graph = untypedGraph({
    name: 'items',
    steps: [
      step({ name: 'parse', inputs: { item: Item! }, output: Parsed!, run: work }),
      step({ name: 'check', inputs: { parsed: Parsed! }, output: Checked!, run: work }),
      step({ name: 'score', inputs: { checked: Checked! }, output: Scored!, run: work }),
    ],
  })
  return { graph, target: Scored! }
}

/** Executions of five persisted steps in a row, several at once. */
function durable({ docket: { createDocket, dataType, step, type, untypedGraph } }: Checkout, store: Store): Run {
  const Seed = dataType('Seed', type<number>())
  const types = Array.from({ length: 5 }, (_, index) => dataType(`T${index}`, type<number>()))
  const steps = types.map((output, index) =>
    step({ name: `s${index}`, inputs: { before: types[index - 1] ?? Seed }, output, persist: 'execution', run: work }),
  )
  const graph = untypedGraph({ name: 'durable', steps })
  const docket = createDocket({ graphs: [graph], store })
  return () => Promise.all(Array.from({ length: inFlight }, () => docket.execute(graph, types.at(-1)!, { Seed: 1 })))
}
