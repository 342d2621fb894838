import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import type { MissingSession, SessionLook, Store, StoreSessions } from '../../core/contracts/store.ts'
import type { ConformanceGroup } from './conformance-group.ts'
import { live, longLease } from './records.ts'

const patienceMs = 20_000

/** `sessions`: what a store sees of the connections of owners. */
export function sessionsConformance({ options, testIf }: ConformanceGroup): void {
  const test = (title: string, body: Parameters<typeof testIf>[3]): void =>
    testIf(options.watchesSessions === true, 'does not see connections end', title, body)

  test('an owner that has renewed is seen by its connection', async ({ store }) => {
    assert.equal(sessionsOf(store).isClaimed('ada'), false)
    await live(store, 'ada')
    assert.equal(sessionsOf(store).isClaimed('ada'), true)
    const { state, others } = await sessionsOf(store).look('ada', true)
    assert.deepEqual({ state, others }, { state: 'held', others: { missing: [], watched: 1 } })
  })

  test('a look at the own connection says nothing of others', async ({ store, rival }) => {
    await live(store, 'ada')
    await live(await rival(), 'bea')
    const { state, others } = await sessionsOf(store).look('ada', false)
    assert.deepEqual({ state, others }, { state: 'held', others: undefined })
  })

  test('an owner that has not renewed is not counted on', async ({ store, rival }) => {
    await live(await rival(), 'bea')
    const { state, others } = await sessionsOf(store).look('ada', true)
    assert.equal(state, 'unclaimed')
    assert.deepEqual(others!.missing, [])
  })

  test('those that are there are not missing', async ({ store, rival }) => {
    const other = await rival()
    await live(store, 'ada')
    await live(other, 'bea')
    await looks(store, 3)
    assert.equal(sessionsOf(other).isClaimed('bea'), true)
    assert.deepEqual((await sessionsOf(store).look('ada', true)).others, { missing: [], watched: 2 })
  })

  test('an owner whose connection has ended is missing, and can be ended, once', async ({ store, rival }) => {
    const other = await rival()
    await live(store, 'ada')
    await live(other, 'bea', 'an owner\ud800')
    await looks(store, 2)
    await other.close()
    const { missing, connection } = await untilMissing(store, 2)
    for (const one of missing) {
      assert.equal(await sessionsOf(store).end(one, connection), true)
      assert.equal(await sessionsOf(store).end(one, connection), false)
    }
    assert.deepEqual((await sessionsOf(store).look('ada', true)).others, { missing: [], watched: 1 })
    assert.equal(await store.renewOwner('bea', longLease), false)
    assert.equal(await store.renewOwner('an owner\ud800', longLease), false)
    assert.equal(await store.renewOwner('ada', longLease), true)
  })

  test('an owner that has renewed over another connection is not ended', async ({ store, rival }) => {
    const other = await rival()
    await live(store, 'ada')
    await live(other, 'bea')
    await looks(store, 2)
    await other.close()
    const { missing, connection } = await untilMissing(store, 1)
    const third = await rival()
    assert.equal(await third.renewOwner('bea', longLease), true)
    assert.equal(await sessionsOf(store).end(missing[0]!, connection), false)
    assert.deepEqual((await sessionsOf(store).look('ada', true)).others!.missing, [])
    assert.equal((await sessionsOf(third).look('bea', false)).state, 'held')
    assert.equal(await third.renewOwner('bea', longLease), true)
  })

  test('owners that ended are forgotten', async ({ store, rival, wait }) => {
    const other = await rival()
    await live(store, 'ada')
    await live(other, 'bea')
    await other.renewOwner('cy', 20)
    await looks(store, 2)
    await other.endOwner('bea')
    await wait(60)
    assert.equal(await other.renewOwner('cy', longLease), false)
    await other.close()
    await looks(store, 2)
    assert.deepEqual((await sessionsOf(store).look('ada', true)).others, { missing: [], watched: 1 })
    assert.deepEqual([sessionsOf(other).isClaimed('bea'), sessionsOf(other).isClaimed('cy')], [false, false])
  })
}

function sessionsOf({ sessions }: Store): StoreSessions {
  assert.ok(sessions !== undefined, 'the store has no sessions')
  return sessions
}

/** Looks several times: what one look has seen the next one may build upon. */
async function looks(store: Store, times: number): Promise<void> {
  for (let time = 0; time < times; time++) await sessionsOf(store).look('ada', true)
}

/** Looks until so many are missing. */
async function untilMissing(
  store: Store,
  count: number,
): Promise<{ readonly missing: readonly MissingSession[]; readonly connection: string }> {
  for (const deadline = Date.now() + patienceMs; ; await sleep(20)) {
    const { connection, others }: SessionLook = await sessionsOf(store).look('ada', true)
    if (others?.missing.length === count) return { missing: others.missing, connection }
    assert.ok(Date.now() < deadline, `of ${count} connections that ended, ${others?.missing.length} are missing`)
  }
}
