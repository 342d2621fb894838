import { append } from '../../core/append.ts'
import assert from 'node:assert/strict'
import type { Message } from '../../core/contracts/message.ts'
import { assertSame } from './assertions.ts'
import type { ConformanceGroup } from './conformance-group.ts'
import { commitAll, commitTo, createOwned, live, message, newExecution, range, someTime } from './records.ts'

/** `post`, `readMail`, and `consumed` of commits. */
export function mailboxConformance({ test }: ConformanceGroup): void {
  test('messages arrive as they were posted, in order', async ({ store }) => {
    await createOwned(store, 'one')
    const posted = [
      message('one', 'cancel', { at: someTime + 1 }),
      message('one', 'signal', { payload: '{"type":"Approval","value":true}', at: someTime }),
      message('one', 'update', { payload: new Uint8Array([0, 255, 10]), at: someTime + 2 }),
    ]
    assert.deepEqual(await store.post(posted), ['accepted', 'accepted', 'accepted'])
    const mail = await store.readMail({ owner: 'ada', limit: 10 })
    assertSame(
      mail.map((one) => ({ ...one, seq: undefined })),
      posted,
    )
    assertGrowing(mail)
  })

  test('reading mail consumes nothing', async ({ store }) => {
    await createOwned(store, 'one')
    await store.post([message('one', 'a'), message('one', 'b')])
    const first = await store.readMail({ owner: 'ada', limit: 10 })
    assert.equal(first.length, 2)
    assertSame(await store.readMail({ owner: 'ada', limit: 10 }), first)
  })

  test('a message to no execution is refused, the others in the call arrive', async ({ store }) => {
    await createOwned(store, 'one')
    assert.deepEqual(await store.post([message('gone', 'a'), message('one', 'b'), message('gone', 'c')]), [
      'unknown',
      'accepted',
      'unknown',
    ])
    assert.deepEqual(kinds(await store.readMail({ owner: 'ada', limit: 10 })), ['b'])
    assert.deepEqual(await store.post([]), [])
  })

  test('a message to an execution that nobody owns is kept', async ({ store }) => {
    await live(store, 'ada')
    await store.create([newExecution('free')])
    assert.deepEqual(await store.post([message('free', 'a')]), ['accepted'])
    await store.acquire({ owner: 'ada', ids: ['free'], limit: 1 })
    assert.deepEqual(kinds(await store.readMail({ owner: 'ada', limit: 10 })), ['a'])
  })

  test('an owner reads the mail of its own executions', async ({ store }) => {
    await live(store, 'ada', 'bea')
    await store.create([
      newExecution('a1', { owner: 'ada' }),
      newExecution('b1', { owner: 'bea' }),
      newExecution('free'),
      newExecution('a2', { owner: 'ada' }),
    ])
    await store.post(['a1', 'b1', 'free', 'a2', 'b1'].map((id, index) => message(id, `m${index}`)))
    assert.deepEqual(kinds(await store.readMail({ owner: 'ada', limit: 10 })).toSorted(), ['m0', 'm3'])
    assert.deepEqual(kinds(await store.readMail({ owner: 'bea', limit: 10 })), ['m1', 'm4'])
    assert.deepEqual(await store.readMail({ owner: 'cy', limit: 10 }), [])
    assert.deepEqual(await store.readMail({ owner: '', limit: 10 }), [])
  })

  test('a portion of the mail holds the first messages of each execution', async ({ store }) => {
    await live(store, 'ada')
    const ids = ['a', 'b', 'c']
    await store.create(ids.map((id) => newExecution(id, { owner: 'ada' })))
    for (const round of range(10)) await store.post(ids.map((id) => message(id, String(round))))
    const portion = await store.readMail({ owner: 'ada', limit: 7 })
    assert.equal(portion.length, 7)
    for (const id of ids) {
      const own = portion.filter(({ execution }) => execution === id)
      assert.deepEqual(
        kinds(own),
        own.map((_, index) => String(index)),
      )
    }
  })

  test('sequence numbers go on growing after all mail was consumed', async ({ store }) => {
    await createOwned(store, 'one')
    const numbers: number[] = []
    for (const round of range(4)) {
      await store.post([message('one', String(round))])
      const [mail] = await store.readMail({ owner: 'ada', limit: 10 })
      assert.equal(mail?.kind, String(round))
      numbers.push(mail.seq)
      await store.commit([commitTo('one', { consumed: [mail.seq] })])
    }
    assert.deepEqual(
      numbers,
      [...new Set(numbers)].toSorted((one, other) => one - other),
    )
  })

  test('after a takeover, the new owner gets what is not consumed', async ({ store, rival }) => {
    const other = await rival()
    await createOwned(store, 'one')
    await store.post(['a', 'b', 'c'].map((kind) => message('one', kind)))
    const [first] = await store.readMail({ owner: 'ada', limit: 1 })
    await store.commit([commitTo('one', { consumed: [first!.seq] })])
    await store.endOwner('ada')
    await live(other, 'bea')
    await other.acquire({ owner: 'bea', graphs: ['users'], limit: 1 })
    assert.deepEqual(kinds(await other.readMail({ owner: 'bea', limit: 10 })), ['b', 'c'])
    assert.deepEqual(await store.readMail({ owner: 'ada', limit: 10 }), [])
    await store.post([message('one', 'd')])
    assert.deepEqual(kinds(await other.readMail({ owner: 'bea', limit: 10 })), ['b', 'c', 'd'])
  })

  test('mail of a released execution waits for the next owner', async ({ store }) => {
    await createOwned(store, 'one')
    await store.post([message('one', 'a')])
    await store.commit([commitTo('one', { head: { isReleased: true } })])
    assert.deepEqual(await store.readMail({ owner: 'ada', limit: 10 }), [])
    await store.acquire({ owner: 'ada', graphs: ['users'], limit: 1 })
    assert.deepEqual(kinds(await store.readMail({ owner: 'ada', limit: 10 })), ['a'])
  })

  test('no message is lost or read twice while two clients post and the owner consumes', async ({ store, rival }) => {
    const other = await rival()
    await createOwned(store, 'one')
    const got: string[] = []
    let isPosting = true
    const consume = async (): Promise<void> => {
      for (let isLast = false; !isLast;) {
        isLast = !isPosting
        const mail = await store.readMail({ owner: 'ada', limit: 50 })
        if (mail.length === 0) continue
        isLast = false
        assertGrowing(mail)
        append(got, kinds(mail))
        assert.deepEqual(await commitAll(store, [commitTo('one', { consumed: mail.map(({ seq }) => seq) })]), [true])
      }
    }
    const post = (client: typeof store, name: string): Promise<unknown> =>
      Promise.all(range(50).map((index) => client.post([message('one', `${name}${index}`)])))
    const posting = Promise.all([post(store, 'a'), post(other, 'b')]).finally(() => (isPosting = false))
    await Promise.all([posting, consume()])
    const sent = range(50).flatMap((index) => [`a${index}`, `b${index}`])
    assert.deepEqual(got.toSorted(), sent.toSorted())
  })
}

function kinds(mail: readonly Message[]): string[] {
  return mail.map(({ kind }) => kind)
}

function assertGrowing(mail: readonly Message[]): void {
  for (const [index, { seq }] of mail.entries()) {
    assert.ok(Number.isSafeInteger(seq), `${seq} is no whole number`)
    assert.ok(index === 0 || seq > mail[index - 1]!.seq, 'the numbers do not grow')
  }
}
