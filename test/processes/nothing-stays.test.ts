import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { createDocket, fixed, graph, step } from '../../src/index.ts'
import type { Docket } from '../../src/index.ts'
import type { Store } from '../../src/core/contracts/store.ts'
import { alteredStore } from '../durable/altered-store.ts'
import { number } from '../loose-api.ts'
import { ageOwners, leftOver } from './left-over.ts'
import { placeMaker, storeKinds } from './place.ts'
import { openStore } from './store-address.ts'

const newPlace = await placeMaker()

/** Its results have no end. */
const living = { owners: /^(?:heir|newcomer|other)/, keepsResults: true }

const [Seed, First, Shared, Last] = [number('Seed'), number('First'), number('Shared'), number('Last')]

/** Steps of both scopes, and one that waits for as long as its input says, or until it is cancelled. */
const first = step({
  name: 'First',
  inputs: { value: Seed },
  output: First,
  persist: 'execution',
  retry: { maxAttempts: 5, backoff: fixed(1) },
  run: ({ value }) => value,
})
const shared = step({
  name: 'Shared',
  inputs: { value: First },
  output: Shared,
  persist: 'global',
  run: async ({ value }, { signal }) => {
    await sleep(30, undefined, { signal })
    if (value < 0) throw new Error('below zero')
    return value
  },
})
const last = step({
  name: 'Last',
  inputs: { value: Shared },
  output: Last,
  persist: 'execution',
  retry: { maxAttempts: 5, backoff: fixed(1) },
  run: async ({ value }, { signal }) => {
    await sleep(30, undefined, { signal })
    return value
  },
})
const work = graph({ name: 'work', steps: [first, shared, last] })
/** Of which nothing is written but the result. */
const alone = graph({
  name: 'alone',
  steps: [
    step({
      name: 'Alone',
      inputs: { value: Seed },
      output: Last,
      persist: 'global',
      run: async ({ value }, { signal }) => {
        await sleep(100, undefined, { signal })
        return value
      },
    }),
  ],
})

/** What a process does before it dies; `other` is another process, which lives. Values distinguish results. */
interface Act {
  readonly docket: Docket
  readonly other: Docket
  readonly id: string
  readonly seed: number
}

const acts: Readonly<Record<string, (act: Act) => Promise<unknown>>> = {
  'an execution': ({ docket, id, seed }) => docket.execute(work, Last, { Seed: seed }, { id }),
  'an execution that fails': ({ docket, id, seed }) => docket.execute(work, Last, { Seed: -seed }, { id }),
  'a result that another one makes': async ({ docket, other, id, seed }) => {
    await other.start(work, Last, { Seed: seed }, { id: `${id} other` })
    return docket.execute(work, Last, { Seed: seed }, { id })
  },
  'a result alone': ({ docket, seed }) => docket.execute(alone, Last, { Seed: seed }),
  'a result that is given up': ({ docket, seed }) =>
    docket.execute(alone, Last, { Seed: seed }, { signal: AbortSignal.timeout(30) }),
  'a batch': async ({ docket, id, seed }) => {
    const items = [0, 1, 2].map((more) => ({ Seed: seed + more / 10 }))
    return (await docket.startBatch(work, Last, items, { id })).result()
  },
  'the end of its docket': async ({ docket, id, seed }) => {
    await docket.start(work, Last, { Seed: seed }, { id })
    await docket.close({ deadline: 0, drain: false })
  },
  'a cancellation of its own': async ({ docket, id, seed }) => {
    await (await docket.start(work, Last, { Seed: seed }, { id })).cancel()
  },
  'a cancellation of another’s': async ({ docket, other, id, seed }) => {
    await other.start(work, Last, { Seed: seed }, { id })
    await docket.cancel(id)
  },
  'a deletion of its own': async ({ docket, id, seed }) => {
    await docket.start(work, Last, { Seed: seed }, { id })
    await docket.delete(id)
  },
  'a deletion of what another runs': async ({ docket, other, id, seed }) => {
    await other.start(work, Last, { Seed: seed }, { id })
    await docket.delete(id)
  },
  'a fork': async ({ docket, other, id, seed }) => {
    await other.execute(work, Last, { Seed: seed }, { id })
    return (await docket.fork(id, { from: 'Last', id: `${id} fork` })).result()
  },
  'a retry': async ({ docket, other, id, seed }) => {
    await other.execute(work, Last, { Seed: -seed }, { id }).catch(() => {})
    return (await docket.retry(id)).result()
  },
  'a purge': async ({ docket, other, id, seed }) => {
    await other.execute(work, Last, { Seed: seed }, { id })
    await docket.purge({ olderThan: 0 })
  },
  'a detachment': async ({ docket, id, seed }) => {
    const handle = await docket.start(work, Last, { Seed: seed }, { id })
    await handle.detach()
  },
}

/** A call of the store before or after which a process dies: the nth of this name. */
interface Moment {
  readonly method: string
  readonly nth: number
  readonly when: 'before' | 'after'
}

const watched = [
  'create',
  'commit',
  'acquire',
  'get',
  'readSteps',
  'readMail',
  'post',
  'delete',
  'purge',
  'purgeResults',
]
const deadly = new Set([...watched, 'getResults', 'claimResults', 'commitResults', 'renewOwner', 'endOwner'])

/** A store as a process has it that dies at a moment: from then on nothing is sent, and no answer arrives. */
function mortalStore(inner: Store, moment: Moment | undefined, counts: Map<string, number>) {
  const { promise: died, resolve: die } = Promise.withResolvers<void>()
  const never = new Promise<never>(() => {})
  let isDead = false
  const store = alteredStore(inner, (method, ask) => {
    if (isDead) return never
    if (method === 'open' || method === 'close') return Promise.resolve()
    if (!deadly.has(method)) return ask()
    const nth = (counts.get(method) ?? 0) + 1
    counts.set(method, nth)
    if (moment?.method !== method || moment.nth !== nth) return ask()
    isDead = true
    const answer = moment.when === 'after' ? Promise.resolve(ask()).catch(() => {}) : Promise.resolve()
    void answer.then(() => die())
    return never
  })
  return { store, died, kill: () => void (isDead = true) }
}

describe.concurrent.each(storeKinds)('%s', (kind) => {
  test(
    'of processes that die at every kind of moment nothing stays that nothing ends',
    { timeout: 240_000 },
    async () => {
      const place = await newPlace(kind)
      const inner = openStore(place.address, undefined, { watchSessions: false })
      await inner.open()
      const livingStore = (): Store => mortalStore(inner, undefined, new Map()).store
      const other = createDocket({
        graphs: [work, alone],
        store: livingStore(),
        lease: '10s',
        name: 'other',
        takeOver: false,
      })
      let seed = 0
      const run = async (
        name: string,
        moment: Moment | undefined,
        counts = new Map<string, number>(),
      ): Promise<void> => {
        const { store, died, kill } = mortalStore(inner, moment, counts)
        const docket = createDocket({ graphs: [work, alone], store, lease: '500ms', name: 'mortal', takeOver: false })
        const shown = moment === undefined ? '' : ` ${moment.when} ${moment.method} ${moment.nth}`
        const act = acts[name]!({ docket, other, id: name + shown, seed: ++seed * 10 })
        await Promise.race([act.then(ignore, ignore), died, sleep(5_000)])
        kill()
      }
      const moments: (readonly [string, Moment])[] = []
      for (const name of Object.keys(acts)) {
        const counts = new Map<string, number>()
        await run(name, undefined, counts)
        for (const [method, count] of counts)
          for (let nth = 1; nth <= Math.min(count, 2); nth++)
            for (const when of ['before', 'after'] as const) moments.push([name, { method, nth, when }])
      }
      const queue = moments.values()
      await Promise.all(
        Array.from({ length: 12 }, async () => {
          for (const [name, moment] of queue) await run(name, moment)
        }),
      )
      await other.close()
      const heir = createDocket({ graphs: [work, alone], store: livingStore(), lease: '10s', name: 'heir' })
      await untilEnded(heir)
      await heir.purge({ olderThan: 0 })
      await ageOwners(place, living)
      // Owners are forgotten when another one comes.
      await inner.renewOwner('newcomer', 600_000)
      expect(await leftOver(place, living)).toEqual([])
      await heir.close()
      await inner.close()
    },
  )
})

function ignore(): void {}

/** Waits until all that was left is worked off; ends batches whose items were never written, which only their callers can go on with. */
async function untilEnded(docket: Docket): Promise<void> {
  for (let round = 0; round < 600; round++) {
    const { executions } = await docket.list({ status: ['pending', 'running'], limit: 1_000 })
    if (executions.length === 0) return
    await docket.resume()
    for (const { id, incompatible } of executions) {
      if (incompatible === undefined || round < 20) continue
      expect(incompatible.join()).toMatch(/items were written before its process died; start it again/)
      await docket.cancel(id)
    }
    await sleep(100)
  }
  const { executions } = await docket.list({ status: ['pending', 'running'], limit: 1_000 })
  expect(executions).toEqual([])
}
