import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, expect, test, vi } from 'vitest'
import { redisStore } from '../../stores/redis/index.ts'
import { childProgram } from '../child-program.ts'
import { startRedis } from '../servers/redis.ts'
import { startTalkingChild } from '../servers/talking-child.ts'
import { newExecution } from './redis-records.ts'

const server = await startRedis()
afterAll(() => server.stop())

/** A way to the server that counts how often something is sent after an answer has come: what is sent without waiting goes together. */
async function countingWay() {
  let trips = 0
  let hasAnswer = true
  const way = createServer((client) => {
    const upstream = connect(server.port, '127.0.0.1')
    client.on('data', (sent) => {
      if (hasAnswer) trips++
      hasAnswer = false
      upstream.write(sent)
    })
    upstream.on('data', (answer) => {
      hasAnswer = true
      client.write(answer)
    })
    for (const [one, other] of [
      [client, upstream],
      [upstream, client],
    ] as const)
      one.on('error', () => other.destroy()).on('close', () => other.destroy())
  })
  await once(way.listen(0, '127.0.0.1'), 'listening')
  const { port } = way.address() as AddressInfo
  return {
    url: `redis://127.0.0.1:${String(port)}`,
    trips: () => trips,
    [Symbol.asyncDispose]: async () => {
      way.close()
      await once(way, 'close')
    },
  }
}

test('a look for many takes three round trips, and one more where an owner is new to the process', async () => {
  await using way = await countingWay()
  const store = redisStore({ url: way.url, prefix: 'trips' })
  await store.open()
  await using open = new AsyncDisposableStack()
  open.defer(() => store.close())
  for (const owner of ['me', 'ada', 'bea']) await store.renewOwner(owner, 60_000)
  await store.create(Array.from({ length: 200 }, (_, n) => newExecution(`free-${n}`)))
  await store.create([newExecution('of-ada', { owner: 'ada' })])
  const look = async (): Promise<number> => {
    const before = way.trips()
    expect(await store.acquire({ owner: 'me', graphs: ['users'], limit: 50 })).toHaveLength(50)
    return way.trips() - before
  }
  await look()
  await look()
  expect(await look()).toBe(3)
  await store.create([newExecution('of-bea', { owner: 'bea' })])
  expect(await look()).toBe(4)
})

test('what a look needs to know of more buckets than one, beyond what was read before, it reads of all of them at once', async () => {
  await using way = await countingWay()
  const store = redisStore({ url: way.url, prefix: 'short' })
  await store.open()
  await using open = new AsyncDisposableStack()
  open.defer(() => store.close())
  await store.renewOwner('me', 60_000)
  await store.create(Array.from({ length: 3_000 }, (_, n) => newExecution(`free-${n}`, { owner: undefined })))
  expect(await store.acquire({ owner: 'me', graphs: ['users'], limit: 1 })).toHaveLength(1)
  const except = Array.from({ length: 16 }, (_, n) => `free-${n}`)
  const before = way.trips()
  const acquired = await store.acquire({ owner: 'me', graphs: ['users'], limit: 16, except })
  expect(acquired.map(({ execution: { id } }) => id).filter((id) => except.includes(id))).toEqual([])
  expect(acquired).toHaveLength(16)
  expect(way.trips() - before).toBeLessThan(8)
})

test('a look for a few takes one round trip where nothing has changed since the last one, for as long as that goes on, and two where others have changed something', async () => {
  await using way = await countingWay()
  const store = redisStore({ url: way.url, prefix: 'expected' })
  const other = redisStore({ url: server.url, prefix: 'expected' })
  await using open = new AsyncDisposableStack()
  for (const one of [store, other]) {
    await one.open()
    open.defer(() => one.close())
  }
  for (const owner of ['me', 'ada']) await store.renewOwner(owner, 60_000)
  const ready = Array.from({ length: 3_000 }, (_, n) => newExecution(`r${n}`, { owner: undefined, createdAt: n }))
  await store.create(ready)
  const look = async (from: number): Promise<number> => {
    const before = way.trips()
    const acquired = await store.acquire({ owner: 'me', graphs: ['users'], limit: 4 })
    const ids = acquired.map(({ execution }) => execution.id)
    expect(ids).toEqual(Array.from({ length: 4 }, (_, n) => `r${from + n}`))
    return way.trips() - before
  }
  // An owner that is new to a process is judged by one more.
  expect(await other.acquire({ owner: 'ada', graphs: ['users'], limit: 4 })).toHaveLength(4)
  for (let from = 4; from < 12; from += 4) await look(from)
  // What is known of a bucket is a few dozen: the rest is read on the way.
  let trips = 0
  for (let from = 12; from < 2_812; from += 4) trips += await look(from)
  // 700, and a few more where this process was held up for a second: then nothing is taken to be as it was.
  expect(trips).toBeLessThan(720)
  expect(await other.acquire({ owner: 'ada', graphs: ['users'], limit: 4 })).toHaveLength(4)
  expect(await look(2_816)).toBe(2)
})

test('a test that fakes setImmediate does not hold up what goes to the server', async () => {
  await using stack = new AsyncDisposableStack()
  const store = redisStore({ url: server.url, prefix: crypto.randomUUID() })
  stack.defer(() => store.close())
  await store.open()
  vi.useFakeTimers({ toFake: ['setImmediate'] })
  stack.defer(() => void vi.useRealTimers())
  expect(await store.get(['one'])).toEqual([undefined])
})

test('nor does one that fakes all of Node’s timers before the store is loaded', async () => {
  const asking = childProgram(join(import.meta.dirname, 'asking-process.ts'))
  const faked = join(import.meta.dirname, 'faked-process.ts')
  using child = startTalkingChild(faked, [asking, server.url, crypto.randomUUID()])
  expect(await child.ended()).toEqual([0, null, ''])
  expect(child.said).toEqual(['[null]'])
})

test('what is called for right before the store is closed is answered', async () => {
  const store = redisStore({ url: server.url, prefix: crypto.randomUUID() })
  await store.open()
  const answer = store.get(['one'])
  await store.close()
  expect(await answer).toEqual([undefined])
})
