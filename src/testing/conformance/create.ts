import assert from 'node:assert/strict'
import { assertSame } from './assertions.ts'
import type { NewExecution } from '../../core/contracts/execution-record.ts'
import type { ConformanceGroup } from './conformance-group.ts'
import {
  commitTo,
  createAll,
  createOwned,
  live,
  newExecution,
  range,
  recordIn,
  recordOf,
  stepRecord,
  stepsIn,
} from './records.ts'

/** `create` without a transaction. */
export function createConformance({ test }: ConformanceGroup): void {
  test('an execution without an owner begins pending, in epoch 0', async ({ store }) => {
    const created = newExecution('one', {
      kind: 'batch',
      parent: 'parent-1',
      forkedFrom: 'origin-1',
      timeoutMs: 30_000,
      deadline: 1_800_000_000_123,
      headers: { owned: 'acme', 'trace-id': 'f00d' },
    })
    assert.deepEqual(await store.create([created]), [undefined])
    assertSame(await store.get(['one']), [recordOf(created)])
    assert.equal((await recordIn(store, 'one')).epoch, 0)
  })

  test('an execution with an owner begins pending, in epoch 1', async ({ store }) => {
    await live(store, 'ada')
    const created = newExecution('one', { owner: 'ada' })
    assert.deepEqual(await store.create([created]), [undefined])
    assertSame(await store.get(['one']), [recordOf(created)])
    assert.equal((await recordIn(store, 'one')).epoch, 1)
  })

  test('an execution that its owner begins at once begins running', async ({ store }) => {
    await live(store, 'ada')
    const created = newExecution('one', { owner: 'ada', startedAt: 5 })
    assert.deepEqual(await store.create([created]), [undefined])
    assertSame(await store.get(['one']), [recordOf(created)])
    const { status, startedAt } = await recordIn(store, 'one')
    assert.deepEqual({ status, startedAt }, { status: 'running', startedAt: 5 })
    const listed = async (status: 'pending' | 'running'): Promise<number> =>
      (await store.list({ statuses: [status], limit: 10 })).length
    assert.deepEqual([await listed('pending'), await listed('running')], [0, 1])
    assert.deepEqual(await store.commit([commitTo('one', { head: { status: 'completed', endedAt: 6 } })]), [true])
    assert.deepEqual([await listed('running'), (await recordIn(store, 'one')).startedAt], [0, 5])
  })

  test('a new execution has neither steps nor mail', async ({ store }) => {
    await createOwned(store, 'one')
    assert.deepEqual(await stepsIn(store, 'one'), [])
    assert.deepEqual(await store.readMail({ owner: 'ada', limit: 10 }), [])
  })

  test('steps that begin with a new execution are there with it, and those of one that is known are not', async ({
    store,
  }) => {
    await live(store, 'ada')
    await store.create([newExecution('known', { owner: 'ada', startedAt: 5 })])
    const begun = [stepRecord('first', { status: 'running', output: undefined }), stepRecord('second')]
    const withSteps = (id: string, steps = begun): NewExecution =>
      newExecution(id, { owner: 'ada', startedAt: 5, steps })
    const others = ['b', 'c', 'd'].map((id) => withSteps(id, id === 'c' ? [] : begun))
    const known = await createAll(store, [withSteps('a'), withSteps('known'), ...others])
    assert.deepEqual(
      known.map((record) => record?.id),
      [undefined, 'known', undefined, undefined, undefined],
    )
    assertSame(await store.get(['a']), [recordOf(newExecution('a', { owner: 'ada', startedAt: 5 }))])
    for (const id of ['a', 'b', 'd'])
      assertSame(
        await stepsIn(store, id),
        begun.map((step) => ({ ...step, execution: id })),
        id,
      )
    for (const id of ['known', 'c']) assert.deepEqual(await stepsIn(store, id), [], id)
    assert.deepEqual(await store.commit([commitTo('a', { steps: [stepRecord('first', { attempt: 2 })] })]), [true])
    assert.equal((await stepsIn(store, 'a')).find(({ step }) => step === 'first')?.attempt, 2)
  })

  test('an id that is there gives the record as it is, and changes nothing', async ({ store }) => {
    await createOwned(store, 'one', { requestDigest: 'first' })
    await store.commit([commitTo('one', { head: { status: 'running', startedAt: 5 }, steps: [stepRecord('A')] })])
    const before = await recordIn(store, 'one')
    const [known] = await createAll(store, [
      newExecution('one', { requestDigest: 'second', graph: 'other', owner: 'bea' }),
    ])
    assertSame(known, before)
    assert.equal(known?.requestDigest, 'first')
    assertSame(await store.get(['one']), [before])
    assert.equal((await stepsIn(store, 'one')).length, 1)
  })

  test('one call creates many, and returns in order those that were there', async ({ store }) => {
    await store.create([
      newExecution('b', { requestDigest: 'known b' }),
      newExecution('d', { requestDigest: 'known d' }),
    ])
    const known = await createAll(
      store,
      ['a', 'b', 'c', 'd', 'e'].map((id) => newExecution(id)),
    )
    assert.deepEqual(
      known.map((record) => record?.requestDigest),
      [undefined, 'known b', undefined, 'known d', undefined],
    )
    const ids = (await store.get(['a', 'b', 'c', 'd', 'e'])).map((record) => record?.id)
    assert.deepEqual(ids, ['a', 'b', 'c', 'd', 'e'])
  })

  test('executions with and without an owner are created in one call', async ({ store }) => {
    await live(store, 'ada', 'bea')
    const owners = ['ada', undefined, 'bea', undefined]
    await store.create(owners.map((owner, index) => newExecution(`e${index}`, { owner })))
    const records = await store.get(owners.map((_, index) => `e${index}`))
    assert.deepEqual(
      records.map((record) => record?.owner),
      owners,
    )
    assert.deepEqual(
      records.map((record) => record?.epoch),
      [1, 0, 1, 0],
    )
  })

  test('the same id twice in one call is created once, and there the second time', async ({ store }) => {
    const known = await createAll(store, [
      newExecution('one', { requestDigest: 'first' }),
      newExecution('two'),
      newExecution('one', { requestDigest: 'second' }),
    ])
    assert.deepEqual(
      known.map((record) => record?.requestDigest),
      [undefined, undefined, 'first'],
    )
    assert.equal((await recordIn(store, 'one')).requestDigest, 'first')
  })

  test('creating an empty list writes nothing', async ({ store }) => {
    assert.deepEqual(await store.create([]), [])
  })

  test('a thousand are created in one call', async ({ store }) => {
    const created = range(1_000).map((index) => newExecution(`e${index}`, { createdAt: index }))
    assert.deepEqual(
      await store.create(created),
      range(1_000).map(() => undefined),
    )
    assertSame(
      await store.get(created.map(({ id }) => id)),
      created.map((one) => recordOf(one)),
    )
  })

  test('of two clients that create the same ids at once, in opposite orders, one creates each', async (bench) => {
    const { store } = bench
    const other = await bench.rival()
    const ids = range(100).map((index) => `e${index}`)
    const [ofOne, ofOther] = await Promise.all([
      createAll(
        store,
        ids.map((id) => newExecution(id, { requestDigest: 'one' })),
      ),
      createAll(
        other,
        ids.toReversed().map((id) => newExecution(id, { requestDigest: 'other' })),
      ),
    ])
    const answers = new Map(ids.map((id, index) => [id, [ofOne[index], ofOther.toReversed()[index]]]))
    for (const [id, [one, another]] of answers) {
      const { requestDigest } = await recordIn(store, id)
      assert.deepEqual(
        [one?.requestDigest, another?.requestDigest],
        requestDigest === 'one' ? [undefined, 'one'] : ['other', undefined],
        id,
      )
    }
  })
}
