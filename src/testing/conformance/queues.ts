import assert from 'node:assert/strict'
import { append } from '../../core/append.ts'
import type { AcquireRequest, NewExecution } from '../../core/contracts/execution-record.ts'
import type { Store } from '../../core/contracts/store.ts'
import { assertSame } from './assertions.ts'
import { awkwardNames } from './awkward.ts'
import type { ConformanceGroup } from './conformance-group.ts'
import { commitTo, createOwned, live, message, newExecution, range, recordIn, recordOf, someTime } from './records.ts'

const farAway = 86_400_000

/** Executions stand in queues: which of them come first, and when. */
export function queuesConformance({ test }: ConformanceGroup): void {
  test('queue, priority, key and the time before which it does not begin are kept', async (bench) => {
    const { store } = bench
    const startAt = bench.now() + farAway
    const created = newExecution('one', { queue: 'gpu', priority: -7, key: 'tenant', startAt })
    await store.create([created, newExecution('plain')])
    const parked = { parkedAt: created.createdAt, dueAt: Math.ceil(startAt) }
    assertSame(await recordIn(store, 'one'), recordOf(created, parked))
    assertSame(await recordIn(store, 'plain'), recordOf(newExecution('plain')))
  })

  test('only what is in the queue is acquired, and by default that is the one called default', async ({ store }) => {
    await store.create([newExecution('a'), newExecution('b', { queue: 'gpu' }), newExecution('c', { queue: 'gpu2' })])
    assert.deepEqual(await idsOf(store, {}), ['a'])
    assert.deepEqual(await idsOf(store, { queue: 'gpu' }), ['b'])
    assert.deepEqual(await idsOf(store, { queue: 'nobody' }), [])
    // Its id is enough.
    assert.deepEqual(await idsOf(store, { ids: ['c'] }), ['c'])
  })

  test('of one key, higher priorities come first, then what is older', async ({ store }) => {
    const priorities = [0, 5, -5, 5, 0, 1_000_000]
    await store.create(
      priorities.map((priority, index) => newExecution(`e${index}`, { priority, createdAt: someTime + index })),
    )
    assert.deepEqual(await idsOf(store, { limit: 2 }), ['e5', 'e1'])
    assert.deepEqual(await idsOf(store, {}), ['e3', 'e0', 'e4', 'e2'])
  })

  test('of two keys one begins after the other, however many one of them has', async ({ store }) => {
    const many = range(60).map((index) =>
      newExecution(`a${String(index).padStart(2, '0')}`, { key: 'A', createdAt: index }),
    )
    await store.create([...many, newExecution('b', { key: 'B', createdAt: 1_000 })])
    assert.deepEqual(await idsOf(store, { limit: 1 }), ['a00'])
    assert.deepEqual(await idsOf(store, { limit: 1, behindKey: 'A' }), ['b'])
    assert.deepEqual(await idsOf(store, { limit: 2, behindKey: 'B' }), ['a01', 'a02'])
  })

  test('several are taken of each key in turn, from the one behind the last on, and none is left out', async ({
    store,
  }) => {
    const keys = ['', 'A', 'B', 'C']
    await store.create(
      keys.flatMap((key) =>
        range(3).map((index) => newExecution(`${key || '-'}${index}`, { key, createdAt: someTime + index })),
      ),
    )
    assert.deepEqual(await idsOf(store, { limit: 6, behindKey: 'A' }), ['B0', 'C0', '-0', 'A0', 'B1', 'C1'])
    assert.deepEqual(await idsOf(store, { limit: 100, behindKey: 'C' }), ['-1', 'A1', 'B2', 'C2', '-2', 'A2'])
    assert.deepEqual(await idsOf(store, {}), [])
  })

  test('where some keys have little, the others fill the room', async ({ store }) => {
    await store.create([
      ...range(30).map((index) => newExecution(`many${index}`, { key: 'many', createdAt: index })),
      ...range(9).map((index) => newExecution(`k${index}`, { key: `k${index}` })),
    ])
    assert.equal((await idsOf(store, { limit: 25 })).length, 25)
    assert.equal((await idsOf(store, { limit: 25 })).length, 14)
  })

  test('more keys than there is room for have their turns one after the other', async ({ store }) => {
    const keys = range(25).map((index) => `k${String(index).padStart(2, '0')}`)
    await store.create(keys.flatMap((key) => range(2).map((n) => newExecution(`${key}-${n}`, { key, createdAt: n }))))
    const seen: string[] = []
    let behindKey: string | undefined
    for (let look = 0; look < 5; look++) {
      await live(store, 'bea')
      const taken = await store.acquire({ owner: 'bea', graphs: ['users'], limit: 5, behindKey })
      append(
        seen,
        taken.map(({ execution: { id } }) => id),
      )
      behindKey = taken.at(-1)!.execution.key
    }
    assert.deepEqual(
      seen,
      keys.map((key) => `${key}-0`),
    )
  })

  test('what has begun goes on before anything begins, whatever its priority and key', async ({ store }) => {
    await createOwned(store, 'begun', { priority: -9, key: 'z', createdAt: someTime + 99 })
    await store.commit([commitTo('begun', { head: { status: 'running', isReleased: true } })])
    await createOwned(store, 'woken', { createdAt: someTime + 100 })
    const park = { lastSeq: 0, waitsFor: '"x"' }
    await store.commit([commitTo('woken', { head: { status: 'waiting' }, park })])
    await store.post([message('woken', 'm')])
    await store.create([newExecution('new', { priority: 9 })])
    assert.deepEqual(await idsOf(store, { limit: 1 }), ['begun'])
    assert.deepEqual(await idsOf(store, { limit: 2 }), ['woken', 'new'])
  })

  test('what is not to begin before a time is acquired by its id alone, and from then on in its turn', async (bench) => {
    const { store } = bench
    const startAt = bench.now() + 400
    await store.create([
      newExecution('later', { startAt, createdAt: 1 }),
      newExecution('urgent', { startAt, createdAt: 2, priority: 1 }),
      newExecution('far', { startAt: startAt + farAway }),
    ])
    if (bench.now() < startAt - 50) assert.deepEqual(await idsOf(store, {}), [])
    await bench.wait(600)
    await store.create([newExecution('now', { createdAt: 3 })])
    assert.deepEqual(await idsOf(store, {}), ['urgent', 'later', 'now'])
    const record = await recordIn(store, 'later')
    assertSame([record.parkedAt, record.dueAt, record.startAt], [undefined, undefined, startAt])
    assert.deepEqual(await idsOf(store, { ids: ['far'] }), ['far'])
    assertSame((await recordIn(store, 'far')).parkedAt, undefined)
  })

  test('graphs that the caller does not have take nobody’s place, in a queue either', async ({ store }) => {
    await store.create(range(300).map((index) => newExecution(`o${index}`, { graph: 'orders', key: `k${index}` })))
    await store.create([newExecution('mine', { createdAt: someTime + 1_000, key: 'zz' })])
    assert.deepEqual(await idsOf(store, { limit: 1 }), ['mine'])
  })

  test('excepted ones are passed over, and of a graph with a range what is within it is acquired by age', async ({
    store,
  }) => {
    await store.create(
      range(6).map((index) => newExecution(`e${index}`, { createdAt: index, priority: index, queue: 'gpu' })),
    )
    assert.deepEqual(await idsOf(store, { queue: 'gpu', except: ['e5', 'e3'], limit: 1 }), ['e4'])
    const ranges = new Map([['users', { after: { createdAt: 0, id: 'e0' } }]])
    const within = await idsOf(store, { queue: 'gpu', ranges, limit: 9 })
    assert.deepEqual(within.toSorted(), ['e1', 'e2', 'e3', 'e5'])
  })

  test('a key of which everything is excepted leaves its turn to the next one', async ({ store }) => {
    const excepted = range(20).map((index) => `a${index}`)
    await store.create([
      ...excepted.map((id, index) => newExecution(id, { key: `a${index % 3}`, createdAt: index })),
      newExecution('keyless', {}),
      newExecution('b', { key: 'b' }),
    ])
    const except = [...excepted, 'keyless']
    assert.deepEqual(await idsOf(store, { except, limit: 1 }), ['b'])
    await store.create([newExecution('c', { key: 'c' })])
    assert.deepEqual(await idsOf(store, { except, limit: 1, behindKey: 'c' }), ['c'])
    assert.deepEqual(await idsOf(store, { except: excepted, limit: 1, behindKey: 'a1' }), ['keyless'])
    assert.deepEqual(await idsOf(store, { limit: 1, behindKey: 'a1' }), ['a2'])
  })

  test('two that look at the same moment share what there is', async (bench) => {
    const { store } = bench
    const other = await bench.rival()
    await store.create(range(40).map((index) => newExecution(`e${index}`, { key: `k${index % 7}` })))
    await live(store, 'bea', 'cy')
    const taken: string[] = []
    for (let look = 0; look < 20 && taken.length < 40; look++) {
      const both = await Promise.all([
        store.acquire({ owner: 'bea', graphs: ['users'], limit: 7 }),
        other.acquire({ owner: 'cy', graphs: ['users'], limit: 7 }),
      ])
      append(
        taken,
        both.flat().map(({ execution: { id } }) => id),
      )
    }
    assert.equal(new Set(taken).size, 40)
    assert.equal(taken.length, 40)
  })

  test('a list has what is in a queue, or has a key', async ({ store }) => {
    await store.create([
      newExecution('a', { queue: 'gpu', key: 'x', createdAt: 1 }),
      newExecution('b', { queue: 'gpu', createdAt: 2 }),
      newExecution('c', { key: 'x', createdAt: 3 }),
      newExecution('d', { createdAt: 4 }),
    ])
    const list = async (query: { readonly queue?: string; readonly key?: string }): Promise<readonly string[]> =>
      (await store.list({ ...query, limit: 9 })).map(({ id }) => id)
    assert.deepEqual(await list({ queue: 'gpu' }), ['b', 'a'])
    assert.deepEqual(await list({ key: 'x' }), ['c', 'a'])
    assert.deepEqual(await list({ queue: 'gpu', key: 'x' }), ['a'])
    assert.deepEqual(await list({ queue: 'default' }), ['d', 'c'])
    assert.deepEqual(await list({ queue: 'gpu', key: '' }), ['b'])
    const pending = await store.list({ queue: 'gpu', statuses: ['pending'], graph: 'users', limit: 1 })
    assert.deepEqual(
      pending.map(({ id }) => id),
      ['b'],
    )
  })

  test('names of queues and keys may be any text', async ({ store }) => {
    const names = awkwardNames(store, 'queue', 'key')
    await store.create(
      names.map((name, index) => newExecution(`e${index}`, { queue: name, key: name, createdAt: someTime + index })),
    )
    await live(store, 'bea')
    for (const [index, name] of names.entries()) {
      const [backlog] = await store.backlog([{ queue: name, upTo: 10 }])
      assert.equal(backlog!.ready, 1, JSON.stringify(name))
      assert.deepEqual(await store.readyKeys(name, undefined, 10), [name])
      const [taken, ...others] = await store.acquire({ owner: 'bea', graphs: ['users'], queue: name, limit: 9 })
      assert.deepEqual([taken?.execution.id, taken?.execution.queue, taken?.execution.key], [`e${index}`, name, name])
      assert.deepEqual(others, [])
    }
  })

  test('queues are found by what stands in them, and by what was said of them, however many others there are', async ({
    store,
  }) => {
    await live(store, 'ada', 'dead')
    assert.deepEqual(await store.queueNames(9), [])
    const awkward = awkwardNames(store, 'queue', 'key')
    await store.create([
      ...range(3).flatMap((index) => [newExecution(`d${index}`), newExecution(`g${index}`, { queue: 'gpu' })]),
      newExecution('lost', { queue: 'of the dead', owner: 'dead', startedAt: someTime }),
      newExecution('owned', { queue: 'of the living', owner: 'ada', startedAt: someTime }),
      newExecution('later', { queue: 'later', startAt: someTime * 2 }),
      ...awkward.map((queue, index) => newExecution(`e${index}`, { queue, graph: `g${index % 3}` })),
    ])
    await createOwned(store, 'waits', { queue: 'waits' })
    await store.commit([commitTo('waits', { park: { lastSeq: 0, waitsFor: '"x"' } })])
    await createOwned(store, 'left', { queue: 'left' })
    await store.commit([commitTo('left', { head: { status: 'running', isReleased: true } })])
    await createOwned(store, 'ended', { queue: 'ended' })
    await store.commit([
      commitTo('ended', { head: { status: 'completed', output: '1', endedAt: someTime, isReleased: true } }),
    ])
    await store.endOwner('dead')
    await store.changeQueues([
      { queue: 'paused', at: someTime, pause: {} },
      { queue: 'gpu', at: someTime, pause: {} },
      { queue: 'limited', at: someTime, limits: { rate: { limit: 1, perMs: 10, burst: 1 } } },
      { queue: 'resumed', at: someTime, pause: {} },
      { queue: 'resumed', at: someTime, pause: null },
      { queue: 'declared', at: someTime, declared: { version: 1, limits: {} } },
    ])
    const expected = [
      'default',
      'gpu',
      'of the dead',
      'of the living',
      'later',
      'waits',
      'left',
      'paused',
      'limited',
      ...awkward,
    ]
    assert.deepEqual((await store.queueNames(1_000)).toSorted(), [...new Set(expected)].toSorted())
    assert.equal((await store.queueNames(2)).length, 2)
  })

  test('a backlog counts what is ready, runs and waits, and what is overdue, with no worker either', async (bench) => {
    const { store } = bench
    await live(store, 'ada', 'dead')
    await store.create([
      ...range(3).map((index) => gpu(`r${index}`, { key: 'x' })),
      gpu('oldest', { createdAt: someTime + 1 }),
      ...range(2).map((index) => gpu(`o${index}`, { owner: 'ada', startedAt: someTime })),
      gpu('lost', { owner: 'dead', startedAt: someTime, createdAt: someTime + 2 }),
      gpu('later', { startAt: bench.now() + farAway }),
      gpu('due', { startAt: bench.now() - 1, key: 'x' }),
      newExecution('other'),
    ])
    await createOwned(store, 'waits', { queue: 'gpu' })
    await store.commit([commitTo('waits', { park: { lastSeq: 0, waitsFor: '"x"' } })])
    await store.endOwner('dead')
    const [all, none, some, ofKey] = await store.backlog([
      { queue: 'gpu', upTo: 100 },
      { queue: 'nobody', upTo: 100 },
      { queue: 'gpu', upTo: 2 },
      { queue: 'gpu', upTo: 100, key: 'x' },
    ])
    assert.deepEqual(all, { ready: 5, running: 2, waiting: 3, overdue: 1, oldestReadyAt: someTime + 1 })
    assertSame(none, { ready: 0, running: 0, waiting: 0, overdue: 0, oldestReadyAt: undefined })
    assert.deepEqual([some!.ready, some!.running, some!.waiting], [2, 2, 2])
    assert.deepEqual(ofKey, { ready: 3, running: 0, waiting: 1, overdue: 1, oldestReadyAt: someTime + 5 })
    assert.deepEqual(await store.readyKeys('gpu', undefined, 9), ['', 'x'])
    assert.deepEqual(await store.readyKeys('gpu', '', 9), ['x'])
  })

  test('keys of several graphs have one order, each is there once, and what it has is counted over all of them, and over its priorities', async ({
    store,
  }) => {
    const keys = ['b', 'é', 'a', 'b', '', 'Z', 'a b']
    await store.create(
      keys.flatMap((key, index) =>
        ['users', 'others'].map((graph) => gpu(`${graph} ${index}`, { key, graph, queue: 'keys' })),
      ),
    )
    await store.create([gpu('else', { key: 'c', queue: 'keys', graph: 'third' }), gpu('elsewhere', { key: 'd' })])
    const inOrder = ['', 'Z', 'a', 'a b', 'b', 'c', 'é']
    assert.deepEqual(await store.readyKeys('keys', undefined, 100), inOrder)
    assert.deepEqual(await store.readyKeys('keys', undefined, 3), inOrder.slice(0, 3))
    assert.deepEqual(await store.readyKeys('keys', 'a', 3), inOrder.slice(3, 6))
    const counted = await store.backlog(inOrder.map((key) => ({ queue: 'keys', upTo: 3, key })))
    assert.deepEqual(
      counted.map(({ ready }) => ready),
      [2, 2, 2, 2, 3, 1, 2],
    )
    const ages = [9, 3, 6]
    await store.create(
      ages.map((age, index) =>
        gpu(`aged ${age}`, { key: 'p', queue: 'keys', priority: 5 - 3 * index, createdAt: someTime + age }),
      ),
    )
    const [aged] = await store.backlog([{ queue: 'keys', upTo: 9, key: 'p' }])
    assert.deepEqual([aged!.ready, aged!.oldestReadyAt], [3, someTime + 3])
    await live(store, 'ada', 'dead')
    const begun = { key: 'p', queue: 'keys', startedAt: someTime, createdAt: someTime + 9 }
    await store.create([
      gpu('of ada', { ...begun, owner: 'ada' }),
      gpu('of dead', { ...begun, owner: 'dead' }),
      gpu('of nobody', begun),
      gpu('of ada, elsewhere', { ...begun, owner: 'ada', key: 'q' }),
    ])
    await store.endOwner('dead')
    const [first, second] = await store.backlog(['p', 'q'].map((key) => ({ queue: 'keys', upTo: 9, key })))
    assert.deepEqual([first!.ready, first!.running, second!.ready, second!.running], [5, 1, 0, 1])
  })
}

/** The ids that a living `bea` gets, in order. */
async function idsOf(store: Store, request: Partial<AcquireRequest>): Promise<readonly string[]> {
  await live(store, 'bea')
  const graphs = request.ids === undefined ? { graphs: ['users'] } : {}
  const acquired = await store.acquire({ owner: 'bea', limit: 100, ...graphs, ...request })
  return acquired.map(({ execution }) => execution.id)
}

function gpu(id: string, more: Partial<NewExecution> = {}): NewExecution {
  return newExecution(id, { queue: 'gpu', createdAt: someTime + 5, ...more })
}
