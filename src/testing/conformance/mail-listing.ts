import { append } from '../../core/append.ts'
import assert from 'node:assert/strict'
import type { ListedMessage, NewMessage } from '../../core/contracts/message.ts'
import type { Store } from '../../core/contracts/store.ts'
import { assertSame } from './assertions.ts'
import type { ConformanceGroup } from './conformance-group.ts'
import { commitTo, createOwned, live, message, newExecution, range, someTime } from './records.ts'

/** `listMail`: what lies in the mailbox of one execution, for people. */
export function mailListingConformance({ test }: ConformanceGroup): void {
  test('a mailbox is listed by the numbers of its messages, and nothing is consumed by it', async ({ store }) => {
    await createOwned(store, 'one')
    await createOwned(store, 'other')
    const posted = [
      message('one', 'signal', { id: 's-1', slot: 'Approval', payload: '{"by":"ada"}' }),
      message('one', 'cancel', { class: 'control', id: 'c-1', at: someTime + 5 }),
      message('one', 'receive', { payload: new Uint8Array(1_000) }),
    ]
    await store.post([posted[0]!, message('other', 'x'), posted[1]!, posted[2]!])
    const mail = await listed(store, { payloads: true })
    assertSame(mail.map(asPosted), posted)
    assertGrowing(mail)
    assert.deepEqual(await listed(store, { payloads: true }), mail)
    assert.equal((await store.readMail({ owner: 'ada', executions: ['one'], limit: 10 })).length, 3)
  })

  test('what messages bring is given only where it is wanted; its size always', async ({ store }) => {
    await createOwned(store, 'one')
    const text = JSON.stringify('ä'.repeat(40_000))
    await store.post([
      message('one', 'none', { id: 'n', slot: 'N' }),
      message('one', 'short', { payload: '1', id: 's', slot: 'S' }),
      message('one', 'text', { payload: text, id: 't', slot: 'T' }),
      message('one', 'few', { payload: new Uint8Array([1, 2, 3]), id: 'f' }),
      message('one', 'some', { payload: new Uint8Array(300), slot: 'B' }),
      message('one', 'many', { payload: new Uint8Array(70_000), id: 'm', slot: 'M' }),
    ])
    const all = await listed(store, { payloads: true })
    assert.deepEqual(
      all.map(({ bytes }) => bytes),
      [0, 1, 80_002, 3, 300, 70_000],
    )
    assert.equal(all[2]?.payload, text)
    assertSame(
      await listed(store),
      all.map((one) => ({ ...one, payload: undefined })),
    )
  })

  test('a mailbox is listed in pages', async ({ store }) => {
    await createOwned(store, 'one')
    for (const index of range(10))
      await store.post([message('one', String(index), { class: index % 3 === 2 ? 'control' : 'data' })])
    const kinds: string[] = []
    for (let after: number | undefined; ;) {
      const page = await listed(store, { after, limit: 4 })
      append(
        kinds,
        page.map(({ kind }) => kind),
      )
      if (page.length < 4) break
      after = page.at(-1)!.seq
    }
    assert.deepEqual(kinds, range(10).map(String))
    assert.deepEqual(await listed(store, { after: Number.MAX_SAFE_INTEGER }), [])
    assert.deepEqual(await listed(store, { limit: 0 }), [])
  })

  test('whoever has an execution, or nobody: its mailbox is listed', async ({ store }) => {
    await live(store, 'ada', 'bea')
    await store.create([
      newExecution('parked', { owner: 'ada' }),
      newExecution('of the dead', { owner: 'bea' }),
      newExecution('free'),
      newExecution('ended', { owner: 'ada' }),
    ])
    const park = { lastSeq: 0, dueAt: undefined, waitsFor: '{}' }
    await store.commit([
      commitTo('parked', { park, head: { status: 'waiting', isReleased: true } }),
      commitTo('ended', { head: { status: 'completed', output: '1', endedAt: someTime } }),
    ])
    await store.endOwner('bea')
    const ids = ['parked', 'of the dead', 'free', 'ended']
    await store.post(ids.map((id) => message(id, `to ${id}`, { andEnded: true })))
    for (const id of ids) assert.deepEqual(kindsOf(await listed(store, {}, id)), [`to ${id}`])
    assert.deepEqual(await listed(store, {}, 'gone'), [])
  })

  test('what is consumed, or deleted with its execution, is listed no more', async ({ store }) => {
    await createOwned(store, 'one')
    await createOwned(store, 'other')
    await store.post(['a', 'b', 'c'].flatMap((kind) => [message('one', kind), message('other', kind)]))
    const [, second] = await listed(store)
    await store.commit([commitTo('one', { consumed: [second!.seq] })])
    assert.deepEqual(kindsOf(await listed(store)), ['a', 'c'])
    assert.deepEqual(await store.delete([{ id: 'other', owner: 'ada', epoch: 1 }]), [true])
    assert.deepEqual(await listed(store, {}, 'other'), [])
  })

  test('names of any kind are listed as they were posted', async ({ store }) => {
    const id = 'a:b/ä \u0000 💥'
    await createOwned(store, id)
    const posted = message(id, 'kïnd \u0000', { id: 'i\ud800d', slot: '💥'.repeat(20), payload: '"\ud83d\ude00"' })
    await store.post([posted])
    assertSame((await listed(store, { payloads: true }, id)).map(asPosted), [posted])
    const closed = { ...posted, payload: undefined }
    assertSame((await listed(store, {}, id)).map(asPosted), [closed])
  })
}

function listed(
  store: Store,
  more: Partial<Parameters<Store['listMail']>[0]> = {},
  execution = 'one',
): Promise<readonly ListedMessage[]> {
  return store.listMail({ execution, limit: 100, ...more })
}

function asPosted({ seq: _seq, bytes: _bytes, ...posted }: ListedMessage): NewMessage {
  return posted
}

function kindsOf(mail: readonly ListedMessage[]): readonly string[] {
  return mail.map(({ kind }) => kind)
}

function assertGrowing(mail: readonly ListedMessage[]): void {
  for (const [index, { seq }] of mail.entries())
    assert.ok(index === 0 || seq > mail[index - 1]!.seq, 'the numbers of messages grow')
}
