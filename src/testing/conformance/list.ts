import { append } from '../../core/append.ts'
import assert from 'node:assert/strict'
import type { Store } from '../../core/contracts/store.ts'
import type { ExecutionQuery, ExecutionRecord } from '../../core/contracts/execution-record.ts'
import { executionStatuses } from '../../core/contracts/statuses.ts'
import type { ExecutionStatus } from '../../core/contracts/statuses.ts'
import { assertSame } from './assertions.ts'
import type { Bench, ConformanceGroup } from './conformance-group.ts'
import { commitTo, live, newExecution, range, recordOf, someTime } from './records.ts'

/** `get` and `list`. */
export function listConformance({ test }: ConformanceGroup): void {
  test('get answers in the order of the ids, with undefined for what is not there', async ({ store }) => {
    const [a, b] = [newExecution('a'), newExecution('b', { graph: 'orders' })]
    await store.create([a, b])
    assertSame(await store.get(['b', 'gone', 'a', 'b']), [recordOf(b), undefined, recordOf(a), recordOf(b)])
    assert.deepEqual(await store.get(['gone']), [undefined])
    assert.deepEqual(await store.get([]), [])
  })

  test('list gives whole records, the newest first', async ({ store }) => {
    const created = [3, 1, 4, 0, 2].map((at) => newExecution(`e${at}`, { createdAt: at, headers: { at: String(at) } }))
    await store.create(created)
    const newestFirst = created.toSorted((one, other) => other.createdAt - one.createdAt).map((one) => recordOf(one))
    assertSame(await store.list({ limit: 10 }), newestFirst)
    assertSame(await store.list({ limit: 2 }), newestFirst.slice(0, 2))
  })

  test('an empty store lists nothing', async ({ store }) => {
    assert.deepEqual(await store.list({ limit: 10 }), [])
    assert.deepEqual(await store.list({ graph: 'users', statuses: ['completed'], limit: 10 }), [])
  })

  test('list filters by status, graph and time, and by all of them together', async (bench) => {
    const { store } = bench
    await fill(bench)
    const ids = async (query: Omit<ExecutionQuery, 'limit'>): Promise<string> =>
      (await store.list({ ...query, limit: 100 })).map(({ id }) => id).join(' ')
    assert.equal(await ids({ statuses: ['running'] }), 'e8 e3')
    assert.equal(await ids({ statuses: ['failed', 'completed'] }), 'e7 e6 e2 e1')
    assert.equal(await ids({ graph: 'orders' }), 'e9 e7 e5 e3 e1')
    assert.equal(await ids({ graph: 'order' }), '')
    assert.equal(await ids({ createdFrom: 7 }), 'e9 e8 e7')
    assert.equal(await ids({ createdBefore: 3 }), 'e2 e1 e0')
    assert.equal(await ids({ createdFrom: 3, createdBefore: 6 }), 'e5 e4 e3')
    assert.equal(await ids({ createdFrom: 6, createdBefore: 6 }), '')
    assert.equal(
      await ids({ graph: 'orders', createdFrom: 2, createdBefore: 9, statuses: ['pending', 'running'] }),
      'e5 e3',
    )
    assert.equal(
      await ids({ graph: undefined, statuses: undefined, createdFrom: 8, createdBefore: undefined }),
      'e9 e8',
    )
  })

  test('list filters by parent, among others and page by page', async ({ store }) => {
    const parents = range(450).map((index) => (index % 150 === 7 ? 'Ann' : index % 3 === 0 ? 'ann' : undefined))
    await store.create(parents.map((parent, index) => newExecution(`e${index}`, { parent, createdAt: index })))
    assert.equal(idsOf(await store.list({ parent: 'Ann', limit: 10 })), 'e307 e157 e7')
    assert.equal(idsOf(await store.list({ parent: 'Ann', statuses: ['pending', 'failed'], limit: 2 })), 'e307 e157')
    assert.equal(idsOf(await store.list({ parent: 'Ann', createdFrom: 100, createdBefore: 300, limit: 10 })), 'e157')
    assert.equal(idsOf(await store.list({ parent: 'ann', limit: 3 })), 'e447 e444 e441')
    assert.equal(idsOf(await store.list({ parent: 'nobody', limit: 3 })), '')
    assertSame(await allPages(store, { parent: 'Ann', limit: 1 }), await store.list({ parent: 'Ann', limit: 10 }))
  })

  test('list finds children and forks by what they have come from, whatever became of them', async ({ store }) => {
    await live(store, 'ada')
    await store.create([
      newExecution('a', { owner: 'ada' }),
      ...range(5).map((at) => newExecution(`child${at}`, { owner: 'ada', parent: 'a', createdAt: at })),
      ...range(4).map((at) => newExecution(`fork${at}`, { owner: 'ada', forkedFrom: 'a', createdAt: at })),
      newExecution('other', { owner: 'ada', parent: 'A', forkedFrom: 'b', graph: 'orders' }),
    ])
    const ids = async (query: Omit<ExecutionQuery, 'limit'>): Promise<string> =>
      idsOf(await store.list({ ...query, limit: 10 }))
    const ended = { endedAt: someTime, isReleased: true } as const
    await store.commit([
      commitTo('child1', { head: { status: 'completed', output: '1', ...ended } }),
      commitTo('child3', { head: { status: 'failed', error: '1', ...ended } }),
      commitTo('fork2', { head: { status: 'completed', output: '1', ...ended } }),
    ])
    assert.equal(await ids({ parent: 'a' }), 'child4 child3 child2 child1 child0')
    assert.equal(await ids({ parent: 'a', statuses: ['running', 'pending'] }), 'child4 child2 child0')
    assert.equal(await ids({ parent: 'a', statuses: ['failed'], graph: 'users' }), 'child3')
    assert.equal(await ids({ parent: 'a', graph: 'orders' }), '')
    assert.equal(await ids({ parent: 'a', statuses: [] }), '')
    assert.equal(await ids({ forkedFrom: 'a' }), 'fork3 fork2 fork1 fork0')
    assert.equal(await ids({ forkedFrom: 'a', statuses: ['completed'] }), 'fork2')
    assert.equal(await ids({ parent: 'A', forkedFrom: 'b' }), 'other')
    assert.equal(await ids({ parent: 'a', forkedFrom: 'b' }), '')
    assertSame(await allPages(store, { forkedFrom: 'a', limit: 3 }), await store.list({ forkedFrom: 'a', limit: 10 }))
    assert.deepEqual(await store.delete([{ id: 'child2', owner: 'ada', epoch: 1 }]), [true])
    // Nobody waits for children any more.
    await store.commit([commitTo('a', { head: { status: 'failed', error: '1', ...ended } })])
    assert.equal(await store.purge({ statuses: ['completed'], endedBefore: someTime + 1, limit: 10 }), 2)
    assert.equal(await ids({ parent: 'a' }), 'child4 child3 child0')
    assert.equal(await ids({ forkedFrom: 'a' }), 'fork3 fork1 fork0')
    // What has the id of one that is gone is none of them.
    await store.create([newExecution('child1')])
    assert.equal(await ids({ parent: 'a' }), 'child4 child3 child0')
  })

  test('a changed status is found under the new one only', async ({ store }) => {
    await live(store, 'ada')
    await store.create([newExecution('one', { owner: 'ada' })])
    const where = async (): Promise<ExecutionStatus[]> => {
      const found = await Promise.all(
        executionStatuses.map(async (status) => store.list({ statuses: [status], limit: 10 })),
      )
      return found.flat().map(({ status }) => status)
    }
    for (const status of [
      'running',
      'failed',
      'running',
      'compensating',
      'waiting',
      'cancelled',
      'pending',
      'completed',
    ] as const) {
      await store.commit([commitTo('one', { head: { status } })])
      assert.deepEqual(await where(), [status])
    }
  })

  test('pages hold every execution once, in the order of one long list', async ({ store }) => {
    await store.create(range(53).map((index) => newExecution(`e${index}`, { createdAt: index % 7 })))
    const all = await store.list({ limit: 1_000 })
    assert.equal(new Set(all.map(({ id }) => id)).size, 53)
    for (const limit of [1, 4, 53]) assertSame(await allPages(store, { limit }), all)
  })

  test('executions that began at the same time are paged through without loss or repeats', async ({ store }) => {
    const ids = range(40).flatMap((index) => [`Case-${index}`, `case-${index}`, `cäse ${index}`])
    await store.create(ids.map((id) => newExecution(id)))
    const all = await store.list({ limit: 1_000 })
    assert.deepEqual(new Set(all.map(({ id }) => id)), new Set(ids))
    assertSame(await allPages(store, { limit: 7 }), all)
  })

  test('pages of a filtered list hold what the filter lets through', async (bench) => {
    await fill(bench)
    const query = { graph: 'users', createdFrom: 1, createdBefore: 9 }
    const all = await bench.store.list({ ...query, limit: 100 })
    assert.deepEqual(
      all.map(({ id }) => id),
      ['e8', 'e6', 'e4', 'e2'],
    )
    assertSame(await allPages(bench.store, { ...query, limit: 1 }), all)
  })

  test('a page begins after its cursor, even if that execution is gone', async ({ store }) => {
    await store.create(range(5).map((index) => newExecution(`e${index}`, { createdAt: index * 10 })))
    const idsAfter = async (createdAt: number, id: string): Promise<readonly string[]> =>
      (await store.list({ after: { createdAt, id }, limit: 10 })).map((record) => record.id)
    assert.deepEqual(await idsAfter(30, 'e3'), ['e2', 'e1', 'e0'])
    assert.deepEqual(await idsAfter(25, 'gone'), ['e2', 'e1', 'e0'])
    assert.deepEqual(await idsAfter(0, 'e0'), [])
  })

  test('other clients list what one has written', async ({ store, rival }) => {
    const other = await rival()
    await store.create([newExecution('one')])
    assertSame(await other.list({ limit: 10 }), [recordOf(newExecution('one'))])
  })
}

/** Ten executions of two graphs, created at 0 … 9, in each status two. */
async function fill({ store }: Bench): Promise<void> {
  const statuses: readonly ExecutionStatus[] = ['pending', 'completed', 'failed', 'running', 'cancelled']
  await live(store, 'ada')
  const owned = { owner: 'ada' }
  await store.create(
    range(10).map((at) =>
      newExecution(`e${at}`, { ...owned, createdAt: at, graph: at % 2 === 0 ? 'users' : 'orders' }),
    ),
  )
  await store.commit(range(10).map((at) => commitTo(`e${at}`, { head: { status: statuses[at % 5]! } })))
}

function idsOf(found: readonly ExecutionRecord[]): string {
  return found.map(({ id }) => id).join(' ')
}

async function allPages(store: Store, query: ExecutionQuery): Promise<readonly ExecutionRecord[]> {
  const all: ExecutionRecord[] = []
  for (;;) {
    const last = all.at(-1)
    const after = last === undefined ? undefined : { createdAt: last.createdAt, id: last.id }
    const page = await store.list({ ...query, after })
    if (page.length === 0) return all
    assert.ok(page.length <= query.limit)
    append(all, page)
  }
}
