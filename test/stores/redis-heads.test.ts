import * as fc from 'fast-check'
import { Redis } from 'ioredis'
import { afterAll, expect, test } from 'vitest'
import { memoryStore } from '../../stores/memory/index.ts'
import { redisStore } from '../../stores/redis/index.ts'
import type { Store } from '../../src/core/contracts/store.ts'
import { startRedis } from '../servers/redis.ts'
import { newCommit, newExecution } from './redis-records.ts'

// A server of its own: what it did is counted.
const server = await startRedis()
const client = new Redis(server.url)
afterAll(async () => {
  await client.quit()
  await server.stop()
})

async function openStores(count: number): Promise<readonly Store[]> {
  const prefix = crypto.randomUUID()
  const stores = Array.from({ length: count }, () => redisStore({ url: server.url, prefix }))
  await Promise.all(stores.map((store) => store.open()))
  return stores
}

const take = (from: Store, owner: string) => from.acquire({ owner, graphs: ['users'], limit: 4 })

/** How often the server has read from a sorted set for what is done. */
async function readsOf(act: () => Promise<unknown>): Promise<number> {
  await client.config('RESETSTAT')
  await act()
  return Number(/cmdstat_zrangebylex:calls=(\d+)/.exec(await client.info('commandstats'))?.[1] ?? 0)
}

test('a look of a process that has just looked reads no more than what has changed since', async () => {
  const [store, other] = (await openStores(2)) as [Store, Store]
  await Promise.all(['ada', 'bea'].map((owner) => store.renewOwner(owner, 60_000)))
  await store.create(Array.from({ length: 1_000 }, (_, n) => newExecution(`ready ${n}`, { owner: undefined })))
  const first = await readsOf(() => take(store, 'ada'))
  expect(first).toBeGreaterThan(64)
  expect(await readsOf(() => take(store, 'ada'))).toBe(0)
  await take(other, 'bea')
  const next = await readsOf(() => take(store, 'ada'))
  expect(next).toBeGreaterThan(0)
  expect(next).toBeLessThan(first / 8)
  await Promise.all([store, other].map((one) => one.close()))
})

const idsTaken = async (from: Store, limit = 2): Promise<readonly string[]> =>
  (await from.acquire({ owner: 'ada', graphs: ['users'], limit })).map(({ execution }) => execution.id)

/** Two stores, of which the first has looked twice: its next look expects what it knows. */
async function openKnowing(): Promise<[Store, Store]> {
  const [store, other] = (await openStores(2)) as [Store, Store]
  for (const owner of ['ada', 'bea']) await store.renewOwner(owner, 60_000)
  const ready = Array.from({ length: 100 }, (_, n) => newExecution(`r${n}`, { owner: undefined, createdAt: 100 + n }))
  await store.create(ready)
  expect(await idsTaken(store)).toEqual(['r0', 'r1'])
  expect(await idsTaken(store)).toEqual(['r2', 'r3'])
  return [store, other]
}

test('a look that expects something takes none of it from a queue that others have paused or limited meanwhile', async () => {
  const [store, other] = await openKnowing()
  const said = { queue: 'default', at: 1 }
  await other.changeQueues([{ ...said, pause: {} }])
  expect(await idsTaken(store)).toEqual([])
  await other.changeQueues([{ ...said, pause: null }])
  expect(await idsTaken(store)).toEqual(['r4', 'r5'])
  await other.changeQueues([{ ...said, limits: { concurrency: { limit: 7, isPerKey: false }, rate: undefined } }])
  expect(await idsTaken(store)).toEqual(['r6'])
  await Promise.all([store, other].map((one) => one.close()))
})

test('a look that expects something takes first what became free since', async () => {
  const [store, other] = await openKnowing()
  await other.create([newExecution('of bea', { owner: 'bea', createdAt: 1 })])
  expect(await idsTaken(store)).toEqual(['r4', 'r5'])
  expect(await idsTaken(store)).toEqual(['r6', 'r7'])
  await other.endOwner('bea')
  expect(await idsTaken(store)).toEqual(['of bea', 'r8'])
  await Promise.all([store, other].map((one) => one.close()))
})

test('a look that expects something takes first what has become due since', async () => {
  const [store, other] = await openKnowing()
  await other.create([newExecution('later', { owner: undefined, createdAt: 1, startAt: (await other.time!()) + 30 })])
  expect(await idsTaken(store)).toEqual(['r4', 'r5'])
  await new Promise((resolve) => setTimeout(resolve, 60))
  expect(await idsTaken(store)).toEqual(['later', 'r6'])
  await Promise.all([store, other].map((one) => one.close()))
})

/** When it was created; where it is due then too, it goes on in the same order. */
function timeOf(id: string): number {
  return 1_000_000 + ((Number(id.slice(1)) * 7) % 5)
}

const act = fc.oneof(
  fc.record({
    type: fc.constant('create'),
    key: fc.constantFrom('', 'a', 'b'),
    priority: fc.integer({ min: 0, max: 1 }),
    owner: fc.constantFrom(undefined, undefined, 'ada', 'cleo'),
  }),
  fc.record({
    type: fc.constant('create'),
    key: fc.constantFrom(...'abcdefghijk'),
    priority: fc.constant(0),
    owner: fc.constant(undefined),
  }),
  fc.record({
    type: fc.constant('acquire'),
    by: fc.constantFrom(0, 1),
    // One process may have two dockets over one store.
    through: fc.constantFrom(0, 1),
    limit: fc.constantFrom(1, 2, 3, 20),
    except: fc.nat(3),
  }),
  fc.record({
    type: fc.constant('acquire'),
    by: fc.constantFrom(0, 1),
    through: fc.constantFrom(0, 1),
    limit: fc.constantFrom(1, 2),
    except: fc.constant(0),
  }),
  fc.record({ type: fc.constantFrom('release', 'park', 'end', 'delete'), which: fc.nat() }),
  fc.record({ type: fc.constantFrom('wake'), which: fc.nat() }),
  fc.record({ type: fc.constant('endOwner') }),
)

test('whatever others do meanwhile, each look takes what it takes of a store that remembers nothing', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(act, { maxLength: 60, size: 'max' }), async (acts) => {
      const redis = await openStores(2)
      const memory = memoryStore()
      await memory.open()
      const owners = ['ada', 'bea'] as const
      const all = [redis[0]!, memory]
      for (const owner of [...owners, 'cleo']) for (const store of all) await store.renewOwner(owner, 60_000)
      let created = 0
      const held = new Map<string, { owner: string; epoch: number }>()
      const behind: (string | undefined)[] = [undefined, undefined]
      for (const one of acts) {
        if (one.type === 'create') {
          const id = `e${created++}`
          const given = {
            key: one.key,
            priority: one.priority,
            owner: one.owner,
            createdAt: timeOf(id),
          }
          for (const store of all) await store.create([newExecution(id, given)])
          if (one.owner !== undefined) held.set(id, { owner: one.owner, epoch: 1 })
        } else if (one.type === 'acquire') {
          const except = [`e${created - 1}`, `e${created - 2}`, 'e0'].slice(0, one.except)
          const request = {
            owner: owners[one.by]!,
            graphs: ['users'],
            limit: one.limit,
            behindKey: behind[one.by],
            except,
          }
          const [got, wanted] = [await redis[one.through]!.acquire(request), await memory.acquire(request)]
          expect(got.map(({ execution: { id, epoch }, wasLost }) => [id, epoch, wasLost])).toEqual(
            wanted.map(({ execution: { id, epoch }, wasLost }) => [id, epoch, wasLost]),
          )
          for (const { execution } of wanted) held.set(execution.id, { owner: request.owner, epoch: execution.epoch })
          behind[one.by] =
            wanted.findLast(({ execution }) => execution.startedAt === undefined)?.execution.key ?? behind[one.by]
        } else if (one.type === 'endOwner') for (const store of all) await store.endOwner('cleo')
        else if (one.type === 'wake' && created > 0) {
          const message = {
            execution: `e${one.which % created}`,
            class: 'data',
            kind: 'go',
            payload: undefined,
            at: 1,
          } as const
          for (const store of all) await store.post([message])
        } else if ('which' in one && held.size > 0) {
          const [id, { owner, epoch }] = [...held][one.which % held.size]!
          if (owner === 'cleo') continue
          held.delete(id)
          const commit = (head: object, more: object = {}) => ({
            ...newCommit(id, { head, steps: [], ...more }),
            owner,
            epoch,
          })
          for (const store of all)
            if (one.type === 'release')
              await store.commit([commit({ status: 'running', startedAt: 5, isReleased: true })])
            else if (one.type === 'park')
              await store.commit([
                commit(
                  { status: 'waiting' },
                  { park: { lastSeq: 0, dueAt: one.which % 2 === 0 ? undefined : timeOf(id), waitsFor: '[]' } },
                ),
              ])
            else if (one.type === 'end')
              await store.commit([commit({ status: 'completed', output: '1', endedAt: 5, isReleased: true })])
            else await store.delete([{ id, owner, epoch }])
        }
      }
      await Promise.all([...redis, memory].map((store) => store.close()))
    }),
    { numRuns: 20 },
  )
})
