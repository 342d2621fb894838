import { connect } from 'node:net'
import * as fc from 'fast-check'
import { Redis } from 'ioredis'
import { afterAll, expect, test } from 'vitest'
import { redisStore } from '../../stores/redis/index.ts'
import { bucketOf, Layout } from '../../stores/redis/layout.ts'
import { serverUrl } from '../servers/server-url.ts'
import { newClaim, newCommit, newExecution, newStep } from './redis-records.ts'

const url = await serverUrl('redis')
const client = new Redis(url)
afterAll(async () => void (await client.quit()))

async function openStore() {
  const prefix = crypto.randomUUID()
  const store = redisStore({ url, prefix })
  await store.open()
  return { store, prefix, [Symbol.asyncDispose]: () => store.close() }
}

const text = fc.string({
  unit: fc.oneof(
    fc.nat(0xffff).map((unit) => String.fromCharCode(unit)),
    fc.constant('a'),
  ),
})
const name = fc.oneof(
  text,
  fc.constantFrom('__proto__', 'constructor', 'toJSON', 'hasOwnProperty', 'length', '1', 'then'),
)
const { tree } = fc.letrec<{ tree: unknown }>((tie) => ({
  tree: fc.oneof(
    { depthSize: 'small' },
    fc.constant(null),
    fc.boolean(),
    fc.double({ noNaN: true, noDefaultInfinity: true }).map((number) => number + 0),
    fc.integer(),
    text,
    fc.array(tie('tree')),
    // `Object.fromEntries` makes a property even of `__proto__`.
    fc.array(fc.tuple(name, tie('tree'))).map((entries) => Object.fromEntries(entries)),
  ),
}))

test('a plain tree comes back from msgpack exactly, the order of its properties too', async () => {
  await using bench = await openStore()
  const format = bench.store.format!
  fc.assert(
    fc.property(tree, (value) => {
      expect(JSON.stringify(format.decode(format.encode(value)))).toBe(JSON.stringify(value))
    }),
    { numRuns: 500 },
  )
})

test('large trees are encoded', async () => {
  await using bench = await openStore()
  const format = bench.store.format!
  const wide = Object.fromEntries(Array.from({ length: 70_000 }, (_, index) => [`p${index}`, index]))
  const long = ['é'.repeat(100_000), Array.from({ length: 70_000 }, (_, index) => index * 1e9)]
  for (const value of [wide, long]) expect(format.decode(format.encode(value))).toEqual(value)
})

test('a damaged value can not be decoded', async () => {
  await using bench = await openStore()
  const format = bench.store.format!
  const bytes = format.encode({ name: 'Ada', list: [1, 2, 3] }) as Uint8Array
  expect(() => format.decode(bytes.subarray(0, -1))).toThrow()
  expect(() => format.decode(Buffer.concat([bytes, Buffer.of(1)]))).toThrow()
})

test('texts and bytes are distinguished, and come back as they were', async () => {
  await using bench = await openStore()
  const { store } = bench
  const values = ['', 'text', '\ud800 alone', 'NUL \0', new Uint8Array(), new Uint8Array([0, 255, 128])]
  await store.create(values.map((inputs, index) => newExecution(String(index), { inputs })))
  await store.commit(values.map((output, index) => newCommit(String(index), { steps: [newStep('s', { output })] })))
  const ids = values.map((_, index) => String(index))
  expect((await store.get(ids)).map((record) => record!.inputs)).toStrictEqual(values)
  const { steps } = await store.readSteps(ids)
  expect(steps.map(({ output }) => output)).toStrictEqual(values)
})

test('an altered execution is reported by its key, and keeps nobody from others', async () => {
  await using bench = await openStore()
  const { store, prefix } = bench
  await store.create(['a', 'b', 'c'].map((id) => newExecution(id, { owner: undefined })))
  const [key] = await client.keys(`${prefix}:*:x:b`)
  await client.hset(key!, 'i', 'not msgpack at all')
  await expect(store.get(['b'])).rejects.toMatchObject({ code: 'STORE_FAILED', isTransient: false })
  await expect(store.get(['b'])).rejects.toThrow(JSON.stringify(key))
  const acquired = await store.acquire({ owner: 'me', graphs: ['users'], limit: 10 })
  expect(acquired.map(({ execution }) => execution.id).toSorted()).toEqual(['a', 'c'])
  expect((await store.list({ limit: 2 })).map(({ id }) => id)).toEqual(['c', 'a'])
})

test('many executions are read, listed and taken in one call as they were written, however long their values are', async () => {
  await using bench = await openStore()
  const { store } = bench
  const lengths = [0, 1, 30, 31, 32, 253, 254, 255, 256, 65_533, 65_534, 65_535, 65_536, 600_000, 600_000, 600_000, 7]
  const inputs = lengths.map((length) => 'é'.repeat(length % 2) + 'x'.repeat(length))
  const ids = inputs.map((_, index) => `e${String(index).padStart(2, '0')}`)
  await store.create(ids.map((id, index) => newExecution(id, { owner: undefined, inputs: inputs[index]! })))
  const asked = [...ids, 'none']
  expect((await store.get(asked)).map((record) => record?.inputs)).toEqual([...inputs, undefined])
  expect((await store.list({ limit: 100 })).map((record) => record.inputs)).toEqual(inputs.toReversed())
  const acquired = await store.acquire({ owner: 'me', graphs: ['users'], limit: 100 })
  expect(acquired.map(({ execution }) => [execution.id, execution.inputs, execution.owner, execution.epoch])).toEqual(
    ids.map((id, index) => [id, inputs[index], 'me', 1]),
  )
})

test('a damaged execution keeps purge from no other one', async () => {
  await using bench = await openStore()
  const { store, prefix } = bench
  const layout = new Layout(prefix)
  const ids = Array.from({ length: 10 }, (_, index) => `e${index}`)
  await store.create(ids.map((id) => newExecution(id)))
  const end = { status: 'completed', endedAt: 5, isReleased: true } as const
  await store.commit(ids.map((id) => newCommit(id, { head: end })))
  await client.set(layout.execution('e3'), 'x')
  const ended = { statuses: ['completed'], endedBefore: 10 } as const
  expect(await store.purge({ ...ended, limit: 5 })).toBe(5)
  expect(await store.purge({ ...ended, limit: 100 })).toBe(4)
  expect((await client.keys(`${prefix}:*:x:*`)).map((key) => key.slice(-2))).toEqual(['e3'])
})

test('a key of another type fails its own commit, and the others go on', async () => {
  await using bench = await openStore()
  const { store, prefix } = bench
  await store.create(['a', 'b', 'c'].map((id) => newExecution(id)))
  const [key] = await client.keys(`${prefix}:*:x:b`)
  await client.set(key!, 'a string')
  const commits = ['a', 'b', 'c'].map((id) => newCommit(id))
  await expect(store.commit(commits)).rejects.toThrow(key)
  expect((await store.readSteps(['a', 'c'])).steps).toHaveLength(2)
  await expect(store.readSteps(['b'])).rejects.toMatchObject({ code: 'STORE_FAILED', isTransient: false })
})

test('a truncated step record is reported by its name', async () => {
  await using bench = await openStore()
  const { store, prefix } = bench
  await store.create([newExecution('a')])
  await store.commit([newCommit('a')])
  const [key] = await client.keys(`${prefix}:*:x:a`)
  await client.hset(key!, ':first\0', '\u0005')
  await expect(store.readSteps(['a'])).rejects.toThrow('step "first" of execution "a"')
})

test('what is altered beside an execution is reported by its key, and keeps nobody in the same call from what is theirs', async () => {
  await using bench = await openStore()
  const { store, prefix } = bench
  const layout = new Layout(prefix)
  const ids = Array.from({ length: 10 }, (_, index) => `e${index}`)
  await store.create(ids.map((id) => newExecution(id)))
  await client.set(layout.mailbox('e5'), 'x')
  const head = { status: 'completed', output: '1', endedAt: 5 } as const
  const ending = ids.map((id) => newCommit(id, { head, consumed: [1] }))
  await expect(store.commit(ending)).rejects.toThrow(`mailbox of execution "e5", or the index`)
  const statuses = async (of: readonly string[]): Promise<unknown[]> =>
    (await store.get(of)).map((record) => record?.status)
  expect(await statuses(ids)).toEqual(ids.map(() => 'completed'))

  const others = Array.from({ length: 60 }, (_, index) => `f${index}`)
  await client.set(layout.index(bucketOf('f30')), 'x')
  await expect(store.create(others.map((id) => newExecution(id)))).rejects.toThrow(`is damaged or was altered`)
  const missing = others.filter((id) => bucketOf(id) !== bucketOf('f30'))
  expect(await statuses(missing)).toEqual(missing.map(() => 'pending'))
})

test('an altered result is reported by its key', async () => {
  await using bench = await openStore()
  const { store, prefix } = bench
  await store.claimResults([newClaim('k')])
  const [key] = await client.keys(`${prefix}:*:k:k`)
  await client.set(key!, 'nonsense')
  await expect(store.getResults(['k'])).rejects.toThrow(JSON.stringify(key))
  await expect(
    store.commitResults([{ key: 'k', owner: 'owner', epoch: 1, at: 0, outcome: { status: 'released' } }]),
  ).rejects.toMatchObject({ isTransient: false })
})

test('endless distinct results with a ttl leave nothing behind', async () => {
  await using bench = await openStore()
  const { store, prefix } = bench
  for (let round = 0; round < 20; round++) {
    const keys = Array.from({ length: 100 }, (_, index) => `${round}-${index}`)
    const claims = await store.claimResults(keys.map((key) => newClaim(key)))
    const done = await store.commitResults(
      keys.map((key, index) => {
        const claim = claims[index]!
        const epoch = claim.status === 'claimed' ? claim.epoch : -1
        return {
          key,
          owner: 'owner',
          epoch,
          at: 0,
          outcome: { status: 'completed', output: 'x'.repeat(100), ttlMs: 20 },
        }
      }),
    )
    expect(done.every(Boolean)).toBe(true)
  }
  await expect.poll(() => client.keys(`${prefix}*`)).toEqual([`${prefix}:{o}:format`])
})

test('a claim after a result has expired has a later epoch, and a late claimant is refused', async () => {
  await using bench = await openStore()
  const { store } = bench
  const epochs: number[] = []
  for (let round = 0; round < 3; round++) {
    const [claim] = await store.claimResults([newClaim('k')])
    const epoch = claim!.status === 'claimed' ? claim!.epoch : -1
    epochs.push(epoch)
    if (round === 2) break
    await store.commitResults([
      { key: 'k', owner: 'owner', epoch, at: 0, outcome: { status: 'completed', output: 'v', ttlMs: 5 } },
    ])
    await expect.poll(() => store.getResults(['k'])).toEqual([undefined])
  }
  expect(epochs).toEqual(epochs.toSorted((one, other) => one - other))
  expect(new Set(epochs).size).toBe(3)
  const late = { key: 'k', owner: 'owner', epoch: epochs[0]!, at: 0, outcome: { status: 'released' as const } }
  expect(await store.commitResults([late])).toEqual([false])
})

test('hits cost one round trip of one plain read, however many', async () => {
  await using bench = await openStore()
  const { store } = bench
  const [claim] = await store.claimResults([newClaim('k')])
  const epoch = claim!.status === 'claimed' ? claim!.epoch : -1
  await store.commitResults([
    { key: 'k', owner: 'owner', epoch, at: 0, outcome: { status: 'completed', output: 'v', ttlMs: undefined } },
  ])
  // Read by hand: where somebody else's command comes in one piece with the answer to it, ioredis fails.
  const monitor = connect(client.options.port!, client.options.host)
  let text = ''
  monitor.setEncoding('utf8').on('data', (piece: string) => void (text += piece))
  monitor.write('MONITOR\r\n')
  await expect.poll(() => text).toContain('+OK')
  const seen = (): readonly (string | undefined)[] =>
    text
      .split('\r\n')
      .filter((line) => line.includes(bench.prefix))
      .map((line) => /"(\w+)"/.exec(line)?.[1]?.toLowerCase())
  expect(await store.claimResults([newClaim('k', 'other')])).toEqual([{ status: 'completed', output: 'v' }])
  expect(await store.getResults(['k', 'none', 'k'])).toEqual([
    { status: 'completed', output: 'v' },
    undefined,
    { status: 'completed', output: 'v' },
  ])
  await expect.poll(seen).toEqual(['mget', 'mget'])
  monitor.destroy()
})
