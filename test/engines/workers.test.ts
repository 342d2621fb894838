import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { expect, onTestFinished, test } from 'vitest'
import { bullmqEngine } from '../../src/engines/bullmq/index.ts'
import type { Store } from '../../src/core/contracts/store.ts'
import { createDocket, graph, step } from '../../src/index.ts'
import type { Docket, DocketOptions } from '../../src/index.ts'
import { hostileEngine } from '../../src/testing/index.ts'
import { memoryStore } from '../../stores/memory/index.ts'
import { childProgram } from '../child-program.ts'
import { startRedis } from '../servers/redis.ts'
import { serverUrl } from '../servers/server-url.ts'
import { ordersOf, placeOf, Receipt } from './worker-process.ts'
import type { WorkerOrder } from './worker-process.ts'

const url = await serverUrl('redis')
const program = childProgram(`${import.meta.dirname}/worker-process.ts`)
const leaseMs = 2_000

/** A worker in a process of its own, and what its steps say. */
function startWorker(order: Omit<WorkerOrder, 'lease'>): { readonly child: ChildProcess; readonly said: string[] } {
  const given = JSON.stringify({ ...order, lease: `${leaseMs}ms` })
  const child = spawn(process.execPath, [program, given], { stdio: ['ignore', 'pipe', 'inherit'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  const said: string[] = []
  let rest = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n')
    rest = lines.pop()!
    said.push(...lines)
  })
  return { child, said }
}

function freshPrefix(): string {
  const prefix = `t${randomUUID().slice(0, 8)}`
  onTestFinished(async () => {
    const client = new Redis(url)
    for await (const keys of client.scanStream({ match: `*${prefix}*`, count: 1_000 }) as AsyncIterable<string[]>)
      if (keys.length > 0) await client.unlink(...keys)
    client.disconnect()
  })
  return prefix
}

function open(options: DocketOptions & Pick<DocketOptions, 'engine' | 'work'>): Docket {
  const docket = createDocket({ lease: `${leaseMs}ms`, ...options })
  onTestFinished(() => docket.close({ deadline: 0 }))
  return docket
}

/** A store that counts how often it was looked into for what is ready. */
function countedStore(): { readonly store: Store; looks(): number } {
  let looks = 0
  const store: Store = new Proxy(memoryStore(), {
    get(target, key) {
      if (key === 'acquire') looks++
      const value: unknown = Reflect.get(target, key)
      return typeof value === 'function' ? (value.bind(target) as unknown) : value
    },
  })
  return { store, looks: () => looks }
}

const instantly = ordersOf(async (id) => id)
const idsOf = (count: number, name: string): string[] => Array.from({ length: count }, (_, index) => `${name} ${index}`)
const startAll = (docket: Docket, ids: readonly string[]) =>
  Promise.all(ids.map((id) => docket.start(instantly, Receipt, { Order: id }, { id })))

test('another process has all 50 executions of one that is killed, and those that are killed with three processes still end', async () => {
  const place = { url, prefix: freshPrefix() }
  const starter = open({ graphs: [instantly], ...placeOf(place), work: false })
  const ids = idsOf(50, 'order')
  const started = await startAll(starter, ids)
  for (let deaths = 0; deaths < 3; deaths++) {
    const { child, said } = startWorker({ ...place, slots: 50, holds: true })
    await expect.poll(() => said.length, { timeout: 15_000 }).toBe(50)
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
  open({ graphs: [instantly], ...placeOf(place), work: { default: 50 } })
  expect((await Promise.all(started.map((execution) => execution.result()))).toSorted()).toEqual(ids.toSorted())
})

test('a process that was stopped for longer than its lease and its locks writes nothing any more, and goes on to work', async () => {
  const place = { url, prefix: freshPrefix() }
  const starter = open({ graphs: [instantly], ...placeOf(place), work: false })
  const { child, said } = startWorker({ ...place, slots: 5, holds: true })
  const ids = idsOf(5, 'order')
  const started = await startAll(starter, ids)
  await expect.poll(() => said.length, { timeout: 15_000 }).toBe(5)
  child.kill('SIGSTOP')
  const other = open({ graphs: [instantly], ...placeOf(place), work: { default: 5 } })
  expect((await Promise.all(started.map((execution) => execution.result()))).toSorted()).toEqual(ids.toSorted())
  await other.close()
  child.kill('SIGCONT')
  // Its slots are free again: what it takes from now on runs there.
  const later = await startAll(starter, idsOf(5, 'later'))
  await expect.poll(() => said.filter((line) => line.startsWith('began later')).length, { timeout: 10_000 }).toBe(5)
  for (const execution of later) await execution.cancel('enough')
})

test('while the engine’s server is down a start returns as soon as the store has it, and workers find it by themselves', async () => {
  const server = await startRedis()
  onTestFinished(() => server.stop())
  const store = memoryStore()
  const engine = (): ReturnType<typeof bullmqEngine> => bullmqEngine({ connection: server.url, timeout: '500ms' })
  const starter = open({ graphs: [instantly], store, engine: engine(), work: false })
  open({ graphs: [instantly], store, engine: engine(), work: { default: 5 } })
  await (await starter.start(instantly, Receipt, { Order: 'before' }, { id: 'before' })).result()
  await server.kill()
  const since = performance.now()
  const started = await startAll(starter, idsOf(20, 'while'))
  expect(performance.now() - since).toBeLessThan(300)
  expect(await Promise.all(started.map((execution) => execution.result()))).toHaveLength(20)
  expect(performance.now() - since).toBeLessThan(6_000)
  await server.restart()
})

test('an engine that is emptied while executions wait in it loses nothing', async () => {
  const server = await startRedis()
  onTestFinished(() => server.stop())
  const store = memoryStore()
  const starter = open({ graphs: [instantly], store, engine: bullmqEngine({ connection: server.url }), work: false })
  await (await starter.start(instantly, Receipt, { Order: 'x' }, { id: 'first' })).cancel('only to open it')
  const started = await startAll(starter, idsOf(100, 'order'))
  const client = new Redis(server.url)
  await client.flushall()
  client.disconnect()
  open({ graphs: [instantly], store, engine: bullmqEngine({ connection: server.url }), work: { default: 10 } })
  expect(await Promise.all(started.map((execution) => execution.result()))).toHaveLength(100)
})

test('a worker that lacks the graph leaves what it is woken for, and does not look for it without end; the right one runs it', async () => {
  const { store, looks } = countedStore()
  const engine = hostileEngine()
  const other = graph({ name: 'other', steps: [step({ name: 'A', output: Receipt, run: () => 'a' })] })
  const starter = open({ graphs: [instantly], store, engine, work: false })
  open({ graphs: [other], store, engine, work: { default: 5 } })
  const started = await startAll(starter, idsOf(20, 'order'))
  await sleep(1_500)
  expect((await starter.list({ status: 'pending' })).executions).toHaveLength(20)
  expect(looks()).toBeLessThan(30)
  open({ graphs: [instantly], store, engine, work: { default: 5 } })
  expect(await Promise.all(started.map((execution) => execution.result()))).toHaveLength(20)
})

test('what waits for a slot is woken once, and costs the store nothing meanwhile', async () => {
  const { store, looks } = countedStore()
  const inner = hostileEngine()
  const woken = new Map<string, number>()
  const engine = {
    name: inner.name,
    capabilities: inner.capabilities,
    open: inner.open.bind(inner),
    consume: inner.consume.bind(inner),
    close: inner.close.bind(inner),
    wake: async (wakes: Parameters<typeof inner.wake>[0]) => {
      for (const { id } of wakes) woken.set(id, (woken.get(id) ?? 0) + 1)
      await inner.wake(wakes)
    },
  }
  const gate = { isShut: true }
  const slowly = ordersOf(async (id, signal) => {
    while (gate.isShut && !signal.aborted) await sleep(5)
    return id
  })
  const starter = open({ graphs: [slowly], store, engine, work: false })
  for (let count = 0; count < 2; count++) open({ graphs: [slowly], store, engine, work: { default: 10 } })
  const ids = idsOf(2_000, 'order')
  const started = await Promise.all(ids.map((id) => starter.start(slowly, Receipt, { Order: id }, { id })))
  await expect.poll(async () => (await starter.list({ status: 'running' })).executions.length).toBe(20)
  const before = looks()
  await sleep(2_000)
  expect(Math.max(...woken.values())).toBe(1)
  expect(looks() - before).toBeLessThan(10)
  gate.isShut = false
  expect(await Promise.all(started.map((execution) => execution.result()))).toHaveLength(2_000)
})

test('ids of all kinds run by way of BullMQ, or are refused at the start', async () => {
  const place = { url, prefix: freshPrefix() }
  const starter = open({ graphs: [instantly], ...placeOf(place), work: false })
  open({ graphs: [instantly], ...placeOf(place), work: { default: 5 } })
  const ids = ['a:b', '42', '0', 'é/..', 'x'.repeat(500), '__proto__', '-1', '{"e":1}', '😀', 'a\0b']
  const started = await startAll(starter, ids)
  expect(await Promise.all(started.map((execution) => execution.result()))).toEqual(ids)
  await expect(starter.start(instantly, Receipt, { Order: 'x' }, { id: '' })).rejects.toThrow('id')
})

test('a job carries an id, and nothing else', async () => {
  const place = { url, prefix: freshPrefix() }
  const starter = open({ graphs: [instantly], ...placeOf(place), work: false })
  const large = 'x'.repeat(1_000_000)
  await starter.start(instantly, Receipt, { Order: large }, { id: randomUUID() })
  const client = new Redis(url)
  onTestFinished(() => client.disconnect())
  const jobs = async (): Promise<string[]> => await client.keys(`{${place.prefix}.default}:*:1`)
  await expect.poll(jobs, { timeout: 5_000 }).toHaveLength(1)
  const [job] = await jobs()
  expect((await client.hget(job!, 'data'))!.length).toBeLessThan(60)
  expect(Object.values(await client.hgetall(job!)).join('').length).toBeLessThan(300)
})

test('with an engine, a docket says what it serves', () => {
  const store = memoryStore()
  expect(() => createDocket({ graphs: [instantly], store, engine: hostileEngine() })).toThrow(/work is missing/)
  expect(() => createDocket({ graphs: [instantly], store, engine: {} as never, work: false })).toThrow(
    /engine must be an engine, like bullmqEngine/,
  )
})
