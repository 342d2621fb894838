import { expect, test } from 'vitest'
import { createDocket, graph, signal, step, subgraph } from '../../src/index.ts'
import { memoryStore } from '../../stores/memory/index.ts'
import { number } from '../loose-api.ts'
import { World } from './durable-time.ts'
import { First, line, Seed, Third } from './line.ts'
import { asker, jobs, started, statusOf } from './placed.ts'
import { outage, WatchedStore } from './watched-store.ts'

test('a docket with work: false runs nothing that it starts; a worker of the queue does, and its caller gets the value', async () => {
  const world = new World()
  const { graph: one, began } = jobs(world)
  const api = asker(world, one)
  const executed = api.execute(one, First, { Seed: 7 }, { queue: 'gpu' })
  const plain = await started(world, api.start(one, First, { Seed: 8 }))
  await world.clock.advance(60_000)
  expect(began).toEqual([])
  expect(await statusOf(world, plain)).toBe('pending')
  world.process({ graphs: [one], work: { gpu: 1 } })
  expect(await world.clock.settle(executed)).toBe(7)
  // Nobody serves the other queue.
  await world.clock.advance(10_000)
  expect(began).toEqual([7])
  world.process({ graphs: [one] })
  expect(await world.clock.settle(plain.result())).toBe(8)
})

test('within a queue keys have their turns, and within a key priority counts, then age', async () => {
  const world = new World()
  const { graph: one, began } = jobs(world)
  const api = asker(world, one)
  const start = (value: number, more: object) =>
    started(world, api.start(one, First, { Seed: value }, { queue: 'q', ...more }))
  for (let value = 0; value < 10; value++) await start(value, { key: 'A' })
  await start(100, { key: 'B' })
  await start(50, { key: 'A', priority: 5 })
  world.process({ graphs: [one], work: { q: 1 } })
  await world.clock.advance(30_000)
  expect(began).toEqual([50, 100, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
})

test('slots are those of each queue, and a full queue keeps no other one waiting', async () => {
  const world = new World()
  const slow = jobs(world, 'slow')
  const fast = jobs(world, 'fast')
  const docket = world.process({ graphs: [slow.graph, fast.graph], work: { default: 3, gpu: 1 } })
  for (let value = 0; value < 4; value++)
    await started(world, docket.start(slow.graph, First, { Seed: value }, { queue: 'gpu' }))
  for (let value = 0; value < 4; value++) await started(world, docket.start(fast.graph, First, { Seed: value }))
  await world.clock.advance(900)
  expect([slow.seen.now, fast.seen.now]).toEqual([1, 3])
  await world.clock.advance(10_000)
  expect([slow.seen.most, fast.seen.most]).toEqual([1, 3])
  expect([slow.began.length, fast.began.length]).toEqual([4, 4])
})

test('eager: false leaves an execution to its turn, and eager runs it at once where a slot is free', async () => {
  const world = new World()
  const { graph: one } = jobs(world)
  const docket = world.process({ graphs: [one], takeOver: false })
  const eager = await started(world, docket.start(one, First, { Seed: 1 }))
  const patient = await started(world, docket.start(one, First, { Seed: 2 }, { eager: false }))
  expect(await statusOf(world, eager)).toBe('running')
  expect(await statusOf(world, patient)).toBe('pending')
})

test('startAt: it begins then and not before, whatever it is sent; a cancel ends it at once', async () => {
  const world = new World()
  const Approval = number('Approval')
  const begun: number[] = []
  const approved = graph({
    name: 'approved',
    steps: [
      signal(Approval),
      step({
        name: 'Pay',
        inputs: { approval: Approval, seed: Seed },
        output: First,
        persist: 'execution',
        run: ({ approval }: { readonly approval: number }) => {
          begun.push(world.clock.now())
          return approval
        },
      }),
    ],
  })
  const docket = world.process({ graphs: [approved] })
  const startAt = new Date(world.clock.now() + 3_600_000)
  const handle = await started(world, docket.start(approved, First, { Seed: 1 }, { id: 'later', startAt }))
  const cancelled = await started(world, docket.start(approved, First, { Seed: 2 }, { id: 'gone', startAt }))
  await world.clock.advance(60_000)
  expect(await world.clock.settle(handle.signal(Approval, 42))).toBe('accepted')
  await world.clock.advance(60_000)
  const info = await world.clock.settle(handle.details())
  expect([info.status, info.startAt?.getTime(), info.startedAt]).toEqual(['pending', startAt.getTime(), undefined])
  // The same one again attaches to it.
  await started(world, docket.start(approved, First, { Seed: 1 }, { id: 'later' }))
  await world.clock.advance(60_000)
  expect(await statusOf(world, handle)).toBe('pending')
  await world.clock.settle(cancelled.cancel())
  expect(await statusOf(world, cancelled)).toBe('cancelled')
  expect(begun).toEqual([])
  const result = handle.result()
  await world.clock.advance(3_600_000)
  expect(await result).toBe(42)
  expect(begun[0]).toBeGreaterThanOrEqual(startAt.getTime())
  expect(begun[0]).toBeLessThan(startAt.getTime() + 2_000)
})

test('maxPending of an execution counts from the time before which it does not begin', async () => {
  const world = new World()
  const { graph: one, began } = jobs(world)
  const docket = world.process({ graphs: [one], maxPending: '10s' })
  const startAt = new Date(world.clock.now() + 60_000)
  const handle = await started(world, docket.start(one, First, { Seed: 3 }, { startAt }))
  await world.clock.advance(70_000)
  expect(await world.clock.settle(handle.details())).toMatchObject({ status: 'completed' })
  expect(began).toEqual([3])
})

test('of a paused queue nothing begins in any process, and what is cancelled or past its deadline ends', async () => {
  const world = new World()
  const { graph: one, began } = jobs(world)
  const worker = world.process({ graphs: [one] })
  const other = asker(world, one)
  await world.clock.advance(1_000)
  const paused = await world.clock.settle(other.queue('default').pause('the printer is on fire'))
  expect([paused.note, paused.pausedAt instanceof Date]).toEqual(['the printer is on fire', true])
  await world.clock.advance(1_000)
  const deadline = new Date(world.clock.now() + 5_000)
  const eager = await started(world, worker.start(one, First, { Seed: 1 }))
  const late = await started(world, worker.start(one, First, { Seed: 2 }, { deadline }))
  const old = await started(world, worker.start(one, First, { Seed: 3 }, { maxPending: '5s' }))
  const gone = await started(world, worker.start(one, First, { Seed: 4 }))
  await world.clock.settle(gone.cancel())
  await world.clock.advance(60_000)
  expect(began).toEqual([])
  const statuses = await Promise.all([eager, late, old, gone].map((one) => statusOf(world, one)))
  expect(statuses).toEqual(['pending', 'failed', 'cancelled', 'cancelled'])
  await world.clock.settle(other.queue('default').resume())
  await world.clock.advance(3_000)
  expect(began).toEqual([1])
})

test('a process that could not read that a queue is paused reads it at its next look', async () => {
  const world = new World()
  const { graph: one, began } = jobs(world)
  const watched = new WatchedStore(world.store)
  const worker = world.process({ graphs: [one], store: watched.store })
  const other = asker(world, one)
  await world.clock.advance(1_000)
  let isArmed = true
  watched.before = ({ name }) => {
    if (name !== 'readQueues' || !isArmed) return
    isArmed = false
    throw outage()
  }
  await world.clock.settle(other.queue('default').pause())
  await world.clock.advance(2_000)
  expect(isArmed).toBe(false)
  await started(world, worker.start(one, First, { Seed: 1 }))
  await world.clock.advance(10_000)
  expect(began).toEqual([])
})

test('what is in a queue that nobody serves ends by cancel and deadline', async () => {
  const world = new World()
  const { graph: one, began } = jobs(world)
  const docket = world.process({ graphs: [one] })
  const deadline = new Date(world.clock.now() + 5_000)
  const late = await started(world, docket.start(one, First, { Seed: 1 }, { queue: 'nobody', deadline }))
  const gone = await started(world, docket.start(one, First, { Seed: 2 }, { queue: 'nobody' }))
  await world.clock.advance(1_000)
  await world.clock.settle(gone.cancel())
  await world.clock.advance(20_000)
  expect(await statusOf(world, late)).toBe('failed')
  expect(await statusOf(world, gone)).toBe('cancelled')
  expect(began).toEqual([])
})

test('a batch waits for its slot and for its time as an execution does', async () => {
  const world = new World()
  const { graph: one, began, seen } = jobs(world)
  const docket = world.process({ graphs: [one], work: { default: 1 } })
  const startAt = new Date(world.clock.now() + 10_000)
  const items = [{ Seed: 1 }, { Seed: 2 }]
  const first = await started(world, docket.start(one, First, { Seed: 0 }))
  const queued = await started(world, docket.startBatch(one, First, items, { concurrency: 1, queueKey: 'A' }))
  const later = await started(world, docket.startBatch(one, First, items, { startAt, concurrency: 1 }))
  await world.clock.advance(500)
  expect(began).toEqual([0])
  await world.clock.advance(5_000)
  expect(await world.clock.settle(queued.result())).toEqual([1, 2])
  expect(await statusOf(world, first)).toBe('completed')
  expect(await statusOf(world, later)).toBe('pending')
  await world.clock.advance(10_000)
  expect(await world.clock.settle(later.result())).toEqual([1, 2])
  expect(seen.most).toBe(1)
})

test('what a docket with work: false retries runs where its queue is served', async () => {
  const world = new World()
  let isBroken = true
  const { line: one } = line({
    second: {
      run: (value) => {
        if (isBroken) throw new Error('broken')
        return value + 1
      },
    },
  })
  const api = asker(world, one)
  const { die } = world.mortal({ graphs: [one] })
  const handle = await started(world, api.start(one, Third, { Seed: 1 }))
  await world.clock.advance(2_000)
  expect(await statusOf(world, handle)).toBe('failed')
  die()
  await world.clock.advance(10_000)
  isBroken = false
  await world.clock.settle(api.retry(handle.id))
  await world.clock.advance(2_000)
  expect(await statusOf(world, handle)).toBe('pending')
  const attempts = async () => (await world.clock.settle(handle.details())).steps.map((each) => each.attempts.length)
  expect(await attempts()).toEqual([1, 1, 0])
  world.process({ graphs: [one] })
  expect(await world.clock.settle(handle.result())).toBe(4)
  expect(await attempts()).toEqual([1, 2, 1])
})

test.each(['fails', 'is cancelled'])(
  'of what a docket with work: false retries, a child that %s begins again as well',
  async (what) => {
    const world = new World()
    const inner = line({ first: { run: (value, { signal: ended }) => tried(value, ended) } })
    const outer = graph({ name: 'outer', steps: [subgraph(inner.line, First)] })
    let tries = 0
    const tried = (value: number, ended: AbortSignal): number | Promise<never> => {
      if (++tries > 1) return value
      if (what === 'fails') throw new Error('broken')
      return new Promise((_, reject) => ended.addEventListener('abort', reject))
    }
    const api = asker(world, outer)
    world.process({ graphs: [outer] })
    const handle = await started(world, api.start(outer, First, { Seed: 1 }))
    await world.clock.advance(2_000)
    if (what === 'is cancelled') await world.clock.settle(handle.cancel())
    await world.clock.advance(2_000)
    await world.clock.settle(api.retry(handle.id))
    await world.clock.advance(2_000)
    expect(await statusOf(world, handle)).toBe('completed')
    expect(tries).toBe(2)
  },
)

test('lists and details show where an execution stands', async () => {
  const world = new World()
  const { graph: one } = jobs(world)
  const docket = asker(world, one)
  const startAt = new Date(world.clock.now() + 5_000)
  const placed = { queue: 'gpu', key: 'tenant', priority: 3, startAt }
  const handle = await started(world, docket.start(one, First, { Seed: 1 }, placed))
  await started(world, docket.start(one, First, { Seed: 2 }))
  expect(await world.clock.settle(handle.details())).toMatchObject(placed)
  for (const query of [{ queue: 'gpu' }, { key: 'tenant' }, { queue: 'gpu', key: 'tenant' }]) {
    const { executions } = await world.clock.settle(docket.list(query))
    expect(executions.map(({ id }) => id)).toEqual([handle.id])
  }
})

test('what can’t be a place in a queue is refused, all of it at once, before anything is written', async () => {
  const world = new World()
  const { graph: one } = jobs(world)
  const docket = asker(world, one)
  const wrong = { queue: '', priority: 1.5, key: 7, startAt: 'soon', eager: 'no' }
  await expect(docket.start(one, First, { Seed: 1 }, wrong as never)).rejects.toThrow(
    /queue must be .*priority must be a whole number.*key must be .*startAt must be a valid Date.*eager must be true or false/s,
  )
  expect((await world.clock.settle(docket.list())).executions).toEqual([])
  const make = (queues: unknown) => () => createDocket({ graphs: [one], store: memoryStore(), queues: queues as never })
  expect(make({ gpu: { concurrency: 0 } })).toThrow(/queues: "gpu": concurrency must be a whole number of at least 1/)
  expect(make({ gpu: { rate: { limit: 0, per: 'x', burst: 0 }, limit: 3 } })).toThrow(
    /unknown option "limit".*rate\.limit must be.*rate\.per .* is not a duration.*rate\.burst must be/s,
  )
  expect(() => docket.queue('')).toThrow(/queue: name must be/)
  await expect(docket.queue('q').limits({ concurrency: -1 })).rejects.toThrow(/limits: concurrency must be/)
})

test('a thousand executions of one worker with four slots are all run, four at a time', async () => {
  const world = new World()
  const { graph: one, began, seen } = jobs(world)
  const docket = world.process({ graphs: [one], work: { default: 4 } })
  for (let value = 0; value < 1_000; value++) void docket.start(one, First, { Seed: value }, { id: `e${value}` })
  await world.clock.advance(300_000)
  expect(seen.most).toBe(4)
  expect(new Set(began).size).toBe(1_000)
})
