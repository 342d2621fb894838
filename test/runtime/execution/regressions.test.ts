import { createActor } from 'xstate'
import { describe, expect, test } from 'vitest'
import {
  all,
  dataType,
  execute,
  executeBatch,
  fromGraph,
  graph,
  optional,
  step,
  streamBatch,
  type,
} from '../../../src/index.ts'
import type { StepContext } from '../../../src/index.ts'
import { VirtualClock } from '../../../src/testing/virtual-clock.ts'

const Id = dataType('Id', type<number>())
const Shared = dataType('Shared', type<number>())
const Made = dataType('Made', type<number>())
const Sum = dataType('Sum', type<number>())

describe('results of scope execution in batches with one id', () => {
  const sum = step({
    name: 'Sum',
    inputs: { ids: all(Id) },
    output: Sum,
    persist: 'execution',
    run: ({ ids }) => ids.reduce((a, b) => a + b, 0),
  })
  const add = step({
    name: 'Add',
    inputs: { shared: Shared },
    output: Made,
    persist: 'execution',
    run: ({ shared }) => shared + 10,
  })

  test('what is made of all items goes by the items', async () => {
    const sums = graph({ name: 'batch-id-sums', steps: [sum] })
    expect(await executeBatch(sums, Sum, [{ Id: 1 }, { Id: 2 }], { id: 'b' })).toEqual([3, 3])
    expect(await executeBatch(sums, Sum, [{ Id: 100 }, { Id: 200 }], { id: 'b' })).toEqual([300, 300])
  })

  test('what is made of shared inputs goes by these, apart from an execution of that id', async () => {
    const adds = graph({ name: 'batch-id-adds', steps: [add] })
    expect(await execute(adds, Made, { Shared: 3 }, { id: 'c' })).toBe(13)
    expect(await executeBatch(adds, Made, [{}], { id: 'c', shared: { Shared: 7 } })).toEqual([17])
    expect(await executeBatch(adds, Made, [{}], { id: 'c', shared: { Shared: 8 } })).toEqual([18])
  })

  test('the idempotency key goes with the inputs, not with the place in the batch', async () => {
    const keys = new Map<string, string>()
    const note = ({ id }: { id: number }, { idempotencyKey }: StepContext): number => {
      keys.set(`${keys.size}:${id}`, idempotencyKey)
      if (keys.size <= 2) throw new Error('not yet')
      return id
    }
    const charges = graph({
      name: 'batch-id-keys',
      steps: [step({ name: 'Charge', inputs: { id: Id }, output: Made, persist: 'execution', run: note })],
    })
    await executeBatch(charges, Made, [{ Id: 1 }, { Id: 2 }], { id: 'k', onError: 'collect' })
    await executeBatch(charges, Made, [{ Id: 2 }, { Id: 1 }], { id: 'k', onError: 'collect' })
    expect(keys.get('2:2')).toBe(keys.get('1:2'))
    expect(keys.get('3:1')).toBe(keys.get('0:1'))
    expect(new Set(keys.values()).size).toBe(2)
  })
})

test('an execution id that was forgotten finds nothing that was made of other inputs', async () => {
  const keep = step({
    name: 'Keep',
    inputs: { id: Id },
    output: Made,
    persist: { scope: 'execution', capacity: 50_000 },
    run: ({ id }) => id,
  })
  const keeps = graph({ name: 'forgotten-ids', steps: [keep] })
  for (let id = 0; id <= 10_001; id++) await execute(keeps, Made, { Id: id }, { id: `k${id}` })
  expect(await execute(keeps, Made, { Id: 777 }, { id: 'k0' })).toBe(777)
})

const items = (count: number) => Array.from({ length: count }, () => ({ Id: 1 }))

describe('all(T) of a type that is the same for every item', () => {
  const count = step({
    name: 'Count',
    inputs: { all: all(Shared) },
    output: Sum,
    run: ({ all: values }) => values.length,
  })
  const pair = step({ name: 'Pair', inputs: { id: Id, sum: Sum }, output: Made, run: ({ id, sum }) => id + sum })
  const pairs = graph({ name: 'copied', steps: [count, pair] })

  test('comes to an end with more items than are ever open otherwise', async () => {
    const results = await executeBatch(pairs, Made, items(1_500), { shared: { Shared: 5 } })
    expect([results.length, results[0], results.at(-1)]).toEqual([1_500, 1_501, 1_501])
  })

  test('and as a stream', async () => {
    let seen = 0
    for await (const value of streamBatch(pairs, Made, items(600), { shared: { Shared: 5 } })) if (value === 601) seen++
    expect(seen).toBe(600)
  })
})

test('one signal aborted for several equal calls lets none of them run the step again', async () => {
  const clock = new VirtualClock()
  let runs = 0
  const flaky = step({
    name: 'Flaky',
    inputs: { id: Id },
    output: Made,
    persist: 'global',
    retry: { maxAttempts: 5, backoff: 100 },
    run: async (): Promise<number> => {
      runs++
      throw new Error('again')
    },
  })
  const flakies = graph({ name: 'one-signal', steps: [flaky] })
  const controller = new AbortController()
  const calls = Array.from({ length: 4 }, () => execute(flakies, Made, { Id: 1 }, { clock, signal: controller.signal }))
  await clock.advance(0)
  controller.abort()
  const settled = await Promise.allSettled(calls)
  await clock.advance(10_000)
  expect(settled.every(({ status }) => status === 'rejected')).toBe(true)
  expect([runs, clock.pending]).toEqual([1, 0])
})

test('an async iterable that answers nonsense fails the batch', async () => {
  const makes = graph({
    name: 'nonsense',
    steps: [step({ name: 'Make', inputs: { id: Id }, output: Made, run: ({ id }) => id })],
  })
  const items = { [Symbol.asyncIterator]: () => ({ next: async () => undefined as never }) }
  const stream = async (): Promise<void> => {
    for await (const value of streamBatch(makes, Made, items)) void value
  }
  await expect(stream()).rejects.toMatchObject({ code: 'INPUT_INVALID' })
})

test('observers hear events in order though one of them aborts in the middle', async () => {
  const controller = new AbortController()
  const heard: number[] = []
  const makes = graph({
    name: 'ordered-events',
    steps: [step({ name: 'Make', inputs: { id: Id }, output: Made, run: ({ id }) => id })],
    observers: [({ type: kind }) => kind === 'step.started' && controller.abort(), ({ seq }) => void heard.push(seq)],
  })
  await expect(execute(makes, Made, { Id: 1 }, { signal: controller.signal })).rejects.toMatchObject({
    code: 'EXECUTION_CANCELLED',
  })
  expect(heard).toEqual(heard.toSorted((a, b) => a - b))
  expect(heard.length).toBeGreaterThan(3)
})

test('the timeout of a batch holds although every item is done at once', async () => {
  let now = 0
  const clock = { now: () => now, setTimeout: () => 1, clearTimeout: () => {} }
  const makes = graph({
    name: 'sync-timeout',
    steps: [step({ name: 'Make', inputs: { id: Id }, output: Made, run: ({ id }) => (now++, id) })],
  })
  const items = Array.from({ length: 10_000 }, () => ({ Id: 1 }))
  await expect(executeBatch(makes, Made, items, { timeout: 500, clock })).rejects.toMatchObject({
    code: 'EXECUTION_TIMEOUT',
  })
  expect(now).toBeLessThan(1_000)
})

test('under collected errors, all(T) leaves out an item that failed after it had given its value', async () => {
  const clock = new VirtualClock()
  const Late = dataType('Late', type<number>())
  const given = step({ name: 'Give', inputs: { id: Id }, output: Made, run: ({ id }) => id })
  const late = step({
    name: 'Late',
    inputs: { id: Id },
    output: Late,
    run: ({ id }) =>
      new Promise<number>(
        (resolve, reject) =>
          void clock.setTimeout(() => (id === 1 ? reject(new Error('late')) : resolve(id)), id === 1 ? 1 : 5),
      ),
  })
  const slow = step({ name: 'Slow', inputs: { late: Late }, output: Shared, run: ({ late: value }) => value })
  const gather = step({
    name: 'Gather',
    inputs: { made: all(Made), slow: all(Shared) },
    output: Sum,
    run: ({ made }, { failedItems }) => made.length * 10 + failedItems,
  })
  const gathers = graph({ name: 'late-failures', steps: [given, late, slow, gather] })
  const outcomes = await clock.settle(
    executeBatch(gathers, Sum, [{ Id: 0 }, { Id: 1 }, { Id: 2 }], { onError: 'collect', clock }),
  )
  expect(outcomes.map(({ value }) => value)).toEqual([21, undefined, 21])
})

test('thousands of optional steps may fail at a cost that grows with their number only', async () => {
  const count = 4_000
  const types = Array.from({ length: count }, (_, at) => dataType(`T${at}`, type<number>()))
  const { untypedGraph } = await import('../../../src/index.ts')
  const fails = types.map((output, at) =>
    step({
      name: `Fail${at}`,
      output,
      run: () => {
        throw new Error('no')
      },
    }),
  )
  const inputs = Object.fromEntries(types.map((each, at) => [`p${at}`, optional(each)]))
  const gather = step({
    name: 'Gather',
    inputs,
    output: Sum,
    run: (ports) => Object.values(ports).filter((value) => value === undefined).length,
  })
  expect(await execute(untypedGraph({ name: 'failing', steps: [...fails, gather] }), Sum, {})).toBe(count)
})

describe('a persisted snapshot', () => {
  const make = step({ name: 'Make', inputs: { id: Id }, output: Made, run: () => new Promise<number>(() => {}) })
  const makes = graph({ name: 'snapshots', steps: [make] })
  const snapshot = async () => {
    const actor = createActor(fromGraph(makes, Made), { input: { Id: 1 } }).start()
    // Snapshots move on once a turn.
    await new Promise((resolve) => void setImmediate(resolve))
    const persisted = JSON.parse(JSON.stringify(actor.getPersistedSnapshot()))
    actor.stop()
    return persisted
  }

  test('of another graph is refused', async () => {
    const others = graph({ name: 'others', steps: [make] })
    const actor = createActor(fromGraph(others, Made), { snapshot: await snapshot(), input: { Id: 1 } })
    expect(actor.getSnapshot()).toMatchObject({
      status: 'error',
      error: {
        code: 'SERIALIZATION_FAILED',
        message: expect.stringMatching(/of graph "snapshots", not of "Made" of graph "others"/),
      },
    })
  })

  test('with a record of a step that is gone is refused, naming it', async () => {
    const renamed = graph({
      name: 'snapshots',
      steps: [step({ name: 'Renamed', inputs: { id: Id }, output: Made, run: () => 1 })],
    })
    const actor = createActor(fromGraph(renamed, Made), { snapshot: await snapshot(), input: { Id: 1 } })
    expect(actor.getSnapshot()).toMatchObject({
      status: 'error',
      error: { message: expect.stringMatching(/no longer has: Make/) },
    })
  })
})

test('a view of a step in one snapshot is its own', async () => {
  const makes = graph({
    name: 'own-views',
    steps: [step({ name: 'Make', inputs: { id: Id }, output: Made, run: ({ id }) => id })],
  })
  const actor = createActor(fromGraph(makes, Made), { input: { Id: 1 } }).start()
  const first = actor.getSnapshot()
  const second = actor.getSnapshot().context
  Object.assign(first.context.steps['Make']!, { status: 'HACKED' })
  expect(
    createActor(fromGraph(makes, Made), { input: { Id: 1 } })
      .start()
      .getSnapshot().context.steps['Make']!.status,
  ).toBe('completed')
  expect(second.steps['Make']).not.toBe(undefined)
})
