import * as fc from 'fast-check'
import { Cluster, Redis } from 'ioredis'
import { afterAll, expect, test } from 'vitest'
import { redisStore } from '../../stores/redis/index.ts'
import { escapeText, ownerOf, ownerText, timeKey, timeOf, unescapeText } from '../../stores/redis/layout.ts'
import { serverUrl, serverUrls } from '../servers/server-url.ts'
import { newClaim, newCommit, newExecution, newStep } from './redis-records.ts'

const url = await serverUrl('redis')
const nodes = await serverUrls('redis-cluster')
const client = new Redis(url)
const cluster = new Cluster([...nodes])
afterAll(async () => void (await Promise.all([client.quit(), cluster.quit()])))

/** What decides on a key's slot. */
function tagOf(key: string): string {
  return /\{([^}]*)\}/.exec(key)![1]!
}

/** All keys of all masters. */
async function keysOf(pattern: string): Promise<string[]> {
  return (await Promise.all(cluster.nodes('master').map((node) => node.keys(pattern)))).flat()
}

test('all that belongs to an execution lies in one slot, its place in the index too', async () => {
  const prefix = crypto.randomUUID()
  const store = redisStore({ cluster: [...nodes], prefix })
  await store.open()
  const ids = Array.from({ length: 200 }, (_, index) => `{id}-${index}`)
  await store.create(ids.map((id) => newExecution(id)))
  await store.commit(ids.map((id) => newCommit(id)))
  await store.post(ids.map((execution) => ({ execution, class: 'control', kind: 'cancel', payload: undefined, at: 1 })))
  const keys = await keysOf(`${prefix}*`)
  const slots = new Map<string, Set<number>>()
  for (const key of keys) {
    const slotsOfTag = slots.get(tagOf(key)) ?? new Set()
    slots.set(tagOf(key), slotsOfTag.add(Number(await cluster.cluster('KEYSLOT', key))))
  }
  expect([...slots.values()].every((slotsOfTag) => slotsOfTag.size === 1)).toBe(true)
  for (const id of ids) {
    const own = keys.filter((key) => key.endsWith(`:${id}`))
    expect(own).toHaveLength(2) // the hash and the mailbox
    expect(new Set(own.map(tagOf)).size).toBe(1)
    expect(keys).toContain(`${prefix}:{${tagOf(own[0]!)}}:i`)
  }
  // They spread: no server has them all.
  expect(slots.size).toBeGreaterThan(50)
  await store.close()
})

test('stores with different prefixes know nothing of each other, even if one begins like the other', async () => {
  const prefix = crypto.randomUUID()
  const one = redisStore({ url, prefix })
  const other = redisStore({ url, prefix: `${prefix}:` })
  await Promise.all([one.open(), other.open()])
  const hints: unknown[] = []
  const stop = await other.subscribe!((hint) => hints.push(hint))
  await one.create([newExecution('a', { owner: undefined })])
  await one.claimResults([newClaim('k')])
  expect(await other.get(['a'])).toEqual([undefined])
  expect(await other.list({ limit: 10 })).toEqual([])
  expect(await other.getResults(['k'])).toEqual([undefined])
  expect(await other.acquire({ owner: 'b', graphs: ['users'], limit: 10 })).toEqual([])
  expect(hints).toEqual([])
  await stop()
  await Promise.all([one.close(), other.close()])
})

test('nothing is written outside the prefix, and nothing is left of what was deleted', async () => {
  const prefix = crypto.randomUUID()
  const store = redisStore({ url, prefix })
  await store.open()
  await store.create([newExecution('a')])
  await store.post([{ execution: 'a', class: 'control', kind: 'cancel', payload: undefined, at: 1 }])
  await store.commit([newCommit('a', { head: { status: 'failed', endedAt: 5 } })])
  expect(await store.delete([{ id: 'a', owner: 'owner', epoch: 1 }])).toEqual([true])
  expect(await client.keys(`${prefix}*`)).toEqual([`${prefix}:{o}:format`])
  await store.close()
})

test('a large execution is read in portions, whole', async () => {
  const store = redisStore({ url, prefix: crypto.randomUUID() })
  await store.open()
  await store.create([newExecution('large'), newExecution('small')])
  const output = 'x'.repeat(20_000)
  const steps = Array.from({ length: 1_000 }, (_, item) => newStep('many', { item: String(item), output }))
  await store.commit([newCommit('large', { steps }), newCommit('small')])
  const seen = new Set<string>()
  let pages = 0
  let next: string | undefined
  do {
    const page = await store.readSteps(['large', 'nobody', 'small'], next)
    for (const { execution, step, item } of page.steps) seen.add(`${execution} ${step} ${item}`)
    next = page.next
    pages++
  } while (next !== undefined)
  expect(seen.size).toBe(1_001)
  expect(pages).toBeGreaterThan(2)
  await store.close()
})

test('what is left of a large execution is the end of what was left before: no list of a million names is copied for each portion', async () => {
  const store = redisStore({ url, prefix: crypto.randomUUID() })
  await store.open()
  await store.create([newExecution('large')])
  const names = Array.from({ length: 5_000 }, (_, item) => (item % 2 === 0 ? `${item}` : `1 a\n{"${item}`))
  const steps = names.map((item) => newStep('a step\nof many', { item, output: 'x'.repeat(50) }))
  for (let first = 0; first < steps.length; first += 1_000)
    await store.commit([newCommit('large', { steps: steps.slice(first, first + 1_000) })])
  const seen: string[] = []
  const places: string[] = []
  let next: string | undefined
  do {
    const page = await store.readSteps(['large'], next)
    for (const { item } of page.steps) seen.push(item)
    ;({ next } = page)
    if (next !== undefined) places.push(next)
  } while (next !== undefined)
  expect(seen.toSorted()).toEqual(names.toSorted())
  expect(places).toHaveLength(5)
  // The first one says only that it is large.
  for (const [index, place] of places.entries()) if (index > 1) expect(places[index - 1]!.endsWith(place)).toBe(true)
  await store.close()
})

test('times sort as their keys do, and come back', () => {
  const time = fc.double({ noNaN: true, noDefaultInfinity: true })
  fc.assert(
    fc.property(time, time, (one, other) => {
      expect(timeOf(timeKey(one))).toBe(one + 0)
      expect(timeKey(one) < timeKey(other)).toBe(one < other)
    }),
  )
})

test('names come back from keys, whatever is in them, and never end there', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.nat(0xffff).map((unit) => String.fromCharCode(unit)) }), (name) => {
      expect(unescapeText(escapeText(name))).toBe(name)
      expect(Buffer.from(escapeText(name)).toString()).toBe(escapeText(name))
      expect(escapeText(name)).not.toContain('\0')
      expect(ownerOf(ownerText(name))).toBe(name)
      expect(ownerText(name)).not.toBe('')
    }),
  )
})
