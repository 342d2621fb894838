import assert from 'node:assert/strict'
import type { StoredValue } from '../../core/contracts/stored-value.ts'
import { assertSameValue } from './assertions.ts'
import { awkwardBytes, awkwardJson } from './awkward.ts'
import type { ConformanceGroup } from './conformance-group.ts'
import {
  claimOf,
  commitTo,
  createOwned,
  epochOf,
  live,
  message,
  newExecution,
  range,
  recordIn,
  stepRecord,
  stepsIn,
  success,
} from './records.ts'

const megabyte = 1_000_000

/** That values come back as they were given. */
export function valuesConformance({ test }: ConformanceGroup): void {
  for (const [title, values] of Object.entries({
    'texts of JSON': awkwardJson,
    bytes: awkwardBytes,
    'large values': [JSON.stringify('é"\\'.repeat(megabyte / 8)), new Uint8Array(megabyte).fill(200)],
  })) {
    test(`${title} come back as inputs of an execution`, async ({ store }) => {
      await store.create(values.map((inputs, index) => newExecution(`e${index}`, { inputs })))
      const records = await store.get(values.map((_, index) => `e${index}`))
      assertSameValues(
        records.map((record) => record?.inputs),
        values,
      )
    })

    test(`${title} come back as inputs, output and error of a head`, async ({ store }) => {
      await createOwned(store, 'one')
      for (const value of values) {
        await store.commit([commitTo('one', { head: { inputs: value, output: value, error: value } })])
        const { inputs, output, error } = await recordIn(store, 'one')
        assertSameValues([inputs, output, error], [value, value, value])
      }
    })

    test(`${title} come back as outputs and errors of steps`, async ({ store }) => {
      await createOwned(store, 'one')
      const steps = values.flatMap((value, index) => [
        stepRecord('Output', { item: String(index), output: value, error: undefined }),
        stepRecord('Error', { item: String(index), output: undefined, error: value }),
      ])
      await store.commit([commitTo('one', { steps })])
      const read = await stepsIn(store, 'one')
      for (const [index, value] of values.entries()) {
        const ofItem = (name: string): (typeof read)[number] | undefined =>
          read.find(({ step, item }) => step === name && item === String(index))
        assertSameValues([ofItem('Output')?.output, ofItem('Output')?.error], [value, undefined])
        assertSameValues([ofItem('Error')?.output, ofItem('Error')?.error], [undefined, value])
      }
    })

    test(`${title} come back as messages`, async ({ store }) => {
      await createOwned(store, 'one')
      await store.post(values.map((payload) => message('one', 'signal', { payload })))
      const mail = await store.readMail({ owner: 'ada', limit: 1_000 })
      assertSameValues(
        mail.map(({ payload }) => payload),
        values,
      )
    })

    test(`${title} come back as results`, async ({ store }) => {
      await live(store, 'ada')
      const keys = values.map((_, index) => `key-${index}`)
      const claims = await store.claimResults(keys.map((key) => claimOf(key, 'ada')))
      const epochs = claims.map((claim) => epochOf(claim, 'claimed'))
      await store.commitResults(keys.map((key, index) => success(key, 'ada', epochs[index]!, values[index])))
      const found = await store.getResults(keys)
      assertSameValues(
        found.map((state) => (state?.status === 'completed' ? state.output : undefined)),
        values,
      )
    })

    test(`${title} come back as errors of results`, async ({ store }) => {
      await live(store, 'ada')
      const keys = values.map((_, index) => `key-${index}`)
      const claims = await store.claimResults(keys.map((key) => claimOf(key, 'ada')))
      await store.commitResults(
        keys.map((key, index) => ({
          key,
          owner: 'ada',
          epoch: epochOf(claims[index], 'claimed'),
          at: 1,
          outcome: { status: 'failed', error: values[index] },
        })),
      )
      const found = await store.getResults(keys)
      assertSameValues(
        found.map((state) => (state?.status === 'failed' ? state.error : undefined)),
        values,
      )
    })
  }

  test('nothing and the text `null` are distinguished', async ({ store }) => {
    await createOwned(store, 'one')
    const steps = [stepRecord('A', { output: 'null' }), stepRecord('B', { output: undefined })]
    await store.commit([commitTo('one', { steps, head: { output: 'null' } })])
    const read = await stepsIn(store, 'one')
    const outputOf = (name: string): StoredValue | undefined => read.find(({ step }) => step === name)?.output
    assert.deepEqual([outputOf('A'), outputOf('B')], ['null', undefined])
    const { output, error } = await recordIn(store, 'one')
    assert.deepEqual([output, error], ['null', undefined])
    await store.commit([commitTo('one', { head: { output: undefined, error: 'null' } })])
    const after = await recordIn(store, 'one')
    assert.deepEqual([after.output, after.error], [undefined, 'null'])
    await store.post([message('one', 'a', { payload: 'null' }), message('one', 'b')])
    const mail = await store.readMail({ owner: 'ada', limit: 10 })
    assert.deepEqual(
      mail.map(({ payload }) => payload),
      ['null', undefined],
    )
  })

  test('the store’s own format gives trees back, and refuses damaged values', async ({ store }) => {
    const { format } = store
    if (format === undefined) return
    for (const text of awkwardJson) {
      const tree: unknown = JSON.parse(text)
      assert.equal(JSON.stringify(format.decode(format.encode(tree))), JSON.stringify(tree))
    }
    const encoded = format.encode({ name: 'Ada', list: range(20) })
    const damaged = typeof encoded === 'string' ? encoded.slice(0, -5) : encoded.subarray(0, -5)
    assert.throws(() => format.decode(damaged))
  })

  test('what the store’s own format makes comes back', async ({ store }) => {
    const { format } = store
    const encode = format?.encode.bind(format) ?? JSON.stringify
    await createOwned(store, 'one')
    for (const text of awkwardJson) {
      await store.commit([commitTo('one', { head: { output: encode(JSON.parse(text)) } })])
      const { output } = await recordIn(store, 'one')
      const tree = format === undefined ? JSON.parse(output as string) : format.decode(output!)
      assert.equal(JSON.stringify(tree), JSON.stringify(JSON.parse(text)))
    }
  })
}

function assertSameValues(
  actual: readonly (StoredValue | undefined)[],
  expected: readonly (StoredValue | undefined)[],
): void {
  assert.equal(actual.length, expected.length)
  for (const [index, value] of actual.entries()) assertSameValue(value, expected[index])
}
