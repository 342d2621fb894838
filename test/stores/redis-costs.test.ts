import { Redis } from 'ioredis'
import { afterAll, expect, test } from 'vitest'
import { redisStore } from '../../stores/redis/index.ts'
import { buckets, Layout } from '../../stores/redis/layout.ts'
import { startRedis } from '../servers/redis.ts'
import { newCommit, newExecution, newStep } from './redis-records.ts'

// A server of its own: what it did is counted.
const server = await startRedis()
const client = new Redis(server.url)
afterAll(async () => {
  await client.quit()
  await server.stop()
})

async function openStore() {
  const prefix = crypto.randomUUID()
  const store = redisStore({ url: server.url, prefix })
  await store.open()
  return { store, layout: new Layout(prefix), [Symbol.asyncDispose]: () => store.close() }
}

/** How often the server has run a command for what is done. */
async function callsOf(command: string, act: () => Promise<unknown>): Promise<number> {
  await client.config('RESETSTAT')
  await act()
  return Number(new RegExp(`cmdstat_${command}:calls=(\\d+)`).exec(await client.info('commandstats'))?.[1] ?? 0)
}

const idsOf = (prefix: string, count: number): string[] => Array.from({ length: count }, (_, n) => `${prefix}-${n}`)
const ended = { status: 'completed', output: '1', endedAt: 5, isReleased: true } as const

test('a look that finds nothing reads as much, however many executions living owners have, and however many have ended', async () => {
  await using bench = await openStore()
  const { store } = bench
  const owners = ['ada', 'bea', 'cleo']
  for (const owner of owners) await store.renewOwner(owner, 60_000)
  const add = async (round: string, count: number): Promise<void> => {
    for (const owner of owners)
      await store.create(idsOf(`${round}-${owner}`, count).map((id) => newExecution(id, { owner })))
    const done = idsOf(`${round}-done`, count)
    await store.create(done.map((id) => newExecution(id)))
    await store.commit(done.map((id) => newCommit(id, { head: ended })))
  }
  const look = async (): Promise<void> => {
    expect(await store.acquire({ owner: 'me', graphs: ['users'], limit: 100 })).toEqual([])
  }
  await store.renewOwner('owner', 60_000)
  await look()
  const none = await callsOf('zrangebylex', look)
  await add('few', 5)
  const few = await callsOf('zrangebylex', look)
  await add('many', 500)
  const many = await callsOf('zrangebylex', look)
  // Of one bucket, each look goes through the owners.
  expect(few).toBeLessThanOrEqual(none + owners.length + 1)
  expect(many).toBeLessThanOrEqual(none + owners.length + 1)
})

test('the steps of a thousand executions are read by a few scripts', async () => {
  await using bench = await openStore()
  const { store } = bench
  const ids = idsOf('e', 1_000)
  await store.create(ids.map((id) => newExecution(id)))
  await store.commit(ids.map((id) => newCommit(id)))
  const read: string[] = []
  const calls = await callsOf('evalsha', async () => {
    for (let next: string | undefined, isFirst = true; isFirst || next !== undefined; isFirst = false) {
      const page = await store.readSteps(ids, next)
      read.push(...page.steps.map(({ execution }) => execution))
      ;({ next } = page)
    }
  })
  expect(read.toSorted()).toEqual(ids.toSorted())
  expect(calls).toBeLessThan(30)
})

test('executions that are too much for one page together are read whole, each once', async () => {
  await using bench = await openStore()
  const { store } = bench
  const ids = idsOf('e', 100)
  await store.create(ids.map((id) => newExecution(id)))
  const output = 'x'.repeat(50_000)
  await store.commit(ids.map((id) => newCommit(id, { steps: ['one', 'two'].map((step) => newStep(step, { output })) })))
  const read: string[] = []
  let pages = 0
  for (let next: string | undefined, isFirst = true; isFirst || next !== undefined; isFirst = false) {
    const page = await store.readSteps(ids, next)
    read.push(...page.steps.map(({ execution, step }) => `${execution} ${step}`))
    ;({ next } = page)
    pages++
  }
  expect(read.toSorted()).toEqual(ids.flatMap((id) => [`${id} one`, `${id} two`]).toSorted())
  expect(pages).toBeGreaterThan(2)
})

test('a purge of several portions gives how many went, stops at its limit, and reads each execution once', async () => {
  await using bench = await openStore()
  const { store } = bench
  const ids = idsOf('e', 3_500)
  await store.create(ids.map((id) => newExecution(id)))
  await store.commit(ids.map((id) => newCommit(id, { head: ended })))
  const old = { statuses: ['completed'], endedBefore: 10 } as const
  expect(await store.purge({ ...old, limit: 3_100 })).toBe(3_100)
  expect(await store.list({ limit: 1_000 })).toHaveLength(400)
  const reads = await callsOf('hmget', async () => {
    expect(await store.purge({ ...old, limit: 3_100 })).toBe(400)
  })
  expect(reads).toBe(400)
})

test('a count and a page by queue and status read no more than they give, whatever else is in the queue', async () => {
  await using bench = await openStore()
  const { store } = bench
  const ids = idsOf('e', 5_000)
  await store.create(ids.map((id, index) => newExecution(id, { queue: 'mail', createdAt: index })))
  await store.create(idsOf('other', 50).map((id) => newExecution(id, { queue: 'post' })))
  await store.commit(ids.slice(0, 4_000).map((id) => newCommit(id, { head: ended })))
  const failed = { status: 'failed', error: '{}', endedAt: 5, isReleased: true } as const
  const some = ids.slice(4_000, 4_007)
  await store.commit(some.map((id) => newCommit(id, { head: failed })))
  const counted = await callsOf('hmget', async () => {
    expect(await store.count({ queue: 'mail', statuses: ['failed', 'running'], upTo: 10_000 })).toEqual({
      failed: 7,
      running: 0,
    })
    expect(await store.count({ queue: 'mail', upTo: 3_000 })).toMatchObject({ pending: 993, completed: 3_000 })
    expect(await store.count({ queue: 'mail', createdBefore: 10, upTo: 3_000 })).toMatchObject({ completed: 10 })
  })
  expect(counted).toBe(0)
  const read = await callsOf('hmget', async () => {
    const page = await store.list({ queue: 'mail', statuses: ['failed'], limit: 100 })
    expect(page.map(({ id }) => id)).toEqual(some.toReversed())
    const newest = await store.list({ queue: 'mail', statuses: ['pending', 'completed'], limit: 3 })
    expect(newest.map(({ id }) => id)).toEqual(['e-4999', 'e-4998', 'e-4997'])
  })
  expect(read).toBeLessThan(20)
})

test('a count by queue and graph reads the indexes of all buckets in their own order, in few scripts', async () => {
  await using bench = await openStore()
  const { store, layout } = bench
  const ids = idsOf('e', 5_000)
  await store.create(ids.map((id) => newExecution(id, { queue: 'mail' })))
  await store.commit(ids.slice(0, 10).map((id) => newCommit(id, { head: ended })))
  await client.set(layout.execution('e-4999'), 'is damaged')
  const scripts = await callsOf('evalsha', async () => {
    const { pending, completed } = await store.count({ queue: 'mail', graph: 'users', upTo: 10_000 })
    expect({ pending, completed }).toEqual({ pending: 4_989, completed: 10 })
  })
  // Each script looks at 64 executions, or, for one status, at the indexes of sixteen buckets.
  expect(scripts).toBeLessThan(120)
})

test('a backlog by key reads nothing of what is to begin, and each other execution of a queue once, for however many keys', async () => {
  await using bench = await openStore()
  const { store } = bench
  const ids = idsOf('e', 200)
  await store.create(
    ids.map((id, index) => newExecution(id, { owner: undefined, queue: 'keyed', key: `k${index % 20}` })),
  )
  await store.renewOwner('owner', 60_000)
  await store.create(
    idsOf('running', 30).map((id, index) => newExecution(id, { queue: 'keyed', key: `k${index % 10}` })),
  )
  const keys = await store.readyKeys('keyed', undefined, 100)
  expect(keys).toHaveLength(20)
  let backlogs: unknown
  const calls = await callsOf('hmget', async () => {
    backlogs = await store.backlog(keys.map((key) => ({ queue: 'keyed', key, upTo: 100 })))
  })
  expect(backlogs).toEqual(
    keys.map((key) => expect.objectContaining({ ready: 10, running: Number(key.slice(1)) < 10 ? 3 : 0, waiting: 0 })),
  )
  expect(calls).toBe(30)
})

test('a look into a queue of many keys goes through no more of them in a bucket than it can take', async () => {
  await using bench = await openStore()
  const { store } = bench
  await store.renewOwner('me', 60_000)
  await store.create(
    idsOf('e', 4_000).map((id, n) => newExecution(id, { owner: undefined, key: `k${n % 200}`, createdAt: 1_000 + n })),
  )
  let behindKey: string | undefined
  const look = async (): Promise<void> => {
    const acquired = await store.acquire({ owner: 'me', graphs: ['users'], limit: 4, behindKey })
    expect(new Set(acquired.map(({ execution }) => execution.key)).size).toBe(4)
    behindKey = acquired.at(-1)!.execution.key
  }
  await look()
  await look()
  expect(await callsOf('zrangebylex', look)).toBeLessThan(12 * buckets.length)
})

test('of an index, a purge takes out at once what it found of a bucket', async () => {
  await using bench = await openStore()
  const { store } = bench
  const ids = idsOf('e', 1_000)
  await store.create(ids.map((id) => newExecution(id)))
  await store.commit(ids.map((id) => newCommit(id, { head: ended })))
  const commands = await callsOf('zrem', async () => {
    expect(await store.purge({ statuses: ['completed'], endedBefore: 10, limit: 1_000 })).toBe(1_000)
  })
  // A bucket's may be spread over two scripts.
  expect(commands).toBeLessThanOrEqual(2 * buckets.length)
})

test('that an owner had executions is forgotten once it has none, and known again when it has', async () => {
  await using bench = await openStore()
  const { store, layout } = bench
  const ids = idsOf('e', 200)
  const notes = async (): Promise<number> => {
    const found = await Promise.all(buckets.map((bucket) => client.zrangebylex(layout.work(bucket), '[o', '(p')))
    return found.flat().length
  }
  const look = () => store.acquire({ owner: 'heir', graphs: ['users'], limit: 1_000 })
  await store.renewOwner('heir', 60_000)
  await store.renewOwner('owner', 60_000)
  await store.create(ids.map((id) => newExecution(id)))
  expect(await notes()).toBeGreaterThan(50)
  await store.commit(ids.map((id) => newCommit(id, { head: ended })))
  for (const _ of buckets) expect(await look()).toEqual([])
  expect(await notes()).toBe(0)
  await store.create(ids.map((id) => newExecution(`again-${id}`)))
  await store.endOwner('owner')
  expect(await look()).toHaveLength(200)
})

test('nothing is left of what was purged or deleted, nor of whose it was, nor of its queue', async () => {
  await using bench = await openStore()
  const { store, layout } = bench
  const ids = idsOf('e', 200)
  await store.create(
    ids.map((id, index) => newExecution(id, index % 2 === 0 ? {} : { queue: 'mail', key: 'ann', parent: 'p' })),
  )
  await store.commit(ids.slice(2).map((id) => newCommit(id, { head: ended })))
  const fence = { owner: 'owner', epoch: 1 }
  expect(await store.delete(ids.slice(0, 2).map((id) => ({ id, ...fence })))).toEqual([true, true])
  expect(await store.purge({ statuses: ['completed'], endedBefore: 10, limit: 1_000 })).toBe(198)
  const prefix = layout.format.slice(0, layout.format.indexOf(':{'))
  expect(await client.keys(`${prefix}*`)).toEqual([layout.format])
})

test('of a queue within limits, or paused, nothing is looked for but what these need', async () => {
  await using bench = await openStore()
  const { store } = bench
  await store.renewOwner('me', 60_000)
  await store.create(idsOf('e', 20).map((id) => newExecution(id, { owner: undefined })))
  const take = (): Promise<readonly unknown[]> => store.acquire({ owner: 'me', graphs: ['users'], limit: 2 })
  const limits = { concurrency: { limit: 5, isPerKey: false } }
  await store.changeQueues([{ queue: 'default', at: 1, limits }])
  expect(await take()).toHaveLength(2)
  // What a look without limits asks of each bucket.
  expect(await callsOf('mget', async () => expect(await take()).toHaveLength(2))).toBe(0)
  await store.changeQueues([{ queue: 'default', at: 2, pause: {} }])
  expect(await callsOf('evalsha', async () => expect(await take()).toHaveLength(0))).toBe(0)
  await store.changeQueues([{ queue: 'default', at: 3, pause: null, limits: null }])
  expect(await callsOf('mget', async () => expect(await take()).toHaveLength(2))).toBeGreaterThan(0)
})

test('a page of a mailbox brings the sizes of large messages, not these, and no more commands than it has messages', async () => {
  await using bench = await openStore()
  const { store } = bench
  await store.create([newExecution('one'), newExecution('other')])
  const large = { class: 'data', payload: new Uint8Array(1_000_000), at: 1 } as const
  for (const execution of ['one', 'other'])
    await store.post(idsOf(execution, 30).map((id) => ({ ...large, execution, kind: 'receive', id })))
  const calls = await callsOf('zrangebyscore', async () => {
    const page = await store.listMail({ execution: 'one', after: 2, limit: 10 })
    expect(page.map(({ bytes, payload }) => [bytes, payload])).toEqual(page.map(() => [1_000_000, undefined]))
    expect(page).toHaveLength(10)
  })
  const [, sent] = /total_net_output_bytes:(\d+)/.exec(await client.info('stats'))!
  expect(Number(sent)).toBeLessThan(100_000)
  expect(calls).toBeLessThan(15)
})
