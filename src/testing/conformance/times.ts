import assert from 'node:assert/strict'
import type { HeadChange, StepRecord } from '../../core/contracts/execution-record.ts'
import { assertSame } from './assertions.ts'
import type { ConformanceGroup } from './conformance-group.ts'
import { commitTo, createOwned, message, newExecution, recordIn, recordOf, stepRecord, stepsIn } from './records.ts'

/** Milliseconds since the epoch: long ago, far ahead, odd ones, hours that daylight saving skips or has twice. */
const times: readonly number[] = [
  0,
  1,
  -1,
  Date.UTC(1900, 0, 1, 0, 0, 0, 1),
  Date.UTC(1969, 11, 31, 23, 59, 58, 999),
  1_700_000_000_123,
  1_700_000_000_999,
  Date.UTC(2026, 2, 29, 1, 30, 0, 7),
  Date.UTC(2026, 2, 29, 2, 30, 0, 7),
  Date.UTC(2026, 9, 25, 0, 30, 0, 7),
  Date.UTC(2026, 9, 25, 1, 30, 0, 7),
  Date.UTC(2026, 2, 8, 7, 30, 0, 7),
  Date.UTC(2028, 1, 29, 23, 59, 59, 1),
  2_147_483_647_001,
  Date.UTC(2100, 0, 1, 0, 0, 0, 1),
  Date.UTC(9999, 11, 31, 23, 59, 59, 998),
]

/** That times are exact to the millisecond, and large numbers whole. */
export function timesConformance({ test }: ConformanceGroup): void {
  test('times of executions come back to the millisecond', async ({ store }) => {
    const created = times.map((createdAt, index) => newExecution(`e${index}`, { createdAt }))
    await store.create(created)
    assertSame(
      await store.get(created.map(({ id }) => id)),
      created.map((one) => recordOf(one)),
    )
    await createOwned(store, 'one')
    for (const time of times) {
      const head: HeadChange = { startedAt: time, endedAt: time }
      await store.commit([commitTo('one', { at: time, head })])
      const { startedAt, endedAt, updatedAt } = await recordIn(store, 'one')
      assert.deepEqual([startedAt, endedAt, updatedAt], [time, time, time])
    }
  })

  test('times of steps and messages come back to the millisecond', async ({ store }) => {
    await createOwned(store, 'one')
    const steps: readonly StepRecord[] = times.map((time, index) =>
      stepRecord(`S${String(index).padStart(2, '0')}`, { startedAt: time, endedAt: time, dueAt: time }),
    )
    await store.commit([commitTo('one', { steps })])
    assertSame(
      await stepsIn(store, 'one'),
      steps.map((step) => ({ ...step, execution: 'one' })),
    )
    await store.post(times.map((at) => message('one', 'm', { at })))
    assert.deepEqual(
      (await store.readMail({ owner: 'ada', limit: 100 })).map(({ at }) => at),
      times,
    )
  })

  test('executions of all times are listed in their order, and filtered to the millisecond', async ({ store }) => {
    await store.create(times.map((createdAt, index) => newExecution(`e${index}`, { createdAt })))
    const newestFirst = times.toSorted((one, other) => other - one)
    const createdAts = async (query: object): Promise<number[]> =>
      (await store.list({ ...query, limit: 100 })).map(({ createdAt }) => createdAt)
    assert.deepEqual(await createdAts({}), newestFirst)
    for (const time of times) {
      assert.deepEqual(await createdAts({ createdFrom: time, createdBefore: time + 1 }), [time])
      assert.deepEqual(
        await createdAts({ createdBefore: time }),
        newestFirst.filter((other) => other < time),
      )
    }
  })

  test('purge compares ends long ago and far ahead', async ({ store }) => {
    await createOwned(store, 'old')
    await createOwned(store, 'far')
    const [old, far] = [Date.UTC(1900, 0, 1), Date.UTC(9999, 0, 1)]
    await store.commit([
      commitTo('old', { head: { status: 'failed', endedAt: old } }),
      commitTo('far', { head: { status: 'failed', endedAt: far } }),
    ])
    await store.endOwner('ada')
    assert.equal(await store.purge({ statuses: ['failed'], endedBefore: old, limit: 10 }), 0)
    assert.equal(await store.purge({ statuses: ['failed'], endedBefore: far, limit: 10 }), 1)
    assert.equal((await recordIn(store, 'far')).endedAt, far)
  })

  test('large numbers come back whole', async ({ store }) => {
    await createOwned(store, 'one', { machineVersion: 2_000_000_000, timeoutMs: 3_155_760_000_000 })
    assert.equal((await recordIn(store, 'one')).timeoutMs, 3_155_760_000_000)
    const head: HeadChange = { ownedMs: 3_155_760_000_000, recoveries: 1_000_000, machineVersion: 2_000_000_001 }
    const steps = [stepRecord('A', { attempt: 2_000_000_000 })]
    await store.commit([commitTo('one', { head, steps })])
    const { ownedMs, recoveries, machineVersion } = await recordIn(store, 'one')
    assert.deepEqual({ ownedMs, recoveries, machineVersion }, head)
    assert.equal((await stepsIn(store, 'one'))[0]?.attempt, 2_000_000_000)
  })
}
