import assert from 'node:assert/strict'
import type { ConformanceGroup } from './conformance-group.ts'
import { commitTo, createOwned, live, newExecution, range, stepRecord, stepsIn } from './records.ts'

/** `readSteps` and its portions. */
export function readStepsConformance({ test }: ConformanceGroup): void {
  test('more than ten thousand step records are read in portions, each once', async ({ store }) => {
    await createOwned(store, 'one')
    await createOwned(store, 'other', { graph: 'orders' })
    for (const portion of range(21)) {
      const steps = range(500).map((index) => stepRecord('S', { item: String(portion * 500 + index), output: '1' }))
      assert.deepEqual(
        await store.commit([commitTo('one', { steps }), commitTo('other', { steps: steps.slice(0, 3) })]),
        [true, true],
      )
    }
    const steps = await stepsIn(store, 'one')
    assert.equal(steps.length, 10_500)
    assert.equal(new Set(steps.map(({ item }) => item)).size, 10_500)
    assert.ok(steps.every(({ execution }) => execution === 'one'))
    const both = await stepsIn(store, 'other', 'one')
    assert.equal(both.length, 10_563)
    assert.equal(new Set(both.map(({ execution, item }) => `${execution} ${item}`)).size, 10_563)
  })

  test('portions are whole when executions have few steps each', async ({ store }) => {
    await live(store, 'ada')
    const ids = range(700).map((index) => `e${String(index).padStart(3, '0')}`)
    await store.create(ids.map((id) => newExecution(id, { owner: 'ada' })))
    const steps = range(5).map((index) => stepRecord(`S${index}`, { output: '1' }))
    await store.commit(ids.map((id, index) => commitTo(id, { steps: steps.slice(0, index % 6) })))
    const read = await stepsIn(store, ...ids)
    const expected = ids.flatMap((id, index) => steps.slice(0, index % 6).map(({ step }) => `${id} ${step}`))
    assert.deepEqual(
      read.map(({ execution, step }) => `${execution} ${step}`),
      expected,
    )
  })

  test('portions are whole where some executions have more steps than one, whatever their names', async ({ store }) => {
    await live(store, 'ada')
    // Orders by UTF-16, by code point and without regard to case differ in these.
    const sizes: Readonly<Record<string, number>> = {
      a: 1_001,
      B: 2_500,
      é: 0,
      '\uffff': 3,
      '😀': 1_000,
      z: 1,
      Z: 2_001,
      '': 999,
    }
    const ids = Object.keys(sizes).map((name) => `e${name}`)
    await store.create(ids.map((id) => newExecution(id, { owner: 'ada' })))
    for (const id of ids) {
      const steps = range(sizes[id.slice(1)]!).map((index) =>
        stepRecord('😀é\uffff'.slice(index % 3), { item: String(index), output: '1' }),
      )
      for (let from = 0; from < steps.length; from += 500)
        assert.deepEqual(await store.commit([commitTo(id, { steps: steps.slice(from, from + 500) })]), [true])
    }
    const read = await stepsIn(store, ...ids)
    assert.equal(new Set(read.map(({ execution, step, item }) => `${execution} ${step} ${item}`)).size, read.length)
    const counts = Object.fromEntries(
      ids.map((id) => [id.slice(1), read.filter(({ execution }) => execution === id).length]),
    )
    assert.deepEqual(counts, sizes)
  })

  test('the steps of the named executions are read, and no others', async ({ store }) => {
    await live(store, 'ada')
    await store.create(['a', 'b', 'c'].map((id) => newExecution(id, { owner: 'ada' })))
    await store.commit(['a', 'b', 'c'].map((id) => commitTo(id, { steps: [stepRecord('S1'), stepRecord('S2')] })))
    const read = async (...ids: string[]): Promise<string[]> =>
      (await stepsIn(store, ...ids)).map(({ execution, step }) => execution + step)
    assert.deepEqual(await read('b'), ['bS1', 'bS2'])
    assert.deepEqual(await read('c', 'gone', 'a'), ['aS1', 'aS2', 'cS1', 'cS2'])
  })

  test('for an empty list of executions, no steps are read', async ({ store }) => {
    await createOwned(store, 'empty')
    assert.deepEqual(await stepsIn(store), [])
    assert.deepEqual(await stepsIn(store, 'gone'), [])
    assert.deepEqual(await stepsIn(store, 'empty', 'gone'), [])
  })
}
