import assert from 'node:assert/strict'
import type { ConformanceGroup } from './conformance-group.ts'
import { live, longLease } from './records.ts'

/** `renewOwner` and `endOwner`. */
export function ownersConformance({ test }: ConformanceGroup): void {
  test('a new owner is registered', async ({ store }) => {
    assert.equal(await store.renewOwner('ada', longLease), true)
  })

  test('an owner that renews before its lease runs out lives on', async ({ store, wait }) => {
    assert.equal(await store.renewOwner('ada', 5_000), true)
    await wait(20)
    assert.equal(await store.renewOwner('ada', 5_000), true)
    await wait(20)
    assert.equal(await store.renewOwner('ada', longLease), true)
  })

  test('an owner whose lease ran out is dead for good', async ({ store, wait }) => {
    assert.equal(await store.renewOwner('ada', 20), true)
    await wait(60)
    assert.equal(await store.renewOwner('ada', longLease), false)
    assert.equal(await store.renewOwner('ada', longLease), false)
  })

  test('an owner that ended is dead for good', async ({ store }) => {
    await live(store, 'ada')
    await store.endOwner('ada')
    assert.equal(await store.renewOwner('ada', longLease), false)
  })

  test('ending an owner twice, or an unknown one, changes nothing', async ({ store }) => {
    await live(store, 'ada')
    await store.endOwner('ada')
    await store.endOwner('ada')
    await store.endOwner('nobody')
    assert.equal(await store.renewOwner('ada', longLease), false)
  })

  test('the death of one owner changes nothing for another', async ({ store, wait }) => {
    await live(store, 'bea')
    await store.renewOwner('ada', 20)
    await store.renewOwner('cy', 20)
    await wait(60)
    await store.endOwner('cy')
    assert.equal(await store.renewOwner('bea', longLease), true)
    assert.equal(await store.renewOwner('dan', longLease), true)
  })

  test('every client knows which owners live', async ({ store, rival, wait }) => {
    const other = await rival()
    await live(store, 'ada')
    assert.equal(await other.renewOwner('ada', longLease), true)
    await other.endOwner('ada')
    assert.equal(await store.renewOwner('ada', longLease), false)
    await other.renewOwner('bea', 20)
    await wait(60)
    assert.equal(await store.renewOwner('bea', longLease), false)
  })
}
