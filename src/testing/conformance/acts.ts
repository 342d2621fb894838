import { append } from '../../core/append.ts'
import assert from 'node:assert/strict'
import type { ActRecord } from '../../core/contracts/act-record.ts'
import type { Store } from '../../core/contracts/store.ts'
import { assertSame } from './assertions.ts'
import { awkwardNames } from './awkward.ts'
import type { ConformanceGroup } from './conformance-group.ts'
import { createOwned, live, newExecution, range, someTime } from './records.ts'

function newAct(id: string, more: Partial<ActRecord> = {}): ActRecord {
  return { id, at: someTime, by: 'ann', act: 'cancel', execution: undefined, note: undefined, ...more }
}

/** What people did: `addActs`, `listActs` and `purgeActs`. */
export function actsConformance({ test }: ConformanceGroup): void {
  test('acts are read by every client as they were written, the newest first', async (bench) => {
    const acts = range(3).map((index) => newAct(`a${index}`, { at: someTime + index, note: `note ${index}` }))
    await bench.store.addActs(acts.slice(0, 2))
    await bench.store.addActs(acts.slice(2))
    await bench.store.addActs([])
    const other = await bench.rival()
    assertSame(await other.listActs({ limit: 10 }), acts.toReversed())
    assertSame(await other.listActs({ limit: 2 }), acts.toReversed().slice(0, 2))
    assertSame(await other.listActs({ limit: 0 }), [])
  })

  test('an act that is written again stays as it was', async ({ store }) => {
    await store.addActs([newAct('a', { note: 'first' })])
    await store.addActs([newAct('a', { note: 'second' }), newAct('b')])
    assert.deepEqual(
      (await store.listActs({ limit: 10 })).map(({ id, note }) => [id, note]),
      [
        ['b', undefined],
        ['a', 'first'],
      ],
    )
  })

  test('acts are listed page by page, each once, of one time too', async ({ store }) => {
    await store.addActs(range(25).map((index) => newAct(`a${index}`, { at: someTime + (index % 3) })))
    assert.equal(new Set(await allIn(store, undefined)).size, 25)
    assert.equal((await allIn(store, undefined)).length, 25)
  })

  test('acts on one execution are listed by it, and stay when it is deleted', async ({ store }) => {
    await createOwned(store, 'order')
    await store.create([newExecution('Order'), newExecution('order ')])
    await store.addActs(
      ['order', 'Order', 'order ', undefined, 'order'].map((execution, index) => newAct(`a${index}`, { execution })),
    )
    assert.deepEqual(await allIn(store, 'order'), ['a4', 'a0'])
    assert.deepEqual(await allIn(store, 'Order'), ['a1'])
    await store.delete([{ id: 'order', owner: 'ada', epoch: 1 }])
    assert.deepEqual(await allIn(store, 'order'), ['a4', 'a0'])
    assert.deepEqual(await allIn(store, 'nobody'), [])
  })

  test('texts of acts, and the execution’s id, are kept as they are', async ({ store }) => {
    for (const [index, text] of awkwardNames(store, 'executionId').entries()) {
      const act = newAct(`a${index}`, { by: text, act: text, execution: text, note: text })
      await store.addActs([act])
      assertSame(await store.listActs({ execution: text, limit: 10 }), [act])
    }
  })

  test('acts from before a time are deleted, so many at once, and no others', async ({ store }) => {
    await live(store, 'ada')
    await store.addActs(range(6).map((index) => newAct(`a${index}`, { at: someTime + index, execution: 'order' })))
    assert.equal(await store.purgeActs(someTime + 4, 3), 3)
    assert.equal(await store.purgeActs(someTime + 4, 3), 1)
    assert.equal(await store.purgeActs(someTime + 4, 3), 0)
    assert.deepEqual(await allIn(store, 'order'), ['a5', 'a4'])
    assert.deepEqual(await allIn(store, undefined), ['a5', 'a4'])
  })
}

/** Ids of all acts, in pages of two. */
async function allIn(store: Store, execution: string | undefined): Promise<readonly string[]> {
  const ids: string[] = []
  let after: ActRecord | undefined
  for (;;) {
    const page = await store.listActs({ execution, after, limit: 2 })
    append(
      ids,
      page.map(({ id }) => id),
    )
    after = page.at(-1)
    if (page.length < 2) return ids
  }
}
