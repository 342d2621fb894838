import { describe, expect, test } from 'vitest'
import { all, dataType, ExecutionConflictError, graph, OptionError, step, type } from '../../src/index.ts'
import type { Store } from '../../src/core/contracts/store.ts'
import { World } from './durable-time.ts'
import { collecting, halfDone, items, N, Out, sends, shown } from './half-done.ts'

const Sum = dataType('Sum', type<number>())
const Share = dataType('Share', type<string>())

describe('failed items of a batch that collects them', () => {
  test.each(['the same', 'another'])('are tried again by retry in %s process, and the others stay', async (where) => {
    const { world, ran, sending, docket, batch } = await halfDone()
    const process = where === 'the same' ? docket : world.process({ graphs: [sending] })
    const again = await process.retry('b')
    const { status: then, batch: counted } = await again.details()
    expect({ then, failed: counted?.counts.failed }).toEqual({ then: 'running', failed: 0 })
    expect(shown(await world.clock.settle(again.result()))).toEqual([10, 20, 30, 40])
    expect(ran).toEqual([2, 4])
    expect(shown(await world.clock.settle(batch.result()))).toEqual([10, 20, 30, 40])
    const { status, endedAt, error, steps } = await again.details()
    expect({ status, error, hasEnded: endedAt !== undefined }).toEqual({
      status: 'completed',
      error: undefined,
      hasEnded: true,
    })
    expect(steps.map(({ item, status: of, output }) => [item, of, output])).toEqual([
      ['n1', 'completed', 10],
      ['n2', 'completed', 20],
      ['n3', 'completed', 30],
      ['n4', 'completed', 40],
    ])
    // From its records, in a process that has seen nothing of it.
    const third = world.process({ graphs: [sending] })
    const joined = await third.startBatch(sending, Out, items, collecting)
    expect(shown(await world.clock.settle(joined.result()))).toEqual([10, 20, 30, 40])
    expect(ran).toEqual([2, 4])
  })

  test('are tried again one by one, and again until they succeed', async () => {
    const { world, ran, down, docket } = await halfDone()
    down.add(2)
    const results = async (names?: readonly string[]) =>
      shown(await world.clock.settle((await docket.retry('b', names && { items: names })).result()))
    expect(await results(['n2'])).toEqual([10, '-', 30, '-'])
    expect(await results(['n4'])).toEqual([10, '-', 30, 40])
    expect(ran).toEqual([2, 4])
    down.clear()
    expect(await results()).toEqual([10, 20, 30, 40])
    expect(ran).toEqual([2, 4, 2])
    await expect(docket.retry('b')).rejects.toThrow('batch "b" is completed, and none of its items has failed')
  })

  test('are reported like those of a first run', async () => {
    const { world, docket } = await halfDone()
    world.events.length = 0
    await world.clock.settle((await docket.retry('b')).result())
    expect(world.events.find(({ type }) => type === 'execution.resumed')).toMatchObject({ after: 'end', restored: 2 })
    expect(world.events.findLast((event) => event.type === 'batch.progress')).toMatchObject({
      total: 4,
      succeeded: 4,
      failed: 0,
    })
    expect(world.events.at(-1)).toMatchObject({ type: 'execution.ended', status: 'completed' })
  })

  test.each([undefined, { items: ['n2'] }])(
    'go on being tried where the process dies in between (%j)',
    async (options) => {
      const { world, ran, sending } = await halfDone()
      const { docket: mortal, die } = world.mortal({ graphs: [sending], takeOver: false })
      await mortal.retry('b', options)
      await world.clock.advance(50)
      die()
      const survivor = world.process({ graphs: [sending] })
      await world.clock.advance(20_000)
      const handle = await survivor.get('b')
      expect(shown(await world.clock.settle(handle!.result()))).toEqual(
        options === undefined ? [10, 20, 30, 40] : [10, 20, 30, '-'],
      )
      expect([...new Set(ran)].sort()).toEqual(options === undefined ? [2, 4] : [2])
    },
  )

  test('stay failed where the process dies after they failed once more', async () => {
    const world = new World()
    const { ran, down, sending } = sends(world)
    down.add(2)
    const docket = world.process({ graphs: [sending], takeOver: false })
    const options = { ...collecting, concurrency: 1 }
    await world.clock.settle((await docket.startBatch(sending, Out, items, options)).result())
    ran.length = 0
    const { docket: mortal, die } = world.mortal({ graphs: [sending], takeOver: false })
    await mortal.retry('b')
    await world.clock.advance(150)
    die()
    const survivor = world.process({ graphs: [sending] })
    await world.clock.advance(20_000)
    const handle = await survivor.get('b')
    expect(shown(await world.clock.settle(handle!.result()))).toEqual([10, '-', 30, 40])
    expect(ran).toEqual([2])
  })

  test('are tried again after what they share has failed', async () => {
    const world = new World()
    const { ran, send } = sends(world)
    let isUp = false
    const sum = step({
      name: 'Sum',
      inputs: { all: all(Out) },
      output: Sum,
      persist: 'execution',
      run: ({ all }) => {
        if (!isUp) throw new Error('no sum')
        return all.reduce((total, one) => total + one, 0)
      },
    })
    const share = step({
      name: 'Share',
      inputs: { out: Out, sum: Sum },
      output: Share,
      run: ({ out, sum }) => `${out} of ${sum}`,
    })
    const sharing = graph({ name: 'sharing', steps: [send, sum, share] })
    const docket = world.process({ graphs: [sharing] })
    const batch = await docket.startBatch(sharing, Share, items, collecting)
    expect(shown(await world.clock.settle(batch.result()))).toEqual(['-', '-', '-', '-'])
    isUp = true
    const again = await docket.retry('b')
    expect(shown(await world.clock.settle(again.result()))).toEqual([
      '10 of 100',
      '20 of 100',
      '30 of 100',
      '40 of 100',
    ])
    expect(ran).toEqual([1, 2, 3, 4])
  })

  test('are given as they are where the batch is started again', async () => {
    const { world, ran, sending, docket } = await halfDone()
    const again = await docket.startBatch(sending, Out, items, collecting)
    expect(shown(await world.clock.settle(again.result()))).toEqual([10, '-', 30, '-'])
    expect(ran).toEqual([])
  })
})

describe('a batch whose failed items another process has tried again meanwhile', () => {
  test.each([undefined, ['n2']])('stays completed where all of them succeeded (items: %j)', async (named) => {
    const { world, ran, sending, docket } = await halfDone()
    const acquiring = Promise.withResolvers<void>()
    const others = Promise.withResolvers<void>()
    const acquire: Store['acquire'] = async (request) => {
      if (request.ids?.includes('b') === true) {
        acquiring.resolve()
        await others.promise
      }
      return world.store.acquire(request)
    }
    const slow = new Proxy(world.store, {
      get: (target, key) => {
        const value: unknown = key === 'acquire' ? acquire : Reflect.get(target, key)
        return typeof value === 'function' ? value.bind(target) : value
      },
    })
    const late = world.process({ graphs: [sending], store: slow })
    const retry = late.retry('b', { ...(named !== undefined && { items: named }) })
    await world.clock.settle(acquiring.promise)
    await world.clock.settle((await docket.retry('b')).result())
    const before = await (await docket.get('b'))!.details()
    await world.clock.advance(1_000)
    others.resolve()
    const again = await world.clock.settle(retry)
    expect(shown(await world.clock.settle(again.result()))).toEqual([10, 20, 30, 40])
    expect(await again.details()).toMatchObject({ status: 'completed', endedAt: before.endedAt })
    expect(ran).toEqual([2, 4])
    await expect(late.retry('b')).rejects.toThrow('none of its items has failed')
  })
})

describe('retry refuses', () => {
  test('items that have not failed, or that there are not', async () => {
    const { docket } = await halfDone()
    const refused = docket.retry('b', { items: ['n1', 'n2', 'n9'] })
    await expect(refused).rejects.toThrow(ExecutionConflictError)
    await expect(refused).rejects.toThrow('these items have not failed: "n1", "n9"')
  })

  test('items of what is no batch, and lists that are none', async () => {
    const { world, down, sending, docket } = await halfDone()
    down.add(1)
    const one = await docket.start(sending, Out, { N: 1 }, { id: 'one' })
    await world.clock.settle(one.result().catch(() => {}))
    await expect(docket.retry('one', { items: ['n1'] })).rejects.toThrow(OptionError)
    await expect(docket.retry('b', { items: [] })).rejects.toThrow('items must be a list of the keys of items')
    await expect(docket.retry('b', { itms: ['n2'] } as never)).rejects.toThrow(/itms/)
  })

  test('a completed batch of which nothing has failed', async () => {
    const world = new World()
    const { sending } = sends(world)
    const docket = world.process({ graphs: [sending] })
    await world.clock.settle((await docket.startBatch(sending, Out, items, { id: 'b' })).result())
    await expect(docket.retry('b')).rejects.toThrow('none of its items has failed')
  })
})

test('where another process still has the batch, only the items that are named are tried again there', async () => {
  const world = new World()
  const ran: string[] = []
  const released = Promise.withResolvers<void>()
  const deaf = step({
    name: 'Deaf',
    inputs: { n: N },
    output: Out,
    persist: 'execution',
    run: async ({ n }) => {
      ran.push(`n${n}`)
      if (n < 3) throw new Error(`${n} is down`)
      // It ignores its signal, so that its process keeps the batch after its end.
      await released.promise
      return n
    },
  })
  const sending = graph({ name: 'sending', steps: [deaf] })
  const docket = world.process({ graphs: [sending] })
  const batch = await world.clock.settle(docket.startBatch(sending, Out, items.slice(0, 3), collecting))
  const ended = batch.result().catch((error: unknown) => error)
  await world.clock.advance(100)
  await world.clock.settle(batch.cancel())
  await ended
  const other = world.process({ graphs: [sending], takeOver: false })
  const retried = other.retry('b', { items: ['n1'] })
  await world.clock.advance(1_000)
  expect(ran).toEqual(['n1', 'n2', 'n3'])
  released.resolve()
  await world.clock.settle(retried)
  await world.clock.advance(1_000)
  expect(ran).toEqual(['n1', 'n2', 'n3', 'n1'])
})
