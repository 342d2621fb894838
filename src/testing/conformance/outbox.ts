import assert from 'node:assert/strict'
import { append } from '../../core/append.ts'
import type { OutboxEntry, OutboxRequest, OutgoingMessage } from '../../core/contracts/outbox.ts'
import type { Store } from '../../core/contracts/store.ts'
import { assertSame } from './assertions.ts'
import type { ConformanceGroup } from './conformance-group.ts'
import {
  commitAll,
  commitTo,
  createOwned,
  live,
  newExecution,
  range,
  recordIn,
  someTime,
  stepRecord,
} from './records.ts'

/** Messages that commits cause to other executions, until they are confirmed. */
export function outboxConformance({ test }: ConformanceGroup): void {
  test('a commit keeps the messages that it causes, with the rest of it, until they are confirmed', async (bench) => {
    const { store } = bench
    await createOwned(store, 'one')
    const sent = [
      outgoing('first', { payload: '{"a":1}', slot: 'place', at: someTime + 1 }),
      outgoing('second', { class: 'control', kind: 'cancel', at: someTime + 2 }),
    ]
    const commit = commitTo('one', { steps: [stepRecord('A')], head: { ownedMs: 7 }, outgoing: sent })
    assert.deepEqual(await store.commit([commit]), [true])
    assert.equal((await recordIn(store, 'one')).ownedMs, 7)
    assertSame(
      await outboxOf(store),
      sent.map((message) => ({ slot: undefined, ...message, source: 'one' })),
    )
    // Another process finds them too.
    const rival = await bench.rival()
    assert.deepEqual(entries(await outboxOf(rival)), ['first', 'second'])
    await rival.confirmOutbox([{ source: 'one', entry: 'first', at: someTime + 1 }])
    assert.deepEqual(entries(await outboxOf(store)), ['second'])
    await store.confirmOutbox(await outboxOf(store))
    assert.deepEqual(await outboxOf(store), [])
  })

  test('what is confirmed twice, or was never there, is no matter', async ({ store }) => {
    await createOwned(store, 'one')
    await store.confirmOutbox([])
    await store.commit([commitTo('one', { outgoing: [outgoing('a'), outgoing('b')] })])
    const a = { source: 'one', entry: 'a', at: someTime }
    for (const places of [[a], [a], [a, a, { source: 'nobody', entry: 'never', at: someTime }]])
      await store.confirmOutbox(places)
    assert.deepEqual(entries(await outboxOf(store)), ['b'])
  })

  test('a commit that is refused causes nothing', async ({ store }) => {
    await createOwned(store, 'one')
    assert.deepEqual(await store.commit([commitTo('one', { epoch: 2, outgoing: [outgoing('a')] })]), [false])
    assert.deepEqual(await store.commit([commitTo('nobody', { outgoing: [outgoing('b')] })]), [false])
    assert.deepEqual(await outboxOf(store), [])
  })

  test('a commit that is repeated, as after a lost answer, causes the same messages once', async ({ store }) => {
    await createOwned(store, 'one')
    const commit = commitTo('one', { outgoing: [outgoing('a'), outgoing('b')] })
    assert.deepEqual(await store.commit([commit]), [true])
    assert.deepEqual(await store.commit([commit]), [true])
    assert.deepEqual(entries(await outboxOf(store)), ['a', 'b'])
  })

  test('the end of an execution, its owner given up, causes messages, and they outlive it', async ({ store }) => {
    await createOwned(store, 'one')
    const head = { status: 'failed', error: '"e"', endedAt: someTime, isReleased: true } as const
    assert.deepEqual(await store.commit([commitTo('one', { head, outgoing: [outgoing('a')] })]), [true])
    await createOwned(store, 'two')
    await store.commit([commitTo('two', { outgoing: [outgoing('b')] })])
    await store.delete([{ id: 'two', owner: 'ada', epoch: 1 }])
    await store.purge({ statuses: ['failed'], endedBefore: someTime + 1, limit: 10 })
    assert.deepEqual(await store.get(['one', 'two']), [undefined, undefined])
    assert.deepEqual(entries(await outboxOf(store)), ['a', 'b'])
  })

  test('they are read by their times, then by their names, in portions, and only older ones', async ({ store }) => {
    await live(store, 'ada')
    const ids = range(40).map((index) => `e${index}`)
    await store.create(ids.map((id) => newExecution(id, { owner: 'ada' })))
    const commits = ids.map((id, index) =>
      commitTo(id, {
        outgoing: [
          outgoing(`${id}-early`, { at: someTime + (index % 5) }),
          outgoing(`${id}-late`, { at: someTime + 100 + index }),
        ],
        ...(index % 2 === 0 && { steps: [stepRecord('A')], head: { ownedMs: 3 } }),
      }),
    )
    assert.equal((await commitAll(store, commits)).includes(false), false)
    const all = await outboxOf(store)
    assert.equal(all.length, 80)
    assert.deepEqual(entries(all), entries(all.toSorted(inOrder)))
    assert.deepEqual(entries(await outboxOf(store, { limit: 7 })), entries(all.slice(0, 7)))
    const early = await outboxOf(store, { before: someTime + 3 })
    assert.deepEqual(entries(early), entries(all.filter(({ at }) => at < someTime + 3)))
    const read: OutboxEntry[] = []
    for (let portion = await outboxOf(store, { limit: 9 }); portion.length > 0;) {
      append(read, portion)
      assert.ok(read.length <= 80, 'it never ends')
      portion = await outboxOf(store, { limit: 9, after: portion.at(-1) })
    }
    assert.deepEqual(entries(read), entries(all))
    await store.confirmOutbox(all)
    assert.deepEqual(await outboxOf(store), [])
  })

  test('names of any kind come back as they were, and bytes', async ({ store }) => {
    const id = 'eins \u0000 zwei/\u{1F600} \ud800'
    await createOwned(store, id)
    const payload = Uint8Array.of(0, 1, 255)
    const sent = outgoing('strange', { execution: `to ${id}`, id: `id ${id}`, kind: `kind ${id}`, slot: id, payload })
    assert.deepEqual(await store.commit([commitTo(id, { outgoing: [sent] })]), [true])
    const [found] = await outboxOf(store)
    assertSame(found, { ...sent, source: id })
    await store.confirmOutbox([found!])
    assert.deepEqual(await outboxOf(store), [])
  })

  test('they take nothing from other work: what is unfinished is found and deleted beside them', async ({ store }) => {
    await createOwned(store, 'one')
    await store.create([newExecution('two')])
    await store.commit([commitTo('one', { head: { isReleased: true }, outgoing: [outgoing('a')] })])
    const request = { owner: 'ada', graphs: ['users'], limit: 10 }
    const acquired = await store.acquire(request)
    assert.deepEqual(acquired.map(({ execution }) => execution.id).toSorted(), ['one', 'two'])
    for (const { execution } of acquired)
      assert.deepEqual(await store.delete([{ id: execution.id, owner: 'ada', epoch: execution.epoch }]), [true])
    assert.deepEqual(entries(await outboxOf(store)), ['a'])
    assert.deepEqual(await store.acquire(request), [])
  })
}

function outgoing(entry: string, more: Partial<OutgoingMessage> = {}): OutgoingMessage {
  const content = { class: 'data', kind: 'ended', payload: undefined, at: someTime } as const
  return { entry, id: `id of ${entry}`, execution: 'receiver', ...content, ...more }
}

function outboxOf(store: Store, more: Partial<OutboxRequest> = {}): Promise<readonly OutboxEntry[]> {
  return store.readOutbox({ before: someTime + 1_000_000, limit: 1_000, ...more })
}

function entries(all: readonly OutboxEntry[]): string[] {
  return all.map(({ entry }) => entry)
}

function inOrder(one: OutboxEntry, other: OutboxEntry): number {
  return one.at - other.at || (one.entry < other.entry ? -1 : 1)
}
