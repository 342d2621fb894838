import { describe, expect, test, vi } from 'vitest'
import { encryption } from '../../src/codecs/index.ts'
import { graph, signal } from '../../src/index.ts'
import type { DocketOptions } from '../../src/index.ts'
import { damages } from './damage.ts'
import { placeMaker, sqlKinds, storeKinds } from './place.ts'
import type { Place } from './place.ts'
import { startProcess } from './processes.ts'
import { First, relay, Second, untilAborted } from './relay.ts'

const newPlace = await placeMaker()
const patience = { timeout: 15_000, interval: 50 }

function keyed(byte: number) {
  return encryption({ keys: { k1: new Uint8Array(32).fill(byte) }, current: 'k1' })
}

/** Leaves an execution that nobody runs, with its first step done. */
async function leave(place: Place, id: string, options: Pick<DocketOptions, 'codecs'> = {}): Promise<void> {
  const { relay: hanging, runs } = relay({ second: untilAborted })
  const { docket } = startProcess(place, { graphs: [hanging], takeOver: false, ...options })
  await docket.start(hanging, Second, { Seed: 1 }, { id })
  await vi.waitFor(() => expect(runs).toContain(`${id} Second`), patience)
  await docket.close({ deadline: 0 })
}

describe.each(storeKinds)('on %s', (kind) => {
  const titles = Object.keys(damages).filter((title) => damages[title]!.kinds.includes(kind))
  test.each(titles)('an execution is left alone and reported, and others go on, where %s', async (title) => {
    const { inflict, told, isLeftOut = false } = damages[title]!
    const place = await newPlace(kind)
    await leave(place, 'bad')
    await leave(place, 'good')
    await inflict(place)
    const warnings: Error[] = []
    const onWarning = (warning: Error): void => void warnings.push(warning)
    process.on('warning', onWarning)
    const { relay: healthy, runs } = relay()
    const { docket, acquired, events } = startProcess(place, { graphs: [healthy] })
    await vi.waitFor(async () => {
      const { executions } = await docket.list({ status: 'completed' })
      expect(executions.map(({ id }) => id)).toEqual(['good'])
    }, patience)
    expect(await docket.execute(healthy, Second, { Seed: 5 }, { id: 'new' })).toBe(7)
    // Some more looks for work.
    await docket.resume()
    await docket.resume()
    expect(runs.filter((run) => run.startsWith('bad'))).toEqual([])
    expect(acquired.filter((id) => id === 'bad').length).toBeLessThan(3)
    const listed = (await docket.list()).executions.find(({ id }) => id === 'bad')
    await new Promise(setImmediate)
    process.off('warning', onWarning)
    if (isLeftOut) {
      expect(listed).toBeUndefined()
      await expect(docket.get('bad')).rejects.toThrow(told)
      expect(warnings.map(String).join()).toMatch(told)
      return
    }
    expect(listed).toMatchObject({ status: 'running' })
    expect(listed!.incompatible.join()).toMatch(told)
    expect(events.filter(({ type }) => type === 'execution.incompatible')).toHaveLength(1)
  })

  test.each([
    ['another key', [keyed(2)], /key "k1"/],
    ['no codec', [], /written by a codec "encryption", which is not among/],
  ] as const)(
    'a docket with %s leaves what is encrypted alone, and says why; others go on',
    async (_, codecs, told) => {
      const place = await newPlace(kind)
      await leave(place, 'bad', { codecs: [keyed(1)] })
      await leave(place, 'good')
      const { relay: healthy, runs } = relay()
      const { docket } = startProcess(place, { graphs: [healthy], codecs })
      expect(await (await docket.get('good'))!.result()).toBe(3)
      await docket.resume()
      const [bad] = (await docket.list({ status: 'running' })).executions
      expect(bad).toMatchObject({ id: 'bad', inputs: {} })
      expect(bad!.incompatible.join()).toMatch(told)
      expect(runs).toEqual(['good Second'])
      const rightful = startProcess(place, { graphs: [relay().relay], codecs: [keyed(1)] })
      expect(await (await rightful.docket.get('bad'))!.result()).toBe(3)
    },
  )

  test('more hopeless executions than anybody remembers keep nobody from the others', async () => {
    const place = await newPlace(kind)
    await leave(place, 'model')
    const store = place.createStore()
    await store.open()
    const [model] = await store.get(['model'])
    const ids = Array.from({ length: 1_300 }, (_, index) => `hopeless-${index}`)
    const hopeless = { ...model!, machineVersion: 99, owner: undefined, createdAt: model!.createdAt - 60_000 }
    for (let from = 0; from < ids.length; from += 100)
      await store.create(ids.slice(from, from + 100).map((id) => ({ ...hopeless, id })))
    await store.close()
    const { relay: healthy } = relay()
    const { docket, acquired } = startProcess(place, { graphs: [healthy] })
    expect(await (await docket.get('model'))!.result()).toBe(3)
    await docket.resume()
    await docket.resume()
    expect(acquired.length).toBeLessThanOrEqual(ids.length + 1)
  })

  test.each([
    'null',
    '[]',
    'no JSON',
    '{"declared":{"limits":null}}',
    '{"limits":{"concurrency":{"limit":"x"},"rate":{}}}',
  ])(
    'a queue of which somebody has written the state %s holds up no other, and may be limited again',
    async (state) => {
      const place = await newPlace(kind)
      const { relay: healthy } = relay()
      const { docket } = startProcess(place, { graphs: [healthy], work: { default: 5, gpu: 5 } })
      await docket.queue('gpu').limits({ concurrency: 1 })
      await spoilQueue(place, 'gpu', state)
      for (const queue of ['default', 'gpu']) {
        const handle = await docket.start(healthy, Second, { Seed: 1 }, { id: queue, queue, eager: false })
        await handle.details()
        expect(await handle.result()).toBe(3)
      }
      expect((await docket.queue('gpu').info()).limits).toEqual({})
      await docket.queue('gpu').limits({ concurrency: 2 })
      expect((await docket.queue('gpu').info()).limits).toMatchObject({ concurrency: { limit: 2 } })
    },
  )

  test('a global result that can’t be read fails its own step, by the result’s key, and no other', async () => {
    const place = await newPlace(kind)
    const { relay: sharing } = relay({ scope: 'global' })
    const { docket } = startProcess(place, { graphs: [sharing] })
    await docket.execute(sharing, First, { Seed: 1 }, { id: 'first' })
    const key = await spoilResult(place)
    const outcomes = await Promise.allSettled(
      [1, 2, 3].map((seed) => docket.execute(sharing, First, { Seed: seed }, { id: `again-${seed}` })),
    )
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'fulfilled'])
    const { reason } = outcomes[0] as PromiseRejectedResult
    expect(String((reason as Error).cause)).toContain(key)
  })
})

/** Alters the only result there is; gives its key. */
async function spoilResult(place: Place): Promise<string> {
  if (place.kind === 'redis') {
    const [key] = await place.redis.keys(`${place.address.space}:*:k:*`)
    await place.redis.set(key!, 'nonsense')
    return key!.split(':k:')[1]!
  }
  const bytes = place.kind === 'postgres' ? `'\\x00'` : `x'00'`
  await place.sql(`update docket_results set output = null, output_bytes = ${bytes}`)
  const [row] = await place.sql('select id from docket_results')
  return row!['id'] as string
}

test.each([
  ['record is no msgpack', 1, Buffer.from('odd')],
  ['record has no fields', 1, Buffer.from([0xc0])],
  ['due time is none', 3, Buffer.from('odd')],
])('on redis, a schedule of which the %s is left out, and the others are listed', async (_, key, bytes) => {
  const place = await newPlace('redis')
  const { relay: healthy } = relay()
  const { docket } = startProcess(place, { graphs: [healthy], takeOver: false })
  for (const name of ['bad', 'good'])
    await docket.schedule(name, { graph: healthy, target: Second, inputs: { Seed: 1 }, every: '1s' })
  await place.redis.hset(place.layout.scheduleKeys[key]!, 'bad', bytes)
  expect((await docket.schedules.list()).schedules.map(({ name }) => name)).toEqual(['good'])
  await expect(docket.schedules.trigger('bad')).rejects.toThrow(/schedule "bad"/)
})

/** Alters what is on record of a queue. */
async function spoilQueue(place: Place, queue: string, state: string): Promise<void> {
  if (place.kind === 'redis') await place.redis.hset(place.layout.queueKeys(queue)[0], 's', state)
  else await place.sql(`update docket_queues set state = '${state}'`)
}

describe.each(sqlKinds)('on %s', (kind) => {
  test('an execution whose status is unknown is reported as such, and not waited for', async () => {
    const place = await newPlace(kind)
    await leave(place, 'bad')
    await place.sql(`update docket_executions set status = 'odd' where id = 'bad'`)
    const { relay: healthy, runs } = relay()
    const { docket } = startProcess(place, { graphs: [healthy] })
    await docket.resume()
    const [bad] = (await docket.list()).executions
    expect(bad!.incompatible.join()).toMatch(/status "odd"/)
    await expect((await docket.get('bad'))!.result()).rejects.toThrow(/execution "bad" .*status "odd"/)
    await expect(docket.execute(healthy, Second, { Seed: 1 }, { id: 'bad' })).rejects.toThrow(/"odd"/)
    expect(runs).toEqual([])
  })

  test.each([
    ['the inputs', 'null', /can’t read the inputs of execution "bad"/],
    ['the inputs', '{"shared":null}', /can’t read the inputs of execution "bad"/],
    ['the inputs', '{"shared":{},"total":"1","concurrency":1,"onError":"fail"}', /can’t read the inputs/],
    ['the items', '{}', /can’t read the output of step "\$items"/],
    ['the items', '{"at":0,"keys":[null],"items":[]}', /can’t read the output of step "\$items"/],
  ] as const)(
    'a batch of which somebody has edited %s (%s) is listed with what is wrong, and others go on',
    async (what, text, told) => {
      const place = await newPlace(kind)
      const { relay: hanging, runs } = relay({ second: untilAborted })
      const { docket } = startProcess(place, { graphs: [hanging] })
      await docket.startBatch(hanging, Second, [{ Seed: 1 }], { id: 'bad' })
      await vi.waitFor(() => expect(runs).toContain('bad Second'), patience)
      await docket.close({ deadline: 0 })
      const spoilt = `= '${text}'`
      if (what === 'the inputs') await place.sql(`update docket_executions set inputs ${spoilt}`)
      else await place.sql(`update docket_steps set output ${spoilt} where step = '$items'`)
      const { relay: healthy } = relay()
      const { docket: next } = startProcess(place, { graphs: [healthy] })
      expect(await next.execute(healthy, Second, { Seed: 5 }, { id: 'good' })).toBe(7)
      await next.resume()
      const bad = (await next.list()).executions.find(({ id }) => id === 'bad')
      expect(bad!.incompatible.join()).toMatch(told)
      await expect((await next.get('bad'))!.details()).rejects.toThrow(told)
    },
  )

  test.each([
    ['rule', 'null'],
    ['rule', '{"everyMs":1000}'],
    ['rule', '{"everyMs":0.01,"overlap":"skip","catchUp":"last","metadata":{},"start":{}}'],
    ['runs', 'null'],
    ['runs', '[null]'],
  ])('a schedule of which somebody has edited %s (%s) is left out, and the others fire', async (column, text) => {
    const place = await newPlace(kind)
    const { relay: healthy } = relay()
    const declaring = startProcess(place, { graphs: [healthy], takeOver: false }).docket
    for (const name of ['bad', 'good'])
      await declaring.schedule(name, { graph: healthy, target: Second, inputs: { Seed: 1 }, every: '1s' })
    await place.sql(`update docket_schedules set ${column} = '${text}' where name = 'bad'`)
    const { docket } = startProcess(place, { graphs: [healthy] })
    await vi.waitFor(async () => expect((await docket.list()).executions.length).toBeGreaterThan(0), patience)
    expect((await docket.schedules.list()).schedules.map(({ name }) => name)).toEqual(['good'])
    const why = /schedule "bad" can't be read \(.*\); repair or delete its row/
    await expect(docket.schedules.trigger('bad')).rejects.toThrow(why)
  })

  test('a message of a class that nobody knows keeps nobody from work', async () => {
    const place = await newPlace(kind)
    const asking = graph({ name: 'asking', steps: [signal(First)] })
    const before = startProcess(place, { graphs: [asking] }).docket
    for (const id of ['bad', 'good']) {
      const handle = await before.start(asking, First, {}, { id })
      await vi.waitFor(async () => expect((await handle.details()).status).toBe('waiting'), patience)
    }
    await before.close({ deadline: 0 })
    const sender = startProcess(place, { graphs: [asking], takeOver: false }).docket
    for (const id of ['bad', 'good']) await (await sender.get(id))!.signal(First, 1)
    await place.sql(`update docket_mailbox set class = 'odd' where execution = 'bad'`)
    const { docket } = startProcess(place, { graphs: [asking] })
    expect(await (await docket.get('good'))!.result()).toBe(1)
    expect(await (await docket.get('bad'))!.result()).toBe(1)
  })

  test('a column that is renamed fails calls in the database’s words; renamed back, the same docket goes on', async () => {
    const place = await newPlace(kind)
    await leave(place, 'one')
    await place.sql('alter table docket_steps rename column attempt to tries')
    const { relay: healthy } = relay()
    const { docket } = startProcess(place, { graphs: [healthy] })
    const call = docket.execute(healthy, Second, { Seed: 5 }, { id: 'two' }).catch((error: unknown) => error)
    // What is ready stands ahead of it, and can't be gone on with: until then it waits for its turn, and nothing has failed.
    await expect(docket.resume()).rejects.toMatchObject({ code: 'STORE_FAILED', isTransient: false })
    await place.sql('alter table docket_steps rename column tries to attempt')
    const outcome = await call
    // It may not have failed before the column was back.
    if (outcome !== 7) expect(String((outcome as Error).cause ?? outcome)).toContain('attempt')
    expect(await docket.execute(healthy, Second, { Seed: 5 }, { id: 'three' })).toBe(7)
    expect(await (await docket.get('one'))!.result()).toBe(3)
    expect(await docket.execute(healthy, Second, { Seed: 5 }, { id: 'two' })).toBe(7)
  })

  test('a column that is dropped is named, by every call that needs it', async () => {
    const place = await newPlace(kind)
    await leave(place, 'one')
    await place.sql('alter table docket_executions drop column recoveries')
    const { relay: healthy } = relay()
    const { docket } = startProcess(place, { graphs: [healthy] })
    await expect(docket.list()).rejects.toThrow(/recoveries/)
    await expect(docket.get('one')).rejects.toThrow(/recoveries/)
    await expect(docket.execute(healthy, Second, { Seed: 5 }, { id: 'two' })).rejects.toThrow(/recoveries/)
    expect(await place.sql('select id from docket_executions')).toEqual([{ id: 'one' }])
  })

  test('tables of a newer version are refused with what to do, and stay as they are', async () => {
    const place = await newPlace(kind)
    await leave(place, 'one')
    await place.sql(`update docket_migrations set version = 9999 where version = 2`)
    const { relay: healthy } = relay()
    const { docket } = startProcess(place, { graphs: [healthy] })
    await expect(docket.list()).rejects.toThrow(/newer than this version of Docket.* upgrade Docket/)
    await place.sql(`update docket_migrations set version = 2 where version = 9999`)
    // The look for work may be opening the store, and have read the version before.
    const handle = await vi.waitFor(() => docket.get('one'))
    expect(await handle!.result()).toBe(3)
  })
})

describe('on redis', () => {
  test('data of a newer format is refused with what to do, and stays as it is', async () => {
    const place = await newPlace('redis')
    await leave(place, 'one')
    await place.redis.set(place.layout.format, '2')
    const { relay: healthy } = relay()
    const { docket } = startProcess(place, { graphs: [healthy] })
    await expect(docket.list()).rejects.toThrow(/format 2, this version knows 1 at most: use the version/)
    await place.redis.set(place.layout.format, '1')
    expect(await (await docket.get('one'))!.result()).toBe(3)
  })

  test('a mailbox of another type keeps nobody from the messages and executions of others', async () => {
    const place = await newPlace('redis')
    const { relay: hanging, runs } = relay({ second: untilAborted })
    const { docket } = startProcess(place, { graphs: [hanging] })
    const other = startProcess(place, { graphs: [relay().relay] }).docket
    const handles = await Promise.all(['bad', 'good'].map((id) => docket.start(hanging, Second, { Seed: 1 }, { id })))
    await vi.waitFor(() => expect(runs).toHaveLength(4), patience)
    await other.cancel('bad')
    await place.redis.del(place.layout.mailbox('bad'))
    await place.redis.set(place.layout.mailbox('bad'), 'a string')
    const [owner] = (await other.list()).executions.map((one) => one.owner!)
    const [, , , , work] = place.layout.executionKeys('bad')
    await place.redis.zadd(work, 0, `m${owner}\0bad`)
    await other.cancel('good')
    await expect(handles[1]!.result()).rejects.toThrow(/cancelled/)
  })
})

test('times that are none are left out of what is shown of an execution', async () => {
  const place = await newPlace('sqlite')
  const waiting = graph({ name: 'waiting', steps: [signal(First, { timeout: '1h' })] })
  const { docket } = startProcess(place, { graphs: [waiting], park: '1ms' })
  const handle = await docket.start(waiting, First, {})
  await vi.waitFor(async () => expect((await handle.details()).situation).toMatch(/^it is parked/), patience)
  await place.sql(`update docket_executions set parked_at = 'never', due_at = 'never', started_at = 'never'`)
  await place.sql(`update docket_steps set due_at = 'never', started_at = 'never'`)
  const onlooker = startProcess(place, { graphs: [waiting], takeOver: false }).docket
  const seen = (await onlooker.get(handle.id))!
  const details = await seen.details()
  expect(details).toMatchObject({
    startedAt: undefined,
    situation: expect.stringMatching(/^it is parked, and nobody runs it;/),
  })
  expect((await seen.why()).text).toContain('execution "')
  await place.sql('update docket_executions set due_at = null')
  expect((await seen.why()).text).toContain('has been parked: nobody runs it until a message comes')
})
