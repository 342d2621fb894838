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

  test('of an owner that lives, it is known when it renewed and for how long it lives', async ({
    store,
    rival,
    wait,
  }) => {
    const other = await rival()
    await live(store, 'ada')
    await wait(60)
    const [old] = await other.readOwners(['ada'])
    assert.ok(old!.isAlive && old!.sinceRenewalMs! >= 50, JSON.stringify(old))
    assert.equal(await store.renewOwner('ada', 2 * longLease), true)
    const [renewed] = await other.readOwners(['ada'])
    assert.ok(renewed!.leaseLeftMs > longLease && renewed!.leaseLeftMs <= 2 * longLease, JSON.stringify(renewed))
    assert.ok(renewed!.sinceRenewalMs! >= 0, JSON.stringify(renewed))
  })

  test('of an owner that died or ended, it is known that it is dead, and since when', async ({ store, wait }) => {
    await store.renewOwner('ada', 20)
    await live(store, 'bea')
    await store.endOwner('bea')
    await wait(60)
    for (const state of await store.readOwners(['ada', 'bea'])) {
      assert.equal(state?.isAlive, false)
      assert.ok(state.leaseLeftMs <= -20, JSON.stringify(state))
      assert.ok(state.sinceRenewalMs! >= 50, JSON.stringify(state))
    }
  })

  test('owners are read in the order of the call, and nothing of those that nobody knows', async ({ store }) => {
    const names = ['ada', '', 'an owner\ud800', 'o'.repeat(100)]
    await live(store, ...names)
    const read = await store.readOwners(['nobody', ...names, 'ada', 'O'.repeat(100)])
    assert.deepEqual(
      read.map((state) => state?.isAlive),
      [undefined, true, true, true, true, true, undefined],
    )
    assert.deepEqual(await store.readOwners([]), [])
  })
}
