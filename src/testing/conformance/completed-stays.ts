import assert from 'node:assert/strict'
import type { HeadChange, StepRecord } from '../../core/contracts/execution-record.ts'
import type { StepStatus } from '../../core/contracts/statuses.ts'
import { assertSame } from './assertions.ts'
import type { ConformanceGroup } from './conformance-group.ts'
import { commitTo, compareTexts, createOwned, live, message, range, recordIn, stepRecord, stepsIn } from './records.ts'

const all: Readonly<Record<StepStatus, true>> = {
  pending: true,
  claiming: true,
  running: true,
  retrying: true,
  queued: true,
  waiting: true,
  completed: true,
  cached: true,
  failed: true,
  skipped: true,
  cancelled: true,
}
const statuses = Object.keys(all) as readonly StepStatus[]
const done: readonly StepStatus[] = ['completed', 'cached']
const unfinished = statuses.filter((status) => !done.includes(status))

/** Which step records replace which: writes may come late, within an epoch too. */
export function completedStaysConformance({ test }: ConformanceGroup): void {
  test('an unfinished record replaces no completed one', async ({ store }) => {
    await createOwned(store, 'one')
    const kept = done.flatMap((status) => unfinished.map((late) => stepRecord(`${status}, ${late}`, { status })))
    await store.commit([commitTo('one', { steps: kept })])
    const late = done.flatMap((status) => unfinished.map((other) => lateRecord(`${status}, ${other}`, other)))
    assert.deepEqual(await store.commit([commitTo('one', { steps: late })]), [true])
    for (const step of late) assert.deepEqual(await store.commit([commitTo('one', { steps: [step] })]), [true])
    assertSame(await stepsIn(store, 'one'), inExecution('one', kept))
  })

  test('a completed record replaces any, and an unfinished one any other', async ({ store }) => {
    await createOwned(store, 'one')
    const pairs = statuses.flatMap((before) =>
      statuses.flatMap((after) => (done.includes(before) && !done.includes(after) ? [] : [[before, after] as const])),
    )
    const first = pairs.map(([before, after]) => lateRecord(`${before}, ${after}`, before))
    await store.commit([commitTo('one', { steps: first })])
    const second = pairs.map(([before, after]) =>
      stepRecord(`${before}, ${after}`, { status: after, attempt: 7, output: '"new"', typeVersion: '9' }),
    )
    await store.commit([commitTo('one', { steps: second })])
    assertSame(await stepsIn(store, 'one'), inExecution('one', second))
  })

  test('a refused record takes nothing else of its commit with it', async ({ store }) => {
    await createOwned(store, 'one')
    await store.post([message('one', 'cancel')])
    const [mail] = await store.readMail({ owner: 'ada', limit: 1 })
    await store.commit([commitTo('one', { steps: [stepRecord('A')] })])
    const others = [stepRecord('A', { item: 'x' }), lateRecord('B', 'running'), stepRecord('C', { status: 'cached' })]
    const steps = [lateRecord('A', 'running'), ...others]
    const head: HeadChange = { status: 'failed', error: '"no"', output: undefined, endedAt: 9 }
    const commit = commitTo('one', { at: 77, steps, head, consumed: [mail!.seq] })
    assert.deepEqual(await store.commit([commit]), [true])
    assertSame(await stepsIn(store, 'one'), inExecution('one', [stepRecord('A'), ...others]))
    const { status, error, updatedAt, endedAt } = await recordIn(store, 'one')
    assert.deepEqual([status, error, updatedAt, endedAt], ['failed', '"no"', 77, 9])
    assert.deepEqual(await store.readMail({ owner: 'ada', limit: 10 }), [])
  })

  test('within one commit, its records replace each other in their order, by the same rule', async ({ store }) => {
    await createOwned(store, 'one')
    const steps = [lateRecord('A', 'running'), stepRecord('A'), lateRecord('A', 'failed'), lateRecord('B', 'running')]
    assert.deepEqual(await store.commit([commitTo('one', { steps })]), [true])
    assertSame(await stepsIn(store, 'one'), inExecution('one', [stepRecord('A'), lateRecord('B', 'running')]))
  })

  test('a completed record stays under the next owner too', async ({ store }) => {
    await createOwned(store, 'one')
    await store.commit([commitTo('one', { steps: [stepRecord('A'), lateRecord('B', 'running')] })])
    await store.endOwner('ada')
    await live(store, 'bea')
    await store.acquire({ owner: 'bea', ids: ['one'], limit: 1 })
    const steps = [lateRecord('A', 'running'), lateRecord('B', 'retrying')]
    assert.deepEqual(await store.commit([commitTo('one', { owner: 'bea', epoch: 2, steps })]), [true])
    assertSame(await stepsIn(store, 'one'), inExecution('one', [stepRecord('A'), lateRecord('B', 'retrying')]))
  })

  test('a record without a type replaces any, and any replaces it', async ({ store }) => {
    await createOwned(store, 'one')
    const names = statuses.flatMap((before) => statuses.map((after) => [before, after] as const))
    await store.commit([
      commitTo('one', { steps: names.map(([before, after]) => lateRecord(`${before}, ${after}`, before)) }),
    ])
    const dropped = names.map(([before, after]) =>
      stepRecord(`${before}, ${after}`, { status: before, type: '', output: undefined }),
    )
    assert.deepEqual(await store.commit([commitTo('one', { steps: dropped })]), [true])
    assertSame(await stepsIn(store, 'one'), inExecution('one', dropped))
    const next = names.map(([before, after]) => lateRecord(`${before}, ${after}`, after))
    assert.deepEqual(await store.commit([commitTo('one', { steps: next })]), [true])
    assertSame(await stepsIn(store, 'one'), inExecution('one', next))
  })

  test('completed records stay in a call with a thousand records of many executions', async ({ store }) => {
    const ids = range(20).map((index) => `e${index}`)
    for (const id of ids) await createOwned(store, id)
    // The second half of each, and the whole of every other one, is completed.
    const first = ids.map((id, index) => commitTo(id, { steps: items('completed').slice(index % 2 === 0 ? 0 : 25) }))
    await store.commit(first)
    const late = ids.map((id) => commitTo(id, { steps: items('running') }))
    assert.deepEqual(
      await store.commit(late),
      ids.map(() => true),
    )
    const kept = await stepsIn(store, ...ids)
    assert.equal(kept.length, 1_000)
    assert.equal(kept.filter(({ status }) => status === 'completed').length, 750)
    assert.ok(
      kept.every(({ execution, item, status }) => {
        const isHalf = Number(execution.slice(1)) % 2 === 1
        return (status === 'running') === (isHalf && Number(item.slice(5)) < 25)
      }),
    )
  })
}

function items(status: StepStatus): StepRecord[] {
  return range(50).map((index) => stepRecord('S', { item: `item-${String(index).padStart(2, '0')}`, status }))
}

/** A record that differs in all its fields. */
function lateRecord(step: string, status: StepStatus): StepRecord {
  return stepRecord(step, {
    status,
    attempt: 4,
    inputHash: 'late',
    type: 'Late',
    typeVersion: '3',
    output: undefined,
    error: '"late"',
    startedAt: undefined,
    endedAt: undefined,
    dueAt: 8,
  })
}

function inExecution(execution: string, steps: readonly StepRecord[]): (StepRecord & { execution: string })[] {
  return steps
    .map((step) => ({ ...step, execution }))
    .toSorted((one, other) =>
      compareTexts(JSON.stringify([one.step, one.item]), JSON.stringify([other.step, other.item])),
    )
}
