import assert from 'node:assert/strict'
import type { NewEvent } from '../../core/contracts/event-record.ts'
import type { Store } from '../../core/contracts/store.ts'
import { assertStoreError } from './assertions.ts'
import type { Bench, ConformanceGroup } from './conformance-group.ts'
import { range } from './records.ts'

const oneHour = 3_600_000

/** Events, and who waits for them. */
export function eventsConformance({ options, test, testIf }: ConformanceGroup): void {
  const { transactions, isShared } = options.capabilities

  test('of an event the first emission counts, whoever sends it again', async (bench) => {
    const { store } = bench
    const first = newEvent(bench, 'a', { value: '1' })
    assert.deepEqual(await store.emit([first, newEvent(bench, 'b')]), ['accepted', 'accepted'])
    assert.deepEqual(await store.emit([newEvent(bench, 'a', { value: '2' }), first]), ['duplicate', 'accepted'])
    assert.deepEqual(await awaited(bench, 'a'), { value: '1', at: first.at, generation: 1 })
    assert.equal(await awaited(bench, 'c'), undefined)
  })

  test('of many that emit at once, one is accepted', async (bench) => {
    const clients = [bench.store, await bench.rival()]
    const verdicts = await Promise.all(range(20).map((index) => clients[index % 2]!.emit([newEvent(bench, 'a')])))
    assert.equal(verdicts.flat().filter((verdict) => verdict === 'accepted').length, 1)
  })

  test('an event that has expired makes room for the next; a wait that began before keeps it until then', async (bench) => {
    const { store } = bench
    await store.awaitEvents([{ event: 'a', execution: 'early', at: bench.now() }])
    const first = newEvent(bench, 'a', { value: '1', expiresAt: bench.now() + 400 })
    assert.deepEqual(await store.emit([first]), ['accepted'])
    await bench.wait(600)
    assert.equal((await awaited(bench, 'a', 'early'))?.value, '1')
    assert.equal(await awaited(bench, 'a', 'late'), undefined)
    const second = newEvent(bench, 'a', { value: '2' })
    assert.deepEqual(await store.emit([second]), ['accepted'])
    assert.deepEqual(await awaited(bench, 'a', 'early'), { value: '2', at: second.at, generation: 2 })
    assert.equal((await awaited(bench, 'a', 'late'))?.generation, 2)
  })

  test('those that wait are to be woken once, whoever emits before or after them', async (bench) => {
    const { store } = bench
    for (const execution of ['x', 'y', 'Ünïcode \u0000 \ud800']) await awaited(bench, 'a', execution)
    await awaited(bench, 'other', 'x')
    assert.deepEqual(await store.undelivered(10), [])
    await store.emit([newEvent(bench, 'a')])
    const found = await undelivered(store)
    assert.deepEqual(found, ['a x 1', 'a y 1', 'a Ünïcode \u0000 \ud800 1'].toSorted())
    await store.delivered([{ event: 'a', execution: 'y', generation: 1 }])
    await store.delivered([{ event: 'a', execution: 'nobody', generation: 1 }])
    assert.deepEqual(
      await undelivered(store),
      found.filter((one) => one !== 'a y 1'),
    )
    const at = bench.now()
    await store.endWaits([
      { event: 'a', execution: 'x', at },
      { event: 'a', execution: 'nobody', at },
    ])
    await store.delivered([{ event: 'a', execution: 'Ünïcode \u0000 \ud800', generation: 1 }])
    assert.deepEqual(await undelivered(store), [])
    // Whoever comes now is given the event itself.
    assert.equal((await awaited(bench, 'a', 'later'))?.generation, 1)
  })

  test('the next event of a key is delivered anew', async (bench) => {
    const { store } = bench
    await awaited(bench, 'a', 'x')
    await store.emit([newEvent(bench, 'a', { expiresAt: bench.now() + 400 })])
    await store.delivered([{ event: 'a', execution: 'x', generation: 1 }])
    assert.deepEqual(await undelivered(store), [])
    await bench.wait(600)
    await store.emit([newEvent(bench, 'a')])
    assert.deepEqual(await undelivered(store), ['a x 2'])
  })

  test('very many that wait for one event are found in portions', async (bench) => {
    const { store } = bench
    const waits = range(1_200).map((index) => ({ event: 'a', execution: `e${index}`, at: bench.now() }))
    assert.equal((await store.awaitEvents(waits)).filter((event) => event !== undefined).length, 0)
    await store.emit([newEvent(bench, 'a')])
    const seen = new Set<string>()
    for (;;) {
      const some = await store.undelivered(500)
      if (some.length === 0) break
      assert.ok(some.length <= 500)
      for (const { execution } of some) seen.add(execution)
      await store.delivered(some)
    }
    assert.equal(seen.size, 1_200)
    await store.endWaits(waits)
    assert.equal((await store.oldWaits(bench.now() + oneHour, 5_000)).length, 0)
  })

  test('a wait and an emission at the same time: one of both sees the other', async (bench) => {
    const other = await bench.rival()
    for (const round of range(20)) {
      const event = `r${round}`
      const [[found]] = await Promise.all([
        bench.store.awaitEvents([{ event, execution: 'x', at: bench.now() }]),
        other.emit([newEvent(bench, event)]),
      ])
      const told = (await undelivered(other)).includes(`${event} x 1`)
      assert.ok(found !== undefined || told)
      await other.endWaits([{ event, execution: 'x', at: bench.now() }])
    }
  })

  test('a purge deletes what has expired, but for what somebody waits for', async (bench) => {
    const { store } = bench
    await awaited(bench, 'kept', 'x')
    const soon = bench.now() + 1_000
    const events = ['kept', 'a', 'b', 'c'].map((id) => newEvent(bench, id, { expiresAt: soon }))
    await store.emit([...events, newEvent(bench, 'young')])
    assert.equal(await store.purgeEvents(10), 0)
    await bench.wait(1_200)
    let purged = 0
    for (let some = -1; some !== 0; purged += some) some = await store.purgeEvents(2)
    assert.equal(purged, 3)
    assert.equal((await awaited(bench, 'kept', 'x'))?.generation, 1)
    assert.equal((await awaited(bench, 'young', 'y'))?.generation, 1)
    await store.endWaits([{ event: 'kept', execution: 'x', at: bench.now() }])
    assert.equal(await store.purgeEvents(10), 1)
    assert.equal(await store.purgeEvents(10), 0)
  })

  test('old waits are those that nobody has looked at for long, the oldest first', async ({ store, now }) => {
    const at = now()
    await store.awaitEvents([
      { event: 'a', execution: 'x', at: at - 3_000 },
      { event: 'b', execution: 'x', at: at - 2_000 },
      { event: 'a', execution: 'y', at: at - 1_000 },
    ])
    const places = async (before: number, limit: number) =>
      (await store.oldWaits(before, limit)).map(({ event, execution }) => `${event} ${execution}`)
    assert.deepEqual(await places(at - 1_500, 10), ['a x', 'b x'])
    assert.deepEqual(await places(at, 1), ['a x'])
    await store.awaitEvents([{ event: 'a', execution: 'x', at }])
    assert.deepEqual(await places(at, 10), ['b x', 'a y'])
    // One that was registered again since is another one.
    await store.endWaits([
      { event: 'a', execution: 'x', at: at - 1 },
      { event: 'b', execution: 'x', at: at - 2_000 },
    ])
    assert.deepEqual(await places(at + 1, 10), ['a y', 'a x'])
  })

  if (!transactions) {
    test('a store that takes part in no transactions refuses to emit in one', async (bench) => {
      assert.equal(await assertStoreError(() => bench.store.emit([newEvent(bench, 'a')], {})), false)
      assert.equal(await awaited(bench, 'a'), undefined)
    })
  }

  const title = 'what is emitted in a transaction is there if and only if it commits'
  testIf(transactions, 'takes part in no transactions', title, async (bench) => {
    const { store, space } = bench
    for (const ends of ['rollback', 'commit'] as const) {
      await awaited(bench, 'a', 'x')
      const transaction = await space.beginTransaction!()
      assert.deepEqual(await store.emit([newEvent(bench, 'a')], transaction.client), ['accepted'])
      if (isShared) {
        const other = await bench.rival()
        assert.deepEqual(await other.undelivered(10), [])
      }
      await transaction[ends]()
      assert.deepEqual(await undelivered(store), ends === 'commit' ? ['a x 1'] : [])
    }
    assert.equal((await awaited(bench, 'a', 'x'))?.generation, 1)
  })
}

let emissions = 0

function newEvent({ now }: Bench, id: string, more: Partial<NewEvent> = {}): NewEvent {
  const at = Math.floor(now())
  const names = { scope: 'shop \u0000', name: 'Packed', key: 'order \ud800' }
  return { id, ...names, value: '{}', emission: `emission-${emissions++}`, at, expiresAt: at + oneHour, ...more }
}

async function awaited({ store, now }: Bench, event: string, execution = 'someone') {
  const [found] = await store.awaitEvents([{ event, execution, at: now() }])
  return found
}

async function undelivered(store: Store): Promise<readonly string[]> {
  const found = await store.undelivered(100)
  return found.map(({ event, execution, generation }) => `${event} ${execution} ${generation}`).toSorted()
}
