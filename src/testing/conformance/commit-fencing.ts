import assert from 'node:assert/strict'
import { assertSame } from './assertions.ts'
import type { ConformanceGroup } from './conformance-group.ts'
import {
  commitAll,
  commitTo,
  createOwned,
  live,
  message,
  newExecution,
  range,
  recordIn,
  someTime,
  stepRecord,
  stepsIn,
} from './records.ts'

/** Whose commits are refused, and that nothing of them is written. */
export function commitFencingConformance({ test }: ConformanceGroup): void {
  test('with another owner or epoch than the execution’s, nothing is written', async ({ store }) => {
    await createOwned(store, 'one')
    await store.post([message('one', 'cancel')])
    const [mail] = await store.readMail({ owner: 'ada', limit: 1 })
    const before = await recordIn(store, 'one')
    await live(store, 'bea')
    const all = { steps: [stepRecord('A')], head: { status: 'failed', output: '1' }, consumed: [mail!.seq] } as const
    for (const fence of [{ owner: 'bea' }, { epoch: 0 }, { epoch: 2 }, { owner: '' }])
      assert.deepEqual(await store.commit([commitTo('one', { ...all, ...fence })]), [false], JSON.stringify(fence))
    assertSame(await recordIn(store, 'one'), before)
    assert.deepEqual(await stepsIn(store, 'one'), [])
    assert.equal((await store.readMail({ owner: 'ada', limit: 10 })).length, 1)
  })

  test('a commit to an execution that is gone is refused', async ({ store }) => {
    await live(store, 'ada')
    const commit = commitTo('gone', { steps: [stepRecord('A')], head: { status: 'running' } })
    assert.deepEqual(await store.commit([commit]), [false])
    assert.deepEqual(await store.get(['gone']), [undefined])
    assert.deepEqual(await stepsIn(store, 'gone'), [])
  })

  test('a commit to an execution without an owner is refused, from any owner', async ({ store }) => {
    await store.create([newExecution('one')])
    await live(store, 'ada')
    for (const fence of [
      { owner: 'ada', epoch: 0 },
      { owner: '', epoch: 0 },
    ])
      assert.deepEqual(await store.commit([commitTo('one', { ...fence, steps: [stepRecord('A')] })]), [false])
    assert.deepEqual(await stepsIn(store, 'one'), [])
  })

  test('in one call, some commits are written and others refused', async ({ store }) => {
    await live(store, 'ada', 'bea')
    await store.create([
      newExecution('a', { owner: 'ada' }),
      newExecution('b', { owner: 'bea' }),
      newExecution('c', { owner: 'ada' }),
      newExecution('d'),
    ])
    const done = await store.commit(
      ['a', 'b', 'c', 'd', 'gone'].map((id, index) =>
        commitTo(id, { steps: [stepRecord(`S${index}`)], head: { ownedMs: index + 1 } }),
      ),
    )
    assert.deepEqual(done, [true, false, true, false, false])
    assert.deepEqual(
      (await stepsIn(store, 'a', 'b', 'c', 'd', 'gone')).map(({ execution, step }) => execution + step),
      ['aS0', 'cS2'],
    )
    assert.deepEqual(
      (await store.get(['a', 'b', 'c', 'd'])).map((record) => record?.ownedMs),
      [1, 0, 3, 0],
    )
  })

  test('after a takeover, the old owner writes nothing and the new one does', async ({ store, rival }) => {
    const other = await rival()
    await createOwned(store, 'one')
    await store.endOwner('ada')
    await live(other, 'bea')
    assert.equal((await other.acquire({ owner: 'bea', ids: ['one'], limit: 1 })).length, 1)
    assert.deepEqual(await store.commit([commitTo('one', { steps: [stepRecord('Old')] })]), [false])
    assert.deepEqual(await store.commit([commitTo('one', { epoch: 2, steps: [stepRecord('Old')] })]), [false])
    const own = commitTo('one', { owner: 'bea', epoch: 2, steps: [stepRecord('New')] })
    assert.deepEqual(await other.commit([own]), [true])
    assert.deepEqual(
      (await stepsIn(store, 'one')).map(({ step }) => step),
      ['New'],
    )
  })

  test('an owner that got its execution back can’t write in the old epoch', async ({ store }) => {
    await createOwned(store, 'one')
    await store.commit([commitTo('one', { head: { isReleased: true } })])
    await store.acquire({ owner: 'ada', ids: ['one'], limit: 1 })
    assert.deepEqual(await store.commit([commitTo('one', { steps: [stepRecord('Old')] })]), [false])
    assert.deepEqual(await store.commit([commitTo('one', { epoch: 2, steps: [stepRecord('New')] })]), [true])
    assert.deepEqual(
      (await stepsIn(store, 'one')).map(({ step }) => step),
      ['New'],
    )
  })

  test('an acquisition during a commit sees all of the commit, or the commit is refused', async ({ store, rival }) => {
    const other = await rival()
    await live(store, 'bea')
    for (const round of range(25)) {
      const id = `e${round}`
      const owner = `ada-${round}`
      await live(store, owner)
      await store.create([newExecution(id, { owner })])
      await store.endOwner(owner)
      const steps = range(5).map((index) => stepRecord(`S${index}`))
      const commit = commitTo(id, { owner, steps, head: { ownedMs: 5, endedAt: someTime, status: 'running' } })
      const [[written], acquired] = await Promise.all([
        store.commit([commit]),
        other.acquire({ owner: 'bea', ids: [id], limit: 1 }),
      ])
      assert.deepEqual([acquired.length, acquired[0]?.execution.ownedMs], [1, written === true ? 5 : 0])
      assert.equal((await stepsIn(other, id)).length, written === true ? 5 : 0)
    }
  })

  test('calls that write to the same executions at once, in opposite orders, don’t block each other', async (bench) => {
    const { store } = bench
    const other = await bench.rival()
    await live(store, 'ada')
    const ids = range(40).map((index) => `e${index}`)
    await store.create(ids.map((id) => newExecution(id, { owner: 'ada' })))
    const commits = (step: string): ReturnType<typeof commitTo>[] =>
      ids.map((id) => commitTo(id, { steps: [stepRecord(step)], head: { status: 'running' } }))
    const answers = await Promise.all(
      range(10).flatMap((round) => [
        commitAll(store, commits(`A${round}`)),
        commitAll(other, commits(`B${round}`).toReversed()),
      ]),
    )
    assert.deepEqual(new Set(answers.flat()), new Set([true]))
    assert.equal((await stepsIn(store, ...ids)).length, 40 * 20)
  })
}
