import { expect, test } from 'vitest'
import type { StepPage } from '../../../src/core/contracts/execution-record.ts'
import { dataType, execute, graph, step, StoreError, subgraph, type } from '../../../src/index.ts'
import { atEveryCommit } from '../../../src/testing/index.ts'
import { alteredStore } from '../altered-store.ts'
import { World } from '../durable-time.ts'
import { Answer, callGraph, noCalls } from './calls.ts'

const one = { limit: 1, scope: 'graph' } as const
const key = ({ tenant }: { readonly tenant: string }): string => tenant

test('a docket that closes gives its slots back at once, and what waited there keeps its place elsewhere', async () => {
  const world = new World()
  const calls = noCalls()
  const graphs = [callGraph(world, calls, { concurrency: one, ms: 5_000 })]
  const closing = world.process({ graphs })
  const other = world.process({ graphs })
  await closing.start(graphs[0]!, Answer, { Tenant: 'A' }, { id: 'A' })
  await world.clock.advance(100)
  await closing.start(graphs[0]!, Answer, { Tenant: 'B' }, { id: 'B' })
  await world.clock.advance(1_000)
  await other.start(graphs[0]!, Answer, { Tenant: 'C' }, { id: 'C' })
  await world.clock.advance(1_000)
  await world.clock.settle(closing.close({ deadline: 0 }))
  await world.clock.advance(1_000)
  await other.start(graphs[0]!, Answer, { Tenant: 'D' }, { id: 'D' })
  await world.clock.advance(60_000)
  // C waited here while nobody had B; D came later than B.
  expect(calls.begun).toEqual(['A', 'C', 'B', 'A', 'D'])
  expect(calls.most).toBe(1)
  for (const id of ['A', 'B', 'C', 'D']) expect(await (await other.get(id))!.result()).toBe(`of ${id}`)
})

test('a store that refuses for good fails the steps that wait, with why', async () => {
  const world = new World()
  const store = new Proxy(world.store, {
    get(target, key) {
      const value: unknown = Reflect.get(target, key)
      if (key === 'writeShared') return () => Promise.reject(new StoreError('test', 'it is broken', false))
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
  const graphs = [callGraph(world, noCalls(), { concurrency: one })]
  const docket = world.process({ graphs, store })
  const failing = docket.execute(graphs[0]!, Answer, { Tenant: 'A' })
  failing.catch(() => {})
  await world.clock.advance(1_000)
  await expect(failing).rejects.toMatchObject({ code: 'STEP_FAILED', cause: { code: 'STORE_FAILED' } })
})

test('a slot that was given by a call which had been given up is given back, though its process lives', async () => {
  const world = new World()
  const calls = noCalls()
  const graphs = [callGraph(world, calls, { concurrency: one })]
  let isFirst = true
  const store = new Proxy(world.store, {
    get(target, key) {
      const value: unknown = Reflect.get(target, key)
      if (key === 'writeShared' && isFirst)
        return async (...given: Parameters<typeof target.writeShared>) => {
          isFirst = false
          world.clock.setTimeout(() => void target.writeShared(...given), 5_000)
          await world.clock.sleep(2_000)
          throw new StoreError('test', 'no answer in time', true)
        }
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
  const forgetful = world.process({ graphs, store })
  const other = world.process({ graphs })
  await forgetful.start(graphs[0]!, Answer, { Tenant: 'A' }, { id: 'A' })
  await world.clock.advance(1_000)
  await world.clock.settle(forgetful.cancel('A'))
  await world.clock.advance(6_000)
  await other.start(graphs[0]!, Answer, { Tenant: 'B' }, { id: 'B' })
  await world.clock.advance(40_000)
  expect(calls.begun).toEqual(['B'])
  expect(await (await other.get('B'))!.result()).toBe('of B')
  expect(await world.store.oldShared(Infinity, 10)).toEqual([])
})

test('a global step takes its slot for the one that computes, and the others share what comes of it', async () => {
  const world = new World()
  const calls = noCalls()
  const graphs = [callGraph(world, calls, { concurrency: one, persist: 'global' })]
  const dockets = [world.process({ graphs }), world.process({ graphs })]
  const values = Promise.all(
    ['A', 'A', 'B', 'B'].map((name, index) => dockets[index % 2]!.execute(graphs[0]!, Answer, { Tenant: name })),
  )
  await world.clock.advance(30_000)
  expect(await values).toEqual(['of A', 'of A', 'of B', 'of B'])
  expect(calls.begun.toSorted()).toEqual(['A', 'B'])
  expect(calls.most).toBe(1)
  expect(await world.store.oldShared(Infinity, 10)).toEqual([])
})

test('a graph within a graph shares its limits with executions of its own, and is refused outside of a docket', async () => {
  const world = new World()
  const calls = noCalls()
  const inner = callGraph(world, calls, { concurrency: one })
  const outer = graph({ name: 'outer', steps: [subgraph(inner, Answer)] })
  await expect(execute(outer, Answer, { Tenant: 'A' })).rejects.toThrow(
    'step "Call" has a concurrency of scope \'graph\'',
  )
  const docket = world.process({ graphs: [outer, inner] })
  const values = Promise.all([
    docket.execute(outer, Answer, { Tenant: 'A' }),
    docket.execute(outer, Answer, { Tenant: 'B' }),
    docket.execute(inner, Answer, { Tenant: 'C' }),
  ])
  await world.clock.advance(30_000)
  expect(await values).toEqual(['of A', 'of B', 'of C'])
  expect(calls.most).toBe(1)
})

const Name = dataType('Name', type<string>())
const Done = dataType('Done', type<string>())

test('wherever a process dies, limits let the next one go on, and leave nothing behind', async () => {
  const limited = graph({
    name: 'limited',
    steps: [
      step({
        name: 'Work',
        inputs: { name: Name },
        output: Done,
        concurrency: one,
        rate: { limit: 1, per: '10s', scope: 'graph' },
        run: ({ name }) => name,
      }),
    ],
  })
  const tried = await atEveryCommit({ graphs: [limited], limit: 40 }, async (docket) => {
    const handles = await Promise.all(
      ['a', 'b', 'c'].map((id) => docket.start(limited, Done, { Name: id }, { id, key: id, onBusy: 'skip' })),
    )
    const values = await Promise.all(handles.map((handle) => handle.result()))
    return [values, handles.map(({ id }) => id)]
  })
  expect(tried.commits.some((commit) => commit.startsWith('writeShared'))).toBe(true)
})

test('names of all kinds are keys', async () => {
  const world = new World()
  const calls = noCalls()
  const graphs = [
    callGraph(world, calls, {
      concurrency: { limit: 1, key, scope: 'graph' },
      rate: { limit: 1, per: '1s', key, scope: 'graph' },
    }),
  ]
  const docket = world.process({ graphs })
  const names = [
    '\u0000',
    '\ud800',
    '__proto__',
    'constructor',
    '"',
    'a'.repeat(10_000),
    '0',
    '😀',
    'a b',
    'a\nb',
    '\u00e4',
    'a\u0308',
  ]
  for (const name of names) await docket.start(graphs[0]!, Answer, { Tenant: name })
  await world.clock.advance(500)
  expect(calls.begun.toSorted()).toEqual(names.toSorted())
  for (const bad of [
    () => '',
    () => 1 as never,
    () => {
      throw new RangeError('no key')
    },
  ]) {
    const failing = callGraph(world, calls, { concurrency: { limit: 1, key: bad, scope: 'graph' }, name: 'failing' })
    const other = world.process({ graphs: [failing] })
    const value = other.execute(failing, Answer, { Tenant: 'A' })
    value.catch(() => {})
    await world.clock.advance(100)
    await expect(value).rejects.toMatchObject({ code: 'STEP_FAILED' })
  }
})

test('what somebody else has written under the key of a limit is written anew', async () => {
  const world = new World()
  const calls = noCalls()
  const graphs = [callGraph(world, calls, { concurrency: one })]
  const docket = world.process({ graphs })
  await docket.start(graphs[0]!, Answer, { Tenant: 'A' })
  await world.clock.advance(100)
  const [found] = await world.store.oldShared(Infinity, 1)
  const nobody = '"holders":[],"waiters":[],"nextAt":0'
  const states = [
    'no JSON',
    '[]',
    '{"holders":1}',
    'null',
    '{"holders":[],"waiters":[]}',
    `{"declared":null,${nobody}}`,
    `{"declared":{"limit":"1","version":0,"at":0,"burst":1},${nobody}}`,
    '{"declared":{"limit":1,"version":0,"at":0,"burst":1},"holders":[null],"waiters":[],"nextAt":0}',
    '{"declared":{"limit":1,"version":0,"at":0,"burst":1},"holders":[],"waiters":[{"execution":"x"}],"nextAt":0}',
    '{"declared":{"limit":1,"version":0,"at":0,"burst":1},"holders":[],"waiters":[],"nextAt":"soon"}',
  ]
  for (const [index, state] of states.entries()) {
    const [known] = await world.store.oldShared(Infinity, 1)
    await world.store.writeShared([{ ...found!, was: known?.token, token: `t${index}`, state, frees: true }])
    await docket.start(graphs[0]!, Answer, { Tenant: `B${index}` })
    await world.clock.advance(20_000)
  }
  expect(calls.begun).toHaveLength(1 + states.length)
  expect(await docket.list({ status: 'failed' })).toMatchObject({ executions: [] })
})

test('what somebody else has written of a limit is shown as nothing, and forgotten with the rest', async () => {
  const world = new World()
  const graphs = [callGraph(world, noCalls(), { concurrency: one, ms: 600_000 })]
  const docket = world.process({ graphs })
  await docket.start(graphs[0]!, Answer, { Tenant: 'A' })
  const waiting = await docket.start(graphs[0]!, Answer, { Tenant: 'B' })
  await world.clock.advance(1_000)
  await world.clock.settle(docket.close({ deadline: 0 }))
  const onlooker = world.process({ graphs: [], takeOver: false })
  const handle = (await world.clock.settle(onlooker.get(waiting.id)))!
  const limitsOf = async () => (await world.clock.settle(handle.details())).steps[0]?.waitsFor
  expect(await limitsOf()).toMatchObject({ kind: 'limit' })
  const [found] = await world.store.oldShared(Infinity, 1)
  for (const [index, state] of ['{"holders":[null],"waiters":[]}', '{"claims":[null]}'].entries()) {
    const [known] = await world.store.oldShared(Infinity, 1)
    await world.store.writeShared([{ ...found!, was: known?.token, token: `t${index}`, state, frees: true }])
    expect(await limitsOf()).toMatchObject({ kind: 'limit', limits: [{ limit: undefined, heldBy: [] }] })
  }
  await world.clock.advance(4_000_000)
  await world.clock.settle(onlooker.purge({ olderThan: '1d' }))
  expect(await world.store.oldShared(Infinity, 10)).toEqual([])
})

test('a step that waits for what is no limit is shown as one that waits, and waits anew', async () => {
  const world = new World()
  const calls = noCalls()
  const graphs = [callGraph(world, calls, { concurrency: one, ms: 5_000 })]
  const docket = world.process({ graphs })
  await docket.start(graphs[0]!, Answer, { Tenant: 'A' }, { id: 'A' })
  await world.clock.advance(100)
  await docket.start(graphs[0]!, Answer, { Tenant: 'B' }, { id: 'B' })
  await world.clock.advance(1_000)
  await world.clock.settle(docket.close({ deadline: 0 }))
  const bad = [
    'null',
    '{}',
    '"x"',
    '{"kind":"concurrency","scope":"graph","id":{}}',
    '{"kind":"odd","scope":"graph","id":"x"}',
  ]
  let limit = ''
  let altered = 0
  const store = alteredStore(world.store, async (method, ask) => {
    const answer = await ask()
    if (method !== 'readSteps') return answer
    const { steps, next } = answer as StepPage
    const withLimit = steps.map((record) => {
      if (record.status !== 'queued') return record
      altered++
      return { ...record, output: `{"$$queued":{"since":1,"limits":[${limit}]}}` }
    })
    return { steps: withLimit, next }
  })
  const onlooker = world.process({ graphs, takeOver: false, store })
  for (limit of bad) {
    const { steps } = await world.clock.settle((await world.clock.settle(onlooker.get('B')))!.details())
    expect(steps).toMatchObject([{ step: 'Call', status: 'queued', waitsFor: undefined }])
  }
  world.process({ graphs, store })
  await world.clock.advance(60_000)
  expect(calls.begun).toEqual(['A', 'A', 'B'])
  expect(altered).toBeGreaterThan(bad.length)
})

/** Writes executions that no process has begun. */
async function leaveWaiting(
  world: World,
  graphs: ReturnType<typeof callGraph>[],
  queue: (index: number) => string,
  count: number,
): Promise<void> {
  const docket = world.process({ graphs, takeOver: false })
  for (const [index, one] of graphs.entries()) {
    const begun = docket.start(one, Answer, { Tenant: 'model' }, { id: `model ${index}` })
    await world.clock.advance(10)
    await (await begun).cancel()
    const [model] = await world.store.get([`model ${index}`])
    const waiting = { ...model!, owner: undefined, startedAt: undefined }
    await world.store.create(
      Array.from({ length: count }, (_, place) => ({ ...waiting, id: `${index} ${place}`, queue: queue(place) })),
    )
  }
}

test('a limit of scope queue holds for the steps of one name, in whatever graph, of executions in the same queue', async () => {
  const world = new World()
  const calls = noCalls()
  const concurrency = { limit: 1, scope: 'queue' } as const
  const graphs = ['one', 'other'].map((name) => callGraph(world, calls, { concurrency, name }))
  const docket = world.process({ graphs })
  for (const [index, one] of graphs.entries()) await docket.start(one, Answer, { Tenant: `${index}` })
  await world.clock.advance(5_000)
  expect(calls.begun).toHaveLength(2)
  expect(calls.most).toBe(1)
})

test('a worker takes in no more than a thousand executions that wait in line, beside its slots', async () => {
  const world = new World()
  const calls = noCalls()
  const graphs = [callGraph(world, calls, { concurrency: one, ms: 3_600_000 })]
  await leaveWaiting(world, graphs, () => 'default', 1_500)
  world.process({ graphs, work: { default: 20 } })
  await world.clock.advance(60_000)
  const records = await world.store.list({ limit: 2_000 })
  const taken = records.filter(({ owner, status }) => owner !== undefined && status !== 'cancelled')
  expect(taken.length).toBeGreaterThan(900)
  expect(taken.length).toBeLessThanOrEqual(1_000 + 20)
})
