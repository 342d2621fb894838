import { createDocket } from '../../../src/index.ts'
import type { Docket } from '../../../src/index.ts'
import type { Store } from '../../../src/core/contracts/store.ts'
import { freshName } from '../durable/engine.ts'
import type { Places } from '../durable/engine.ts'
import { openStore } from '../opponents/durable-docket.ts'
import type { StoreKind } from '../opponents/durable-docket.ts'
import { analyze, copyInBulk } from './bulk-copies.ts'
import { compare, timed } from './costs.ts'
import type { Cost, Measure } from './costs.ts'
import { fill, graphName, scaleGraph, templateOf } from './fixtures.ts'
import type { Filling, Template } from './fixtures.ts'

const keys = 1_000
const dayMs = 86_400_000
const atOnce = 10
/** Of what is ready: a half has no keys, a quarter is of a thousand keys, and a quarter of these in a queue with a limit for each key. */
const queues = { plain: 2, keyed: 4, limited: 4 } as const
type QueueName = keyof typeof queues

/** A store in which very many executions wait for a worker, or a few do. */
class ReadyPlace implements AsyncDisposable {
  readonly store: Store
  readonly docket: Docket
  readonly graph = scaleGraph()
  readonly #template: Template

  private constructor(store: Store, template: Template) {
    this.store = store
    this.#template = template
    this.docket = createDocket({
      graphs: [this.graph.graph],
      store,
      work: false,
      queues: { limited: { concurrency: { limit: 5, key: true } } },
    })
  }

  static async of(kind: StoreKind, places: Places, count: number): Promise<ReadyPlace> {
    const name = freshName('ready')
    const template = await templateOf(openStore(kind, places, name))
    const place = new ReadyPlace(openStore(kind, places, name), template)
    await place.docket.queue('limited').info()
    const from = Date.now() - dayMs
    for (const [queue, share] of Object.entries(queues) as [QueueName, number][])
      await copyInBulk({ kind, places, name, store: place.store }, template, fillingOf(queue, count / share, from))
    await analyze({ kind, places, name, store: place.store })
    return place
  }

  /** Takes the next of a queue, measured; what was taken is replaced by others, which is not. */
  async acquire(queue: QueueName, owner: string, round: number) {
    let taken: readonly string[] = []
    let last: string | undefined
    const took = await timed(1, async () => {
      const found = await this.store.acquire({ owner, queue, graphs: [graphName], limit: atOnce, behindKey: last })
      if (found.length !== atOnce) throw new Error(`acquired ${found.length} of ${atOnce} of queue ${queue}`)
      taken = found.map(({ execution }) => execution.id)
      last = found.at(-1)!.execution.key
    })
    const had = await this.store.acquire({ owner, ids: taken, andOwn: true, limit: atOnce })
    await this.store.delete(had.map(({ execution: { id, epoch } }) => ({ id, owner, epoch })))
    await fill(this.store, this.#template, {
      ...fillingOf(queue, atOnce, Date.now()),
      prefix: `${queue}-${round}-${Math.floor(Math.random() * 1e9)}`,
    })
    return took
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.docket.close()
  }
}

function fillingOf(queue: QueueName, count: number, from: number): Filling {
  const keyOf = (n: number): string => (queue === 'plain' ? '' : `key ${n % keys}`)
  return {
    prefix: queue,
    count,
    from,
    owner: null,
    // As below: nothing of it has begun.
    place: (n) => ({ queue, key: keyOf(n), startedAt: undefined }),
    values: {
      status: `'pending'`,
      started_at: 'null',
      queue: `'${queue}'`,
      ...(queue !== 'plain' && { queue_key: `'key ' || (n % ${keys})` }),
    },
  }
}

const acquiring = (Object.keys(queues) as QueueName[]).map((queue): Measure<ReadyPlace> => ({
  name: `acquire ${atOnce}, ${{ plain: 'no keys', keyed: 'a thousand keys', limited: 'a limit for each key' }[queue]}`,
  run: (place, owner, round) => place.acquire(queue, owner, round),
}))

const measures: readonly Measure<ReadyPlace>[] = [
  {
    name: 'start',
    run: ({ docket, graph: { graph, target, inputs } }) =>
      timed(20, () => docket.start(graph, target, inputs, { queue: 'plain' })),
  },
  {
    name: 'start under a key',
    run: ({ docket, graph: { graph, target, inputs } }) =>
      timed(20, () => docket.start(graph, target, inputs, { queue: 'keyed', key: 'key 7' })),
  },
  ...acquiring,
  {
    name: 'a look into a queue that has nothing',
    run: ({ store }, owner) =>
      timed(20, () => store.acquire({ owner, queue: 'nothing', graphs: [graphName], limit: 100 })),
  },
  {
    name: 'list the first 100 of a queue',
    run: ({ docket }) => timed(5, () => docket.list({ queue: 'plain', limit: 100 })),
  },
  {
    name: 'list the first 100 that are to begin',
    run: ({ docket }) => timed(5, () => docket.list({ queue: 'plain', status: 'pending', limit: 100 })),
  },
  { name: 'backlog', run: ({ docket }) => timed(5, () => docket.queue('plain').backlog({ upTo: 100 })) },
  {
    name: 'backlog by key',
    run: ({ docket }) => timed(1, () => docket.queue('keyed').backlog({ upTo: 1, byKey: true })),
  },
]

/** What anything costs where so many are ready, against where so few are. */
export async function compareReady(
  kind: StoreKind,
  places: Places,
  { small, large, rounds }: { readonly small: number; readonly large: number; readonly rounds: number },
): Promise<readonly Cost[]> {
  await using few = await ReadyPlace.of(kind, places, small)
  await using many = await ReadyPlace.of(kind, places, large)
  return await compare(measures, few, many, rounds)
}
