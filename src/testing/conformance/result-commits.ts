import assert from 'node:assert/strict'
import type { ResultCommit } from '../../core/contracts/result-record.ts'
import { assertSame } from './assertions.ts'
import type { ConformanceGroup } from './conformance-group.ts'
import { claimIn, claimOf, epochOf, failure, live, range, release, success } from './records.ts'

/** `commitResults`, expiry and `purgeResults`. */
export function resultCommitsConformance({ test }: ConformanceGroup): void {
  test('a success is there for every client', async ({ store, rival }) => {
    const other = await rival()
    await live(store, 'ada', 'bea')
    const epoch = await claimIn(store, 'key', 'ada')
    assert.deepEqual(await store.commitResults([success('key', 'ada', epoch, '{"name":"Ada"}')]), [true])
    const completed = { status: 'completed', output: '{"name":"Ada"}' }
    assertSame(await other.getResults(['key', 'other', 'key']), [completed, undefined, completed])
    assertSame(await other.claimResults([claimOf('key', 'bea')]), [completed])
    assertSame(await store.claimResults([claimOf('key', 'ada')]), [completed])
  })

  test('a success outlives its maker', async ({ store }) => {
    await live(store, 'ada')
    await store.commitResults([success('key', 'ada', await claimIn(store, 'key', 'ada'))])
    await store.endOwner('ada')
    assertSame(await store.getResults(['key']), [{ status: 'completed', output: '1' }])
  })

  test('a commit by another owner or of another epoch is refused, the rest of the call goes through', async (bench) => {
    const { store } = bench
    await live(store, 'ada', 'bea')
    const epochs = []
    for (const key of ['a', 'b', 'c']) epochs.push(await claimIn(store, key, 'ada'))
    const done = await store.commitResults([
      success('a', 'bea', epochs[0]!),
      success('b', 'ada', epochs[1]!),
      success('c', 'ada', epochs[2]! + 1),
      success('gone', 'ada', 1),
    ])
    assert.deepEqual(done, [false, true, false, false])
    const found = await store.getResults(['a', 'b', 'c', 'gone'])
    assert.deepEqual(
      found.map((state) => state?.status),
      ['running', 'completed', 'running', undefined],
    )
  })

  test('a stored success is never replaced, not even by its maker', async ({ store }) => {
    await live(store, 'ada')
    const epoch = await claimIn(store, 'key', 'ada')
    await store.commitResults([success('key', 'ada', epoch, '"first"')])
    for (const late of [
      success('key', 'ada', epoch, '"second"'),
      failure('key', 'ada', epoch),
      release('key', 'ada', epoch),
    ])
      await store.commitResults([late])
    assertSame(await store.getResults(['key']), [{ status: 'completed', output: '"first"' }])
    assertSame(await store.claimResults([claimOf('key', 'ada')]), [{ status: 'completed', output: '"first"' }])
  })

  test('a failure is returned by getResults, and a claim starts anew', async ({ store }) => {
    await live(store, 'ada', 'bea')
    const epoch = await claimIn(store, 'key', 'ada')
    assert.deepEqual(await store.commitResults([failure('key', 'ada', epoch, '{"message":"no"}')]), [true])
    assertSame(await store.getResults(['key']), [{ status: 'failed', epoch, error: '{"message":"no"}' }])
    const again = await claimIn(store, 'key', 'bea')
    assert.ok(again > epoch)
    assertSame(await store.getResults(['key']), [{ status: 'running', epoch: again }])
    assert.deepEqual(await store.commitResults([success('key', 'bea', again)]), [true])
    assertSame(await store.getResults(['key']), [{ status: 'completed', output: '1' }])
  })

  test('a failure may come without an error, and is returned after its owner’s death', async ({ store }) => {
    await live(store, 'ada')
    const epoch = await claimIn(store, 'key', 'ada')
    const outcome = { status: 'failed', error: undefined } as const
    assert.deepEqual(await store.commitResults([{ key: 'key', owner: 'ada', epoch, at: 1, outcome }]), [true])
    await store.endOwner('ada')
    assertSame(await store.getResults(['key']), [{ status: 'failed', epoch, error: undefined }])
  })

  test('an ended claim can’t be committed a second time with another outcome', async ({ store }) => {
    await live(store, 'ada')
    const epoch = await claimIn(store, 'key', 'ada')
    await store.commitResults([release('key', 'ada', epoch)])
    assert.deepEqual(await store.commitResults([success('key', 'ada', epoch)]), [false])
    assert.deepEqual(await store.getResults(['key']), [undefined])
  })

  test('a released claim leaves nothing, and a waiting owner may claim', async ({ store }) => {
    await live(store, 'ada', 'bea')
    const epoch = await claimIn(store, 'key', 'ada')
    assert.deepEqual(await store.commitResults([release('key', 'ada', epoch)]), [true])
    assert.deepEqual(await store.getResults(['key']), [undefined])
    assert.ok((await claimIn(store, 'key', 'bea')) > epoch)
  })

  test('a result past its expiry is never returned, and is made anew', async ({ store, now, wait }) => {
    await live(store, 'ada', 'bea')
    const commit = (key: string, epoch: number, ttlMs: number | undefined, output: string): ResultCommit => ({
      key,
      owner: 'ada',
      epoch,
      at: now(),
      outcome: { status: 'completed', output, ttlMs },
    })
    const epochs = []
    for (const key of ['short', 'long', 'ever']) epochs.push(await claimIn(store, key, 'ada'))
    const commits = [
      commit('short', epochs[0]!, 30, '"short"'),
      commit('long', epochs[1]!, 600_000, '"long"'),
      commit('ever', epochs[2]!, undefined, '"ever"'),
    ]
    assert.deepEqual(await store.commitResults(commits), [true, true, true])
    await wait(80)
    assertSame(await store.getResults(['short', 'long', 'ever']), [
      undefined,
      { status: 'completed', output: '"long"' },
      { status: 'completed', output: '"ever"' },
    ])
    const again = await claimIn(store, 'short', 'bea')
    assert.ok(again > epochs[0]!)
    assert.deepEqual(await store.commitResults([success('short', 'bea', again, '"again"')]), [true])
    await wait(80)
    assertSame(await store.getResults(['short']), [{ status: 'completed', output: '"again"' }])
  })

  test('a result may expire in the far future', async ({ store, now }) => {
    await live(store, 'ada')
    const epoch = await claimIn(store, 'key', 'ada')
    const outcome = { status: 'completed', output: '1', ttlMs: 100 * 365 * 86_400_000 } as const
    assert.deepEqual(await store.commitResults([{ key: 'key', owner: 'ada', epoch, at: now(), outcome }]), [true])
    assertSame(await store.getResults(['key']), [{ status: 'completed', output: '1' }])
  })

  test('purgeResults deletes what has expired or failed, and nothing else', async ({ store, now, wait }) => {
    await live(store, 'ada', 'bea')
    const epochs = new Map<string, number>()
    for (const key of ['expired', 'failed', 'kept', 'running']) epochs.set(key, await claimIn(store, key, 'ada'))
    const outcome = { status: 'completed', output: '1', ttlMs: 20 } as const
    await store.commitResults([
      { key: 'expired', owner: 'ada', epoch: epochs.get('expired')!, at: now(), outcome },
      failure('failed', 'ada', epochs.get('failed')!),
      success('kept', 'ada', epochs.get('kept')!),
    ])
    await wait(60)
    const purged = await store.purgeResults(100)
    // Redis forgets expired results by itself.
    assert.ok(purged === 1 || purged === 2, `${purged} were purged`)
    assert.equal(await store.purgeResults(100), 0)
    assertSame(await store.getResults(['expired', 'failed', 'kept', 'running']), [
      undefined,
      undefined,
      { status: 'completed', output: '1' },
      { status: 'running', epoch: epochs.get('running') },
    ])
    assert.deepEqual(await store.commitResults([success('running', 'ada', epochs.get('running')!)]), [true])
  })

  test('purgeResults deletes claims that were released, and those of owners that have died', async (bench) => {
    const { store } = bench
    await live(store, 'ada', 'bea')
    const epochs = new Map<string, number>()
    for (const key of ['dead', 'released', 'retaken', 'again']) epochs.set(key, await claimIn(store, key, 'ada'))
    await claimIn(store, 'living', 'bea')
    await store.commitResults([release('released', 'ada', epochs.get('released')!)])
    await store.endOwner('ada')
    const retaken = await claimIn(store, 'retaken', 'bea')
    const purged = await store.purgeResults(100)
    // What a store forgets by itself some time it need not delete.
    assert.ok(purged <= 3, `${purged} were purged`)
    assert.equal(await store.purgeResults(100), 0)
    const states = await store.getResults(['dead', 'released', 'retaken', 'again', 'living'])
    assert.deepEqual(
      states.map((state) => state?.status),
      [undefined, undefined, 'running', undefined, 'running'],
    )
    assert.deepEqual(await store.commitResults([success('retaken', 'bea', retaken)]), [true])
    // Of its first owner, which may still be at it, nothing counts once it is somebody else's.
    assert.ok((await claimIn(store, 'again', 'bea')) > epochs.get('again')!)
    assert.deepEqual(await store.commitResults([success('again', 'ada', epochs.get('again')!)]), [false])
  })

  test('purging while claims of the dead are claimed anew removes none of the living', async ({ store, rival }) => {
    const other = await rival()
    await live(store, 'bea')
    for (const round of range(20)) {
      const [dead, key] = [`dead-${round}`, `key-${round}`]
      await live(store, dead)
      await claimIn(store, key, dead)
      await store.endOwner(dead)
      const [epoch] = await Promise.all([claimIn(store, key, 'bea'), other.purgeResults(100)])
      assert.deepEqual(await store.commitResults([success(key, 'bea', epoch)]), [true])
    }
  })

  test('purgeResults deletes up to its limit', async ({ store }) => {
    await live(store, 'ada')
    const keys = range(30).map((index) => `key-${index}`)
    const states = await store.claimResults(keys.map((key) => claimOf(key, 'ada')))
    const failures = keys.map((key, index) => failure(key, 'ada', epochOf(states[index], 'claimed')))
    await store.commitResults(failures)
    assert.equal(await store.purgeResults(20), 20)
    const left = (await store.getResults(keys)).filter((state) => state !== undefined)
    assert.equal(left.length, 10)
    assert.equal(await store.purgeResults(20), 10)
    assert.equal(await store.purgeResults(20), 0)
  })

  test('purging while a key is claimed anew removes no claim', async ({ store, rival }) => {
    const other = await rival()
    await live(store, 'ada')
    for (const round of range(20)) {
      const key = `key-${round}`
      await store.commitResults([failure(key, 'ada', await claimIn(store, key, 'ada'))])
      const [epoch] = await Promise.all([claimIn(store, key, 'ada'), other.purgeResults(100)])
      assert.deepEqual(await store.commitResults([success(key, 'ada', epoch)]), [true])
    }
  })
}
