import assert from 'node:assert/strict'
import { assertSame } from './assertions.ts'
import type { ConformanceGroup } from './conformance-group.ts'
import { claimIn, claimOf, commitTo, createOwned, live, newExecution, recordIn } from './records.ts'

const day = 86_400_000

/** That the store's clock is one for all, and that a process whose time of day is set never makes a second owner: whoever lives lives on, and the dead stay dead. */
export function timeOfDayConformance({ test }: ConformanceGroup): void {
  test('every client reads the same time, which goes on', async (bench) => {
    const { store, now, wait } = bench
    const other = await bench.rival()
    // A store that has no clock leaves the time to each process.
    if (store.time === undefined || other.time === undefined) return
    const before = await store.time()
    assert.ok(Math.abs(before - now()) < 60_000, `the store says ${before} at ${now()}`)
    await wait(20)
    const after = await other.time()
    assert.ok(after - before >= 10, `it was ${before}, and 20 ms later ${after}`)
    assert.ok(Number.isFinite(after))
  })

  for (const [direction, byMs] of [
    ['forward', day],
    ['back', -day],
  ] as const) {
    test(`an owner lives on where the time of day is set ${direction}, with all that it owns`, async (bench) => {
      const { store } = bench
      const other = await bench.rival()
      await createOwned(store, 'one')
      await createOwned(store, 'ended')
      await store.commit([commitTo('ended', { head: { status: 'completed', endedAt: 5 } })])
      const epoch = await claimIn(store, 'key', 'ada')
      await bench.atOtherTimeOfDay(byMs, async () => {
        await live(other, 'bea')
        assert.deepEqual(await other.acquire({ owner: 'bea', graphs: ['users'], limit: 10 }), [])
        assert.deepEqual(await other.acquire({ owner: 'bea', ids: ['one', 'ended'], andEnded: true, limit: 10 }), [])
        assert.equal(await other.purge({ statuses: ['completed'], endedBefore: 6, limit: 10 }), 0)
        assertSame(await other.claimResults([claimOf('key', 'bea')]), [{ status: 'running', epoch }])
        assertSame(await other.getResults(['key']), [{ status: 'running', epoch }])
        await live(store, 'ada')
      })
      await live(store, 'ada', 'bea')
      assert.equal((await recordIn(store, 'one')).epoch, 1)
    })

    test(`a lease that is taken where the time of day is set ${direction} is as long as any other`, async (bench) => {
      const { store, wait } = bench
      const other = await bench.rival()
      await bench.atOtherTimeOfDay(byMs, async () => {
        await live(store, 'ada')
        await store.renewOwner('bea', 50)
      })
      await store.create([newExecution('long', { owner: 'ada' }), newExecution('short', { owner: 'bea' })])
      await wait(100)
      await live(other, 'cy')
      const acquired = await other.acquire({ owner: 'cy', graphs: ['users'], limit: 10 })
      assert.deepEqual(
        acquired.map(({ execution }) => execution.id),
        ['short'],
      )
    })

    test(`an owner whose lease ran out stays dead where the time of day is set ${direction}`, async (bench) => {
      const { store, wait } = bench
      await store.renewOwner('ada', 20)
      await store.create([newExecution('one', { owner: 'ada' })])
      await store.endOwner('bea')
      await wait(60)
      await bench.atOtherTimeOfDay(byMs, async () => {
        await live(store, 'cy')
        assert.equal(await store.renewOwner('ada', 5_000), false)
        assert.equal(await store.renewOwner('bea', 5_000), false)
        assert.equal((await store.acquire({ owner: 'cy', ids: ['one'], limit: 1 })).length, 1)
      })
    })
  }
}
