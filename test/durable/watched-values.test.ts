import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { createDocket, dataType, durableStep, graph, signal, step } from '../../src/index.ts'
import { sqliteStore } from '../../stores/sqlite/index.ts'
import { alteredStore } from './altered-store.ts'
import { World } from './durable-time.ts'
import { Approval, inputs, minute, Order, parked, Shipment } from './parked-orders.ts'

const Draft = dataType('Draft', z.string())
const Final = dataType('Final', z.string())

function drafts(write: () => Promise<string> | string, finish: (draft: string) => string = (draft) => `${draft}!`) {
  return graph({
    name: 'drafts',
    steps: [
      step({ name: 'Write', inputs: { order: Order }, output: Draft, persist: 'execution', run: () => write() }),
      signal(Approval, { inputs: { draft: Draft } }),
      step({
        name: 'Finish',
        inputs: { draft: Draft, approval: Approval },
        output: Final,
        run: ({ draft }) => finish(draft),
      }),
    ],
  })
}

/** Collects what a loop gives, and how it ends. */
function collect<Value>(values: AsyncIterable<Value>) {
  const seen: Value[] = []
  const ended = (async () => {
    for await (const value of values) seen.push(value)
  })()
  ended.catch(() => {})
  return { seen, ended }
}

describe('a watched value', () => {
  test('comes as soon as it is written, here and in another process, and the loop ends with the execution', async () => {
    const world = new World()
    const slow = Promise.withResolvers<string>()
    const declared = drafts(() => slow.promise)
    const docket = world.process({ graphs: [declared], park: '10h' })
    const handle = await world.clock.settle(docket.start(declared, Final, inputs, { id: 'a' }))
    const other = world.process({ graphs: [], takeOver: false })
    const found = (await world.clock.settle(other.get('a')))!
    const here = collect(handle.watch(Draft))
    const there = collect(found.watch(Draft))
    const ends = collect(found.watch(Final))
    await world.clock.advance(minute)
    expect([here.seen, there.seen]).toEqual([[], []])
    slow.resolve('draft')
    await world.clock.advance(1_000)
    expect([here.seen, there.seen, ends.seen]).toEqual([['draft'], ['draft'], []])
    await world.clock.settle(handle.signal(Approval, { by: 'Ada' }))
    await world.clock.settle(Promise.all([here.ended, there.ended, ends.ended]))
    expect([here.seen, there.seen, ends.seen]).toEqual([['draft'], ['draft'], ['draft!']])
  })

  test('that was given is there at once, as is that of an execution which has ended', async () => {
    const world = new World()
    const { handle } = await parked(world)
    const orders = collect(handle.watch(Order))
    await world.clock.advance(1_000)
    expect(orders.seen).toEqual([{ id: 'o' }])
    await world.clock.settle(handle.signal(Approval, { by: 'Ada' }))
    await world.clock.settle(handle.result())
    await world.clock.settle(orders.ended)
    const late = collect(handle.watch(Shipment))
    await world.clock.settle(late.ended)
    expect([orders.seen, late.seen]).toEqual([[{ id: 'o' }], ['prepared o, for Ada']])
  })

  test('is waited for while the execution is parked, and the loop of one that fails ends as well', async () => {
    const world = new World()
    const declared = drafts(
      () => 'draft',
      () => {
        throw new Error('no')
      },
    )
    const docket = world.process({ graphs: [declared] })
    const handle = await world.clock.settle(docket.start(declared, Final, inputs, { id: 'a' }))
    const watched = collect(handle.watch(Approval))
    const never = collect(handle.watch(Final))
    await world.clock.advance(minute)
    await world.clock.settle(handle.signal(Approval, { by: 'Ada' }))
    await world.clock.settle(Promise.all([watched.ended, never.ended]))
    expect([watched.seen, never.seen]).toEqual([[{ by: 'Ada' }], []])
    await expect(world.clock.settle(handle.result())).rejects.toThrow('no')
  })

  test('is watched until the signal of the call is aborted, and a loop that is left leaves no timer behind', async () => {
    const world = new World()
    const { handle } = await parked(world)
    const before = world.clock.pending
    const controller = new AbortController()
    const aborted = collect(handle.watch(Approval, { signal: controller.signal }))
    await world.clock.advance(1_000)
    controller.abort(new Error('seen enough'))
    await expect(world.clock.settle(aborted.ended)).rejects.toThrow('seen enough')
    await expect(
      world.clock.settle(collect(handle.watch(Order, { signal: controller.signal })).ended),
    ).rejects.toMatchObject({ code: 'EXECUTION_CANCELLED' })
    const left = (async () => {
      for await (const value of handle.watch(Order)) return value
      return undefined
    })()
    expect(await world.clock.settle(left)).toEqual({ id: 'o' })
    expect(world.clock.pending).toBe(before)
  })

  test('is seen to its end though the docket is closed as soon as the execution has ended', async () => {
    const docket = createDocket({ graphs: [drafts(() => 'draft')], store: sqliteStore(':memory:') })
    const handle = await docket.startByName('drafts', 'Final', inputs, { signals: { Approval: { by: 'Ada' } } })
    const watched = collect(handle.watch(Final))
    await handle.result()
    await docket.close()
    await watched.ended
    expect(watched.seen).toEqual(['draft!'])
    const late = collect(handle.watch(Final))
    await expect(late.ended).rejects.toMatchObject({ code: 'DOCKET_CLOSED' })
    expect(late.seen).toEqual([])
  })

  test('ends with the docket, and says so; and is an error of what is not there', async () => {
    const world = new World()
    const { handle, docket, declared } = await parked(world)
    const watched = collect(handle.watch(Approval))
    await world.clock.advance(1_000)
    await world.clock.settle(docket.close())
    await expect(world.clock.settle(watched.ended)).rejects.toMatchObject({ code: 'DOCKET_CLOSED' })
    const other = world.process({ graphs: [declared] })
    const found = (await world.clock.settle(other.get('a')))!
    const gone = collect(found.watch(Approval))
    await world.clock.advance(1_000)
    await world.clock.settle(other.delete('a'))
    await expect(world.clock.settle(gone.ended)).rejects.toThrow('there is no execution "a"')
    expect(() => found.watch('Approval' as never)).toThrow('watch takes a data type')
    expect(() => found.watch(Approval, { signl: 1 } as never)).toThrow('signl')
  })

  test('never goes back to an earlier one, also where the docket is closed while a later one is being read', async () => {
    const world = new World()
    const next = Promise.withResolvers<void>()
    const showing = graph({
      name: 'showing',
      steps: [
        durableStep({
          name: 'Show',
          output: Final,
          publishes: [Draft],
          run: async (_, ctx) => {
            await ctx.publish(Draft, 'one')
            await next.promise
            await ctx.publish(Draft, 'two')
            return new Promise<string>(() => {})
          },
        }),
      ],
    })
    await world.clock.settle(world.process({ graphs: [showing] }).start(showing, Final, {}, { id: 'x' }))
    const release = Promise.withResolvers<void>()
    const reads = { count: 0 }
    const store = alteredStore(world.store, async (method, ask) => {
      if (method === 'readCheckpoints' && ++reads.count === 2) await release.promise
      return ask()
    })
    const other = world.process({ graphs: [showing], store, work: false })
    const handle = (await world.clock.settle(other.get('x')))!
    const watched = collect(handle.watch(Draft))
    while (reads.count < 2) await world.clock.advance(10)
    expect(watched.seen).toEqual(['one'])
    // It looks once more, beside the look that is under way.
    const closed = other.close({ deadline: 0 })
    while (reads.count < 3) await world.clock.advance(10)
    next.resolve()
    await world.clock.advance(100)
    release.resolve()
    await expect(world.clock.settle(watched.ended)).rejects.toMatchObject({ code: 'DOCKET_CLOSED' })
    expect(watched.seen.slice(0, 2).toSorted()).toEqual(watched.seen)
    await world.clock.settle(closed)
  })
})
