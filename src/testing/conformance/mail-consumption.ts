import assert from 'node:assert/strict'
import type { MailPosition, Message } from '../../core/contracts/message.ts'
import type { Store } from '../../core/contracts/store.ts'
import type { ConformanceGroup } from './conformance-group.ts'
import {
  commitAll,
  commitTo,
  createOwned,
  live,
  message,
  newExecution,
  range,
  recordIn,
  stepRecord,
} from './records.ts'

/** Messages are consumed one by one, and what is read and not consumed hides nothing. */
export function mailConsumptionConformance({ test }: ConformanceGroup): void {
  test('messages are consumed by their numbers, in any order; the others stay', async ({ store }) => {
    await createOwned(store, 'one')
    await createOwned(store, 'other')
    await store.post(['a', 'b', 'c', 'd'].map((kind) => message('one', kind)))
    await store.post([message('other', 'x')])
    const mail = (await mailOf(store)).filter(({ execution }) => execution === 'one')
    const consume = (...places: readonly number[]): Promise<unknown> =>
      store.commit([commitTo('one', { consumed: places.map((place) => mail[place]!.seq) })])
    assert.deepEqual(await consume(1), [true])
    assert.deepEqual(kinds(await mailOf(store)).toSorted(), ['a', 'c', 'd', 'x'])
    assert.deepEqual(await consume(3, 2), [true])
    assert.deepEqual(kinds(await mailOf(store)).toSorted(), ['a', 'x'])
    assert.deepEqual(await consume(), [true])
    assert.deepEqual(kinds(await mailOf(store)).toSorted(), ['a', 'x'])
    assert.deepEqual(await consume(0), [true])
    assert.deepEqual(kinds(await mailOf(store)), ['x'])
  })

  test('a number that is consumed twice, or was never given, takes nothing away', async ({ store }) => {
    await createOwned(store, 'one')
    await store.post([message('one', 'a'), message('one', 'b'), message('one', 'c')])
    const [first] = await mailOf(store)
    for (const consumed of [[first!.seq], [first!.seq], [first!.seq, first!.seq, 1_000]])
      assert.deepEqual(await store.commit([commitTo('one', { consumed })]), [true])
    assert.deepEqual(kinds(await mailOf(store)), ['b', 'c'])
    await store.post([message('one', 'd')])
    assert.deepEqual(kinds(await mailOf(store)), ['b', 'c', 'd'])
  })

  test('many commits of one call consume, each its own', async ({ store }) => {
    await live(store, 'ada')
    const ids = range(30).map((index) => `e${index}`)
    await store.create(ids.map((id) => newExecution(id, { owner: 'ada' })))
    await store.post(ids.flatMap((id) => ['a', 'b', 'c'].map((kind) => message(id, kind))))
    const mail = await mailOf(store)
    const commits = ids.map((id, index) => {
      const consumed = mail.filter(({ execution, kind }) => execution === id && kind !== 'b').map(({ seq }) => seq)
      if (index % 3 === 0) return commitTo(id)
      return commitTo(id, { consumed, ...(index % 3 === 1 && { head: { ownedMs: 7 }, steps: [stepRecord('S')] }) })
    })
    assert.equal((await commitAll(store, commits)).includes(false), false)
    const left = Map.groupBy(await mailOf(store), ({ execution }) => execution)
    for (const [index, id] of ids.entries())
      assert.deepEqual(kinds(left.get(id)!), index % 3 === 0 ? ['a', 'b', 'c'] : ['b'], id)
    assert.equal((await recordIn(store, 'e1')).ownedMs, 7)
  })

  test('a commit that is refused consumes nothing', async ({ store }) => {
    await createOwned(store, 'one')
    await store.post([message('one', 'a')])
    const [mail] = await mailOf(store)
    assert.deepEqual(await store.commit([commitTo('one', { epoch: 2, consumed: [mail!.seq] })]), [false])
    assert.deepEqual(kinds(await mailOf(store)), ['a'])
  })

  test('messages of the class control come first, whenever they came', async ({ store }) => {
    await createOwned(store, 'one')
    await store.post(['a', 'b', 'c'].map((kind) => message('one', kind)))
    await store.post([message('one', 'cancel', { class: 'control' }), message('one', 'd')])
    await store.post([message('one', 'retry', { class: 'control' })])
    const mail = await mailOf(store)
    assert.deepEqual(kinds(mail), ['cancel', 'retry', 'a', 'b', 'c', 'd'])
    assert.deepEqual(
      mail.map((one) => one.class),
      ['control', 'control', 'data', 'data', 'data', 'data'],
    )
    // Numbers are given in the order of arrival, whatever the class.
    assert.deepEqual(kinds(mail.toSorted((one, other) => one.seq - other.seq)), ['a', 'b', 'c', 'cancel', 'd', 'retry'])
    assert.deepEqual(kinds(await mailOf(store, { limit: 1 })), ['cancel'])
    assert.deepEqual(await store.commit([commitTo('one', { consumed: [mail[0]!.seq, mail[3]!.seq] })]), [true])
    assert.deepEqual(kinds(await mailOf(store)), ['retry', 'a', 'c', 'd'])
  })

  test('what was read is not given again where the reader says so, in each class by itself', async ({ store }) => {
    await createOwned(store, 'one')
    await createOwned(store, 'other')
    await store.post([message('one', 'a'), message('one', 'b'), message('other', 'x')])
    const seqs = new Map((await mailOf(store)).map(({ kind, seq }) => [kind, seq]))
    const read = (position: MailPosition): Promise<string[]> =>
      mailOf(store, { after: new Map([['one', position]]) }).then((mail) => kinds(mail).toSorted())
    assert.deepEqual(await read({ control: 0, data: 0 }), ['a', 'b', 'x'])
    assert.deepEqual(await read({ control: 0, data: seqs.get('a')! }), ['b', 'x'])
    const all = { control: seqs.get('b')!, data: seqs.get('b')! }
    assert.deepEqual(await read(all), ['x'])
    await store.post([message('one', 'cancel', { class: 'control' }), message('one', 'c')])
    assert.deepEqual(await read(all), ['c', 'cancel', 'x'])
    assert.deepEqual(await read({ ...all, data: Number.MAX_SAFE_INTEGER }), ['cancel', 'x'])
    // Another one's position, or that of an execution that is not there, is no matter.
    const strange = new Map([['nobody', all]])
    assert.equal((await mailOf(store, { after: strange })).length, 5)
  })

  test('in portions, each message is read once, however many executions keep theirs', async ({ store }) => {
    await live(store, 'ada')
    const ids = range(130).map((index) => `e${index}`)
    await store.create(ids.map((id) => newExecution(id, { owner: 'ada' })))
    await store.post(ids.flatMap((id) => ['a', 'b'].map((kind) => message(id, kind))))
    await store.post([message('e129', 'cancel', { class: 'control' })])
    const after = new Map<string, MailPosition>()
    const read: string[] = []
    for (let portion: readonly Message[] = [], rounds = 0; rounds === 0 || portion.length === 50; rounds++) {
      portion = await mailOf(store, { after, limit: 50 })
      for (const one of portion) {
        read.push(one.execution + one.kind)
        after.set(one.execution, { ...(after.get(one.execution) ?? { control: 0, data: 0 }), [one.class]: one.seq })
      }
      assert.ok(rounds < 10, 'it never ends')
    }
    const sent = [...ids.flatMap((id) => [`${id}a`, `${id}b`]), 'e129cancel']
    assert.deepEqual(read.toSorted(), sent.toSorted())
  })

  test('messages to some executions alone are read, while they are the owner’s', async ({ store }) => {
    await live(store, 'ada', 'bea')
    await store.create(['a', 'b', 'c'].map((id) => newExecution(id, { owner: 'ada' })))
    await store.create([newExecution('d', { owner: 'bea' })])
    await store.post(['a', 'b', 'c', 'd'].map((id) => message(id, `to-${id}`)))
    const executions = ['c', 'a', 'd', 'nobody']
    assert.deepEqual(kinds(await mailOf(store, { executions })).toSorted(), ['to-a', 'to-c'])
    assert.deepEqual(kinds(await mailOf(store, { owner: 'bea', executions })), ['to-d'])
    assert.deepEqual(await mailOf(store, { executions: [] }), [])
  })
}

function mailOf(store: Store, more: Partial<Parameters<Store['readMail']>[0]> = {}): Promise<readonly Message[]> {
  return store.readMail({ owner: 'ada', limit: 1_000, ...more })
}

function kinds(mail: readonly Message[]): string[] {
  return mail.map(({ kind }) => kind)
}
