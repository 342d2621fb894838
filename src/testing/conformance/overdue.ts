import assert from 'node:assert/strict'
import type { HeadChange } from '../../core/contracts/execution-record.ts'
import type { Store } from '../../core/contracts/store.ts'
import type { ConformanceGroup } from './conformance-group.ts'
import { commitTo, live, newExecution, recordIn } from './records.ts'

/** Executions whose deadlines have come. */
export function overdueConformance({ test }: ConformanceGroup): void {
  test('what is overdue is found, the earliest deadline first, whoever owns it', async ({ store }) => {
    await live(store, 'ada')
    await store.create([
      newExecution('late', { deadline: 300 }),
      newExecution('early', { deadline: 100, owner: 'ada' }),
      newExecution('middle', { deadline: 200 }),
      newExecution('later', { deadline: 1_000 }),
      newExecution('never'),
    ])
    assert.deepEqual(await store.overdue(1_000, 10), ['early', 'middle', 'late'])
    assert.deepEqual(await store.overdue(1_001, 2), ['early', 'middle'])
    assert.deepEqual(await store.overdue(100, 10), [])
    assert.deepEqual(await store.overdue(1_001, 10), ['early', 'middle', 'late', 'later'])
  })

  test('a deadline is changed, and taken away', async ({ store }) => {
    const change = await owned(store, { deadline: 100 })
    await change({ deadline: 500 })
    assert.equal((await recordIn(store, 'one')).deadline, 500)
    assert.deepEqual(await store.overdue(500, 10), [])
    assert.deepEqual(await store.overdue(501, 10), ['one'])
    await change({ deadline: undefined })
    assert.equal((await recordIn(store, 'one')).deadline, undefined)
    assert.deepEqual(await store.overdue(1_000, 10), [])
    await change({ deadline: 200 })
    assert.deepEqual(await store.overdue(1_000, 10), ['one'])
  })

  test('what has ended, or is undone, is not overdue; what begins again may be', async ({ store }) => {
    const change = await owned(store, { deadline: 100 })
    for (const status of ['waiting', 'running'] as const) {
      await change({ status })
      assert.deepEqual(await store.overdue(1_000, 10), ['one'])
    }
    for (const status of ['compensating', 'failed'] as const) {
      await change({ status })
      assert.deepEqual(await store.overdue(1_000, 10), [])
    }
    await change({ status: 'running', deadline: 300 })
    assert.deepEqual(await store.overdue(1_000, 10), ['one'])
    await change({ status: 'completed' })
    assert.deepEqual(await store.overdue(1_000, 10), [])
  })

  test('what is parked is overdue, and what is deleted is not', async ({ store }) => {
    await owned(store, { deadline: 100 })
    const park = { lastSeq: 0, dueAt: 9_000_000_000_000, waitsFor: '[]' }
    assert.deepEqual(await store.commit([commitTo('one', { head: { status: 'waiting' }, park })]), [true])
    assert.deepEqual(await store.overdue(1_000, 10), ['one'])
    const [acquired] = await store.acquire({ owner: 'ada', ids: ['one'], limit: 1 })
    const { epoch } = acquired!.execution
    assert.deepEqual(await store.overdue(1_000, 10), ['one'])
    assert.deepEqual(await store.delete([{ id: 'one', owner: 'ada', epoch }]), [true])
    assert.deepEqual(await store.overdue(1_000, 10), [])
  })
}

/** One that "ada" owns; gives what changes its head. */
async function owned(store: Store, of: Parameters<typeof newExecution>[1]) {
  await live(store, 'ada')
  await store.create([newExecution('one', { owner: 'ada', startedAt: 1, ...of })])
  return async (head: HeadChange): Promise<void> =>
    assert.deepEqual(await store.commit([commitTo('one', { head })]), [true])
}
