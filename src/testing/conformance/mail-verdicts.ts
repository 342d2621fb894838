import { append } from '../../core/append.ts'
import assert from 'node:assert/strict'
import type { PostVerdict, Receipt } from '../../core/contracts/message.ts'
import { idReceipt, slotReceipt } from '../../core/contracts/receipts.ts'
import type { Store } from '../../core/contracts/store.ts'
import { assertStoreError } from './assertions.ts'
import type { ConformanceGroup } from './conformance-group.ts'
import { commitTo, createOwned, message, newExecution, range, someTime } from './records.ts'

/** What `post` says of messages: by their ids, the executions' statuses, and their slots. */
export function mailVerdictsConformance({ options, test, testIf }: ConformanceGroup): void {
  test('a message to an execution that has ended is refused, unless it is for such ones too', async ({ store }) => {
    await createOwned(store, 'one')
    for (const status of ['completed', 'failed', 'cancelled'] as const) {
      await store.commit([commitTo('one', { head: { status, endedAt: someTime } })])
      const retry = message('one', 'retry', { class: 'control', andEnded: true })
      assert.deepEqual(await store.post([message('one', 'a'), retry, message('gone', 'b')]), [
        'ended',
        'accepted',
        'unknown',
      ])
      assert.deepEqual(await post(store, { slot: 'S', id: `late-${status}` }), 'ended')
    }
    assert.deepEqual(await kinds(store), ['retry', 'retry', 'retry'])
    await store.commit([commitTo('one', { head: { status: 'running', endedAt: undefined } })])
    assert.deepEqual(await post(store, { slot: 'S' }), 'accepted')
  })

  test('a slot is taken by one message, and stays taken when that is consumed', async ({ store }) => {
    await createOwned(store, 'one')
    await createOwned(store, 'other')
    assert.equal(await post(store, { slot: 'Approval', payload: '1' }), 'accepted')
    assert.equal(await post(store, { slot: 'Approval', payload: '2' }), 'duplicate')
    assert.equal(await post(store, { slot: 'Expiry', payload: '3' }), 'accepted')
    assert.deepEqual(await store.post([message('other', 'signal', { slot: 'Approval' })]), ['accepted'])
    const mail = await store.readMail({ owner: 'ada', executions: ['one'], limit: 10 })
    assert.deepEqual(
      mail.map(({ slot, payload }) => [slot, payload]),
      [
        ['Approval', '1'],
        ['Expiry', '3'],
      ],
    )
    await store.commit([commitTo('one', { consumed: [mail[0]!.seq] })])
    assert.equal(await post(store, { slot: 'Approval', payload: '4' }), 'duplicate')
    assert.deepEqual(await kinds(store, 'one'), ['signal'])
  })

  test('a slot that a commit closes makes later messages late; one that is taken stays so', async ({ store }) => {
    await createOwned(store, 'one')
    assert.equal(await post(store, { slot: 'Taken' }), 'accepted')
    await store.commit([commitTo('one', { closedSlots: ['Taken', 'Free', 'Ünïcode \u0000 \ud800'] })])
    assert.equal(await post(store, { slot: 'Taken' }), 'duplicate')
    assert.equal(await post(store, { slot: 'Free' }), 'late')
    assert.equal(await post(store, { slot: 'Ünïcode \u0000 \ud800' }), 'late')
    assert.equal(await post(store, { slot: 'Other' }), 'accepted')
    const [taken] = await store.readMail({ owner: 'ada', executions: ['one'], limit: 1 })
    const opened = { consumed: [taken!.seq], openedSlots: ['Taken', 'Free', 'never there'], closedSlots: ['Last'] }
    await store.commit([commitTo('one', opened)])
    for (const slot of ['Taken', 'Free']) {
      assert.equal(await post(store, { slot }), 'accepted')
      assert.equal(await post(store, { slot }), 'duplicate')
    }
    assert.equal(await post(store, { slot: 'Last' }), 'late')
    assert.deepEqual(await store.commit([commitTo('one', { epoch: 9, closedSlots: ['Fenced'] })]), [false])
    assert.equal(await post(store, { slot: 'Fenced' }), 'accepted')
  })

  test('a slot is not opened while a message that holds it is there, as where a commit comes once more', async ({
    store,
  }) => {
    await createOwned(store, 'one')
    await createOwned(store, 'other')
    for (const slot of ['S', 'Ünïcode \u0000 \ud800']) {
      const [other, free] = [`${slot} of another one`, `${slot} too`]
      assert.equal(await post(store, { slot, payload: '1' }), 'accepted')
      const [setAside] = await store.readMail({ owner: 'ada', executions: ['one'], limit: 1 })
      const commit = commitTo('one', { consumed: [setAside!.seq], openedSlots: [slot, other, free] })
      assert.deepEqual(await store.commit([commit]), [true])
      assert.equal(await post(store, { slot, payload: '2' }), 'accepted')
      assert.deepEqual(await store.post([message('other', 'signal', { slot: other })]), ['accepted'])
      // Its answer was lost.
      assert.deepEqual(await store.commit([commit]), [true])
      assert.equal(await post(store, { slot }), 'duplicate')
      assert.equal(await post(store, { slot: other, payload: '3' }), 'accepted')
      const mail = await store.readMail({ owner: 'ada', executions: ['one'], limit: 10 })
      assert.deepEqual(
        mail.map(({ payload }) => payload),
        ['2', '3'],
      )
      const consumed = mail.map(({ seq }) => seq)
      assert.deepEqual(await store.commit([commitTo('one', { consumed, openedSlots: [slot, other] })]), [true])
      assert.equal(await post(store, { slot, class: 'control' }), 'accepted')
      assert.deepEqual(await store.commit([commit]), [true])
      assert.equal(await post(store, { slot }), 'duplicate')
      const [control] = await store.readMail({ owner: 'ada', executions: ['one'], limit: 10 })
      assert.deepEqual(await store.commit([commitTo('one', { consumed: [control!.seq], openedSlots: [slot] })]), [true])
      assert.equal(await post(store, { slot }), 'accepted')
      const [last] = await store.readMail({ owner: 'ada', executions: ['one'], limit: 10 })
      assert.deepEqual(await store.commit([commitTo('one', { consumed: [last!.seq] })]), [true])
    }
  })

  test('an id that was posted before gets its first verdict, and nothing is appended', async ({ store }) => {
    await createOwned(store, 'one')
    await store.commit([commitTo('one', { closedSlots: ['Closed'] })])
    const first = { id: 'a', slot: 'S', payload: '1' }
    assert.equal(await post(store, first), 'accepted')
    assert.equal(await post(store, first), 'accepted')
    assert.equal(await post(store, { ...first, payload: '2' }), 'accepted')
    assert.equal(await post(store, { id: 'b', slot: 'S' }), 'duplicate')
    assert.equal(await post(store, { id: 'c', slot: 'Closed' }), 'late')
    assert.equal(await post(store, { id: 'd' }), 'accepted')
    const mail = await store.readMail({ owner: 'ada', limit: 10 })
    assert.deepEqual(
      mail.map(({ id, payload }) => [id, payload]),
      [
        ['a', '1'],
        ['d', undefined],
      ],
    )
    // Consumed, the slot open again, and the execution at its end: whoever lost the answer gets it now.
    await store.commit([
      commitTo('one', {
        consumed: mail.map(({ seq }) => seq),
        openedSlots: ['S', 'Closed'],
        head: { status: 'completed', endedAt: someTime },
      }),
    ])
    const again = ['a', 'b', 'c', 'd', 'new'].map((id) => message('one', 'signal', { id, slot: 'S' }))
    assert.deepEqual(await store.post(again), ['accepted', 'duplicate', 'late', 'accepted', 'ended'])
    assert.deepEqual(await kinds(store), [])
    // Of another kind, it is another message.
    assert.deepEqual(await store.post([message('one', 'other', { id: 'a', andEnded: true })]), ['accepted'])
  })

  test('ids and slots count within one call, in its order', async ({ store }) => {
    await createOwned(store, 'one')
    await createOwned(store, 'two')
    const posted = [
      message('one', 'a', { slot: 'S' }),
      message('two', 'b', { slot: 'S' }),
      message('one', 'c', { slot: 'S' }),
      message('one', 'd', { id: '1' }),
      message('one', 'd', { id: '1' }),
      message('gone', 'e', { id: '1', slot: 'S' }),
      message('one', 'f'),
    ]
    const verdicts = ['accepted', 'accepted', 'duplicate', 'accepted', 'accepted', 'unknown', 'accepted']
    assert.deepEqual(await store.post(posted), verdicts)
    assert.deepEqual(await kinds(store, 'one'), ['a', 'd', 'f'])
    assert.deepEqual(await kinds(store, 'two'), ['b'])
  })

  test('of many that take a slot at once, one gets it; of many with one id, one is appended', async (bench) => {
    const { store } = bench
    const other = await bench.rival()
    await createOwned(store, 'one')
    const clients = [store, other]
    const slots = await Promise.all(
      range(30).map((index) => clients[index % 2]!.post([message('one', 'signal', { slot: 'S', id: `s${index}` })])),
    )
    assert.equal(slots.flat().filter((verdict) => verdict === 'accepted').length, 1)
    assert.equal(slots.flat().filter((verdict) => verdict === 'duplicate').length, 29)
    const ids = await Promise.all(
      range(30).map((index) => clients[index % 2]!.post([message('one', 'update', { id: 'same' })])),
    )
    assert.deepEqual(new Set(ids.flat()), new Set<PostVerdict>(['accepted']))
    assert.deepEqual(await kinds(store), ['signal', 'update'])
  })

  test('an end and a message at the same time: what was accepted is there, what was not is not', async (bench) => {
    const { store } = bench
    const other = await bench.rival()
    for (const round of range(20)) {
      const id = `e${round}`
      await createOwned(store, id)
      const [[written], [verdict]] = await Promise.all([
        store.commit([commitTo(id, { head: { status: 'completed', endedAt: someTime } })]),
        other.post([message(id, 'signal', { slot: 'S' })]),
      ])
      assert.ok(written === true || written === 'locked')
      assert.ok(verdict === 'accepted' || verdict === 'ended', verdict)
      assert.equal((await kinds(store, id)).length, verdict === 'accepted' ? 1 : 0)
    }
  })

  test('what is remembered of messages goes with their execution', async ({ store }) => {
    await createOwned(store, 'one')
    assert.equal(await post(store, { id: 'a', slot: 'S' }), 'accepted')
    assert.deepEqual(await store.delete([{ id: 'one', owner: 'ada', epoch: 1 }]), [true])
    await createOwned(store, 'one')
    assert.equal(await post(store, { id: 'a', slot: 'S' }), 'accepted')
    await store.commit([commitTo('one', { head: { status: 'completed', endedAt: 1, isReleased: true } })])
    assert.equal(await store.purge({ statuses: ['completed'], endedBefore: 2, limit: 10 }), 1)
    await createOwned(store, 'one')
    assert.equal(await post(store, { id: 'a', slot: 'S' }), 'accepted')
    assert.equal((await kinds(store)).length, 1)
  })

  test('what is remembered of messages is read whole, and written where it is not known yet', async ({ store }) => {
    await createOwned(store, 'one')
    await createOwned(store, 'copy')
    const odd = ['Ünïcode \u0000 \ud800', `${'long'.repeat(200)}a`, `${'long'.repeat(200)}b`]
    const posted = [
      ...odd.map((id) => message('one', 'signal', { id, slot: `of ${id}` })),
      message('one', 'signal', { id: 'again', slot: `of ${odd[0]}` }),
      ...range(1_200).map((index) => message('one', 'signal', { id: `n${index}` })),
    ]
    await store.post(posted)
    await store.commit([commitTo('one', { closedSlots: ['Closed'] })])
    const receipts = await receiptsOf(store, 'one')
    assert.deepEqual(
      receipts,
      [
        ...odd.flatMap((id): Receipt[] => [
          receiptOf(id, 'accepted'),
          { name: slotReceipt(`of ${id}`), verdict: 'duplicate' },
        ]),
        receiptOf('again', 'duplicate'),
        ...range(1_200).map((index) => receiptOf(`n${index}`, 'accepted')),
        { name: slotReceipt('Closed'), verdict: 'late' as const },
      ].toSorted(byName),
    )
    assert.deepEqual(await receiptsOf(store, 'nothing'), [])
    // What is known stays: the first that is posted there, and what is closed.
    assert.deepEqual(await store.post([message('copy', 'signal', { id: 'other' })]), ['accepted'])
    const known = [...receipts, receiptOf('other', 'late')]
    assert.deepEqual(await store.commit([commitTo('copy', { receipts: known, closedSlots: ['Open'] })]), [true])
    assert.deepEqual(
      await receiptsOf(store, 'copy'),
      [...receipts, receiptOf('other', 'accepted'), { name: slotReceipt('Open'), verdict: 'late' as const }].toSorted(
        byName,
      ),
    )
    const again = posted.map((one) => ({ ...one, execution: 'copy' }))
    assert.deepEqual(new Set((await store.post(again)).slice(4)), new Set<PostVerdict>(['accepted']))
    assert.deepEqual(await store.post(again.slice(0, 4)), ['accepted', 'accepted', 'accepted', 'duplicate'])
    assert.deepEqual(await store.post([message('copy', 'signal', { slot: `of ${odd[1]}` })]), ['duplicate'])
    assert.deepEqual(await store.post([message('copy', 'signal', { slot: 'Closed' })]), ['late'])
    assert.deepEqual(await kinds(store, 'copy'), ['signal'])
    assert.deepEqual(await store.commit([commitTo('copy', { epoch: 9, receipts: [receiptOf('fenced', 'late')] })]), [
      false,
    ])
    assert.deepEqual(await store.post([message('copy', 'signal', { id: 'fenced' })]), ['accepted'])
  })

  const { transactions } = options.capabilities
  if (!transactions)
    test('a store that takes part in no transactions posts nothing in one', async ({ store }) => {
      await createOwned(store, 'one')
      assert.equal(await assertStoreError(() => store.post([message('one', 'a')], {})), false)
      assert.deepEqual(await kinds(store), [])
    })

  testIf(
    transactions,
    'takes part in no transactions',
    'a message is posted if its transaction commits',
    async (bench) => {
      const { store } = bench
      await createOwned(store, 'one')
      const verdicts: PostVerdict[] = []
      for (const end of ['rollback', 'commit'] as const) {
        const transaction = await bench.space.beginTransaction!()
        const posted = [message('one', 'signal', { id: 'a', slot: 'S' }), message('gone', 'b'), message('one', end)]
        append(verdicts, await store.post(posted, transaction.client))
        append(
          verdicts,
          (await store.create([newExecution(end)], transaction.client)).map(() => 'accepted' as const),
        )
        await transaction[end]()
      }
      assert.deepEqual(verdicts, [
        'accepted',
        'unknown',
        'accepted',
        'accepted',
        'accepted',
        'unknown',
        'accepted',
        'accepted',
      ])
      assert.deepEqual(await kinds(store), ['signal', 'commit'])
      assert.equal(await post(store, { slot: 'S' }), 'duplicate')
    },
  )
}

async function post(store: Store, more: Partial<Parameters<typeof message>[2]>): Promise<PostVerdict> {
  const [verdict] = await store.post([message('one', 'signal', more)])
  return verdict!
}

function receiptOf(id: string, verdict: PostVerdict): Receipt {
  return { name: idReceipt({ kind: 'signal', id })!, verdict }
}

/** In the order of their names, which is not that in which stores give them. */
async function receiptsOf(store: Store, execution: string): Promise<readonly Receipt[]> {
  const all: Receipt[] = []
  let page = await store.readReceipts(execution)
  append(all, page.receipts)
  while (page.next !== undefined) append(all, (page = await store.readReceipts(execution, page.next)).receipts)
  return all.toSorted(byName)
}

function byName(one: Receipt, other: Receipt): number {
  return one.name < other.name ? -1 : 1
}

async function kinds(store: Store, ...executions: readonly string[]): Promise<string[]> {
  const some = executions.length === 0 ? {} : { executions }
  return (await store.readMail({ owner: 'ada', limit: 100, ...some })).map(({ kind }) => kind)
}
