import assert from 'node:assert/strict'
import { assertSame } from './assertions.ts'
import type { ConformanceGroup } from './conformance-group.ts'
import { claimIn, claimOf, epochOf, failure, live, range, release, success } from './records.ts'

/** `claimResults`: which owner gets the right to make a result. */
export function resultClaimsConformance({ test }: ConformanceGroup): void {
  test('a result that was never claimed is absent', async ({ store }) => {
    assert.deepEqual(await store.getResults(['a', 'b', 'a']), [undefined, undefined, undefined])
    assert.deepEqual(await store.getResults([]), [])
    assert.deepEqual(await store.claimResults([]), [])
    assert.deepEqual(await store.commitResults([]), [])
  })

  test('the first to claim gets the right, others get that it runs', async ({ store }) => {
    await live(store, 'ada', 'bea')
    const epoch = await claimIn(store, 'key', 'ada')
    assert.ok(epoch >= 1)
    assertSame(await store.claimResults([claimOf('key', 'bea')]), [{ status: 'running', epoch }])
    assertSame(await store.getResults(['key']), [{ status: 'running', epoch }])
  })

  test('one call claims many, and returns in order how each went', async ({ store }) => {
    await live(store, 'ada', 'bea')
    await store.commitResults([success('done', 'bea', await claimIn(store, 'done', 'bea'), '"made"')])
    const epoch = await claimIn(store, 'running', 'bea')
    const claims = await store.claimResults(['new', 'done', 'running', 'other'].map((key) => claimOf(key, 'ada')))
    assert.deepEqual(
      claims.map(({ status }) => status),
      ['claimed', 'completed', 'running', 'claimed'],
    )
    assertSame(
      [claims[1], claims[2]],
      [
        { status: 'completed', output: '"made"' },
        { status: 'running', epoch },
      ],
    )
    const found = await store.getResults(['running', 'gone', 'new', 'done'])
    assert.deepEqual(
      found.map((state) => state?.status),
      ['running', undefined, 'running', 'completed'],
    )
  })

  test('of two owners that claim one key in one call, one gets it', async ({ store }) => {
    await live(store, 'ada', 'bea')
    const claims = await store.claimResults([claimOf('key', 'ada'), claimOf('key', 'bea'), claimOf('other', 'ada')])
    assert.deepEqual(
      claims.map(({ status }) => status),
      ['claimed', 'running', 'claimed'],
    )
  })

  test('an owner may claim again what it has claimed; its older claim is void', async ({ store }) => {
    await live(store, 'ada', 'bea')
    const first = await claimIn(store, 'key', 'ada')
    const second = await claimIn(store, 'key', 'ada')
    assert.ok(second > first, `epoch ${second} after ${first}`)
    assertSame(await store.claimResults([claimOf('key', 'bea')]), [{ status: 'running', epoch: second }])
    assert.deepEqual(await store.commitResults([success('key', 'ada', first, '"old"')]), [false])
    assert.deepEqual(await store.commitResults([success('key', 'ada', second, '"new"')]), [true])
    assertSame(await store.getResults(['key']), [{ status: 'completed', output: '"new"' }])
  })

  test('a claimant whose lease ran out is replaced', async ({ store, wait }) => {
    await store.renewOwner('ada', 20)
    const lost = await claimIn(store, 'key', 'ada')
    await wait(60)
    await live(store, 'bea')
    assert.deepEqual(await store.getResults(['key']), [undefined])
    const epoch = await claimIn(store, 'key', 'bea')
    assert.ok(epoch > lost, `epoch ${epoch} after ${lost}`)
    assertSame(await store.getResults(['key']), [{ status: 'running', epoch }])
  })

  test('a claimant that ended is replaced', async ({ store, rival }) => {
    const other = await rival()
    await live(store, 'ada', 'bea')
    const lost = await claimIn(store, 'key', 'ada')
    await other.endOwner('ada')
    assert.deepEqual(await store.getResults(['key']), [undefined])
    assert.ok((await claimIn(other, 'key', 'bea')) > lost)
  })

  test('what a replaced claimant made late is refused', async ({ store }) => {
    await live(store, 'ada', 'bea')
    const lost = await claimIn(store, 'key', 'ada')
    await store.endOwner('ada')
    const epoch = await claimIn(store, 'key', 'bea')
    for (const late of [success, failure, release])
      assert.deepEqual(await store.commitResults([late('key', 'ada', lost)]), [false])
    assertSame(await store.getResults(['key']), [{ status: 'running', epoch }])
    assert.deepEqual(await store.commitResults([success('key', 'bea', epoch, '"own"')]), [true])
    for (const late of [success, failure, release])
      assert.deepEqual(await store.commitResults([late('key', 'ada', lost)]), [false])
    assertSame(await store.getResults(['key']), [{ status: 'completed', output: '"own"' }])
  })

  test('a key’s epoch grows with each claim, however the one before ended', async ({ store, now, wait }) => {
    await live(store, 'ada')
    let last = await claimIn(store, 'key', 'ada')
    const next = async (why: string): Promise<void> => {
      const epoch = await claimIn(store, 'key', 'ada')
      assert.ok(epoch > last, `${why}: epoch ${epoch} after ${last}`)
      last = epoch
    }
    await next('claimed again')
    await store.commitResults([failure('key', 'ada', last)])
    await next('failed')
    await store.commitResults([release('key', 'ada', last)])
    await next('released')
    const outcome = { status: 'completed', output: '1', ttlMs: 20 } as const
    await store.commitResults([{ key: 'key', owner: 'ada', epoch: last, at: now(), outcome }])
    await wait(60)
    await next('expired')
    await store.commitResults([failure('key', 'ada', last)])
    await store.purgeResults(100)
    await next('purged')
  })

  test('of two hundred claims of one key from two clients at once, one gets it', async ({ store, rival }) => {
    const other = await rival()
    const owners = range(200).map((index) => `owner-${index}`)
    await Promise.all(owners.map(async (owner) => live(store, owner)))
    const claims = await Promise.all(
      owners.map(async (owner, index) => (index % 2 === 0 ? store : other).claimResults([claimOf('key', owner)])),
    )
    const winners = claims.flat().filter(({ status }) => status === 'claimed')
    assert.equal(winners.length, 1)
    const epoch = epochOf(winners[0], 'claimed')
    for (const state of claims.flat()) if (state.status !== 'claimed') assertSame(state, { status: 'running', epoch })
  })

  test('two clients that claim the same keys at once, in opposite orders, get each once', async ({ store, rival }) => {
    const other = await rival()
    await live(store, 'ada', 'bea')
    const keys = range(100).map((index) => `key-${index}`)
    const [ofAda, ofBea] = await Promise.all([
      store.claimResults(keys.map((key) => claimOf(key, 'ada'))),
      other.claimResults(keys.toReversed().map((key) => claimOf(key, 'bea'))),
    ])
    for (const [index, key] of keys.entries()) {
      const statuses = [ofAda[index]?.status, ofBea.toReversed()[index]?.status]
      assert.deepEqual(statuses.toSorted(), ['claimed', 'running'], key)
    }
  })
}
