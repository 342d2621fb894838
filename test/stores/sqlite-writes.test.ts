import fc from 'fast-check'
import { expect, test } from 'vitest'
import { toSqlTime } from '../../stores/sql/times.ts'
import { sqliteStore } from '../../stores/sqlite/index.ts'
import { commitTo, createOwned, recordIn, stepRecord } from '../../src/testing/conformance/records.ts'

test('of commits with the same time and owner, those of executions that are not the owner’s are refused alone', async () => {
  const store = sqliteStore(':memory:')
  await store.open()
  for (const id of ['one', 'two', 'three']) await createOwned(store, id)
  await store.commit([commitTo('two', { head: { isReleased: true } })])
  const steps = [stepRecord('A')]
  const at = Date.UTC(2030, 0, 1)
  const ids = ['one', 'two', 'gone', 'three']
  expect(await store.commit(ids.map((id) => commitTo(id, { steps, at })))).toEqual([true, false, false, true])
  expect((await store.readSteps(ids)).steps.map(({ execution }) => execution)).toEqual(['one', 'three'])
  expect((await recordIn(store, 'three')).updatedAt).toBe(at)
  expect((await recordIn(store, 'two')).updatedAt).not.toBe(at)
  expect(await store.commit(['one', 'three'].map((id) => commitTo(id, { steps, at: at + 1 })))).toEqual([true, true])
  expect((await recordIn(store, 'one')).updatedAt).toBe(at + 1)
  await store.close()
})

test('a time has the same text whatever was converted before', () => {
  const time = fc.oneof(
    fc.integer({ min: Date.UTC(1000, 0, 1), max: Date.UTC(9999, 11, 31) }),
    fc.integer({ min: -3_000, max: 3_000 }),
    fc.double({ min: -3_000, max: 3_000, noNaN: true }),
  )
  fc.assert(
    fc.property(fc.array(time), (times) => {
      for (const ms of times) expect(toSqlTime(ms)).toBe(new Date(ms).toISOString().replace('T', ' ').slice(0, -1))
    }),
  )
})
