import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Store, StoreHint } from '../../core/contracts/store.ts'
import type { Bench, ConformanceGroup } from './conformance-group.ts'
import {
  checkpointRecord,
  claimIn,
  commitTo,
  createOwned,
  live,
  message,
  newExecution,
  release,
  someTime,
  success,
} from './records.ts'

/** `subscribe`. */
export function hintsConformance({ options, test, testIf }: ConformanceGroup): void {
  const testHints = (title: string, body: (bench: Bench) => Promise<void>): void =>
    testIf(options.sendsHints, 'sends no hints', title, body)

  test('a store has `subscribe` if it says that it sends hints', async ({ store }) => {
    assert.equal(store.subscribe !== undefined, options.sendsHints)
  })

  testHints('an execution without an owner is announced as work', async (bench) => {
    const heard = await listen(await bench.rival())
    await bench.store.create([newExecution('one')])
    await heard.await({ type: 'work' })
  })

  testHints('an execution that is given up is announced as work', async (bench) => {
    await createOwned(bench.store, 'one')
    const heard = await listen(await bench.rival())
    await bench.store.commit([commitTo('one', { head: { isReleased: true } })])
    await heard.await({ type: 'work' })
  })

  testHints('the end of an execution is announced', async (bench) => {
    for (const status of ['completed', 'failed', 'cancelled'] as const) await createOwned(bench.store, `id ${status}`)
    const heard = await listen(await bench.rival())
    for (const status of ['completed', 'failed', 'cancelled'] as const) {
      await bench.store.commit([commitTo(`id ${status}`, { head: { status, endedAt: 1 } })])
      await heard.await({ type: 'ended', execution: `id ${status}` })
    }
  })

  testHints('answers are announced that somebody may wait for, by their names, and no others', async (bench) => {
    const id = 'a:b "c" \\ 😀 {d}\n'
    await createOwned(bench.store, id)
    const heard = await listen(await bench.rival())
    const checkpoints = ['quiet', '7:one\n😀', 'two'].map((name) =>
      checkpointRecord(name, { step: '', kind: 'answer' }),
    )
    await bench.store.commit([commitTo(id, { checkpoints, awaited: ['7:one\n😀', 'two'] })])
    await heard.await({ type: 'answered', execution: id, name: '7:one\n😀' })
    await heard.await({ type: 'answered', execution: id, name: 'two' })
    assert.equal(heard.hints.filter(({ type }) => type === 'answered').length, 2)
  })

  testHints('mail is announced to the owner', async (bench) => {
    const rival = await bench.rival()
    await createOwned(rival, 'one')
    const heard = await listen(rival)
    await bench.store.post([message('one', 'cancel')])
    await heard.await({ type: 'mail', owner: 'ada' })
  })

  testHints('mail that the process of the owner has posted itself is announced to it', async ({ store }) => {
    await createOwned(store, 'one')
    const heard = await listen(store)
    await store.post([message('one', 'cancel')])
    await heard.await({ type: 'mail', owner: 'ada' })
  })

  testHints(
    'a message that is announced with what it is, is the one that is read, and is so once',
    async ({ store }) => {
      await createOwned(store, 'one')
      const heard = await listen(store)
      await store.post([message('one', 'cancel')])
      const more = { id: 'a', slot: 's', class: 'data', payload: '{"a":1}', at: someTime } as const
      for (const kind of ['note', 'note']) await store.post([message('one', kind, more)])
      await store.post([message('one', 'other', { ...more, id: 'b', slot: undefined, payload: undefined })])
      await sleep(20)
      const read = await store.readMail({ owner: 'ada', limit: 10 })
      const posted = heard.hints.flatMap((hint) => (hint.type === 'mail' && hint.posted ? [hint.posted] : []))
      if (options.givesPosted === true) assert.notEqual(posted.length, 0)
      const numbers = read.map(({ seq }) => seq).toSorted((one, other) => one - other)
      for (const { message: one, after } of posted) {
        const same = read.find(({ seq }) => seq === one.seq)
        assert.deepEqual({ ...one }, { ...same })
        assert.equal(after, numbers[numbers.indexOf(one.seq) - 1] ?? 0)
      }
      assert.equal(new Set(posted.map(({ message: { seq } }) => seq)).size, posted.length)
    },
  )

  testHints('a result is announced when its claim ends', async (bench) => {
    const { store } = bench
    await live(store, 'ada')
    const heard = await listen(await bench.rival())
    await store.commitResults([success('made', 'ada', await claimIn(store, 'made', 'ada'))])
    await heard.await({ type: 'result', key: 'made' })
    await store.commitResults([release('released', 'ada', await claimIn(store, 'released', 'ada'))])
    await heard.await({ type: 'result', key: 'released' })
  })

  testHints('a shared state is announced that somebody may wait for, and no other', async (bench) => {
    const heard = await listen(await bench.rival())
    const write = { was: undefined, token: 't', name: 'a limit', state: '1' }
    await bench.store.writeShared([
      { ...write, key: 'quiet', frees: false },
      { ...write, key: 'a:b', frees: true },
    ])
    await heard.await({ type: 'shared', key: 'a:b' })
    assert.deepEqual(
      heard.hints.filter((hint) => hint.type === 'shared' && hint.key === 'quiet'),
      [],
    )
  })

  testHints('hints name ids of all kinds', async (bench) => {
    await createOwned(bench.store, 'a:b "c" \\ 😀 {d}\n')
    const heard = await listen(await bench.rival())
    const commit = commitTo('a:b "c" \\ 😀 {d}\n', { head: { status: 'completed', endedAt: 1 } })
    await bench.store.commit([commit])
    await heard.await({ type: 'ended', execution: 'a:b "c" \\ 😀 {d}\n' })
  })

  testHints('a listener that has unsubscribed gets nothing, others still do', async (bench) => {
    const other = await bench.rival()
    const [gone, heard] = [await listen(other), await listen(other)]
    await gone.stop()
    await bench.store.create([newExecution('one')])
    await heard.await({ type: 'work' })
    await sleep(20)
    assert.deepEqual(gone.hints, [])
  })

  testHints('a space gets no hints of another', async (bench) => {
    const heard = await listen(bench.store)
    const elsewhere = await options.createSpace()
    const store = elsewhere.createStore()
    try {
      await store.open()
      await createOwned(store, 'other')
      await store.commit([commitTo('other', { head: { status: 'completed', endedAt: 1 } })])
      await createOwned(bench.store, 'own')
      await bench.store.commit([commitTo('own', { head: { status: 'completed', endedAt: 1 } })])
      await heard.await({ type: 'ended', execution: 'own' })
      assert.deepEqual(
        heard.hints.filter((hint) => hint.type === 'ended' && hint.execution === 'other'),
        [],
      )
    } finally {
      await store.close()
      await elsewhere.dispose?.()
    }
  })
}

interface Listener {
  readonly hints: readonly StoreHint[]
  /** Waits until a hint has come, at most five seconds. */
  await(hint: StoreHint): Promise<void>
  stop(): Promise<void>
}

async function listen(store: Store): Promise<Listener> {
  const hints: StoreHint[] = []
  assert.ok(store.subscribe !== undefined, 'the store has no subscribe')
  const stop = await store.subscribe((hint) => void hints.push(hint))
  return {
    hints,
    stop,
    async await(wanted) {
      const isWanted = (hint: StoreHint): boolean => JSON.stringify(inOrder(hint)) === JSON.stringify(inOrder(wanted))
      for (const deadline = Date.now() + 5_000; !hints.some(isWanted); await sleep(5)) {
        assert.ok(Date.now() < deadline, `${JSON.stringify(wanted)} was not announced, only ${JSON.stringify(hints)}`)
      }
    },
  }
}

function inOrder(hint: StoreHint): readonly (readonly [string, unknown])[] {
  return Object.entries(hint).toSorted(([one], [other]) => (one < other ? -1 : 1))
}
