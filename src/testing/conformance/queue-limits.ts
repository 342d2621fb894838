import assert from 'node:assert/strict'
import type { AcquireRequest } from '../../core/contracts/execution-record.ts'
import type { QueueLimits } from '../../core/contracts/queue-record.ts'
import type { Store } from '../../core/contracts/store.ts'
import { assertSame } from './assertions.ts'
import type { ConformanceGroup } from './conformance-group.ts'
import { commitTo, live, message, newExecution, range, someTime } from './records.ts'

/** What holds for a queue in all processes: pause, and limits. */
export function queueLimitsConformance({ test }: ConformanceGroup): void {
  test('a queue of which nothing was said has no state, and a change gives the one before', async ({ store }) => {
    assertSame(await store.readQueues(['gpu', 'cpu']), [undefined, undefined])
    assert.deepEqual(await store.readQueues([]), [])
    const [changed] = await store.changeQueues([{ queue: 'gpu', at: 7, pause: { note: 'broken' } }])
    const paused = { queue: 'gpu', pausedAt: 7, note: 'broken', declared: undefined, limits: undefined }
    assertSame(changed, { before: undefined, after: paused })
    assertSame(await store.readQueues(['cpu', 'gpu']), [undefined, { ...paused, freeAt: 0 }])
    const [again] = await store.changeQueues([{ queue: 'gpu', at: 9, pause: { note: 'still' } }])
    assertSame(again!.after, { ...paused, note: 'still' })
    const [resumed] = await store.changeQueues([{ queue: 'gpu', at: 9, pause: null }])
    assertSame(resumed!.after, { ...paused, pausedAt: undefined, note: undefined })
  })

  test('of a paused queue nothing is acquired but by id, until it goes on', async ({ store }) => {
    await store.create([newExecution('a'), newExecution('b'), newExecution('c', { queue: 'gpu' })])
    await store.changeQueues([{ queue: 'default', at: 1, pause: {} }])
    assert.deepEqual(await idsOf(store, {}), [])
    assert.deepEqual(await idsOf(store, { ids: ['b'] }), ['b'])
    assert.deepEqual(await idsOf(store, { queue: 'gpu' }), ['c'])
    await store.changeQueues([{ queue: 'default', at: 2, pause: null }])
    assert.deepEqual(await idsOf(store, {}), ['a'])
  })

  test('a declaration with a higher version holds, and what an operator sets stands above it', async ({ store }) => {
    const declare = async (version: number, limit: number): Promise<number | undefined> => {
      const declared = { version, limits: concurrency(limit) }
      const [changed] = await store.changeQueues([{ queue: 'gpu', at: 1, declared }])
      return changed!.after.declared?.limits.concurrency?.limit
    }
    assert.equal(await declare(2, 20), 20)
    assert.equal(await declare(1, 10), 20)
    assert.equal(await declare(2, 21), 21)
    await store.changeQueues([{ queue: 'gpu', at: 1, limits: concurrency(1) }])
    await store.create(range(3).map((index) => newExecution(`e${index}`, { queue: 'gpu', createdAt: index })))
    assert.deepEqual(await idsOf(store, { queue: 'gpu' }), ['e0'])
    assert.deepEqual(await idsOf(store, { queue: 'gpu' }), [])
    await store.changeQueues([{ queue: 'gpu', at: 1, limits: null }])
    assert.deepEqual(await idsOf(store, { queue: 'gpu' }), ['e1', 'e2'])
  })

  test('no more run than the limit says, and the place of one that ended, was given up or lost its owner is free', async ({
    store,
  }) => {
    await limit(store, concurrency(2))
    await store.create(range(7).map((index) => newExecution(`e${index}`, { createdAt: someTime + index })))
    assert.deepEqual(await idsOf(store, {}), ['e0', 'e1'])
    assert.deepEqual(await idsOf(store, {}), [])
    const by = { owner: 'bea' } as const
    await store.commit([
      commitTo('e0', { ...by, head: { status: 'completed', output: '1', endedAt: 9, isReleased: true } }),
    ])
    assert.deepEqual(await idsOf(store, {}), ['e2'])
    await store.commit([commitTo('e1', { ...by, head: { status: 'waiting' }, park: { lastSeq: 0, waitsFor: '"x"' } })])
    assert.deepEqual(await idsOf(store, {}), ['e3'])
    await store.endOwner('bea')
    assert.deepEqual(await idsOf(store, {}, 'cy'), ['e2', 'e3'])
    await live(store, 'dora')
    assert.deepEqual(await idsOf(store, {}, 'dora'), [])
  })

  test('a limit of each key counts them apart, and full keys take nobody’s place', async ({ store }) => {
    await limit(store, { concurrency: { limit: 2, isPerKey: true } })
    await store.create([
      ...range(50).map((index) => newExecution(`a${index}`, { key: 'A', createdAt: index })),
      ...range(3).map((index) => newExecution(`b${index}`, { key: 'B', createdAt: 100 + index })),
      ...range(3).map((index) => newExecution(`n${index}`, { createdAt: 200 + index })),
    ])
    const first = await idsOf(store, {})
    assert.deepEqual(first.toSorted(), ['a0', 'a1', 'b0', 'b1', 'n0', 'n1'])
    assert.deepEqual(await idsOf(store, {}), [])
    const ended = { status: 'completed', output: '1', endedAt: 9, isReleased: true } as const
    await store.commit([commitTo('b1', { owner: 'bea', head: ended })])
    assert.deepEqual(await idsOf(store, { limit: 9 }), ['b2'])
  })

  test('what goes on counts for the limit of its key as what begins does: what lost its owner, and what was woken', async ({
    store,
  }) => {
    await limit(store, { concurrency: { limit: 1, isPerKey: true } })
    await store.create([
      ...range(3).map((index) => newExecution(`a${index}`, { key: 'A', createdAt: index })),
      ...range(2).map((index) => newExecution(`b${index}`, { key: 'B', createdAt: 10 + index })),
    ])
    assert.deepEqual((await idsOf(store, {}, 'ann')).toSorted(), ['a0', 'b0'])
    await store.endOwner('ann')
    assert.deepEqual((await idsOf(store, {})).toSorted(), ['a0', 'b0'])
    assert.deepEqual(await idsOf(store, {}), [])
    // It waits, and its place is free; once it is woken, that is taken.
    const waits = { head: { status: 'waiting' }, park: { lastSeq: 0, waitsFor: '"x"' } } as const
    await store.commit([commitTo('a0', { owner: 'bea', epoch: 2, ...waits })])
    assert.deepEqual(await idsOf(store, {}), ['a1'])
    assert.deepEqual(await store.post([message('a0', 'signal')]), ['accepted'])
    assert.deepEqual(await idsOf(store, {}), [])
    const ended = { status: 'completed', output: '1', endedAt: 9, isReleased: true } as const
    await store.commit([commitTo('b0', { owner: 'bea', epoch: 2, head: ended })])
    assert.deepEqual(await idsOf(store, { limit: 1 }), ['b1'])
    await store.commit([commitTo('a1', { owner: 'bea', head: ended })])
    assert.deepEqual(await idsOf(store, {}), ['a0'])
  })

  test('many that look at the same moment never have more than the limit says', async (bench) => {
    const { store } = bench
    const others = [store, await bench.rival(), await bench.rival()]
    await limit(store, concurrency(3))
    await store.create(range(30).map((index) => newExecution(`e${index}`)))
    const owners = others.map((_, index) => `o${index}`)
    await live(store, ...owners)
    const taken = await Promise.all(
      range(12).map((index) => others[index % 3]!.acquire({ owner: owners[index % 3]!, graphs: ['users'], limit: 10 })),
    )
    assert.equal(taken.flat().length, 3)
  })

  test('no more begin than the rate lets, by the store’s clock, whoever asks', async (bench) => {
    const { store } = bench
    const other = await bench.rival()
    await limit(store, { rate: { limit: 10, perMs: 1_000, burst: 3 } })
    await store.create(
      range(40).map((index) => newExecution(`e${String(index).padStart(2, '0')}`, { createdAt: index })),
    )
    const since = bench.now()
    assert.deepEqual(await idsOf(store, {}), ['e00', 'e01', 'e02'])
    const [standing] = await store.readQueues(['default'])
    // Three have begun, a tenth of a second apart from each other if they were evenly spaced.
    assert.ok(Math.abs(standing!.freeAt - (since + 300)) < 250, `${standing!.freeAt - since}`)
    const count = async (): Promise<number> => (await idsOf(store, {})).length + (await idsOf(other, {}, 'cy')).length
    let begun = 3
    await bench.wait(450)
    begun += await count()
    await bench.wait(450)
    begun += await count()
    const most = 3 + Math.floor((bench.now() - since) / 100)
    assert.ok(begun <= most, `${begun} of ${most}`)
    assert.ok(begun >= 6, `${begun}`)
    // What goes on has begun already.
    const running = commitTo('e00', { owner: 'bea', head: { status: 'running', isReleased: true } })
    assert.deepEqual(await store.commit([running]), [true])
    assert.ok((await idsOf(store, {})).includes('e00'))
  })

  test('a limit that is taken away holds no more', async ({ store }) => {
    const declare = (limits: QueueLimits) =>
      store.changeQueues([{ queue: 'default', at: 1, declared: { version: 0, limits } }])
    await declare(concurrency(1))
    await store.create(range(5).map((index) => newExecution(`e${index}`)))
    assert.equal((await idsOf(store, {})).length, 1)
    await declare({})
    assert.equal((await idsOf(store, {})).length, 4)
  })

  for (const isPerKey of [false, true])
    test(`what the caller was given in an answer that was lost comes again, though it fills the limit of the ${isPerKey ? 'key' : 'queue'}`, async ({
      store,
    }) => {
      await limit(store, { concurrency: { limit: 1, isPerKey } })
      await store.create(range(2).map((index) => newExecution(`e${index}`, { key: 'ada', createdAt: index })))
      const lost = await idsOf(store, {})
      assert.deepEqual(lost, ['e0'])
      assert.deepEqual(await idsOf(store, { andOwn: true }), lost)
      // What it knows of counts.
      assert.deepEqual(await idsOf(store, { andOwn: true, except: lost }), [])
      assert.deepEqual(await idsOf(store, { andOwn: true }, 'cy'), [])
    })

  test('within limits too, a key of which everything is excepted leaves its turn to the next one', async ({
    store,
  }) => {
    await limit(store, { concurrency: { limit: 5, isPerKey: true } })
    await store.create([
      newExecution('a0', { key: 'a' }),
      newExecution('a1', { key: 'a' }),
      newExecution('b', { key: 'b' }),
    ])
    assert.deepEqual(await idsOf(store, { except: ['a0', 'a1'], limit: 1 }), ['b'])
  })

  test('within limits too, other graphs, excepted ones and ranges are as ever', async ({ store }) => {
    await limit(store, concurrency(100))
    await store.create([
      newExecution('o', { graph: 'orders' }),
      ...range(4).map((index) => newExecution(`e${index}`, { createdAt: index })),
    ])
    const ranges = new Map([['users', { after: { createdAt: 1, id: 'e1' } }]])
    assert.deepEqual(await idsOf(store, { ranges, except: ['e2'] }), ['e3'])
    assert.deepEqual(await idsOf(store, { andOwn: true, except: ['e2'] }), ['e3', 'e0', 'e1'])
  })
}

function concurrency(most: number): QueueLimits {
  return { concurrency: { limit: most, isPerKey: false } }
}

async function limit(store: Store, limits: QueueLimits): Promise<void> {
  await store.changeQueues([{ queue: 'default', at: 1, declared: { version: 1, limits } }])
}

/** The ids that a living owner gets, in order. */
async function idsOf(store: Store, request: Partial<AcquireRequest>, owner = 'bea'): Promise<readonly string[]> {
  await live(store, owner)
  const graphs = request.ids === undefined ? { graphs: ['users'] } : {}
  const acquired = await store.acquire({ owner, limit: 100, ...graphs, ...request })
  return acquired.map(({ execution }) => execution.id)
}
