import assert from 'node:assert/strict'
import type { Store } from '../../core/contracts/store.ts'
import { assertSame, assertStoreError } from './assertions.ts'
import type { ConformanceGroup } from './conformance-group.ts'
import {
  claimIn,
  claimOf,
  commitTo,
  createOwned,
  live,
  longLease,
  message,
  newExecution,
  range,
  recordOf,
  stepRecord,
  stepsIn,
  success,
} from './records.ts'

/** Opening, closing, and spaces that don't see each other. */
export function lifecycleConformance({ options, test, testIf }: ConformanceGroup): void {
  test('a store has a name and says what it can do', async ({ store }) => {
    assert.equal(typeof store.name, 'string')
    assert.deepEqual({ ...store.capabilities }, { ...options.capabilities })
  })

  test('calls before open are refused', async ({ store, space }) => {
    if (!options.capabilities.isShared) await store.close()
    const early = space.createStore()
    await refusesAll(early)
    await early.close()
  })

  test('calls after close are refused, except close itself', async ({ store }) => {
    await createOwned(store, 'one')
    await store.close()
    await refusesAll(store)
    await store.close()
    await Promise.all([store.close(), store.close()])
  })

  test('a store that was closed can’t be opened again, or has what it had', async ({ store }) => {
    await createOwned(store, 'one')
    await store.close()
    const [reopened] = await Promise.allSettled([store.open()])
    if (reopened.status === 'rejected') await assertStoreError(Promise.reject(reopened.reason as Error))
    else assert.equal((await store.get(['one']))[0]?.id, 'one')
  })

  test('each call that is under way while the store closes is answered or refused', async ({ store }) => {
    await live(store, 'ada')
    const calls = range(20).map((index) => store.create([newExecution(`e${index}`)]))
    const closing = store.close()
    for (const call of await Promise.allSettled(calls))
      if (call.status === 'rejected') await assertStoreError(Promise.reject(call.reason as Error))
    await closing
  })

  const testShared = (title: string, body: Parameters<typeof test>[1]): void =>
    testIf(options.capabilities.isShared, 'nobody else can open its data', title, body)

  testShared('what one client wrote is there for the next, after the first has closed', async ({ store, space }) => {
    await createOwned(store, 'one')
    await store.commit([commitTo('one', { steps: [stepRecord('A')], head: { ownedMs: 7 } })])
    await store.post([message('one', 'cancel')])
    await store.commitResults([success('key', 'ada', await claimIn(store, 'key', 'ada'))])
    await store.close()
    const next = space.createStore()
    try {
      await next.open()
      const created = newExecution('one', { owner: 'ada' })
      const [record] = await next.get(['one'])
      assertSame(record, recordOf(created, { ownedMs: 7, updatedAt: record!.updatedAt }))
      assert.equal((await stepsIn(next, 'one')).length, 1)
      assert.equal((await next.readMail({ owner: 'ada', limit: 10 })).length, 1)
      assertSame(await next.getResults(['key']), [{ status: 'completed', output: '1' }])
      assert.equal(await next.renewOwner('ada', longLease), true)
    } finally {
      await next.close()
    }
  })

  testShared('clients that open an empty space at the same time all get it ready', async () => {
    const space = await options.createSpace()
    const clients = range(4).map(() => space.createStore())
    try {
      await Promise.all(clients.map((client) => client.open()))
      const known = await Promise.all(clients.map((client, index) => client.create([newExecution(`e${index}`)])))
      assert.deepEqual(known.flat(), [undefined, undefined, undefined, undefined])
      for (const client of clients) assert.equal((await client.list({ limit: 10 })).length, 4)
    } finally {
      await Promise.all(clients.map((client) => client.close()))
      await space.dispose?.()
    }
  })

  test('two spaces don’t see each other', async ({ store }) => {
    const elsewhere = await options.createSpace()
    const other = elsewhere.createStore()
    try {
      await other.open()
      await createOwned(store, 'one')
      await store.commit([commitTo('one', { steps: [stepRecord('A')] })])
      await store.post([message('one', 'cancel')])
      await store.commitResults([success('key', 'ada', await claimIn(store, 'key', 'ada'))])
      await store.endOwner('ada')
      assert.deepEqual(await other.get(['one']), [undefined])
      assert.deepEqual(await other.list({ limit: 10 }), [])
      assert.deepEqual(await stepsIn(other, 'one'), [])
      assert.equal(await other.renewOwner('ada', longLease), true)
      assert.deepEqual(await other.readMail({ owner: 'ada', limit: 10 }), [])
      assert.deepEqual(await other.acquire({ owner: 'ada', graphs: ['users'], limit: 10 }), [])
      assert.deepEqual(await other.getResults(['key']), [undefined])
      assert.deepEqual(await other.create([newExecution('one')]), [undefined])
      await claimIn(other, 'key', 'ada')
      assertSame(await store.getResults(['key']), [{ status: 'completed', output: '1' }])
    } finally {
      await other.close()
      await elsewhere.dispose?.()
    }
  })
}

async function refusesAll(store: Store): Promise<void> {
  const calls: readonly (() => Promise<unknown>)[] = [
    () => store.renewOwner('ada', longLease),
    () => store.endOwner('ada'),
    () => store.create([newExecution('one')]),
    () => store.commit([commitTo('one')]),
    () => store.acquire({ owner: 'ada', graphs: ['users'], limit: 1 }),
    () => store.get(['one']),
    () => store.list({ limit: 1 }),
    () => store.readSteps(['one']),
    () => store.delete([{ id: 'one', owner: 'ada', epoch: 1 }]),
    () => store.purge({ statuses: ['failed'], endedBefore: 1, limit: 1 }),
    () => store.post([message('one', 'cancel')]),
    () => store.readMail({ owner: 'ada', limit: 1 }),
    () => store.getResults(['key']),
    () => store.claimResults([claimOf('key', 'ada')]),
    () => store.commitResults([success('key', 'ada', 1)]),
    () => store.purgeResults(1),
    ...(store.time === undefined ? [] : [() => store.time!()]),
    ...(store.subscribe === undefined ? [] : [() => store.subscribe!(() => {})]),
  ]
  for (const call of calls) assert.equal(await assertStoreError(call), false, `${call.toString()} may be tried again`)
}
