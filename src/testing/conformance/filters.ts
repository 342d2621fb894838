import { append } from '../../core/append.ts'
import assert from 'node:assert/strict'
import type { Store } from '../../core/contracts/store.ts'
import type { ExecutionQuery } from '../../core/contracts/execution-record.ts'
import type { ExecutionStatus } from '../../core/contracts/statuses.ts'
import type { ConformanceGroup } from './conformance-group.ts'
import { commitTo, live, newExecution, range, recordIn } from './records.ts'

/** Filters of `list` by error, queue and key, and `count`. */
export function filtersConformance({ test }: ConformanceGroup): void {
  test('an execution is found by the code of its error, alone and with other filters', async ({ store }) => {
    await fill(store)
    assert.equal((await recordIn(store, 'e4')).errorCode, 'STEP_FAILED')
    assert.equal((await recordIn(store, 'e3')).errorCode, undefined)
    assert.equal(await idsOf(store, { errorCode: 'STEP_FAILED' }), 'e28 e22 e16 e10 e4')
    assert.equal(await idsOf(store, { errorCode: 'EXECUTION_CANCELLED' }), 'e29 e23 e17 e11 e5')
    assert.equal(await idsOf(store, { errorCode: 'step_failed' }), '')
    assert.equal(
      await idsOf(store, { errorCode: 'STEP_FAILED', statuses: ['failed', 'running'] }),
      'e28 e22 e16 e10 e4',
    )
    assert.equal(await idsOf(store, { errorCode: 'STEP_FAILED', statuses: ['cancelled'] }), '')
    assert.equal(await idsOf(store, { errorCode: 'STEP_FAILED', graph: 'orders' }), 'e28 e22 e16 e10 e4')
    assert.equal(await idsOf(store, { errorCode: 'STEP_FAILED', graph: 'users' }), '')
    assert.equal(await idsOf(store, { errorCode: 'STEP_FAILED', createdFrom: 10, createdBefore: 22 }), 'e16 e10')
    assert.equal(await idsOf(store, { errorCode: 'STEP_FAILED', queue: 'mail' }), 'e28 e16 e4')
  })

  test('the code of an error goes with it, and comes with the next one', async ({ store }) => {
    await fill(store)
    const anew = { status: 'running', error: undefined, errorCode: undefined, endedAt: undefined } as const
    assert.deepEqual(await store.commit([commitTo('e4', { head: anew })]), [true])
    assert.equal(await idsOf(store, { errorCode: 'STEP_FAILED' }), 'e28 e22 e16 e10')
    assert.equal((await recordIn(store, 'e4')).errorCode, undefined)
    await endWith(store, 'e4', 'failed', 'STORE_FAILED')
    assert.equal(await idsOf(store, { errorCode: 'STORE_FAILED' }), 'e4')
    assert.deepEqual(await store.delete([{ id: 'e4', owner: 'ada', epoch: 1 }]), [true])
    assert.equal(await idsOf(store, { errorCode: 'STORE_FAILED' }), '')
    const filter = { statuses: ['failed'], endedBefore: 9_000_000_000_000, limit: 100 } as const
    await store.endOwner('ada')
    assert.equal(await store.purge(filter), 4)
    assert.equal(await idsOf(store, { errorCode: 'STEP_FAILED' }), '')
  })

  test('list filters by queue, key, status and graph together, page by page', async ({ store }) => {
    await fill(store)
    assert.equal(await idsOf(store, { queue: 'mail', statuses: ['failed'] }), 'e28 e16 e4')
    assert.equal(await idsOf(store, { queue: 'mail', statuses: ['failed', 'cancelled'], graph: 'users' }), '')
    assert.equal(await idsOf(store, { queue: 'mail', graph: 'orders', createdBefore: 12 }), 'e8 e4 e0')
    assert.equal(await idsOf(store, { key: 'ann', statuses: ['running'] }), 'e27 e21 e15 e9 e3')
    assert.equal(
      await idsOf(store, { key: 'ann', statuses: ['running'], graph: 'users', queue: 'default' }),
      'e27 e21 e15 e9 e3',
    )
    assert.equal(await idsOf(store, { key: 'ann', statuses: ['running'], queue: 'mail' }), '')
    const query = { queue: 'mail', statuses: ['failed', 'pending'] } as const
    const pages: string[] = []
    for (let after: ExecutionQuery['after']; ;) {
      const page = await store.list({ ...query, after, limit: 2 })
      append(
        pages,
        page.map(({ id }) => id),
      )
      after = page.at(-1)
      if (page.length < 2) break
    }
    assert.equal(pages.join(' '), await idsOf(store, query))
  })

  test('executions are counted by status, of those that a filter finds', async ({ store }) => {
    await fill(store)
    const counts = async (
      query: Omit<ExecutionQuery, 'limit'>,
      upTo = 100,
    ): Promise<Readonly<Record<string, number>>> =>
      Object.fromEntries(Object.entries(await store.count({ ...query, upTo })).filter(([, count]) => count > 0))
    assert.deepEqual(await counts({}), { pending: 10, running: 5, completed: 5, failed: 5, cancelled: 5 })
    assert.deepEqual(await counts({}, 7), { pending: 7, running: 5, completed: 5, failed: 5, cancelled: 5 })
    assert.deepEqual(await counts({ statuses: ['failed', 'waiting'] }), { failed: 5 })
    assert.deepEqual(await counts({ statuses: [] }), {})
    assert.deepEqual(await counts({ graph: 'users' }), { running: 5, pending: 5, cancelled: 5 })
    assert.deepEqual(await counts({ graph: 'nothing' }), {})
    assert.deepEqual(await counts({ createdFrom: 6, createdBefore: 12 }), {
      pending: 2,
      running: 1,
      completed: 1,
      failed: 1,
      cancelled: 1,
    })
    assert.deepEqual(await counts({ graph: 'orders', createdFrom: 6, createdBefore: 12 }), {
      pending: 1,
      completed: 1,
      failed: 1,
    })
    assert.deepEqual(await counts({ queue: 'mail' }), { pending: 3, completed: 2, failed: 3 })
    assert.deepEqual(await counts({ queue: 'mail' }, 2), { pending: 2, completed: 2, failed: 2 })
    assert.deepEqual(await counts({ key: 'ann' }), { pending: 5, running: 5 })
    assert.deepEqual(await counts({ errorCode: 'STEP_FAILED' }), { failed: 5 })
    assert.deepEqual(await counts({ parent: 'mother' }), { completed: 5 })
    assert.deepEqual(await counts({ parent: 'mother', statuses: ['failed'] }), {})
    assert.deepEqual(await counts({ forkedFrom: 'mother' }), {})
  })
}

const kinds = ['pending', 'pending', 'completed', 'running', 'failed', 'cancelled'] as const
const codes: Readonly<Record<string, string>> = { failed: 'STEP_FAILED', cancelled: 'EXECUTION_CANCELLED' }

/** Thirty executions, created one after the other: of each status some, the even ones of another graph, every fourth one in a queue, every third one with a key. */
async function fill(store: Store): Promise<void> {
  await live(store, 'ada')
  await store.create(
    range(30).map((index) =>
      newExecution(`e${index}`, {
        createdAt: index,
        ...(kinds[index % 6] !== 'pending' && { owner: 'ada', startedAt: index }),
        ...(index % 2 === 0 && { graph: 'orders' }),
        ...(index % 4 === 0 && { queue: 'mail' }),
        ...(index % 3 === 0 && { key: 'ann' }),
        ...(kinds[index % 6] === 'completed' && { parent: 'mother' }),
      }),
    ),
  )
  for (const index of range(30)) {
    const status = kinds[index % 6]!
    if (status !== 'pending' && status !== 'running') await endWith(store, `e${index}`, status, codes[status])
  }
}

async function endWith(
  store: Store,
  id: string,
  status: ExecutionStatus,
  errorCode: string | undefined,
): Promise<void> {
  const failure = errorCode === undefined ? {} : { error: '{}', errorCode }
  assert.deepEqual(await store.commit([commitTo(id, { head: { status, endedAt: 1_000, ...failure } })]), [true])
}

async function idsOf(store: Store, query: Omit<ExecutionQuery, 'limit'>): Promise<string> {
  return (await store.list({ ...query, limit: 100 })).map(({ id }) => id).join(' ')
}
