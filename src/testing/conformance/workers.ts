import assert from 'node:assert/strict'
import type { Store } from '../../core/contracts/store.ts'
import type { ConformanceGroup } from './conformance-group.ts'
import { live, longLease, range } from './records.ts'

/** What owners say of themselves: `renewOwner` and `readWorkers`. */
export function workersConformance({ test }: ConformanceGroup): void {
  test('what an owner says of itself is read by every client, with its last sign of life', async (bench) => {
    const { store } = bench
    const other = await bench.rival()
    assert.equal(await store.renewOwner('ada', longLease, '{"name":"ada"}'), true)
    await bench.wait(300)
    const [worker, ...more] = await other.readWorkers(10)
    assert.deepEqual([worker?.worker, more], ['{"name":"ada"}', []])
    assert.ok(worker!.sinceRenewalMs >= 250, JSON.stringify(worker))
    assert.ok(worker!.leaseLeftMs > 0 && worker!.leaseLeftMs <= longLease, JSON.stringify(worker))
    assert.equal(await store.renewOwner('ada', longLease), true)
    const [renewed] = await other.readWorkers(10)
    assert.ok(renewed!.sinceRenewalMs < worker!.sinceRenewalMs, JSON.stringify(renewed))
  })

  test('it stays over renewals that say nothing, and gives way to what is said later', async ({ store }) => {
    await live(store, 'silent')
    await store.renewOwner('ada', longLease, 'first')
    await live(store, 'ada', 'ada')
    assert.deepEqual(await saidIn(store), ['first'])
    await store.renewOwner('ada', longLease, 'second')
    await store.renewOwner('silent', longLease, '')
    assert.deepEqual(await saidIn(store), ['', 'second'])
  })

  test('an owner that has ended or died is listed no more, and can say nothing', async ({ store, wait }) => {
    await store.renewOwner('ada', longLease, 'ended')
    await store.renewOwner('bea', 20, 'died')
    await store.renewOwner('cy', longLease, 'lives')
    await store.endOwner('ada')
    await wait(60)
    assert.deepEqual(await saidIn(store), ['lives'])
    assert.equal(await store.renewOwner('ada', longLease, 'again'), false)
    assert.equal(await store.renewOwner('bea', longLease, 'again'), false)
    await store.endOwner('nobody')
    assert.deepEqual(await saidIn(store), ['lives'])
  })

  test('any text is kept as it is, and no more are given than wanted', async ({ store }) => {
    const texts = ['a\0b', 'Ünïcode \ud800 \u0001', `'"\\; -- %s $1 ?`, 'x'.repeat(100_000)]
    for (const [index, text] of texts.entries()) await store.renewOwner(`owner ${index}`, longLease, text)
    assert.deepEqual(await saidIn(store), texts.toSorted())
    for (const index of range(20)) await store.renewOwner(`more ${index}`, longLease, 'more')
    assert.equal((await store.readWorkers(7)).length, 7)
    assert.equal((await store.readWorkers(100)).length, 24)
  })
}

async function saidIn(store: Store): Promise<readonly string[]> {
  return (await store.readWorkers(100)).map(({ worker }) => worker).toSorted()
}
