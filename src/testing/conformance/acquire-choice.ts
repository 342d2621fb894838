import assert from 'node:assert/strict'
import type { Store } from '../../core/contracts/store.ts'
import type { AcquireRequest } from '../../core/contracts/execution-record.ts'
import type { ConformanceGroup } from './conformance-group.ts'
import { commitTo, createOwned, live, newExecution, range, recordIn } from './records.ts'

/** Which executions `acquire` takes. */
export function acquireChoiceConformance({ test }: ConformanceGroup): void {
  test('the oldest come first, up to the limit', async ({ store }) => {
    const order = [5, 2, 8, 1, 9, 3, 7, 4, 6, 0]
    await store.create(order.map((createdAt) => newExecution(`e${createdAt}`, { createdAt: createdAt * 1_000 })))
    assert.deepEqual(await acquireIds(store, { graphs: ['users'], limit: 3 }), ['e0', 'e1', 'e2'])
    assert.deepEqual(await acquireIds(store, { graphs: ['users'], limit: 4 }), ['e3', 'e4', 'e5', 'e6'])
    assert.deepEqual(await acquireIds(store, { graphs: ['users'], limit: 100 }), ['e7', 'e8', 'e9'])
    assert.deepEqual(await acquireIds(store, { graphs: ['users'], limit: 100 }), [])
  })

  test('very many come at once, the oldest first, and what the caller has already counts once', async ({ store }) => {
    const ids = range(1_050).map((index) => `e${String(index).padStart(4, '0')}`)
    await store.create(ids.map((id, index) => newExecution(id, { createdAt: index })))
    assert.deepEqual(await acquireIds(store, { graphs: ['users'], limit: 700 }), ids.slice(0, 700))
    const own = await acquireIds(store, { graphs: ['users'], andOwn: true, limit: 1_000 })
    assert.deepEqual(own, ids.slice(0, 1_000))
  })

  test('what was lost comes first, then the oldest, whether they were given up or never had', async ({ store }) => {
    await live(store, 'dead-1', 'dead-2', 'gone')
    await store.create([
      newExecution('e4', { createdAt: 4, owner: 'dead-1' }),
      newExecution('e1', { createdAt: 1, owner: 'dead-2' }),
      newExecution('e3', { createdAt: 3 }),
      newExecution('e2', { createdAt: 2, owner: 'gone' }),
      newExecution('e0', { createdAt: 0 }),
      newExecution('e5', { createdAt: 5, owner: 'dead-2' }),
    ])
    await store.commit([commitTo('e2', { owner: 'gone', head: { isReleased: true } })])
    await store.endOwner('dead-1')
    await store.endOwner('dead-2')
    assert.deepEqual(await acquireIds(store, { graphs: ['users'], limit: 2 }), ['e1', 'e4'])
    assert.deepEqual(await acquireIds(store, { graphs: ['users'], limit: 9 }), ['e5', 'e0', 'e2', 'e3'])
  })

  test('only executions of the named graphs count', async ({ store }) => {
    const graphs = ['users', 'orders', 'Users', 'users2', 'bills']
    await store.create(graphs.map((graph, index) => newExecution(graph, { graph, createdAt: index })))
    assert.deepEqual(await acquireIds(store, { graphs: [], limit: 9 }), [])
    assert.deepEqual(await acquireIds(store, { graphs: ['nobody'], limit: 9 }), [])
    assert.deepEqual(await acquireIds(store, { graphs: ['bills', 'users'], limit: 9 }), ['users', 'bills'])
    assert.deepEqual(await acquireIds(store, { graphs, limit: 9 }), ['orders', 'Users', 'users2'])
  })

  test('executions of other graphs don’t take the place of those of the named ones', async ({ store }) => {
    await store.create(range(300).map((index) => newExecution(`o${index}`, { graph: 'orders', createdAt: index })))
    await store.create([newExecution('mine', { createdAt: 1_000 })])
    assert.deepEqual(await acquireIds(store, { graphs: ['users'], limit: 1 }), ['mine'])
  })

  test('ids are acquired whatever their graph, each once, and unknown ones are passed over', async ({ store }) => {
    await store.create([newExecution('a', { graph: 'x' }), newExecution('b', { graph: 'y' }), newExecution('c')])
    const acquired = await acquireIds(store, { ids: ['b', 'gone', 'a', 'b'], limit: 9 })
    assert.deepEqual(acquired.toSorted(), ['a', 'b'])
    assert.equal((await recordIn(store, 'b')).epoch, 1)
    assert.equal((await recordIn(store, 'c')).owner, undefined)
    assert.deepEqual(await acquireIds(store, { ids: [], limit: 9 }), [])
  })

  test('the limit counts for ids too', async ({ store }) => {
    await store.create(range(5).map((index) => newExecution(`e${index}`)))
    const acquired = await acquireIds(store, { ids: range(5).map((index) => `e${index}`), limit: 2 })
    assert.equal(acquired.length, 2)
    const owned = (await store.get(range(5).map((index) => `e${index}`))).filter((one) => one?.owner === 'worker')
    assert.equal(owned.length, 2)
  })

  test('excepted executions are not acquired', async ({ store }) => {
    await store.create(range(6).map((index) => newExecution(`e${index}`, { createdAt: index })))
    const except = ['e0', 'e2', 'unknown']
    assert.deepEqual(await acquireIds(store, { graphs: ['users'], except, limit: 2 }), ['e1', 'e3'])
    assert.deepEqual(await acquireIds(store, { ids: ['e0', 'e4'], except, limit: 9 }), ['e4'])
    assert.deepEqual(await acquireIds(store, { graphs: ['users'], except: [], limit: 9 }), ['e0', 'e2', 'e5'])
  })

  test('many exceptions among the oldest leave room for the rest', async ({ store }) => {
    await store.create(range(250).map((index) => newExecution(`e${index}`, { createdAt: index })))
    const except = range(245).map((index) => `e${index}`)
    const rest = ['e245', 'e246', 'e247', 'e248', 'e249']
    assert.deepEqual(await acquireIds(store, { graphs: ['users'], except, limit: 9 }), rest)
  })

  test('of what nobody owns, only executions within the range of their graph are acquired', async ({ store }) => {
    const places = range(8).map((index) => ({ id: `e${index}`, createdAt: Math.floor(index / 4) }))
    await store.create(places.map(({ id, createdAt }) => newExecution(id, { createdAt })))
    await store.create([newExecution('bill', { graph: 'bills', createdAt: 0 })])
    const acquire = (
      after: number | undefined,
      upTo: number | undefined,
      limit: number,
    ): Promise<readonly string[]> => {
      const ranges = new Map([['users', { after: places[after ?? -1], upTo: places[upTo ?? -1] }]])
      return acquireIds(store, { graphs: ['users'], ranges, limit })
    }
    assert.deepEqual(await acquire(1, 2, 9), ['e2'])
    assert.deepEqual(await acquire(4, undefined, 2), ['e5', 'e6'])
    assert.deepEqual(await acquire(undefined, 0, 9), ['e0'])
    assert.deepEqual(await acquire(7, undefined, 9), [])
    assert.deepEqual(await acquire(3, 3, 9), [])
    assert.deepEqual(await acquire(2, 4, 9), ['e3', 'e4'])
    const ranges = new Map([['users', { after: places[6] }]])
    assert.deepEqual(await acquireIds(store, { graphs: ['users', 'bills'], ranges, limit: 9 }), ['bill', 'e7'])
    assert.deepEqual(await acquire(undefined, undefined, 9), ['e1'])
  })

  test('what a dead owner has is acquired wherever it is', async ({ store }) => {
    await store.renewOwner('dead', 60_000)
    await store.create(range(3).map((index) => newExecution(`e${index}`, { createdAt: index })))
    await store.create([newExecution('left', { createdAt: 1, owner: 'dead' })])
    await store.endOwner('dead')
    const ranges = new Map([['users', { after: { createdAt: 1, id: 'zzz' } }]])
    assert.deepEqual(await acquireIds(store, { graphs: ['users'], ranges, limit: 9 }), ['left', 'e2'])
  })

  test('what a dead owner was compensating is acquired as lost, and what it gave up is acquired by others', async ({
    store,
  }) => {
    await createOwned(store, 'left')
    await createOwned(store, 'lost')
    await store.commit([commitTo('left', { head: { status: 'compensating', isReleased: true } })])
    await store.commit([commitTo('lost', { head: { status: 'compensating' } })])
    assert.deepEqual(await acquireIds(store, { graphs: ['users'], limit: 9 }), ['left'])
    await store.endOwner('ada')
    assert.deepEqual(await acquireIds(store, { graphs: ['users'], limit: 9 }), ['lost'])
    assert.deepEqual([(await recordIn(store, 'lost')).recoveries, (await recordIn(store, 'left')).recoveries], [1, 0])
  })

  test('executions that have ended are acquired by id with andEnded, and in no other way', async ({ store }) => {
    const statuses = ['completed', 'failed', 'cancelled'] as const
    for (const status of statuses) {
      await createOwned(store, status)
      await store.commit([commitTo(status, { head: { status, endedAt: 9, isReleased: true } })])
    }
    assert.deepEqual(await acquireIds(store, { graphs: ['users'], limit: 9 }), [])
    assert.deepEqual(await acquireIds(store, { ids: statuses, limit: 9 }), [])
    const acquired = await acquireIds(store, { ids: statuses, andEnded: true, limit: 9 })
    assert.deepEqual(acquired.toSorted(), ['cancelled', 'completed', 'failed'])
    const { owner, epoch, status, endedAt } = await recordIn(store, 'failed')
    assert.deepEqual([owner, epoch, status, endedAt], ['worker', 2, 'failed', 9])
  })

  test('an ended execution of a dead owner is there for andEnded, one of a living owner is not', async ({ store }) => {
    await createOwned(store, 'one')
    await store.commit([commitTo('one', { head: { status: 'completed', output: '1', endedAt: 9 } })])
    assert.deepEqual(await acquireIds(store, { ids: ['one'], andEnded: true, limit: 9 }), [])
    await store.endOwner('ada')
    assert.deepEqual(await acquireIds(store, { graphs: ['users'], limit: 9 }), [])
    assert.deepEqual(await acquireIds(store, { ids: ['one'], limit: 9 }), [])
    assert.deepEqual(await acquireIds(store, { ids: ['one'], andEnded: true, limit: 9 }), ['one'])
  })

  test('with andEnded, executions that have not ended count as before', async ({ store }) => {
    await createOwned(store, 'taken')
    await store.create([newExecution('free')])
    assert.deepEqual(await acquireIds(store, { ids: ['free', 'taken'], andEnded: true, limit: 9 }), ['free'])
  })
}

/** The ids that a living `worker` gets. */
async function acquireIds(store: Store, request: Omit<AcquireRequest, 'owner'>): Promise<readonly string[]> {
  await live(store, 'worker')
  return (await store.acquire({ owner: 'worker', ...request })).map(({ execution }) => execution.id)
}
