import assert from 'node:assert/strict'
import type { AcquireRequest, ExecutionCommit, Parking } from '../../core/contracts/execution-record.ts'
import type { Store, StoreHint } from '../../core/contracts/store.ts'
import { assertSame } from './assertions.ts'
import type { ConformanceGroup } from './conformance-group.ts'
import { commitTo, createOwned, live, message, range, recordIn, someTime, stepRecord } from './records.ts'

const approval = '"signal Approval"'
const farAway = 86_400_000

/** Executions that wait give up their owner, and nobody looks at them before they are due or get a message. */
export function parkingConformance({ options, test, testIf }: ConformanceGroup): void {
  test('a parked execution has no owner, and says since when and what it waits for; all of its commit is written', async (bench) => {
    const { store } = bench
    await createOwned(store, 'one')
    const dueAt = bench.now() + farAway
    const commit = commitTo('one', {
      park: { lastSeq: 0, dueAt, waitsFor: approval },
      head: { status: 'running', ownedMs: 7 },
      steps: [stepRecord('A')],
    })
    assert.deepEqual(await store.commit([commit]), [true])
    const record = await recordIn(store, 'one')
    assertSame(
      [record.owner, record.parkedAt, record.dueAt, record.ownedMs, record.status],
      [undefined, someTime + 10, Math.ceil(dueAt), 7, 'running'],
    )
    assert.equal(JSON.parse(record.waitsFor as string), 'signal Approval')
    assert.equal((await store.readSteps(['one'])).steps.length, 1)
    // It is not the owner's any more.
    assert.deepEqual(await store.commit([commitTo('one', { steps: [stepRecord('B')] })]), [false])
  })

  test('with a message that was not read, nothing of the commit is written', async ({ store }) => {
    await createOwned(store, 'other')
    for (const kind of ['data', 'control'] as const) {
      await createOwned(store, kind)
      await store.post([message(kind, 'a'), message(kind, 'm', { class: kind })])
      const before = await recordIn(store, kind)
      const seqs = (await store.readMail({ owner: 'ada', executions: [kind], limit: 10 })).map(({ seq }) => seq)
      const last = seqs.toSorted((one, other) => one - other).at(-1)!
      const parking = (lastSeq: number): ExecutionCommit =>
        commitTo(kind, { park: { lastSeq, waitsFor: approval }, steps: [stepRecord('A')], consumed: [last] })
      assert.deepEqual(await store.commit([parking(last - 1), commitTo('other')]), ['unread', true])
      assertSame(await recordIn(store, kind), before)
      assert.deepEqual((await store.readSteps([kind])).steps, [])
      // What was read and is not consumed does not keep it from being parked.
      assert.deepEqual(await store.commit([parking(last)]), [true])
      assert.equal((await recordIn(store, kind)).owner, undefined)
    }
    await live(store, 'bea')
    await store.acquire({ owner: 'bea', ids: ['data', 'control'], limit: 2 })
    assert.equal((await store.readMail({ owner: 'bea', limit: 10 })).length, 2)
  })

  test('nobody gets a parked execution that is not due, except by its id', async (bench) => {
    const { store } = bench
    await createOwned(store, 'due')
    await createOwned(store, 'open')
    await park(store, 'due', { dueAt: bench.now() + farAway })
    await park(store, 'open', {})
    assert.deepEqual(await idsOf(store, {}), [])
    assert.deepEqual(await idsOf(store, { ids: ['due', 'open'] }), ['due', 'open'])
    const record = await recordIn(store, 'due')
    assertSame(
      [record.owner, record.epoch, record.recoveries, record.parkedAt, record.dueAt, record.waitsFor],
      ['bea', 2, 0, undefined, undefined, undefined],
    )
  })

  test('what is due is taken, by the store’s clock, once, and is not parked any more', async (bench) => {
    const { store } = bench
    const other = await bench.rival()
    const ids = range(12).map((index) => `e${index}`)
    const soon = bench.now() + 400
    for (const [index, id] of ids.entries()) {
      await createOwned(store, id)
      await park(store, id, { dueAt: index < 6 ? soon : soon + farAway })
    }
    if (bench.now() < soon - 50) assert.deepEqual(await idsOf(store, {}), [])
    await bench.wait(600)
    await live(store, 'bea', 'cy')
    const request = { graphs: ['users'], limit: 4 }
    const taken = [
      ...(await Promise.all([store.acquire({ ...request, owner: 'bea' }), other.acquire({ ...request, owner: 'cy' })])),
      await store.acquire({ ...request, owner: 'bea' }),
      await store.acquire({ ...request, owner: 'bea' }),
    ].flat()
    const got = taken.map(({ execution }) => execution.id).toSorted()
    assert.deepEqual(got, ids.slice(0, 6))
    for (const { execution, wasLost } of taken) {
      assertSame(
        [execution.parkedAt, execution.dueAt, execution.waitsFor, wasLost],
        [undefined, undefined, undefined, false],
      )
      assertSame(await recordIn(store, execution.id), execution)
    }
  })

  test('a message makes a parked execution free for any process, in the operation that appends it', async (bench) => {
    const { store } = bench
    const [plain, slotted] = ['plain', 'slotted']
    for (const id of [plain, slotted]) {
      await createOwned(store, id)
      await park(store, id, { dueAt: bench.now() + farAway })
    }
    assert.deepEqual(await store.post([message(plain, 'a'), message('gone', 'b')]), ['accepted', 'unknown'])
    assert.deepEqual(await idsOf(store, {}), ['plain'])
    assert.deepEqual(await store.post([message(slotted, 'a', { slot: 'S', id: '1' })]), ['accepted'])
    assertSame((await recordIn(store, slotted)).dueAt, undefined)
    assert.deepEqual(await idsOf(store, {}), ['slotted'])
    assert.equal((await store.readMail({ owner: 'bea', limit: 10 })).length, 2)
  })

  test('a message that is refused leaves a parked execution where it is', async ({ store }) => {
    await createOwned(store, 'one')
    await store.post([message('one', 'a', { slot: 'S', id: '1' })])
    const [mail] = await store.readMail({ owner: 'ada', limit: 1 })
    await store.commit([commitTo('one', { consumed: [mail!.seq] })])
    await park(store, 'one', {}, mail!.seq)
    assert.deepEqual(await store.post([message('one', 'a', { slot: 'S', id: '2' })]), ['duplicate'])
    assert.deepEqual(await store.post([message('one', 'a', { slot: 'S', id: '1' })]), ['accepted'])
    assert.deepEqual(await idsOf(store, {}), [])
  })

  test('a message and a parking at the same time: either it is unread, or it wakes', async (bench) => {
    const { store } = bench
    const other = await bench.rival()
    await live(store, 'bea')
    for (const round of range(40)) {
      const id = `e${round}`
      await createOwned(store, id)
      const more = round % 2 === 0 ? {} : { slot: 'S', id: 'x' }
      const [[parked], [posted]] = await Promise.all([
        store.commit([commitTo(id, { park: { lastSeq: 0, waitsFor: approval } })]),
        other.post([message(id, 'signal', more)]),
      ])
      assert.equal(posted, 'accepted')
      const { owner, parkedAt } = await recordIn(store, id)
      if (parked === true) {
        assertSame([owner, parkedAt], [undefined, undefined], 'it sleeps past its message')
        assert.equal((await store.acquire({ owner: 'bea', graphs: ['users'], limit: 10 })).length, 1)
      } else assert.deepEqual([parked, owner], ['unread', 'ada'])
    }
  })

  test('a parked execution is cancelled, deleted and parked again like any other', async (bench) => {
    const { store } = bench
    for (const id of ['a', 'b', 'c']) {
      await createOwned(store, id)
      await park(store, id, { dueAt: bench.now() + farAway })
    }
    await live(store, 'bea')
    await store.acquire({ owner: 'bea', ids: ['a', 'b', 'c'], limit: 3 })
    const own = { owner: 'bea', epoch: 2 }
    assert.deepEqual(await store.delete([{ id: 'a', ...own }]), [true])
    const end = { status: 'cancelled', endedAt: 5, isReleased: true } as const
    const again = { lastSeq: 0, dueAt: bench.now() - 1_000, waitsFor: approval }
    assert.deepEqual(
      await store.commit([commitTo('b', { ...own, head: end }), commitTo('c', { ...own, park: again })]),
      [true, true],
    )
    assert.deepEqual(await idsOf(store, {}), ['c'])
    assert.equal(await store.purge({ statuses: ['cancelled'], endedBefore: 6, limit: 10 }), 1)
  })

  testIf(options.sendsHints, 'sends no hints', 'a message that wakes is announced as work', async ({ store }) => {
    await createOwned(store, 'one')
    await park(store, 'one', {})
    const hints: StoreHint[] = []
    await store.subscribe!((hint) => hints.push(hint))
    await store.post([message('one', 'a')])
    for (let tries = 0; tries < 100 && hints.length === 0; tries++)
      await new Promise((resolve) => {
        setTimeout(resolve, 50)
      })
    assert.deepEqual(hints, [{ type: 'work' }])
  })
}

async function park(store: Store, id: string, more: Partial<Parking>, lastSeq = 0): Promise<void> {
  const commit = commitTo(id, { park: { lastSeq, waitsFor: approval, ...more } })
  assert.deepEqual(await store.commit([commit]), [true])
}

/** What somebody else can have, in the order of the ids. */
async function idsOf(store: Store, request: Partial<AcquireRequest>): Promise<string[]> {
  await live(store, 'bea')
  const which = request.ids === undefined ? { graphs: ['users'] } : {}
  const acquired = await store.acquire({ owner: 'bea', limit: 100, ...which, ...request })
  return acquired.map(({ execution }) => execution.id).toSorted()
}
