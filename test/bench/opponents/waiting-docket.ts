import { setTimeout as sleep } from 'node:timers/promises'
import { createDocket, dataType, graph, signal, step, subgraph, timer, type } from '../../../src/index.ts'
import type { Places } from '../durable/engine.ts'
import { inLanes, sharedNow } from '../waiting/waiting-engine.ts'
import type { Begun, SignalSender, WaitingEngine } from '../waiting/waiting-engine.ts'
import { openStore } from './durable-docket.ts'
import type { StoreKind } from './durable-docket.ts'

const persist = 'execution' as const

/** One that waits for a signal, or for a time; then a persisted step begins. */
export function waitingGraphs(note: (key: string) => void, woke: (until: number) => void = () => {}) {
  const Key = dataType('Key', type<string>())
  const Go = dataType('Go', type<string>())
  const Gone = dataType('Gone', type<string>())
  const Until = dataType('Until', type<number>())
  const Due = dataType('Due', type<number>())
  const Woken = dataType('Woken', type<number>())
  const signals = graph({
    name: 'signals',
    steps: [
      signal(Go),
      step({
        name: 'Begin',
        inputs: { key: Key, go: Go },
        output: Gone,
        persist,
        run: async ({ key }) => {
          note(key)
          return key
        },
      }),
    ],
  })
  const times = graph({
    name: 'times',
    steps: [
      timer({
        name: 'Sleep',
        inputs: { until: Until },
        output: Due,
        at: ({ until }) => new Date(until),
        value: ({ until }) => until,
      }),
      step({
        name: 'Wake',
        inputs: { until: Due },
        output: Woken,
        persist,
        run: async ({ until }) => {
          woke(until)
          return until
        },
      }),
    ],
  })
  return { signals, times, Go, Gone, Woken }
}

/** A graph whose only work is a child of one persisted step; notes how long that took. */
function parentGraph() {
  const Seed = dataType('Seed', type<number>())
  const Given = dataType('Given', type<number>())
  const Made = dataType('Made', type<number>())
  const Took = dataType('Took', type<number>())
  const began = new Map<string, number>()
  const child = graph({
    name: 'child',
    steps: [
      step({ name: 'Make', inputs: { given: Given }, output: Made, persist, run: async ({ given }) => given + 1 }),
    ],
  })
  const parent = graph({
    name: 'parent',
    steps: [
      step({
        name: 'Before',
        inputs: { seed: Seed },
        output: Given,
        run: ({ seed }, { executionId }) => {
          began.set(executionId, sharedNow())
          return seed
        },
      }),
      subgraph(child, Made),
      step({
        name: 'After',
        inputs: { made: Made },
        output: Took,
        run: (_, { executionId }) => {
          const took = sharedNow() - began.get(executionId)!
          began.delete(executionId)
          return took
        },
      }),
    ],
  })
  return { parent, Took }
}

/** Docket on one of its stores. Where its executions are parked, they are as soon as they wait. */
export async function openWaitingDocket(
  kind: StoreKind,
  places: Places,
  name: string,
  { begun, isParked = false }: { readonly begun: Begun; readonly isParked?: boolean },
): Promise<WaitingEngine & SignalSender> {
  const { signals, times, Go, Gone, Woken } = waitingGraphs(
    (key) => begun.note(key),
    (until) => begun.woke(until),
  )
  const { parent, Took } = parentGraph()
  const store = openStore(kind, places, name)
  const docket = createDocket({ graphs: [signals, times, parent], store, park: isParked ? 0 : '10s' })
  const handles = new Map<string, { signal(type: typeof Go, value: string): Promise<unknown> }>()
  return {
    async wait(key) {
      handles.set(key, await docket.start(signals, Gone, { Key: key }, { id: key }))
      if (isParked) while ((await store.get([key]))[0]?.parkedAt === undefined) await sleep(5)
      return key
    },
    async send(key) {
      const handle = handles.get(key)!
      handles.delete(key)
      await handle.signal(Go, 'go')
    },
    child: async () => docket.execute(parent, Took, { Seed: 1 }),
    async sleep(count, until) {
      await inLanes(count, 200, (index) => docket.start(times, Woken, { Until: until }, { id: `sleeper-${index}` }))
      for (;;) {
        const waiting = await store.list({ statuses: ['waiting'], limit: count })
        if (waiting.length === count && (!isParked || waiting.every(({ parkedAt }) => parkedAt !== undefined))) return
        await sleep(100)
      }
    },
    close: () => docket.close(),
  }
}

/** Somebody in another process, who runs nothing and knows the id alone. */
export async function openDocketSender(kind: StoreKind, places: Places, name: string): Promise<SignalSender> {
  const { signals, Go } = waitingGraphs(() => {})
  const docket = createDocket({ graphs: [signals], store: openStore(kind, places, name), takeOver: false })
  await docket.list({ limit: 1 })
  return {
    async send(id) {
      await (await docket.get(id))!.signal(Go, 'go')
    },
    close: () => docket.close(),
  }
}
