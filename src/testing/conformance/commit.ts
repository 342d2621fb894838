import assert from 'node:assert/strict'
import type { HeadChange } from '../../core/contracts/execution-record.ts'
import { assertSame } from './assertions.ts'
import type { ConformanceGroup } from './conformance-group.ts'
import {
  commitTo,
  createOwned,
  live,
  newExecution,
  range,
  recordIn,
  recordOf,
  someTime,
  stepRecord,
  stepsIn,
} from './records.ts'

/** What `commit` writes. */
export function commitConformance({ test }: ConformanceGroup): void {
  test('step records are kept as they are', async ({ store }) => {
    await createOwned(store, 'one')
    const steps = [
      stepRecord('A'),
      stepRecord('B', { status: 'running', output: undefined, endedAt: undefined }),
      stepRecord('C', {
        status: 'retrying',
        attempt: 3,
        error: '{"message":"no"}',
        output: undefined,
        dueAt: someTime,
      }),
      stepRecord('D', { item: 'item-1', inputHash: 'abc', typeVersion: '2', startedAt: undefined, endedAt: undefined }),
      stepRecord('D', { item: 'item-2', status: 'skipped', attempt: 0, output: undefined }),
    ]
    assert.deepEqual(await store.commit([commitTo('one', { steps })]), [true])
    assertSame(
      await stepsIn(store, 'one'),
      steps.map((step) => ({ ...step, execution: 'one' })),
    )
  })

  test('a step record that is there is replaced whole, the others stay', async ({ store }) => {
    await createOwned(store, 'one')
    const first = stepRecord('A', { status: 'retrying', attempt: 1, error: '"no"', output: undefined, dueAt: 7 })
    const others = [stepRecord('A', { item: 'x' }), stepRecord('B')]
    await store.commit([commitTo('one', { steps: [first, ...others] })])
    const second = stepRecord('A', { attempt: 2, inputHash: 'abc' })
    await store.commit([commitTo('one', { steps: [second] })])
    assertSame(
      await stepsIn(store, 'one'),
      [second, ...others].map((step) => ({ ...step, execution: 'one' })),
    )
  })

  test('of records of one step in one commit, the last stays', async ({ store }) => {
    await createOwned(store, 'one')
    const steps = [stepRecord('A', { status: 'running', output: undefined }), stepRecord('B'), stepRecord('A')]
    assert.deepEqual(await store.commit([commitTo('one', { steps })]), [true])
    const kept = await stepsIn(store, 'one')
    assert.deepEqual(
      kept.map(({ step, status }) => [step, status]),
      [
        ['A', 'completed'],
        ['B', 'completed'],
      ],
    )
  })

  test('of a head, what is named changes, and nothing else', async ({ store }) => {
    const created = newExecution('one', { owner: 'ada', headers: { a: 'b' } })
    await live(store, 'ada')
    await store.create([created])
    const changes: readonly HeadChange[] = [
      { status: 'running' },
      { startedAt: someTime + 1 },
      { inputs: '{"UserID":{"id":"user-456"}}' },
      { graphHash: 'hash-2' },
      { machineVersion: 2 },
      { ownedMs: 1_234 },
      { recoveries: 3 },
      { output: '{"name":"Ada"}' },
      { error: '{"message":"no"}' },
      { status: 'failed', endedAt: someTime + 5 },
    ]
    let expected = recordOf(created)
    for (const [index, head] of changes.entries()) {
      const at = someTime + 100 + index
      assert.deepEqual(await store.commit([commitTo('one', { at, head })]), [true])
      const record = await recordIn(store, 'one')
      expected = { ...expected, ...head, updatedAt: at }
      assertSame(record, expected, JSON.stringify(head))
    }
  })

  test('in a head, `undefined` takes away, and an absent field leaves alone', async ({ store }) => {
    await createOwned(store, 'one')
    const ended: HeadChange = { status: 'failed', output: '1', error: '"no"', endedAt: someTime + 5 }
    await store.commit([commitTo('one', { head: ended })])
    await store.commit([commitTo('one', { head: { status: 'running' } })])
    const left = await recordIn(store, 'one')
    assertSame([left.output, left.error, left.endedAt], ['1', '"no"', someTime + 5])
    await store.commit([commitTo('one', { head: { output: undefined } })])
    await store.commit([commitTo('one', { head: { error: undefined, endedAt: undefined } })])
    const { output, error, endedAt, status } = await recordIn(store, 'one')
    assert.deepEqual([output, error, endedAt, status], [undefined, undefined, undefined, 'running'])
  })

  test('a commit without steps and without a head says whether the execution is still the owner’s', async ({
    store,
  }) => {
    await createOwned(store, 'one')
    assert.deepEqual(await store.commit([commitTo('one')]), [true])
    assert.deepEqual(await store.commit([commitTo('one', { owner: 'bea' })]), [false])
    assert.deepEqual(await store.commit([]), [])
  })

  test('the same commit again changes nothing', async ({ store }) => {
    await createOwned(store, 'one')
    const head: HeadChange = { status: 'completed', output: '42', endedAt: someTime + 9 }
    const commit = commitTo('one', { head, steps: [stepRecord('A'), stepRecord('B', { item: 'x' })] })
    assert.deepEqual(await store.commit([commit]), [true])
    const before = [await recordIn(store, 'one'), await stepsIn(store, 'one')]
    assert.deepEqual(await store.commit([commit]), [true])
    assertSame([await recordIn(store, 'one'), await stepsIn(store, 'one')], before)
  })

  test('the owner may write after the end', async ({ store }) => {
    await createOwned(store, 'one')
    await store.commit([commitTo('one', { head: { status: 'failed', error: '"no"', endedAt: someTime + 5 } })])
    assert.deepEqual(await store.commit([commitTo('one', { steps: [stepRecord('Late')] })]), [true])
    assert.equal((await stepsIn(store, 'one')).length, 1)
    assert.equal((await recordIn(store, 'one')).status, 'failed')
  })

  test('a released execution has no owner, and keeps its epoch', async ({ store }) => {
    await createOwned(store, 'one')
    const release = commitTo('one', { head: { isReleased: true, ownedMs: 50 }, steps: [stepRecord('A')] })
    assert.deepEqual(await store.commit([release]), [true])
    const { owner, epoch, status, ownedMs } = await recordIn(store, 'one')
    assert.deepEqual([owner, epoch, status, ownedMs], [undefined, 1, 'pending', 50])
    assert.equal((await stepsIn(store, 'one')).length, 1)
    assert.deepEqual(await store.commit([commitTo('one', { steps: [stepRecord('B')] })]), [false])
    assert.equal((await stepsIn(store, 'one')).length, 1)
  })

  test('an execution that ends may be released in the same commit', async ({ store }) => {
    await createOwned(store, 'one')
    await store.commit([commitTo('one', { head: { status: 'completed', output: '1', endedAt: 9, isReleased: true } })])
    const { owner, status, endedAt } = await recordIn(store, 'one')
    assert.deepEqual([owner, status, endedAt], [undefined, 'completed', 9])
  })

  test('one commit holds a thousand steps', async ({ store }) => {
    await createOwned(store, 'one')
    const steps = range(1_000).map((index) => stepRecord('S', { item: `item-${String(index).padStart(4, '0')}` }))
    assert.deepEqual(await store.commit([commitTo('one', { steps })]), [true])
    assertSame(
      await stepsIn(store, 'one'),
      steps.map((step) => ({ ...step, execution: 'one' })),
    )
  })

  test('one call holds commits to five hundred executions', async ({ store }) => {
    await live(store, 'ada')
    const ids = range(500).map((index) => `e${index}`)
    await store.create(ids.map((id) => newExecution(id, { owner: 'ada' })))
    const commits = ids.map((id, index) =>
      commitTo(id, { steps: [stepRecord('A', { output: `"${id}"` })], head: { ownedMs: index } }),
    )
    assert.deepEqual(
      await store.commit(commits),
      ids.map(() => true),
    )
    for (const { execution, output } of await stepsIn(store, ...ids)) assertSame(output, `"${execution}"`)
    assert.deepEqual(
      (await store.get(ids)).map((record) => record?.ownedMs),
      range(500),
    )
  })
}
