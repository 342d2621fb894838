import assert from 'node:assert/strict'
import { assertStoreError } from './assertions.ts'
import type { Bench, ConformanceGroup } from './conformance-group.ts'
import type { StoreTransaction } from './conformance-options.ts'
import { createAll, live, newExecution, recordIn } from './records.ts'

/** `create` with the caller's own transaction. */
export function transactionConformance({ options, test, testIf }: ConformanceGroup): void {
  const { transactions, isShared } = options.capabilities
  const testTransaction = (title: string, body: (bench: Bench) => Promise<void>): void =>
    testIf(transactions, 'takes part in no transactions', title, body)

  if (!transactions) {
    test('a store that takes part in no transactions refuses one', async ({ store }) => {
      assert.equal(await assertStoreError(() => store.create([newExecution('one')], {})), false)
      assert.deepEqual(await store.get(['one']), [undefined])
    })
  }

  testTransaction('what was created in a transaction exists once it commits', async (bench) => {
    const { store } = bench
    const transaction = await begin(bench)
    const known = await store.create([newExecution('one'), newExecution('two')], transaction.client)
    assert.deepEqual(known, [undefined, undefined])
    await transaction.commit()
    assert.equal((await recordIn(store, 'one')).status, 'pending')
    assert.equal((await recordIn(store, 'two')).status, 'pending')
  })

  const title = 'nobody else sees what was created in a transaction before it commits'
  testIf(transactions && isShared, 'takes part in no transactions of others', title, async (bench) => {
    const other = await bench.rival()
    await live(other, 'ada')
    const transaction = await begin(bench)
    await bench.store.create([newExecution('one')], transaction.client)
    assert.deepEqual(await other.get(['one']), [undefined])
    assert.deepEqual(await other.list({ limit: 10 }), [])
    assert.deepEqual(await other.acquire({ owner: 'ada', graphs: ['users'], limit: 10 }), [])
    await transaction.commit()
    assert.equal((await other.acquire({ owner: 'ada', graphs: ['users'], limit: 10 })).length, 1)
  })

  testTransaction('what was created in a transaction that rolls back never existed', async (bench) => {
    const { store } = bench
    const transaction = await begin(bench)
    await store.create([newExecution('one')], transaction.client)
    await transaction.rollback()
    assert.deepEqual(await store.get(['one']), [undefined])
    assert.deepEqual(await store.create([newExecution('one')]), [undefined])
  })

  testTransaction('in a transaction too, an id that is there gives its record', async (bench) => {
    const { store } = bench
    await store.create([newExecution('one', { requestDigest: 'first' })])
    const transaction = await begin(bench)
    const known = await createAll(
      store,
      [newExecution('zero'), newExecution('one'), newExecution('zero', { requestDigest: 'again' })],
      transaction.client,
    )
    await transaction.commit()
    assert.deepEqual(
      known.map((record) => record?.requestDigest),
      [undefined, 'first', 'digest-of-the-request'],
    )
  })
}

async function begin({ space }: Bench): Promise<StoreTransaction> {
  assert.ok(space.beginTransaction !== undefined, 'the space of a store with transactions needs beginTransaction')
  return space.beginTransaction()
}
