import { describe, expect, test } from 'vitest'
import type { Store } from '../../src/core/contracts/store.ts'
import type { Docket, ExecutionHandle } from '../../src/index.ts'
import { DocketClosedError } from '../../src/index.ts'
import { expectNoUnhandledErrors, rejectionOf } from '../loose-api.ts'
import { door, line, Third } from './line.ts'
import { World } from './durable-time.ts'
import { outage, WatchedStore } from './watched-store.ts'
import { alteredStore } from './altered-store.ts'

expectNoUnhandledErrors()

type Call = (docket: Docket) => Promise<unknown>

/** Calls about an execution that another process has left: `left` has not ended, `ended` has failed. */
const calls: Readonly<Record<string, readonly [call: Call, methods: readonly string[]]>> = {
  get: [(docket) => docket.get('left'), ['get']],
  cancel: [(docket) => docket.cancel('left'), ['get', 'acquire', 'readSteps', 'commit']],
  'delete of what has not ended': [(docket) => docket.delete('left'), ['acquire', 'delete']],
  'delete of what has ended': [(docket) => docket.delete('ended'), ['acquire', 'delete']],
  detach: [async (docket) => (await docket.get('left'))!.detach(), ['get', 'acquire', 'readSteps', 'commit']],
  list: [(docket) => docket.list(), ['list']],
  purge: [(docket) => docket.purge({ olderThan: 0 }), ['purge', 'purgeResults']],
  details: [async (docket) => (await docket.get('left'))!.details(), ['get', 'readSteps']],
  retry: [(docket) => docket.retry('ended'), ['get', 'acquire', 'readSteps', 'readMail', 'commit']],
  'retry of a batch': [(docket) => docket.retry('batch', { items: ['b'] }), ['get', 'acquire', 'readSteps', 'commit']],
  'the result of a batch': [async (docket) => (await docket.get('batch'))!.result(), ['get', 'readSteps']],
  resume: [(docket) => docket.resume(), ['acquire', 'readSteps', 'readMail']],
  fork: [(docket) => docket.fork('done', { from: 'Second', id: 'new' }), ['get', 'readSteps', 'create', 'commit']],
}

async function leftBehind() {
  const world = new World()
  const { line: failing } = line({ first: { run: () => Promise.reject(new Error('no')) } })
  const failed = world.process({ graphs: [failing] })
  await rejectionOf(world.clock.settle(failed.execute(failing, Third, { Seed: 1 }, { id: 'ended' })))
  await world.clock.settle(failed.close())
  const { line: half } = line({ first: { run: (value) => (value > 1 ? Promise.reject(new Error('no')) : value) } })
  const done = world.process({ graphs: [half] })
  await world.clock.settle(done.execute(half, Third, { Seed: 1 }, { id: 'done' }))
  const batch = await world.clock.settle(done.startBatch(half, Third, items, { id: 'batch', onError: 'collect', key }))
  await world.clock.settle(batch.result())
  const failedBatch = await world.clock.settle(done.startBatch(half, Third, items, { id: 'failed batch', key }))
  await rejectionOf(world.clock.settle(failedBatch.result()))
  await world.clock.settle(done.close())
  const { line: graph } = line({ second: { run: () => door().promise } })
  const leaving = world.process({ graphs: [graph] })
  await world.clock.settle(leaving.start(graph, Third, { Seed: 1 }, { id: 'left' }))
  await world.clock.settle(leaving.close({ deadline: 0 }))
  return { world, graph }
}

type Start = (docket: Docket, graph: ReturnType<typeof line>['line']) => Promise<unknown>

const inputs = { Seed: 1 }
const items = [{ Seed: 1 }, { Seed: 2 }]
const key = ({ Seed }: { readonly Seed: number }): string => (Seed === 1 ? 'a' : 'b')

const starts: Readonly<Record<string, readonly [start: Start, methods: readonly string[]]>> = {
  'what was left': [
    (docket, graph) => docket.start(graph, Third, inputs, { id: 'left' }),
    ['renewOwner', 'create', 'acquire', 'readMail', 'readSteps'],
  ],
  'what has failed': [
    (docket, graph) => docket.start(graph, Third, inputs, { id: 'ended' }),
    ['create', 'acquire', 'readSteps', 'readMail', 'commit'],
  ],
  'a batch that failed': [
    (docket, graph) => docket.startBatch(graph, Third, items, { id: 'failed batch', key }),
    ['create', 'acquire', 'readSteps', 'readMail', 'commit'],
  ],
}

const moments = Object.entries(calls).flatMap(([name, [call, methods]]) =>
  methods.flatMap((method) => (['request', 'answer'] as const).map((lost) => ({ name, call, method, lost }))),
)

const startMoments = Object.entries(starts).flatMap(([name, [start, methods]]) =>
  methods.flatMap((method) => (['request', 'answer'] as const).map((lost) => ({ name, start, method, lost }))),
)

/** A store that loses three requests of a method, or the answers to them. */
function lossyStore(inner: Store, method: string, lost: 'request' | 'answer') {
  let losses = 3
  let isLossy = false
  const store = alteredStore(inner, async (name, ask) => {
    if (!isLossy || name !== method || losses === 0) return ask()
    losses--
    if (lost === 'answer') await ask()
    throw outage()
  })
  return { store, begin: () => void (isLossy = true), left: () => losses, end: () => void (isLossy = false) }
}

describe('a call that waits for its answer is sent again', () => {
  test.each(moments)('$name, where the $lost of $method is lost three times', async ({ call, method, lost }) => {
    const { world, graph } = await leftBehind()
    const lossy = lossyStore(world.store, method, lost)
    const docket = world.process({ graphs: [graph], store: lossy.store, takeOver: false })
    await docket.list()
    lossy.begin()
    await world.clock.settle(call(docket))
    expect(lossy.left()).toBe(0)
    lossy.end()
    await world.clock.settle(docket.close({ deadline: 0 }))
    const next = world.process({ graphs: [graph], takeOver: false })
    const { executions } = await next.list()
    // Nothing stays this process's that it does not run.
    for (const { id } of executions) expect((await world.store.get([id]))[0]!.owner, id).toBeUndefined()
    await world.clock.settle(next.close())
  })
})

describe('a start that finds its execution is sent again', () => {
  test.each(startMoments)('$name, where the $lost of $method is lost three times', async ({ start, method, lost }) => {
    const { world } = await leftBehind()
    const lossy = lossyStore(world.store, method, lost)
    const { line: graph } = line()
    const docket = world.process({ graphs: [graph], store: lossy.store, takeOver: false })
    lossy.begin()
    const handle = (await world.clock.settle(start(docket, graph))) as ExecutionHandle<unknown>
    expect(lossy.left()).toBe(0)
    lossy.end()
    const value = await world.clock.settle(handle.result())
    // The item that was through before has what it made then.
    expect(value).toEqual(Array.isArray(value) ? [3, 5] : 4)
    await world.clock.settle(docket.close())
  })
})

describe('a call that meets the close of its docket says so, and of which execution', () => {
  const meeting: Readonly<Record<string, Call>> = {
    get: (docket) => docket.get('left'),
    retry: (docket) => docket.retry('left'),
    fork: (docket) => docket.fork('left', { from: 'First', id: 'other' }),
    cancel: (docket) => docket.cancel('left'),
    delete: (docket) => docket.delete('left'),
    list: (docket) => docket.list(),
    purge: (docket) => docket.purge({ olderThan: 0 }),
  }
  test.each(Object.keys(meeting))('%s', async (name) => {
    const { world, graph } = await leftBehind()
    const watched = new WatchedStore(world.store)
    const docket = world.process({ graphs: [graph], store: watched.store, takeOver: false })
    await docket.list()
    const { promise: isClosed, resolve } = Promise.withResolvers<void>()
    watched.before = ({ name: method }) => (['get', 'acquire', 'list', 'purge'].includes(method) ? isClosed : undefined)
    const outcome = rejectionOf(meeting[name]!(docket))
    await world.clock.settle(docket.close())
    await world.store.close()
    resolve()
    const error = (await world.clock.settle(outcome)) as DocketClosedError
    expect(error).toBeInstanceOf(DocketClosedError)
    expect(error.executionId).toBe(['list', 'purge'].includes(name) ? undefined : 'left')
    expect(error.message).toMatch(/this docket (?:was closed during|is closed)/)
  })

  test('what is called afterwards has the id as well', async () => {
    const { world, graph } = await leftBehind()
    const docket = world.process({ graphs: [graph] })
    await world.clock.settle(docket.close())
    for (const name of ['get', 'retry', 'fork', 'cancel', 'delete'])
      expect(await rejectionOf(meeting[name]!(docket)), name).toMatchObject({
        code: 'DOCKET_CLOSED',
        executionId: 'left',
      })
  })
})

test('what is ended rather than gone on with counts as none that runs here', async () => {
  const world = new World()
  const { line: graph } = line({ second: { run: () => door().promise } })
  const dying = world.mortal({ graphs: [graph] })
  await world.clock.settle(dying.docket.start(graph, Third, { Seed: 1 }, { id: 'deadly' }))
  dying.die()
  await world.clock.advance(6_000)
  await world.store.renewOwner('killed', 1_000)
  await world.store.acquire({ owner: 'killed', ids: ['deadly'], limit: 1 })
  await world.store.endOwner('killed')
  const docket = world.process({ graphs: [graph], maxRecoveries: 1 })
  expect(await world.clock.settle(docket.resume())).toBe(0)
  expect(await docket.get('deadly')).toMatchObject({ id: 'deadly' })
  expect((await docket.list()).executions.map(({ status }) => status)).toEqual(['failed'])
})
