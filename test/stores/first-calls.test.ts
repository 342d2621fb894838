import { createActor, toPromise } from 'xstate'
import { describe, expect, onTestFinished, test } from 'vitest'
import { createDocket, dataType, graph, step, type } from '../../src/index.ts'
import type { Docket, Store } from '../../src/index.ts'
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
    const before = docketOn(newStore())
    await before.execute(halves, Half, inputs, { id: 'done' })
    await before.execute(halves, Half, { Seed: -1 }, { id: 'failed' }).catch(() => {})
    await (await before.startBatch(halves, Half, [inputs], { id: 'batch' })).result()
    await before.close()
    expect(await calls[name]!(docketOn(newStore()))).toEqual(answers[name])
  })

  test('startBatch works as the first call on a store in which nothing is', async () => {
    const batch = await docketOn(newPlace()()).startBatch(halves, Half, [inputs])
    expect(await batch.result()).toEqual([2])
  })
})
