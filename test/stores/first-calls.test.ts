import { createActor, toPromise } from 'xstate'
import { describe, expect, onTestFinished, test } from 'vitest'
import { createDocket, dataType, eventType, graph, step, type } from '../../src/index.ts'
import { Docket } from '../../src/durable/docket.ts'
import { DocketView } from '../../src/durable/docket-view.ts'
import type { Store } from '../../src/index.ts'
import { compression } from '../../src/codecs/index.ts'
import { memoryStore } from '../../stores/memory/index.ts'
import { storePlaces } from './store-places.ts'

const { sqlStores, redisStores } = await storePlaces()

const Seed = dataType('Seed', type<number>())
const Half = dataType('Half', type<number>())
const Shared = dataType('Shared', type<number>())

const half = step({
  name: 'Halve',
  inputs: { seed: Seed },
  output: Half,
  persist: 'execution',
  run: ({ seed }) => {
    if (seed < 0) throw new Error('negative')
    return seed / 2
  },
})
const Tick = eventType('Tick', type<number>())

const shared = step({
  name: 'Share',
  inputs: { seed: Seed },
  output: Shared,
  persist: 'global',
  run: ({ seed }) => seed + 1,
})
const halves = graph({ name: 'halves', steps: [half] })
const shares = graph({ name: 'shares', steps: [shared] })

function docketOn(store: Store): Docket {
  const docket = createDocket({ graphs: [halves, shares], store, codecs: [compression()] })
  onTestFinished(() => docket.close({ deadline: 0 }))
  return docket
}

const inputs = { Seed: 4 }

/** "done", "failed" and "batch". */
async function leaveExecutions(store: Store): Promise<void> {
  const docket = docketOn(store)
  await docket.execute(halves, Half, inputs, { id: 'done' })
  await docket.execute(halves, Half, { Seed: -1 }, { id: 'failed' }).catch(() => {})
  await (await docket.startBatch(halves, Half, [inputs], { id: 'batch' })).result()
  await docket.close()
}

/** Each public call of a docket as the first one, on a store where another docket has left "done", "failed" and "batch". */
const calls: Readonly<Record<string, (docket: Docket) => Promise<unknown>>> = {
  start: async (docket) => (await docket.start(halves, Half, inputs, { id: 'new' })).result(),
  'start, of one that is there': async (docket) => (await docket.start(halves, Half, inputs, { id: 'done' })).result(),
  execute: (docket) => docket.execute(halves, Half, inputs),
  'execute with an id': (docket) => docket.execute(halves, Half, inputs, { id: 'new' }),
  'execute, of global results alone': (docket) => docket.execute(shares, Shared, inputs),
  startBatch: async (docket) => (await docket.startBatch(halves, Half, [inputs, { Seed: 6 }])).result(),
  'startBatch, of one that is there': async (docket) =>
    (await docket.startBatch(halves, Half, [inputs], { id: 'batch' })).result(),
  logic: (docket) => toPromise(createActor(docket.logic(halves, Half), { input: inputs }).start()),
  get: async (docket) => (await docket.get('done'))?.result(),
  'get, and details': async (docket) => (await (await docket.get('done'))!.details()).output,
  list: async (docket) => (await docket.list()).executions.length,
  resume: (docket) => docket.resume(),
  retry: async (docket) =>
    (await docket.retry('failed')).result().then(
      () => 'completed',
      (error: Error) => error.name,
    ),
  fork: async (docket) => (await docket.fork('done', { from: 'Halve' })).result(),
  'cancel, of one that has ended': async (docket) => docket.cancel('done'),
  delete: (docket) => docket.delete('done'),
  purge: (docket) => docket.purge({ olderThan: '1h' }),
  close: (docket) => docket.close(),
}

const answers: Readonly<Record<keyof typeof calls, unknown>> = {
  start: 2,
  'start, of one that is there': 2,
  execute: 2,
  'execute with an id': 2,
  'execute, of global results alone': 5,
  startBatch: [2, 3],
  'startBatch, of one that is there': [2],
  logic: 2,
  get: 2,
  'get, and details': 2,
  list: 3,
  resume: 0,
  retry: 'StepError',
  fork: 2,
  'cancel, of one that has ended': undefined,
  delete: true,
  purge: 0,
  close: undefined,
}

/** The others, which can follow each other on one store, each on a docket of its own; with what each answers. */
const furtherCalls: Readonly<Record<string, readonly [(docket: Docket) => unknown, answer: unknown]>> = {
  startByName: [async (docket) => (await docket.startByName('halves', 'Half', inputs)).result(), 2],
  startMany: [
    async (docket) => {
      const started = await docket.startMany(halves, Half, [{ inputs }, { inputs: { Seed: 6 } }])
      return Promise.all(started.map(({ handle }) => handle?.result()))
    },
    [2, 3],
  ],
  'start, with a key': [
    async (docket) => (await docket.start(halves, Half, inputs, { key: 'k', onBusy: 'skip' })).outcome,
    'started',
  ],
  why: [async (docket) => (await docket.why('failed')).code, 'execution.failed'],
  mailbox: [async (docket) => (await docket.mailbox('done')).messages, []],
  export: [async (docket) => (await docket.export('done')).format, 'docket-execution/1'],
  plan: [async (docket) => (await docket.plan('done'))?.steps.length, 1],
  findIncompatible: [async (docket) => (await docket.findIncompatible()).incompatible, []],
  count: [async (docket) => Object.keys(await docket.count()).toSorted(), ['completed', 'failed']],
  workers: [async (docket) => (await docket.workers()).length, 1],
  queues: [(docket) => docket.queues(), ['default']],
  health: [async (docket) => (await docket.health({ deadline: '30s' })).isReady, true],
  retryAll: [async (docket) => (await docket.retryAll()).outcomes.map(({ id }) => id), ['failed']],
  moveTo: [
    async (docket) => (await docket.moveTo(docketOn(memoryStore()), ['done'])).map(({ verdict }) => verdict),
    ['copied'],
  ],
  emit: [(docket) => docket.emit(Tick, 'k', 1), 'accepted'],
  schedule: [
    async (docket) => (await docket.schedule('hourly', { graph: halves, target: Half, inputs, every: '1h' })).name,
    'hourly',
  ],
  'schedules.list': [async (docket) => (await docket.schedules.list()).schedules.length, 1],
  'schedules.get': [async (docket) => (await docket.schedules.get('hourly'))?.name, 'hourly'],
  'schedules.pause': [async (docket) => (await docket.schedules.pause('hourly')).name, 'hourly'],
  'schedules.resume': [async (docket) => (await docket.schedules.resume('hourly')).name, 'hourly'],
  'schedules.trigger': [(docket) => docket.schedules.trigger('hourly'), expect.stringMatching(/^hourly/)],
  'schedules.nextTimes': [async (docket) => (await docket.schedules.nextTimes('hourly', 2)).length, 2],
  'schedules.delete': [(docket) => docket.schedules.delete('hourly'), true],
  'queue.pause': [async (docket) => (await docket.queue('other').pause('a note')).note, 'a note'],
  'queue.info': [async (docket) => (await docket.queue('other').info()).note, 'a note'],
  'queue.resume': [async (docket) => (await docket.queue('other').resume()).note, undefined],
  'queue.limits': [
    async (docket) => (await docket.queue('other').limits({ concurrency: 3 })).limits.concurrency,
    { limit: 3, key: false },
  ],
  'queue.backlog': [async (docket) => (await docket.queue('other').backlog()).ready, 0],
  'acts.record': [async (docket) => (await docket.acts.record({ by: 'me', act: 'look' })).act, 'look'],
  'acts.list': [async (docket) => (await docket.acts.list()).acts.length, 1],
}

const callsNoStore = ['constructor', 'addGraph', 'about', 'observe', 'toString', 'options']

test('every method of a docket is tried as the first call', () => {
  const methods = [Docket, DocketView].flatMap(({ prototype }) => Object.getOwnPropertyNames(prototype))
  const tried = new Set(Object.keys({ ...calls, ...furtherCalls }).map((name) => name.split(/[.,]/)[0]))
  expect(methods.filter((method) => !tried.has(method) && !callsNoStore.includes(method))).toEqual([])
})

const memory = [
  'memory',
  () => {
    const store = memoryStore()
    return () => store
  },
] as const

describe.each([memory, ...sqlStores, ...redisStores])('on %s', (_, newPlace) => {
  test.each(Object.keys(calls))('%s works as the first call of a docket', async (name) => {
    const newStore = newPlace()
    await leaveExecutions(newStore())
    expect(await calls[name]!(docketOn(newStore()))).toEqual(answers[name])
  })

  test('so does each of the others', async () => {
    const newStore = newPlace()
    await leaveExecutions(newStore())
    for (const [name, [call, answer]] of Object.entries(furtherCalls)) {
      const docket = docketOn(newStore())
      expect(await call(docket), name).toEqual(answer)
      await docket.close({ deadline: 0 })
    }
  })

  test('startBatch works as the first call on a store in which nothing is', async () => {
    const batch = await docketOn(newPlace()()).startBatch(halves, Half, [inputs])
    expect(await batch.result()).toEqual([2])
  })
})
