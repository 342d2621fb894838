import { append } from '../../core/append.ts'
import assert from 'node:assert/strict'
import type { Store } from '../../core/contracts/store.ts'
import type { AcquiredExecution, ExecutionRecord } from '../../core/contracts/execution-record.ts'
import { assertSame } from './assertions.ts'
import type { ConformanceGroup } from './conformance-group.ts'
import { commitTo, createOwned, live, message, newExecution, range, recordIn, recordOf, someTime } from './records.ts'

/** How executions change hands. */
export function acquireConformance({ options, test }: ConformanceGroup): void {
  test('an execution without an owner gets one, in its next epoch', async ({ store }) => {
    const created = newExecution('one', { headers: { a: 'b' } })
    await store.create([created])
    await live(store, 'ada')
    const acquired = await store.acquire({ owner: 'ada', graphs: ['users'], limit: 10 })
    const { updatedAt } = await recordIn(store, 'one')
    const execution = recordOf(created, { owner: 'ada', epoch: 1, updatedAt })
    assertSame(acquired.map(withoutUpdate), [{ execution, wasLost: false }].map(withoutUpdate))
    assertSame(await recordIn(store, 'one'), execution)
    assert.deepEqual(await store.commit([commitTo('one')]), [true])
  })

  test('an acquisition says of each execution whether there are messages to it, where the store says so at all', async ({
    store,
  }) => {
    await store.create([newExecution('written to'), newExecution('left alone'), newExecution('read')])
    await store.post([message('written to', 'cancel'), message('read', 'cancel')])
    await live(store, 'ada')
    const known = async (): Promise<readonly (readonly [string, boolean | undefined])[]> => {
      const acquired = await store.acquire({ owner: 'ada', graphs: ['users'], andOwn: true, limit: 10 })
      return acquired.map(({ execution: { id }, hasMail }) => [id, hasMail] as const)
    }
    const first = await known()
    if (options.saysMail !== true && first.every(([, hasMail]) => hasMail === undefined)) return
    assertSame(Object.fromEntries(first), { 'written to': true, 'left alone': false, read: true })
    const [read] = await store.readMail({ owner: 'ada', executions: ['read'], after: new Map(), limit: 1 })
    assert.deepEqual(await store.commit([commitTo('read', { consumed: [read!.seq] })]), [true])
    assertSame(Object.fromEntries(await known()), { 'written to': true, 'left alone': false, read: false })
  })

  test('an execution whose owner’s lease ran out was lost', async ({ store, wait }) => {
    await store.renewOwner('ada', 20)
    await store.create([newExecution('one', { owner: 'ada' })])
    await wait(60)
    await live(store, 'bea')
    const [acquired] = await store.acquire({ owner: 'bea', graphs: ['users'], limit: 10 })
    assertSame(summaryOf(acquired), { id: 'one', owner: 'bea', epoch: 2, recoveries: 1, wasLost: true })
  })

  test('an execution whose owner ended was lost', async ({ store }) => {
    await createOwned(store, 'one')
    await store.endOwner('ada')
    await live(store, 'bea')
    const [acquired] = await store.acquire({ owner: 'bea', ids: ['one'], limit: 10 })
    assertSame(summaryOf(acquired), { id: 'one', owner: 'bea', epoch: 2, recoveries: 1, wasLost: true })
  })

  test('an execution that was given up was not lost', async ({ store }) => {
    await createOwned(store, 'one')
    await store.commit([commitTo('one', { head: { status: 'running', isReleased: true } })])
    await store.endOwner('ada')
    await live(store, 'bea')
    const [acquired] = await store.acquire({ owner: 'bea', graphs: ['users'], limit: 10 })
    assertSame(summaryOf(acquired), { id: 'one', owner: 'bea', epoch: 2, recoveries: 0, wasLost: false })
  })

  test('an execution of a living owner stays where it is, whether acquired by graph or by id', async ({ store }) => {
    await createOwned(store, 'one')
    await live(store, 'bea')
    assert.deepEqual(await store.acquire({ owner: 'bea', graphs: ['users'], limit: 10 }), [])
    assert.deepEqual(await store.acquire({ owner: 'bea', ids: ['one'], limit: 10 }), [])
    assert.deepEqual(await store.acquire({ owner: 'bea', ids: ['one'], andEnded: true, andOwn: true, limit: 10 }), [])
    assertSame(await recordIn(store, 'one'), recordOf(newExecution('one', { owner: 'ada' })))
  })

  test('each acquisition is an epoch of its own, and each from a dead owner counts as a recovery', async ({
    store,
  }) => {
    await createOwned(store, 'one')
    for (const round of range(4)) {
      const owner = `owner-${round}`
      await store.endOwner(round === 0 ? 'ada' : `owner-${round - 1}`)
      await live(store, owner)
      const [acquired] = await store.acquire({ owner, graphs: ['users'], limit: 1 })
      assertSame(summaryOf(acquired), { id: 'one', owner, epoch: round + 2, recoveries: round + 1, wasLost: true })
    }
  })

  test('recoveries are counted from what the last commit said', async ({ store }) => {
    await createOwned(store, 'one')
    await store.commit([commitTo('one', { head: { recoveries: 7 } })])
    await store.endOwner('ada')
    await live(store, 'bea', 'cy')
    await store.acquire({ owner: 'bea', ids: ['one'], limit: 1 })
    assert.equal((await recordIn(store, 'one')).recoveries, 8)
    await store.commit([commitTo('one', { owner: 'bea', epoch: 2, head: { recoveries: 0 } })])
    await store.endOwner('bea')
    const [acquired] = await store.acquire({ owner: 'cy', ids: ['one'], limit: 1 })
    assert.equal(acquired?.execution.recoveries, 1)
  })

  test('what the owner wrote is in the record that the next one gets', async ({ store }) => {
    await createOwned(store, 'one')
    const head = {
      status: 'running',
      startedAt: someTime + 3,
      ownedMs: 99,
      inputs: '{"A":1}',
      graphHash: 'h2',
    } as const
    await store.commit([commitTo('one', { head })])
    await store.endOwner('ada')
    await live(store, 'bea')
    const [acquired] = await store.acquire({ owner: 'bea', graphs: ['users'], limit: 1 })
    assertSame(acquired?.execution, await recordIn(store, 'one'))
    const { status, startedAt, ownedMs, inputs, graphHash } = acquired!.execution
    assertSame({ status, startedAt, ownedMs, inputs, graphHash }, head)
  })

  test('executions that the store thinks one has already count only with andOwn', async ({ store }) => {
    await createOwned(store, 'one')
    assert.deepEqual(await store.acquire({ owner: 'ada', graphs: ['users'], limit: 10 }), [])
    assert.deepEqual(await store.acquire({ owner: 'ada', ids: ['one'], limit: 10 }), [])
    const [byGraph] = await store.acquire({ owner: 'ada', graphs: ['users'], andOwn: true, limit: 10 })
    assertSame(summaryOf(byGraph), { id: 'one', owner: 'ada', epoch: 2, recoveries: 0, wasLost: false })
    const [byId] = await store.acquire({ owner: 'ada', ids: ['one'], andOwn: true, limit: 10 })
    assertSame(summaryOf(byId), { id: 'one', owner: 'ada', epoch: 3, recoveries: 0, wasLost: false })
  })

  test('with andOwn, executions without an owner and of dead owners count as well', async ({ store }) => {
    await createOwned(store, 'own', { createdAt: 3 })
    await live(store, 'dead', 'bea')
    await store.create([
      newExecution('free', { createdAt: 1 }),
      newExecution('lost', { createdAt: 2, owner: 'dead' }),
      newExecution('other', { createdAt: 4, owner: 'bea' }),
    ])
    await store.endOwner('dead')
    const acquired = await store.acquire({ owner: 'ada', graphs: ['users'], andOwn: true, limit: 10 })
    assert.deepEqual(
      acquired.map(({ execution, wasLost }) => [execution.id, wasLost]),
      [
        ['lost', true],
        ['own', false],
        ['free', false],
      ],
    )
  })

  test('an execution that has ended and goes on counts as unfinished again', async ({ store }) => {
    await createOwned(store, 'one')
    await store.commit([commitTo('one', { head: { status: 'failed', error: '"no"', endedAt: 9 } })])
    await store.endOwner('ada')
    await live(store, 'bea', 'cy')
    assert.equal((await store.acquire({ owner: 'bea', ids: ['one'], andEnded: true, limit: 1 })).length, 1)
    const head = { status: 'running', error: undefined, endedAt: undefined } as const
    assert.deepEqual(await store.commit([commitTo('one', { owner: 'bea', epoch: 2, head })]), [true])
    assert.deepEqual(await store.acquire({ owner: 'cy', graphs: ['users'], limit: 1 }), [])
    await store.endOwner('bea')
    const [acquired] = await store.acquire({ owner: 'cy', graphs: ['users'], limit: 1 })
    assertSame([acquired?.execution.epoch, acquired?.wasLost], [3, true])
  })

  test('two clients that race for a hundred executions get each exactly once', async (bench) => {
    const { store } = bench
    const other = await bench.rival()
    await live(store, 'ada', 'bea', 'dead')
    const ids = range(100).map((index) => `e${String(index).padStart(3, '0')}`)
    const owners = [undefined, 'dead'] as const
    await store.create(ids.map((id, index) => newExecution(id, { createdAt: index, owner: owners[index % 2] })))
    await store.endOwner('dead')
    const got = await Promise.all([
      acquireAll(store, 'ada'),
      acquireAll(other, 'bea'),
      acquireAll(store, 'ada'),
      acquireAll(other, 'bea'),
    ])
    assert.deepEqual(
      got
        .flat()
        .map(({ execution }) => execution.id)
        .toSorted(),
      ids,
    )
    const records = await store.get(ids)
    for (const { execution } of got.flat()) assertSame(await byId(records, execution.id), execution)
  })

  test('of two clients that race for the same ids, one gets each', async (bench) => {
    const { store } = bench
    const other = await bench.rival()
    await live(store, 'ada', 'bea')
    const ids = range(50).map((index) => `e${String(index).padStart(3, '0')}`)
    await store.create(ids.map((id) => newExecution(id)))
    const got = await Promise.all([
      store.acquire({ owner: 'ada', ids, limit: 50 }),
      other.acquire({ owner: 'bea', ids: ids.toReversed(), limit: 50 }),
    ])
    assert.deepEqual(
      got
        .flat()
        .map(({ execution }) => execution.id)
        .toSorted(),
      ids,
    )
    for (const { execution } of got.flat()) assert.equal(execution.epoch, 1)
  })
}

/** Up to ten at a time, until several attempts in a row find nothing more: a rival's may have been in the way. */
async function acquireAll(store: Store, owner: string): Promise<readonly AcquiredExecution[]> {
  const all: AcquiredExecution[] = []
  for (let misses = 0; misses < 3;) {
    const some = await store.acquire({ owner, graphs: ['users'], limit: 10 })
    assert.ok(some.length <= 10)
    append(all, some)
    misses = some.length === 0 ? misses + 1 : 0
  }
  return all
}

function byId(records: readonly (ExecutionRecord | undefined)[], id: string): ExecutionRecord | undefined {
  return records.find((record) => record?.id === id)
}

function summaryOf(acquired: AcquiredExecution | undefined): unknown {
  assert.ok(acquired !== undefined, 'nothing was acquired')
  const { id, owner, epoch, recoveries } = acquired.execution
  return { id, owner, epoch, recoveries, wasLost: acquired.wasLost }
}

function withoutUpdate({ execution, wasLost }: AcquiredExecution): unknown {
  return { execution: { ...execution, updatedAt: 0 }, wasLost }
}
