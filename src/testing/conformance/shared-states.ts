import assert from 'node:assert/strict'
import type { SharedState, SharedWrite } from '../../core/contracts/shared-state.ts'
import type { Store } from '../../core/contracts/store.ts'
import { assertStoreError } from './assertions.ts'
import type { ConformanceGroup } from './conformance-group.ts'
import { range } from './records.ts'

/** What processes have in common: limits, and who has a key. */
export function sharedStatesConformance({ test }: ConformanceGroup): void {
  test('a shared state is written where nothing was, replaced by those that know it, and deleted', async ({
    store,
  }) => {
    assert.deepEqual(await readAll(store, ['a']), [undefined])
    assert.deepEqual(await store.writeShared([writeOf('a', undefined, 't1', '{"n":1}')]), [true])
    assert.deepEqual(await readAll(store, ['b', 'a']), [undefined, stateOf('a', 't1', '{"n":1}')])
    assert.deepEqual(await store.writeShared([writeOf('a', 't1', 't2', '{"n":2}')]), [true])
    assert.deepEqual(await readAll(store, ['a']), [stateOf('a', 't2', '{"n":2}')])
    assert.deepEqual(await store.writeShared([writeOf('a', 't2', 't3', undefined)]), [true])
    assert.deepEqual(await readAll(store, ['a']), [undefined])
  })

  test('a shared state that is another one by now is not replaced', async ({ store }) => {
    await store.writeShared([writeOf('a', undefined, 't1', '1')])
    const refused = [
      writeOf('a', undefined, 't2', '2'),
      writeOf('a', 'other', 't3', '3'),
      writeOf('a', 't0', 't4', undefined),
    ]
    for (const write of refused) assert.deepEqual(await store.writeShared([write]), [false])
    assert.deepEqual(await readAll(store, ['a']), [stateOf('a', 't1', '1')])
    // What was read is gone: it does not come back.
    assert.deepEqual(await store.writeShared([writeOf('b', 't1', 't5', '5')]), [false])
    assert.deepEqual(await readAll(store, ['b']), [undefined])
  })

  test('a writing whose answer was lost can be repeated', async ({ store }) => {
    const writes = [
      writeOf('a', undefined, 't1', '1'),
      writeOf('a', 't1', 't2', '2'),
      writeOf('a', 't2', 't3', undefined),
    ]
    for (const write of writes) {
      assert.deepEqual(await store.writeShared([write]), [true])
      assert.deepEqual(await store.writeShared([write]), [true])
    }
  })

  test('each of many is judged by itself', async ({ store }) => {
    await store.writeShared([writeOf('a', undefined, 't', '1'), writeOf('b', undefined, 't', '1')])
    const writes = range(300).map((index) => writeOf(`k${index}`, undefined, 't', String(index)))
    const verdicts = await store.writeShared([writeOf('a', 'x', 'u', '2'), writeOf('b', 't', 'u', '2'), ...writes])
    assert.deepEqual(verdicts, [false, true, ...writes.map(() => true)])
    const states = await readAll(store, ['a', 'b', ...writes.map(({ key }) => key)])
    assert.deepEqual(
      states.map((one) => one?.state),
      ['1', '2', ...range(300).map(String)],
    )
    assert.deepEqual(await store.writeShared([]), [])
    assert.equal((await store.readShared([])).states.length, 0)
  })

  test('of many that write at once what they have read, one does each time', async (bench) => {
    const clients = [bench.store, await bench.rival()]
    const add = async (store: Store, by: string): Promise<void> => {
      for (let tries = 0; ; tries++) {
        const [known] = await readAll(store, ['counter'])
        const count = Number(known?.state ?? '0') + 1
        const write = writeOf('counter', known?.token, `${by}-${tries}`, String(count))
        if ((await store.writeShared([write]))[0] === true) return
      }
    }
    await Promise.all(range(20).map((index) => add(clients[index % 2]!, `w${index}`)))
    assert.equal((await readAll(bench.store, ['counter']))[0]?.state, '20')
  })

  test('names and states of all kinds come back, the time is the store’s', async (bench) => {
    const { store } = bench
    const state = JSON.stringify({ text: 'Ünïcode \u0000 \ud800 "quoted" \\ 😀', list: [1.5, null] })
    const write = { ...writeOf('a', undefined, 't', state), name: 'Ünïcode \u0000 \ud800' }
    await store.writeShared([write])
    const before = bench.now()
    const look = await store.readShared(['a'])
    assert.deepEqual(JSON.parse(look.states[0]!.state), JSON.parse(state))
    assert.equal(look.states[0]!.name, write.name)
    assert.ok(Math.abs(look.now - before) < 60_000)
    await bench.wait(300)
    const passedMs = (await store.readShared(['a'])).now - look.now
    assert.ok(passedMs >= 250 && passedMs < 30_000, `${passedMs} ms have passed`)
  })

  test('those that were written last long ago are found, the oldest first', async (bench) => {
    const { store } = bench
    await store.writeShared(['a', 'b', 'c'].map((key) => writeOf(key, undefined, 't', '1')))
    await bench.wait(50)
    await store.writeShared([writeOf('a', 't', 'u', '2')])
    await bench.wait(300)
    const { now } = await store.readShared([])
    await bench.wait(50)
    await store.writeShared([writeOf('b', 't', 'u', '2')])
    const old = await store.oldShared(now, 10)
    assert.deepEqual(old.map(({ key }) => key).toSorted(), ['a', 'c'])
    assert.equal((await store.oldShared(now, 1)).length, 1)
    assert.deepEqual(await store.oldShared(now - 3_600_000, 10), [])
  })

  test('a store that is closed keeps and gives none', async ({ store }) => {
    await store.close()
    assert.equal(await assertStoreError(store.readShared(['a'])), false)
    assert.equal(await assertStoreError(store.writeShared([writeOf('a', undefined, 't', '1')])), false)
  })
}

function writeOf(key: string, was: string | undefined, token: string, state: string | undefined): SharedWrite {
  return { key, was, token, name: 'a limit', state, frees: false }
}

function stateOf(key: string, token: string, state: string): SharedState {
  return { key, token, name: 'a limit', state }
}

async function readAll(store: Store, keys: readonly string[]): Promise<readonly (SharedState | undefined)[]> {
  const { states } = await store.readShared(keys)
  return states.map((found) =>
    found === undefined
      ? undefined
      : { key: found.key, token: found.token, name: found.name, state: JSON.stringify(JSON.parse(found.state)) },
  )
}
