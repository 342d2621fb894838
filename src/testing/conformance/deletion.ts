import assert from 'node:assert/strict'
import type { Store } from '../../core/contracts/store.ts'
import { executionStatuses } from '../../core/contracts/statuses.ts'
import type { ExecutionStatus } from '../../core/contracts/statuses.ts'
import { assertSame } from './assertions.ts'
import type { ConformanceGroup } from './conformance-group.ts'
import {
  commitTo,
  createOwned,
  live,
  message,
  newExecution,
  range,
  recordIn,
  recordOf,
  stepRecord,
  stepsIn,
} from './records.ts'

/** `delete` and `purge`. */
export function deletionConformance({ test }: ConformanceGroup): void {
  test('an execution is deleted with all it has', async ({ store }) => {
    await createOwned(store, 'one')
    await store.commit([commitTo('one', { steps: [stepRecord('A'), stepRecord('B', { item: 'x' })] })])
    await store.post([message('one', 'cancel')])
    assert.deepEqual(await store.delete([{ id: 'one', owner: 'ada', epoch: 1 }]), [true])
    assert.deepEqual(await store.get(['one']), [undefined])
    assert.deepEqual(await stepsIn(store, 'one'), [])
    assert.deepEqual(await store.readMail({ owner: 'ada', limit: 10 }), [])
    assert.deepEqual(await store.list({ limit: 10 }), [])
    assert.deepEqual(await store.post([message('one', 'cancel')]), ['unknown'])
    assert.deepEqual(await store.commit([commitTo('one', { steps: [stepRecord('A')] })]), [false])
  })

  test('an execution that takes a deleted one’s id begins anew', async ({ store }) => {
    await createOwned(store, 'one')
    await store.commit([commitTo('one', { steps: [stepRecord('A')], head: { output: '1' } })])
    await store.post([message('one', 'cancel')])
    await store.delete([{ id: 'one', owner: 'ada', epoch: 1 }])
    const again = newExecution('one', { owner: 'ada', requestDigest: 'again' })
    assert.deepEqual(await store.create([again]), [undefined])
    assertSame(await store.get(['one']), [recordOf(again)])
    assert.deepEqual(await stepsIn(store, 'one'), [])
    assert.deepEqual(await store.readMail({ owner: 'ada', limit: 10 }), [])
  })

  test('only the owner deletes, each on its own', async ({ store }) => {
    await live(store, 'ada', 'bea')
    await store.create([
      newExecution('a', { owner: 'ada' }),
      newExecution('b', { owner: 'bea' }),
      newExecution('c', { owner: 'ada' }),
      newExecution('d'),
    ])
    await store.commit([commitTo('c', { steps: [stepRecord('A')] })])
    const deleted = await store.delete([
      { id: 'a', owner: 'ada', epoch: 1 },
      { id: 'b', owner: 'ada', epoch: 1 },
      { id: 'c', owner: 'ada', epoch: 2 },
      { id: 'd', owner: 'ada', epoch: 0 },
      { id: 'gone', owner: 'ada', epoch: 1 },
    ])
    assert.deepEqual(deleted, [true, false, false, false, false])
    const left = await store.get(['a', 'b', 'c', 'd'])
    assert.deepEqual(
      left.map((record) => record?.id),
      [undefined, 'b', 'c', 'd'],
    )
    assert.equal((await stepsIn(store, 'c')).length, 1)
    assert.deepEqual(await store.delete([{ id: 'a', owner: 'ada', epoch: 1 }]), [false])
    assert.deepEqual(await store.delete([]), [])
  })

  test('what was deleted is acquired by no owner', async ({ store }) => {
    await createOwned(store, 'one')
    await store.delete([{ id: 'one', owner: 'ada', epoch: 1 }])
    await store.endOwner('ada')
    await live(store, 'bea')
    assert.deepEqual(await store.acquire({ owner: 'bea', graphs: ['users'], limit: 10 }), [])
    assert.deepEqual(await store.acquire({ owner: 'bea', ids: ['one'], andEnded: true, limit: 10 }), [])
  })

  test('purge deletes what ended before a time, in one of the statuses', async ({ store }) => {
    await ended(store, { c1: ['completed', 100], c2: ['completed', 200], f1: ['failed', 100], x1: ['cancelled', 100] })
    await createOwned(store, 'unfinished')
    await store.endOwner('ada')
    assert.equal(await store.purge({ statuses: ['completed'], endedBefore: 100, limit: 10 }), 0)
    assert.equal(await store.purge({ statuses: ['completed'], endedBefore: 101, limit: 10 }), 1)
    assert.deepEqual(await left(store), ['c2', 'f1', 'unfinished', 'x1'])
    assert.equal(await store.purge({ statuses: ['failed', 'cancelled'], endedBefore: 1e12, limit: 10 }), 2)
    assert.deepEqual(await left(store), ['c2', 'unfinished'])
    assert.equal(await store.purge({ statuses: [], endedBefore: 1e12, limit: 10 }), 0)
    assert.deepEqual(await left(store), ['c2', 'unfinished'])
  })

  test('purge never deletes what has not ended', async ({ store }) => {
    await createOwned(store, 'pending')
    await createOwned(store, 'running')
    await store.commit([commitTo('running', { head: { status: 'running', startedAt: 1 } })])
    for (const status of ['compensating', 'waiting'] as const) {
      await createOwned(store, status)
      await store.commit([commitTo(status, { head: { status, startedAt: 1 } })])
    }
    await ended(store, { again: ['failed', 5] })
    await store.commit([commitTo('again', { head: { status: 'running', endedAt: undefined } })])
    await store.endOwner('ada')
    assert.equal(await store.purge({ statuses: executionStatuses, endedBefore: 1e14, limit: 10 }), 0)
    assert.deepEqual(await left(store), ['again', 'compensating', 'pending', 'running', 'waiting'])
  })

  test('purge deletes up to its limit, with steps and mail', async ({ store }) => {
    const ids = range(25).map((index) => `e${index}`)
    await ended(store, Object.fromEntries(ids.map((id, index) => [id, ['completed', index]])))
    await store.commit(ids.map((id) => commitTo(id, { steps: [stepRecord('A'), stepRecord('B')] })))
    await store.post(ids.map((id) => message(id, 'late', { andEnded: true })))
    await store.endOwner('ada')
    assert.equal(await store.purge({ statuses: ['completed'], endedBefore: 20, limit: 15 }), 15)
    assert.equal((await left(store)).length, 10)
    assert.equal(await store.purge({ statuses: ['completed'], endedBefore: 20, limit: 15 }), 5)
    assert.deepEqual(await left(store), ['e20', 'e21', 'e22', 'e23', 'e24'])
    assert.equal((await stepsIn(store, ...ids)).length, 10)
    assert.equal((await store.readMail({ owner: 'ada', limit: 100 })).length, 5)
    assert.equal(await store.purge({ statuses: ['completed'], endedBefore: 20, limit: 15 }), 0)
    assert.equal((await recordIn(store, 'e20')).endedAt, 20)
  })

  test('purge of very many counts each of them once', async ({ store }) => {
    const ids = range(1_300).map((index) => `e${index}`)
    await ended(store, Object.fromEntries(ids.map((id, index) => [id, ['completed', index]])))
    await createOwned(store, 'unfinished')
    await store.endOwner('ada')
    const filter = { statuses: ['completed'], endedBefore: 1_300, limit: 1_200 } as const
    assert.equal(await store.purge(filter), 1_200)
    assert.equal((await left(store)).length, 101)
    assert.equal(await store.purge(filter), 100)
    assert.deepEqual(await left(store), ['unfinished'])
    assert.equal(await store.purge(filter), 0)
  })

  test('purge leaves alone what has an owner that lives, until that dies', async ({ store }) => {
    await ended(store, { a: ['completed', 5], b: ['failed', 6], c: ['cancelled', 7], released: ['completed', 8] })
    await live(store, 'bea')
    await store.create([newExecution('d', { owner: 'bea' })])
    await store.commit([
      commitTo('released', { head: { isReleased: true } }),
      commitTo('d', { owner: 'bea', head: { status: 'completed', endedAt: 4 } }),
    ])
    const filter = { statuses: ['completed', 'failed', 'cancelled'], endedBefore: 9, limit: 2 } as const
    // Those that are left alone do not count.
    assert.equal(await store.purge(filter), 1)
    assert.deepEqual(await left(store), ['a', 'b', 'c', 'd'])
    assert.equal(await store.purge(filter), 0)
    assert.deepEqual(await store.commit([commitTo('a', { steps: [stepRecord('Late')] })]), [true])
    await store.endOwner('ada')
    assert.equal(await store.purge(filter), 2)
    assert.deepEqual(await left(store), ['c', 'd'])
    assert.equal(await store.purge(filter), 1)
    assert.deepEqual(await left(store), ['d'])
  })

  test('purge leaves alone a child whose parent has not ended, unless that was parked after the child had ended', async ({
    store,
  }) => {
    const farAway = 4e12
    const ids = ['running', 'parked', 'ended', 'other']
    await live(store, 'ada')
    await store.create(ids.map((id) => newExecution(id, { owner: 'ada' })))
    const children = ['gone', ...ids].flatMap((parent) => [
      { parent, id: `${parent}/early`, endedAt: 5 },
      { parent, id: `${parent}/late`, endedAt: farAway },
    ])
    await store.create(children.map(({ parent, id }) => newExecution(id, { owner: 'ada', parent })))
    await store.create([newExecution('fork', { owner: 'ada', forkedFrom: 'running' })])
    await store.commit([
      ...[...children, { id: 'fork', endedAt: 5 }].map(({ id, endedAt }) =>
        commitTo(id, { head: { status: 'completed', endedAt } }),
      ),
      commitTo('ended', { head: { status: 'failed', endedAt: 5 } }),
      commitTo('other', { head: { status: 'compensating' } }),
      commitTo('parked', { park: { lastSeq: 0, waitsFor: '[]' } }),
    ])
    await store.endOwner('ada')
    const filter = { statuses: ['completed'], endedBefore: farAway + 1, limit: 2 } as const
    let purged = 0
    for (let some = -1; some !== 0; purged += some) some = await store.purge(filter)
    assert.equal(purged, 6)
    const spared = ['running/early', 'running/late', 'other/early', 'other/late', 'parked/late']
    assert.deepEqual(await left(store), [...ids, ...spared].toSorted())
  })

  test('purge deletes what a process left whose lease ran out, and nothing that was acquired since', async ({
    store,
    wait,
  }) => {
    await store.renewOwner('ada', 50)
    await store.create(['a', 'b'].map((id) => newExecution(id, { owner: 'ada' })))
    const head = { status: 'completed', endedAt: 5 } as const
    await store.commit(['a', 'b'].map((id) => commitTo(id, { head })))
    await wait(100)
    await live(store, 'bea')
    await store.acquire({ owner: 'bea', ids: ['b'], andEnded: true, limit: 1 })
    assert.equal(await store.purge({ statuses: ['completed'], endedBefore: 6, limit: 10 }), 1)
    assert.deepEqual(await left(store), ['b'])
  })

  test('purge deletes what an owner left that was never registered', async ({ store }) => {
    await store.create([newExecution('one', { owner: 'nobody knows' })])
    await store.commit([commitTo('one', { owner: 'nobody knows', head: { status: 'completed', endedAt: 5 } })])
    assert.equal(await store.purge({ statuses: ['completed'], endedBefore: 6, limit: 10 }), 1)
    assert.deepEqual(await left(store), [])
  })
}

/** Executions of `ada` that have ended, by id. */
async function ended(store: Store, executions: Record<string, readonly [ExecutionStatus, number]>): Promise<void> {
  await live(store, 'ada')
  const ids = Object.keys(executions)
  await store.create(ids.map((id) => newExecution(id, { owner: 'ada' })))
  await store.commit(
    Object.entries(executions).map(([id, [status, endedAt]]) => commitTo(id, { head: { status, endedAt } })),
  )
}

async function left(store: Store): Promise<readonly string[]> {
  return (await store.list({ limit: 1_000 })).map(({ id }) => id).toSorted()
}
