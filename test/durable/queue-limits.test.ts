import { expect, test } from 'vitest'
import type { QueueReport } from '../../src/index.ts'
import { graph, step, subgraph } from '../../src/index.ts'
import { alteredStore } from './altered-store.ts'
import { World } from './durable-time.ts'
import { First, Third } from './line.ts'
import { asker, jobs, started } from './placed.ts'

test('a limit of a queue holds in all processes, and a parent never keeps the place that its child needs', async () => {
  const world = new World()
  const { graph: one, seen } = jobs(world)
  const parent = graph({
    name: 'parent',
    steps: [
      subgraph(one, First),
      step({
        name: 'Last',
        inputs: { value: First },
        output: Third,
        run: ({ value }: { readonly value: number }) => value + 1,
      }),
    ],
  })
  const options = { graphs: [parent], work: { gpu: 10 }, queues: { gpu: { concurrency: 1 } } }
  const docket = world.process(options)
  world.process(options)
  const handles = []
  for (let value = 0; value < 4; value++)
    handles.push(await started(world, docket.start(parent, Third, { Seed: value }, { queue: 'gpu' })))
  await world.clock.advance(60_000)
  expect(await Promise.all(handles.map((handle) => world.clock.settle(handle.result())))).toEqual([1, 2, 3, 4])
  expect(seen.most).toBe(1)
})

test('what a queue keeps back says for which limit it waits, and who holds it', async () => {
  const world = new World()
  const { graph: one } = jobs(world)
  const docket = world.process({ graphs: [one], work: { gpu: 10 }, queues: { gpu: { concurrency: 2 } } })
  const place = { queue: 'gpu' }
  await started(world, docket.start(one, First, { Seed: 1 }, { ...place, id: 'first' }))
  await started(world, docket.start(one, First, { Seed: 2 }, { ...place, id: 'second' }))
  const third = await started(world, docket.start(one, First, { Seed: 3 }, { ...place, id: 'third' }))
  const batch = await started(world, docket.startBatch(one, First, [{ Seed: 4 }], { ...place, id: 'batch' }))
  const startAt = new Date(world.clock.now() + 60_000)
  const later = await started(world, docket.start(one, First, { Seed: 5 }, { ...place, id: 'later', startAt }))
  const full = { kind: 'concurrency', scope: 'queue', id: 'gpu', limit: 2, nextAt: undefined, perMs: undefined }
  const details = await world.clock.settle(third.details())
  expect(details.waitsFor).toEqual({
    kind: 'limit',
    limits: [
      {
        ...full,
        key: undefined,
        heldBy: expect.toSatisfy((ids: string[]) => ids.toSorted().join() === 'first,second'),
      },
    ],
  })
  expect(details.situation).toMatch(
    /^nobody runs it: it has not begun yet; in its queue "gpu" it waits for a slot of 2, held by "(first|second)", "(first|second)"$/,
  )
  expect((await world.clock.settle(batch.details())).waitsFor?.limits).toMatchObject([full])
  expect((await world.clock.settle(later.details())).waitsFor).toBeUndefined()

  await world.clock.settle(docket.queue('gpu').limits({ concurrency: 5, rate: { limit: 1, per: '1h' } }))
  const slow = await world.clock.settle(batch.details())
  expect(slow.waitsFor?.limits).toMatchObject([
    { kind: 'rate', scope: 'queue', limit: 1, perMs: 3_600_000, heldBy: [], nextAt: expect.any(Date) },
  ])
  // The third one has begun, which takes the turns of an hour.
  const inMs = slow.waitsFor!.limits[0]!.nextAt!.getTime() - world.clock.now()
  expect(inMs).toBeGreaterThan(3_590_000)
  expect(inMs).toBeLessThanOrEqual(3_600_000)
  expect(slow.situation).toContain('in its queue "gpu" it waits for its turn in the rate of 1')
  await world.clock.settle(docket.close({ deadline: 0 }))
})

test('what waits for something else first is not said to wait for a limit of its queue', async () => {
  const world = new World()
  const { graph: one } = jobs(world)
  const rate = { limit: 1, per: '1h' } as const
  const api = asker(world, one)
  await world.clock.settle(api.queue('gpu').limits({ concurrency: 1, rate }))
  const unserved = await started(world, api.start(one, First, { Seed: 1 }, { id: 'first', queue: 'gpu' }))
  const { waitsFor, situation } = await world.clock.settle(unserved.details())
  expect(waitsFor).toBeUndefined()
  expect(situation).not.toContain('the rate')
  const worker = world.process({ graphs: [one], work: { gpu: 10 } })
  await world.clock.advance(100)
  const second = await started(world, api.start(one, First, { Seed: 2 }, { id: 'second', queue: 'gpu' }))
  expect((await world.clock.settle(second.details())).waitsFor?.limits).toMatchObject([
    { kind: 'concurrency', heldBy: ['first'] },
    { kind: 'rate' },
  ])
  await world.clock.settle(api.queue('gpu').pause())
  const paused = await world.clock.settle(second.details())
  expect(paused.waitsFor).toBeUndefined()
  for (const one of [worker, api]) await world.clock.settle(one.close({ deadline: 0 }))
})

test('what has begun since its record was read is not said to hold back itself', async () => {
  const world = new World()
  const { graph: one } = jobs(world)
  const api = world.process({ graphs: [one], work: false })
  const handle = await started(world, api.start(one, First, { Seed: 1 }, { id: 'first', queue: 'gpu' }))
  let begin = (): void => void world.process({ graphs: [one], work: { gpu: 1 } })
  const store = alteredStore(world.store, async (method, ask) => {
    if (method === 'readQueues') {
      begin()
      begin = () => {}
      await new Promise<void>((resolve) => void world.clock.setTimeout(resolve, 1_000))
    }
    return ask()
  })
  const onlooker = world.process({ graphs: [one], work: false, store })
  await world.clock.settle(api.queue('gpu').limits({ concurrency: 1 }))
  const looked = (await world.clock.settle(onlooker.get(handle.id)))!
  expect((await world.clock.settle(looked.details())).waitsFor).toBeUndefined()
})

test('a process that has died holds nothing of the limit of a queue any more', async () => {
  const world = new World()
  const { graph: one } = jobs(world)
  const options = { graphs: [one], work: { gpu: 1 }, queues: { gpu: { concurrency: 1 } } }
  const { docket, die } = world.mortal(options)
  await started(world, docket.start(one, First, { Seed: 1 }, { id: 'first', queue: 'gpu' }))
  die()
  const api = asker(world, one)
  const second = await started(world, api.start(one, First, { Seed: 2 }, { id: 'second', queue: 'gpu' }))
  expect((await world.clock.settle(second.details())).waitsFor?.limits).toMatchObject([{ limit: 1, heldBy: ['first'] }])
  await world.clock.advance(10_000)
  expect((await world.clock.settle(second.details())).waitsFor).toBeUndefined()
  await world.clock.settle(api.close({ deadline: 0 }))
})

test('what is tried again, or forked, waits for its place in its queue', async () => {
  const world = new World()
  const { graph: one, seen } = jobs(world)
  const docket = world.process({ graphs: [one], work: { gpu: 10 }, queues: { gpu: { concurrency: 1 } } })
  const place = { queue: 'gpu' }
  await world.clock.settle(docket.start(one, First, { Seed: 1 }, { ...place, id: 'first' }))
  await world.clock.advance(100)
  await world.clock.settle(docket.cancel('first'))
  await world.clock.advance(1_000)
  await world.clock.settle(docket.start(one, First, { Seed: 2 }, { ...place, id: 'second' }))
  await world.clock.advance(600)
  const retried = await started(world, docket.retry('first'))
  const forked = await started(world, docket.fork('first', { from: 'Work', id: 'third' }))
  await world.clock.advance(100)
  expect((await world.store.get(['first', 'third'])).map((one) => one?.status)).toEqual(['pending', 'pending'])
  await world.clock.advance(10_000)
  expect(await world.clock.settle(Promise.all([retried.result(), forked.result()]))).toEqual([1, 1])
  expect(seen.most).toBe(1)
})

test('nothing of a paused queue is tried again, or forked, before it goes on', async () => {
  const world = new World()
  const { graph: one, began } = jobs(world)
  const docket = world.process({ graphs: [one], work: { gpu: 10 } })
  await world.clock.settle(docket.start(one, First, { Seed: 1 }, { queue: 'gpu', id: 'first' }))
  await world.clock.advance(100)
  await world.clock.settle(docket.cancel('first'))
  await world.clock.settle(docket.queue('gpu').pause('no power'))
  await world.clock.advance(10_000)
  const count = began.length
  const retried = await started(world, docket.retry('first'))
  const forked = await started(world, docket.fork('first', { from: 'Work', id: 'second' }))
  await world.clock.advance(10_000)
  expect(began).toHaveLength(count)
  await world.clock.settle(docket.queue('gpu').resume())
  await world.clock.advance(10_000)
  expect(await world.clock.settle(Promise.all([retried.result(), forked.result()]))).toEqual([1, 1])
})

test('the place of a process that died is free when its lease is over', async () => {
  const world = new World()
  const { graph: one, began, seen } = jobs(world)
  const options = { graphs: [one], work: { gpu: 5 }, queues: { gpu: { concurrency: 2 } } }
  const api = asker(world, one)
  const { die } = world.mortal(options)
  for (let value = 0; value < 6; value++) await started(world, api.start(one, First, { Seed: value }, { queue: 'gpu' }))
  await world.clock.advance(700)
  expect(began).toHaveLength(2)
  die()
  seen.now = seen.most = 0
  world.process(options)
  await world.clock.advance(4_000)
  expect(began).toHaveLength(2)
  await world.clock.advance(2_500)
  expect(began.length).toBeGreaterThanOrEqual(4)
  await world.clock.advance(60_000)
  expect(seen.most).toBeLessThanOrEqual(2)
  expect(new Set(began).size).toBe(6)
})

test('a limit of each key counts them apart', async () => {
  const world = new World()
  const { graph: one, seen, began } = jobs(world)
  const docket = world.process({
    graphs: [one],
    work: { q: 10 },
    queues: { q: { concurrency: { limit: 1, key: true } } },
  })
  for (let value = 0; value < 3; value++)
    for (const key of ['A', 'B']) await started(world, docket.start(one, First, { Seed: value }, { queue: 'q', key }))
  await world.clock.advance(900)
  expect(began).toEqual([0, 0])
  await world.clock.advance(10_000)
  expect([seen.most, began.length]).toEqual([2, 6])
})

test('no more begin than the rate of a queue lets, evenly, in two processes', async () => {
  const world = new World()
  const { graph: one, began } = jobs(world)
  const options = { graphs: [one], work: { api: 50 }, queues: { api: { rate: { limit: 10, per: '1s', burst: 5 } } } }
  const docket = world.process(options)
  world.process(options)
  for (let value = 0; value < 60; value++)
    await started(world, docket.start(one, First, { Seed: value }, { queue: 'api' }))
  const before = began.length
  await world.clock.advance(2_000)
  expect(began.length - before).toBeLessThanOrEqual(25)
  expect(began.length - before).toBeGreaterThanOrEqual(15)
  await world.clock.advance(10_000)
  expect(began).toHaveLength(60)
})

test('of two processes that declare different limits the last one holds, or the one with the higher version, and it is reported', async () => {
  const world = new World()
  const { graph: one, seen } = jobs(world)
  const reports: QueueReport[] = []
  const process = (concurrency: number, version?: number) =>
    world.process({
      graphs: [one],
      work: { gpu: 9 },
      queues: { gpu: { concurrency, ...(version !== undefined && { version }) } },
      onQueue: (report) => void reports.push(report),
    })
  const first = process(1)
  await world.clock.advance(1_000)
  expect(reports).toEqual([])
  const docket = process(3)
  await world.clock.advance(1_000)
  expect(reports.map(({ message }) => message)).toEqual([
    'queue "gpu": what this process declares replaces concurrency 1 (version 0): now it is concurrency 3 (version 0)',
    'queue "gpu": another process has declared concurrency 3 (version 0), which holds; this one declares concurrency 1 (version 0)',
  ])
  const overruled = async (one: typeof first) => (await world.clock.settle(one.health())).overruled
  expect([await overruled(first), await overruled(docket)]).toEqual([[reports[1]!.message], []])
  // What it declares holds again, and then no more.
  await world.clock.settle(docket.queue('gpu').limits(null))
  process(1)
  await world.clock.advance(10_000)
  expect([await overruled(first), (await overruled(docket)).length]).toEqual([[], 1])
  process(3)
  await world.clock.advance(10_000)
  expect(reports.filter(({ message }) => message === reports[1]!.message)).toHaveLength(3)
  process(7, -1)
  await world.clock.advance(1_000)
  expect(reports.at(-1)?.message).toContain('another process has declared concurrency 3 (version 0), which holds')
  const queue = docket.queue('gpu')
  expect((await world.clock.settle(queue.info())).limits).toEqual({ concurrency: { limit: 3, key: false } })
  await world.clock.settle(queue.limits({ concurrency: 2 }))
  for (let value = 0; value < 6; value++)
    await started(world, docket.start(one, First, { Seed: value }, { queue: 'gpu' }))
  await world.clock.advance(900)
  expect(seen.most).toBe(2)
  await world.clock.settle(queue.limits(null))
  await world.clock.advance(5_000)
  expect(seen.most).toBe(3)
})

test('processes that begin at the same moment and declare the same have nothing to report', async () => {
  const world = new World()
  const { graph: one } = jobs(world)
  const reports: QueueReport[] = []
  // Each has read what is declared before any of them declares something.
  const all = Promise.withResolvers<void>()
  let read = 0
  const store = new Proxy(world.store, {
    get(target, key) {
      const value: unknown = Reflect.get(target, key)
      if (key !== 'readQueues') return typeof value === 'function' ? (value.bind(target) as unknown) : value
      return async (queues: readonly string[]) => {
        const states = await target.readQueues(queues)
        if (++read === 3) all.resolve()
        await all.promise
        return states
      }
    },
  })
  const options = { work: { gpu: 9 }, queues: { gpu: { concurrency: { limit: 1, key: true } } } }
  for (let process = 0; process < 3; process++)
    world.process({ graphs: [one], store, ...options, onQueue: (report) => void reports.push(report) })
  await world.clock.advance(1_000)
  expect([read >= 3, reports]).toEqual([true, []])
})

test('a limit that is in the configuration no more is gone', async () => {
  const world = new World()
  const { graph: one, seen } = jobs(world)
  const first = world.process({ graphs: [one], work: { gpu: 9 }, queues: { gpu: { concurrency: 1 } } })
  await world.clock.advance(1_000)
  await world.clock.settle(first.close())
  const docket = world.process({ graphs: [one], work: { gpu: 9 }, onQueue: () => {} })
  for (let value = 0; value < 4; value++)
    await started(world, docket.start(one, First, { Seed: value }, { queue: 'gpu' }))
  await world.clock.advance(900)
  expect(seen.now).toBe(4)
})

test('a backlog is right with no worker, and says what keys have', async () => {
  const world = new World()
  const { graph: one } = jobs(world)
  const docket = asker(world, one)
  const start = (value: number, more: object) =>
    started(world, docket.start(one, First, { Seed: value }, { queue: 'q', ...more }))
  await start(1, { key: 'A' })
  await world.clock.advance(2_000)
  await start(2, { key: 'B' })
  await start(3, { key: 'B' })
  await start(4, { startAt: new Date(world.clock.now() + 5_000) })
  const queue = docket.queue('q')
  const counts = { running: 0, overdue: 0, isCapped: false }
  const { oldestReadyMs, ...backlog } = await world.clock.settle(queue.backlog())
  expect(backlog).toEqual({ ...counts, ready: 3, waiting: 1 })
  expect(oldestReadyMs).toBeGreaterThanOrEqual(2_000)
  expect(oldestReadyMs).toBeLessThan(2_100)
  await world.clock.advance(6_000)
  const keyed = await world.clock.settle(queue.backlog({ byKey: true }))
  expect([keyed.ready, keyed.overdue, keyed.keys['A']?.ready, keyed.keys['B']?.ready]).toEqual([3, 1, 1, 2])
  expect((await world.clock.settle(queue.backlog({ upTo: 2 }))).isCapped).toBe(true)
})

test.each(['pauses', 'limits'] as const)(
  'what %s a queue holds at once where it is said, though the process just reads what held before',
  async (what) => {
    const world = new World()
    const { graph: one, seen } = jobs(world)
    const read = Promise.withResolvers<void>()
    let reads = 0
    const store = alteredStore(world.store, async (method, ask) => {
      const answer = await ask()
      if (method === 'readQueues' && ++reads === 1) await read.promise
      return answer
    })
    const docket = world.process({ graphs: [one], work: { gpu: 10 }, store })
    const queue = docket.queue('gpu')
    await world.clock.advance(10)
    expect(reads).toBe(1)
    await world.clock.settle(what === 'pauses' ? queue.pause() : queue.limits({ concurrency: 1 }))
    read.resolve()
    for (const value of [1, 2, 3]) await started(world, docket.start(one, First, { Seed: value }, { queue: 'gpu' }))
    await world.clock.advance(100)
    expect(seen.most).toBe(what === 'pauses' ? 0 : 1)
    await world.clock.advance(60_000)
    expect(seen.most).toBe(what === 'pauses' ? 0 : 1)
  },
)
