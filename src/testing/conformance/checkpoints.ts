import assert from 'node:assert/strict'
import { append } from '../../core/append.ts'
import type { CheckpointRecord, CheckpointRequest } from '../../core/contracts/checkpoint-record.ts'
import type { Store } from '../../core/contracts/store.ts'
import { assertSame } from './assertions.ts'
import type { Bench, ConformanceGroup } from './conformance-group.ts'
import {
  checkpointRecord,
  commitAll,
  commitTo,
  createOwned,
  live,
  message,
  newExecution,
  range,
  recordIn,
  someTime,
  stepRecord,
} from './records.ts'

/** What executions remember beside their steps' records. */
export function checkpointsConformance({ options, testIf }: ConformanceGroup): void {
  const test = (title: string, body: (bench: Bench) => Promise<void>): void =>
    testIf(options.keepsCheckpoints !== false, 'it keeps no checkpoints', title, body)

  test('a commit writes checkpoints with the rest of it, and they come back as they were', async (bench) => {
    const { store } = bench
    await createOwned(store, 'one')
    await store.post([message('one', 'go')])
    const [mail] = await store.readMail({ owner: 'ada', limit: 1 })
    const written = [
      checkpointRecord('mail', { order: 0 }),
      checkpointRecord('wait', { kind: 'sleep', order: 1, status: 'open', value: undefined, dueAt: someTime + 60_000 }),
      checkpointRecord('pay', { order: 2, status: 'failed', value: undefined, error: '{"name":"Error"}' }),
      checkpointRecord('reply', { kind: 'receive', order: 3, status: 'timedOut', value: Uint8Array.of(0, 1, 255) }),
    ]
    const commit = commitTo('one', {
      steps: [stepRecord('Onboarding', { status: 'running', output: undefined })],
      head: { ownedMs: 5 },
      consumed: [mail!.seq],
      checkpoints: written,
    })
    assert.deepEqual(await store.commit([commit]), [true])
    assert.equal((await recordIn(store, 'one')).ownedMs, 5)
    assert.deepEqual(await store.readMail({ owner: 'ada', limit: 1 }), [])
    assertSame(await checkpointsOf(store, 'one'), written)
    // Another process reads them too.
    assertSame(await checkpointsOf(await bench.rival(), 'one'), written)
  })

  test('a commit of nothing but checkpoints writes them', async ({ store }) => {
    await createOwned(store, 'one')
    await createOwned(store, 'two')
    const commits = ['one', 'two'].map((id) => commitTo(id, { checkpoints: [checkpointRecord(`of ${id}`)] }))
    assert.deepEqual(await store.commit(commits), [true, true])
    for (const id of ['one', 'two']) assert.deepEqual(namesOf(await checkpointsOf(store, id)), [`of ${id}`])
  })

  test('one that is there under its name is replaced, wherever it stood', async ({ store }) => {
    await createOwned(store, 'one')
    const open = [0, 1, 2].map((order) => checkpointRecord(`c${order}`, { order, status: 'open', dueAt: someTime }))
    await store.commit([commitTo('one', { checkpoints: open })])
    const ended = checkpointRecord('c0', { order: 7, value: '"late"' })
    const twice = { ...ended, order: 3, value: '"first"' }
    assert.deepEqual(await store.commit([commitTo('one', { checkpoints: [twice, ended] })]), [true])
    assertSame(await checkpointsOf(store, 'one'), [open[1], open[2], ended])
    // As after a lost answer.
    assert.deepEqual(await store.commit([commitTo('one', { checkpoints: [twice, ended] })]), [true])
    assertSame(await checkpointsOf(store, 'one'), [open[1], open[2], ended])
  })

  test('names are those of one execution, step, item and generation', async ({ store }) => {
    await createOwned(store, 'one')
    await createOwned(store, 'two')
    const places = [{}, { step: 'Other' }, { item: 'i' }, { generation: 1 }, { step: 'Onboarding i', item: '' }]
    const all = places.map((place, index) => checkpointRecord('same', { ...place, value: `${index}` }))
    await store.commit([commitTo('one', { checkpoints: all }), commitTo('two', { checkpoints: [all[0]!] })])
    assert.equal((await checkpointsOf(store, 'one')).length, places.length)
    for (const [index, { step, item, generation }] of all.entries()) {
      const only = { generation, names: ['same', 'nothing'] }
      assertSame(await checkpointsOf(store, 'one', { of: { step, item }, only }), [all[index]])
    }
    assertSame(await checkpointsOf(store, 'two'), [all[0]])
    assert.deepEqual(await checkpointsOf(store, 'nobody'), [])
    assert.deepEqual(await checkpointsOf(store, 'one', { of: { step: 'none', item: '' } }), [])
    assert.deepEqual(await checkpointsOf(store, 'one', { of: all[0], only: { generation: 0, names: [] } }), [])
    assert.deepEqual(await checkpointsOf(store, 'one', { limit: 0 }), [])
  })

  test('a commit takes checkpoints away before it writes others: all of a step, or some by name', async ({ store }) => {
    await createOwned(store, 'one')
    const [a, b, c] = ['a', 'b', 'c'].map((name, order) => checkpointRecord(name, { order }))
    const next = checkpointRecord('a', { generation: 1 })
    const other = checkpointRecord('a', { step: 'Other' })
    await store.commit([commitTo('one', { checkpoints: [a!, b!, c!, next, other] })])
    const only = { generation: 0, names: ['a', 'c', 'never'] }
    await store.commit([
      commitTo('one', { droppedCheckpoints: [{ step: 'Onboarding', item: '', only }], checkpoints: [c!] }),
    ])
    assertSame(await checkpointsOf(store, 'one', { of: a }), [b, c, next])
    const second = checkpointRecord('b', { generation: 2 })
    const drop = { step: 'Onboarding', item: '' }
    const commit = commitTo('one', { droppedCheckpoints: [drop], checkpoints: [second, next], head: { ownedMs: 1 } })
    for (const _ of ['once', 'again']) {
      assert.deepEqual(await store.commit([commit]), [true])
      assertSame(await checkpointsOf(store, 'one', { of: a }), [next, second])
    }
    assertSame(await checkpointsOf(store, 'one', { of: other }), [other])
    assert.deepEqual(await store.commit([commitTo('one', { droppedCheckpoints: [drop] })]), [true])
    assertSame(await checkpointsOf(store, 'one'), [other])
  })

  test('they are read by generation, order and name, in portions, and each step by itself', async ({ store }) => {
    await live(store, 'ada')
    await store.create(['one', 'two'].map((id) => newExecution(id, { owner: 'ada' })))
    const steps = ['A', 'B'].flatMap((step) => ['', 'i1'].map((item) => ({ step, item })))
    const all = steps.flatMap((of) =>
      range(45).map((index) =>
        checkpointRecord(`n${(index * 7) % 45}`, {
          ...of,
          generation: index % 2,
          // Some have the same one; and as numbers, not as texts.
          order: [1_000_000, 9, 10, 100, 2][index % 5]!,
        }),
      ),
    )
    const commits = range(9).map((part) => commitTo('one', { checkpoints: all.filter((_, at) => at % 9 === part) }))
    for (const commit of commits) assert.deepEqual(await commitAll(store, [commit]), [true])
    for (const of of steps) {
      const own = all.filter(({ step, item }) => step === of.step && item === of.item).toSorted(inOrder)
      assertSame(await checkpointsOf(store, 'one', { of }), own)
      assertSame(await inPortions(store, { execution: 'one', of, limit: 4 }), own)
    }
    const portions = await inPortions(store, { execution: 'one', limit: 7 })
    assert.equal(portions.length, all.length)
    for (const of of steps)
      assertSame(
        portions.filter(({ step, item }) => step === of.step && item === of.item),
        all.filter(({ step, item }) => step === of.step && item === of.item).toSorted(inOrder),
      )
    assertSame(portions, await checkpointsOf(store, 'one'))
    // What it goes on behind may be gone by then.
    const [first, second] = portions
    const only = { generation: first!.generation, names: [first!.name] }
    await store.commit([commitTo('one', { droppedCheckpoints: [{ step: first!.step, item: first!.item, only }] })])
    assertSame(await checkpointsOf(store, 'one', { after: first, limit: 1 }), [second])
  })

  test('a commit that is refused writes and takes away nothing', async ({ store }) => {
    await createOwned(store, 'one')
    const [kept, refused] = [checkpointRecord('kept'), checkpointRecord('refused')]
    await store.commit([commitTo('one', { checkpoints: [kept] })])
    const change = { checkpoints: [refused], droppedCheckpoints: [{ step: kept.step, item: '' }] }
    assert.deepEqual(await store.commit([commitTo('one', { ...change, epoch: 2 })]), [false])
    assert.deepEqual(await store.commit([commitTo('one', { ...change, owner: 'bob' })]), [false])
    assert.deepEqual(await store.commit([commitTo('nobody', change)]), [false])
    await store.post([message('one', 'unread')])
    const parks = commitTo('one', { ...change, park: { lastSeq: 0, waitsFor: '"a message"' } })
    assert.deepEqual(await store.commit([parks]), ['unread'])
    assertSame(await checkpointsOf(store, 'one'), [kept])
  })

  test('a commit that parks an execution, or ends it, writes its checkpoints', async ({ store }) => {
    await createOwned(store, 'one')
    await createOwned(store, 'two')
    const parks = commitTo('one', {
      checkpoints: [checkpointRecord('sleep', { status: 'open', dueAt: someTime + 5 })],
      park: { lastSeq: 0, dueAt: someTime + 5, waitsFor: '"a time"' },
    })
    assert.deepEqual(await store.commit([parks]), [true])
    const ends = commitTo('two', {
      checkpoints: [checkpointRecord('answer', { step: '' })],
      head: { status: 'completed', output: '1', endedAt: someTime + 9, isReleased: true },
    })
    assert.deepEqual(await store.commit([ends]), [true])
    assert.deepEqual(namesOf(await checkpointsOf(store, 'one')), ['sleep'])
    assert.deepEqual(namesOf(await checkpointsOf(store, 'two')), ['answer'])
  })

  test('an execution may be created with some, which are not written where it was there', async ({ store }) => {
    await live(store, 'ada')
    const checkpoints = [checkpointRecord('a'), checkpointRecord('b', { order: 1 })]
    const fork = newExecution('fork', { owner: 'ada', startedAt: 1, steps: [stepRecord('A')], checkpoints })
    const bare = newExecution('bare', { checkpoints: [checkpointRecord('c')] })
    assert.deepEqual(await store.create([fork, bare]), [undefined, undefined])
    assertSame(await checkpointsOf(store, 'fork'), checkpoints)
    assert.deepEqual(namesOf(await checkpointsOf(store, 'bare')), ['c'])
    await store.create([{ ...fork, checkpoints: [checkpointRecord('z')] }])
    assertSame(await checkpointsOf(store, 'fork'), checkpoints)
  })

  test('they go with their execution, whether it is deleted or purged, and no others do', async ({ store }) => {
    await live(store, 'ada')
    const ids = ['deleted', 'purged', 'left']
    const checkpoints = range(30).map((order) => checkpointRecord(`c${order}`, { order }))
    await store.create(ids.map((id) => newExecution(id, { owner: 'ada', checkpoints })))
    const ended = { status: 'completed', output: '1', endedAt: someTime, isReleased: true } as const
    await store.commit([commitTo('purged', { head: ended })])
    assert.deepEqual(await store.delete([{ id: 'deleted', owner: 'ada', epoch: 1 }]), [true])
    assert.equal(await store.purge({ statuses: ['completed'], endedBefore: someTime + 1, limit: 9 }), 1)
    for (const id of ['deleted', 'purged']) assert.deepEqual(await checkpointsOf(store, id), [])
    assertSame(await checkpointsOf(store, 'left'), checkpoints)
    // Under the same id there is a new execution.
    await store.create([newExecution('deleted', { owner: 'ada' })])
    assert.deepEqual(await checkpointsOf(store, 'deleted'), [])
  })

  test('names of any kind come back as they were', async ({ store }) => {
    const names = [
      '',
      ' ',
      'a',
      'A',
      'ä',
      'a ',
      'a\u0000',
      '\u0001',
      '\ud800',
      '\u{1F600}',
      'a/b:c',
      '7',
      '␛',
      'x'.repeat(90),
    ]
    await createOwned(store, 'one')
    const checkpoints = names.map((name, order) =>
      checkpointRecord(name, { step: `s${name}`, item: name, kind: `k${name}`, order }),
    )
    const ofOne = names.map((name, order) => checkpointRecord(name, { order }))
    assert.deepEqual(await store.commit([commitTo('one', { checkpoints: [...checkpoints, ...ofOne] })]), [true])
    assertSame(await checkpointsOf(store, 'one', { of: ofOne[0] }), ofOne)
    for (const checkpoint of checkpoints)
      assertSame(await checkpointsOf(store, 'one', { of: checkpoint }), [checkpoint])
    assertSame(await inPortions(store, { execution: 'one', of: ofOne[0], limit: 3 }), ofOne)
    const droppedCheckpoints = [{ step: ofOne[0]!.step, item: '', only: { generation: 0, names } }]
    await store.commit([commitTo('one', { droppedCheckpoints })])
    assert.deepEqual(await checkpointsOf(store, 'one', { of: ofOne[0] }), [])
    assert.equal((await checkpointsOf(store, 'one')).length, names.length)
  })
}

async function checkpointsOf(
  store: Store,
  execution: string,
  more: Partial<CheckpointRequest> = {},
): Promise<readonly CheckpointRecord[]> {
  return store.readCheckpoints!({ execution, limit: 1_000, ...more })
}

async function inPortions(store: Store, request: CheckpointRequest): Promise<readonly CheckpointRecord[]> {
  const read: CheckpointRecord[] = []
  for (;;) {
    const portion = await store.readCheckpoints!({ ...request, after: read.at(-1) })
    append(read, portion)
    assert.ok(portion.length <= request.limit && read.length <= 10_000, 'it never ends')
    if (portion.length < request.limit) return read
  }
}

function namesOf(checkpoints: readonly CheckpointRecord[]): readonly string[] {
  return checkpoints.map(({ name }) => name)
}

function inOrder(one: CheckpointRecord, other: CheckpointRecord): number {
  return one.generation - other.generation || one.order - other.order || (one.name < other.name ? -1 : 1)
}
