import assert from 'node:assert/strict'
import type { AcquireRequest, ExecutionCommit } from '../../core/contracts/execution-record.ts'
import type { Store } from '../../core/contracts/store.ts'
import { assertSame } from './assertions.ts'
import type { ConformanceGroup } from './conformance-group.ts'
import {
  checkpointRecord,
  commitTo,
  createOwned,
  live,
  message,
  newExecution,
  recordIn,
  stepRecord,
  stepsIn,
} from './records.ts'

/** That a call which is carried out after what its process sent later changes nothing any more: it has a lower number. */
export function lateCallsConformance({ test, options }: ConformanceGroup): void {
  const keepsCheckpoints = options.keepsCheckpoints !== false

  test('a commit is refused after one with a higher number, with all that it would write', async ({ store }) => {
    await createOwned(store, 'one', { sequence: 3 })
    await store.post([message('one', 'cancel'), message('one', 'signal', { slot: 'Later' })])
    const mail = await store.readMail({ owner: 'ada', limit: 2 })
    const last = commitTo('one', {
      sequence: 9,
      steps: [stepRecord('A', { status: 'waiting', dueAt: 200 })],
      ...(keepsCheckpoints && { checkpoints: [checkpointRecord('a', { status: 'open', value: '2' })] }),
      head: { ownedMs: 20 },
      closedSlots: ['Last'],
    })
    assert.deepEqual(await store.commit([last]), [true])
    const before = await everythingOf(store, 'one')
    const late = {
      sequence: 8,
      steps: [stepRecord('A', { status: 'waiting', dueAt: 100 }), stepRecord('B')],
      ...(keepsCheckpoints && { checkpoints: [checkpointRecord('a', { status: 'open', value: '1' })] }),
      consumed: mail.map(({ seq }) => seq),
      openedSlots: ['Last'],
      outgoing: [{ ...message('other', 'child'), id: 'sent', entry: 'sent' }],
    }
    const parts: Partial<ExecutionCommit>[] = [
      late,
      { sequence: 8, steps: late.steps },
      { steps: late.steps },
      { sequence: 8, head: { status: 'failed', endedAt: 5, output: '1' } },
      { sequence: 8, head: { isReleased: true } },
      ...(keepsCheckpoints ? [{ sequence: 8, droppedCheckpoints: [{ step: 'Onboarding', item: '' }] }] : []),
      { sequence: 8, park: { lastSeq: 99, waitsFor: '"x"' } },
    ]
    for (const part of parts)
      assert.deepEqual(await store.commit([commitTo('one', part)]), [false], JSON.stringify(part))
    assertSame(await everythingOf(store, 'one'), before)
    assert.deepEqual(await store.readOutbox({ before: 1e15, limit: 10 }), [])
    assert.deepEqual(await store.post([message('one', 'signal', { slot: 'Last' })]), ['late'])
  })

  test('a commit with the number of the last one is written: a driver may send one call twice', async ({ store }) => {
    await createOwned(store, 'one', { sequence: 3 })
    for (const commit of [
      commitTo('one', { sequence: 3, steps: [stepRecord('A')] }),
      commitTo('one', { sequence: 4, head: { ownedMs: 1 } }),
      commitTo('one', { sequence: 4, head: { ownedMs: 1 } }),
      commitTo('one', { sequence: 2 ** 40, steps: [stepRecord('B')] }),
      commitTo('one', { sequence: 2 ** 40, steps: [stepRecord('B')] }),
    ])
      assert.deepEqual(await store.commit([commit]), [true])
    assert.deepEqual(await store.commit([commitTo('one', { sequence: 2 ** 40 - 1 })]), [false])
    assert.equal((await stepsIn(store, 'one')).length, 2)
  })

  test('of commits in one call, each is judged by its own execution', async ({ store }) => {
    for (const [index, id] of ['a', 'b', 'c', 'd'].entries()) await createOwned(store, id, { sequence: index + 1 })
    const commits = ['a', 'b', 'c', 'd'].map((id) => commitTo(id, { sequence: 2, steps: [stepRecord('A')] }))
    assert.deepEqual(await store.commit(commits), [true, true, false, false])
    const heads = commits.map((commit) => ({ ...commit, head: { ownedMs: 7 } }))
    assert.deepEqual(await store.commit(heads), [true, true, false, false])
    assert.deepEqual(
      (await stepsIn(store, 'a', 'b', 'c', 'd')).map(({ execution }) => execution),
      ['a', 'b'],
    )
    assert.deepEqual(
      (await store.get(['a', 'b', 'c', 'd'])).map((record) => record?.ownedMs),
      [7, 7, 0, 0],
    )
  })

  test('an epoch begins with the number of the acquisition, whatever was written in the last one', async ({
    store,
  }) => {
    await live(store, 'bea')
    await createOwned(store, 'one', { sequence: 70 })
    await store.commit([commitTo('one', { sequence: 80, head: { isReleased: true } })])
    await acquire(store, { owner: 'bea', sequence: 5, ids: ['one'] })
    const bea = { owner: 'bea', epoch: 2 }
    assert.deepEqual(await store.commit([commitTo('one', { ...bea, sequence: 4 })]), [false])
    assert.deepEqual(await store.commit([commitTo('one', { ...bea, sequence: 6, head: { isReleased: true } })]), [true])
    await acquire(store, { owner: 'ada', sequence: 90, graphs: ['users'] })
    const ada = { owner: 'ada', epoch: 3 }
    assert.deepEqual(await store.commit([commitTo('one', { ...ada, sequence: 89 })]), [false])
    assert.deepEqual(await store.commit([commitTo('one', { ...ada, sequence: 90 })]), [true])
  })

  test('what was sent to a former execution of an id is refused by the next one, in the same epoch', async ({
    store,
  }) => {
    await createOwned(store, 'one', { sequence: 10 })
    assert.deepEqual(await store.delete([{ id: 'one', owner: 'ada', epoch: 1, sequence: 12 }]), [true])
    await store.create([newExecution('one', { owner: 'ada', sequence: 13 })])
    assert.deepEqual(await store.commit([commitTo('one', { sequence: 11, steps: [stepRecord('Old')] })]), [false])
    await store.commit([commitTo('one', { sequence: 14, head: { isReleased: true } })])
    await acquire(store, { owner: 'ada', sequence: 15, ids: ['one'] })
    await store.delete([{ id: 'one', owner: 'ada', epoch: 2, sequence: 16 }])
    // Queued without an owner, and acquired by the former one.
    await store.create([newExecution('one')])
    await acquire(store, { owner: 'ada', sequence: 17, graphs: ['users'] })
    assert.deepEqual(await store.commit([commitTo('one', { sequence: 14, steps: [stepRecord('Old')] })]), [false])
    assert.deepEqual(await stepsIn(store, 'one'), [])
  })

  test('a deletion is refused after a commit with a higher number', async ({ store }) => {
    await createOwned(store, 'one', { sequence: 20 })
    await createOwned(store, 'two', { sequence: 20 })
    await store.commit([commitTo('two', { sequence: 22 })])
    const deletions = ['one', 'two'].map((id) => ({ id, owner: 'ada', epoch: 1, sequence: 21 }))
    assert.deepEqual(await store.delete(deletions), [true, false])
    assert.deepEqual(await store.delete([{ ...deletions[0]!, sequence: 19 }]), [false])
    assert.deepEqual(await store.delete([{ id: 'two', owner: 'ada', epoch: 1 }]), [false])
    assert.deepEqual((await recordIn(store, 'two')).epoch, 1)
    assert.deepEqual(await store.delete([{ ...deletions[1]!, sequence: 22 }]), [true])
  })

  test('an owner does not acquire again what it has written to since the call was sent', async ({ store }) => {
    await createOwned(store, 'one', { sequence: 30 })
    for (const which of [{ ids: ['one'] }, { graphs: ['users'] }]) {
      const own = { owner: 'ada', andOwn: true, limit: 1, ...which }
      assert.deepEqual(await store.acquire({ ...own, sequence: 29 }), [])
      assert.deepEqual(await store.acquire(own), [])
      assert.equal((await recordIn(store, 'one')).epoch, 1)
    }
    await acquire(store, { owner: 'ada', andOwn: true, sequence: 30, ids: ['one'] })
    await acquire(store, { owner: 'ada', andOwn: true, sequence: 31, graphs: ['users'] })
    assert.equal((await recordIn(store, 'one')).epoch, 3)
  })
}

async function acquire(store: Store, request: Omit<AcquireRequest, 'limit'>): Promise<void> {
  assert.equal((await store.acquire({ limit: 1, ...request })).length, 1)
}

async function everythingOf(store: Store, id: string): Promise<unknown> {
  return {
    record: await recordIn(store, id),
    steps: await stepsIn(store, id),
    checkpoints: await store.readCheckpoints?.({ execution: id, limit: 10 }),
    mail: await store.readMail({ owner: 'ada', executions: [id], limit: 10 }),
  }
}
