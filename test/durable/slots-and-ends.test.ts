import { expect, test } from 'vitest'
import type { Engine, UsePermit } from '../../src/core/contracts/engine.ts'
import type { ExecutionCommit } from '../../src/core/contracts/execution-record.ts'
import type { Store } from '../../src/core/contracts/store.ts'
import { graph as makeGraph, race, step } from '../../src/index.ts'
import type { ExecutionEvent } from '../../src/index.ts'
import { World } from './durable-time.ts'
import { First, Second, Seed, Third } from './line.ts'
import { completedOf, leaveWaiting, slowLine } from './waiting-lines.ts'
import { outage, refusal, WatchedStore } from './watched-store.ts'
import type { StoreCall } from './watched-store.ts'

/** Whether a call of the store writes that executions have ended, in one of these statuses. */
function writesEnd({ name, given: [commits] }: StoreCall, statuses = ['completed', 'failed']): boolean {
  if (name !== 'commit') return false
  return (commits as readonly ExecutionCommit[]).some(({ head }) => statuses.includes(head?.status ?? ''))
}

/** A graph of one slow step: nothing is written of its executions but their ends. */
function slowStep(world: World, more: (work: () => Promise<number>) => object = () => ({})) {
  const seen = { now: 0, most: 0 }
  const run = async (): Promise<number> => {
    seen.most = Math.max(seen.most, ++seen.now)
    await world.clock.sleep(1_000)
    seen.now--
    return 1
  }
  const of = { inputs: { value: Seed }, output: Third, persist: 'execution' } as const
  return { graph: makeGraph({ name: 'line', steps: [step({ ...of, name: 'Third', run, ...more(run) })] }), seen }
}

async function ownedOf(store: Store): Promise<number> {
  const records = await store.list({ statuses: ['pending', 'running'], limit: 100 })
  return records.filter(({ owner }) => owner !== undefined).length
}

test('the next execution begins while the store still writes the end of the one before, and never two steps run at once', async () => {
  const world = new World()
  const { graph, seen } = slowLine(world)
  await leaveWaiting(world, graph, 5)
  const watched = new WatchedStore(world.store)
  const lines: string[] = []
  watched.before = async (call) => {
    if (!writesEnd(call)) return
    lines.push('end goes out')
    await world.clock.sleep(500)
    lines.push('end is written')
  }
  seen.most = 0
  const observers = [({ type }: ExecutionEvent) => void (type === 'execution.started' && lines.push('begins'))]
  world.process({ graphs: [graph], store: watched.store, work: { default: 1 }, observers })
  await world.clock.advance(30_000)
  const between = ['end goes out', 'begins', 'end is written']
  expect(lines).toEqual([
    'begins',
    ...Array.from({ length: 4 }, () => between).flat(),
    'end goes out',
    'end is written',
  ])
  expect(seen.most).toBe(1)
  expect(await completedOf(world.store)).toHaveLength(5)
})

test('while a store does not answer commits of ends, a process owns no more than twice as many executions as it has slots', async () => {
  const world = new World()
  const { graph, seen } = slowStep(world)
  await leaveWaiting(world, graph, 12)
  const watched = new WatchedStore(world.store)
  const opened = Promise.withResolvers<void>()
  watched.before = (call) => (writesEnd(call) ? opened.promise : undefined)
  seen.most = 0
  const docket = world.process({ graphs: [graph], store: watched.store, work: { default: 2 } })
  await world.clock.advance(20_000)
  expect(await ownedOf(world.store)).toBe(4)
  expect((await world.clock.settle(docket.health())).executions).toBe(4)
  opened.resolve()
  await world.clock.advance(20_000)
  expect(await completedOf(world.store)).toHaveLength(12)
  expect(seen.most).toBe(2)
})

test.each([
  ['fails to write', outage],
  ['refuses', refusal],
])(
  'while a store %s ends, no more is acquired than before that was known, and all goes on afterwards',
  async (_, failure) => {
    const world = new World()
    const { graph, seen } = slowStep(world)
    await leaveWaiting(world, graph, 12)
    const watched = new WatchedStore(world.store)
    watched.before = (call) => {
      if (writesEnd(call)) throw failure()
    }
    seen.most = 0
    world.process({ graphs: [graph], store: watched.store, work: { default: 2 } })
    await world.clock.advance(6_500)
    const owned = await ownedOf(world.store)
    // A look may go out beside the first of these commits.
    expect(owned).toBeLessThanOrEqual(4)
    await world.clock.advance(10_000)
    expect(await ownedOf(world.store)).toBe(owned)
    watched.mend()
    await world.clock.advance(30_000)
    expect(await ownedOf(world.store)).toBe(0)
    const ended = await world.store.list({ statuses: ['completed', 'failed'], limit: 100 })
    expect(ended).toHaveLength(13)
    expect(seen.most).toBe(2)
  },
)

test.each(['a fallback', 'an undo'])(
  'an execution that may go on with %s, as its end was refused, keeps its slot',
  async (what) => {
    const world = new World()
    let rescues = 0
    const { graph, seen } = slowStep(world, (work) => {
      const rescue = (): Promise<number> => {
        rescues++
        return work()
      }
      return what === 'a fallback' ? { fallback: rescue } : { compensate: async () => void (await rescue()) }
    })
    await leaveWaiting(world, graph, 4)
    const watched = new WatchedStore(world.store)
    watched.before = async (call) => {
      if (!writesEnd(call, ['completed']) || rescues >= 4) return
      await world.clock.sleep(100)
      throw refusal()
    }
    world.process({ graphs: [graph], store: watched.store, work: { default: 1 } })
    await world.clock.advance(60_000)
    expect(rescues).toBe(4)
    expect(seen).toEqual({ now: 0, most: 1 })
  },
)

test('an execution whose other steps still run keeps its slot until its end is written', async () => {
  const world = new World()
  const seen = { now: 0, most: 0 }
  const slow = async (): Promise<number> => {
    seen.most = Math.max(seen.most, ++seen.now)
    await world.clock.sleep(1_000)
    seen.now--
    return 1
  }
  const of = { inputs: { value: Seed }, persist: 'execution' } as const
  const graph = makeGraph({
    name: 'line',
    steps: [
      step({ ...of, name: 'First', output: First, run: slow }),
      step({ ...of, name: 'Second', output: Second, run: () => 2 }),
      race({ name: 'Third', inputs: { slow: First, quick: Second }, output: Third }),
    ],
  })
  await leaveWaiting(world, graph, 4)
  const watched = new WatchedStore(world.store)
  watched.before = (call) => (writesEnd(call) ? world.clock.sleep(2_000) : undefined)
  await world.clock.advance(5_000)
  seen.most = 0
  world.process({ graphs: [graph], store: watched.store, work: { default: 1 } })
  await world.clock.advance(60_000)
  expect(await completedOf(world.store)).toHaveLength(4)
  expect(seen).toEqual({ now: 0, most: 1 })
})

test.each([1, { limit: 1, key: true }])(
  'of a queue with concurrency: %j no more run than that, and the next begins as soon as an end is written',
  async (concurrency) => {
    const world = new World()
    const { graph, seen } = slowStep(world)
    await leaveWaiting(world, graph, 6)
    const watched = new WatchedStore(world.store)
    watched.before = (call) => (writesEnd(call) ? world.clock.sleep(300) : undefined)
    seen.most = 0
    const since = world.clock.now()
    world.process({ graphs: [graph], store: watched.store, work: { default: 4 }, queues: { default: { concurrency } } })
    await world.clock.advance(30_000)
    expect(seen.most).toBe(1)
    const ended = await world.store.list({ statuses: ['completed'], limit: 10 })
    // Six steps, and five ends before the last.
    expect(Math.max(...ended.map(({ endedAt }) => endedAt!)) - since).toBe(6 * 1_000 + 5 * 300)
  },
)

test('a permit of an engine is given back while the store still writes the end of its execution', async () => {
  const world = new World()
  const { graph, seen } = slowStep(world)
  await leaveWaiting(world, graph, 3)
  const watched = new WatchedStore(world.store)
  const lines: string[] = []
  watched.before = async (call) => {
    if (!writesEnd(call)) return
    await world.clock.sleep(300)
    lines.push('end is written')
  }
  let permit: UsePermit | undefined
  const engine: Engine = {
    name: 'test',
    capabilities: { isShared: true, delivers: true, keepsWakes: true, deduplicates: true, countsExactly: true },
    open: async () => {},
    wake: async () => {},
    close: async () => {},
    async consume(_queue, _slots, use) {
      permit = use
      return { resize: () => {}, close: async () => {} }
    },
  }
  seen.most = 0
  world.process({ graphs: [graph], store: watched.store, engine, work: { default: 1 } })
  await world.clock.settle(Promise.resolve())
  for (let i = 0; i < 3; i++) {
    await world.clock.settle(permit!('any', new AbortController().signal))
    lines.push('permit is given back')
  }
  await world.clock.advance(5_000)
  expect(lines).toEqual(Array.from({ length: 3 }, () => ['permit is given back', 'end is written']).flat())
  expect(seen.most).toBe(1)
  expect(await completedOf(world.store)).toHaveLength(3)
})
