import { inspect } from 'node:util'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { all, dataType, graph, NonRetryableError, step } from '../../src/index.ts'
import type { ExecutionDetails } from '../../src/index.ts'
import { expectNoUnhandledErrors, never, rejectionOf } from '../loose-api.ts'
import { World } from './durable-time.ts'
import { door, line, Third } from './line.ts'
import { A, B, D, End, stuckGraph } from './stuck-graph.ts'

expectNoUnhandledErrors()

const refused = (): Promise<number> => Promise.reject(new NonRetryableError('no money'))

const brief = ({ steps }: ExecutionDetails): unknown =>
  steps.map(({ step: name, status, waitsFor }) => [name, status, waitsFor])

describe('details() of an unfinished execution', () => {
  test('shows every step as it is, since when and what it waits for, in the process that runs it', async () => {
    const world = new World()
    const stuck = stuckGraph()
    const docket = world.process({ graphs: [stuck] })
    const handle = await docket.start(stuck, End, {}, { id: 'x' })
    const begun = world.clock.now()
    await world.clock.advance(1_000)
    const details = await handle.details()
    expect(brief(details)).toEqual([
      ['Check', 'running', undefined],
      ['Retry', 'retrying', { kind: 'retry', at: new Date(begun + 3_600_000) }],
      ['Pay', 'running', undefined],
      ['Later', 'pending', { kind: 'inputs', steps: ['Pay'] }],
      ['End', 'pending', { kind: 'inputs', steps: ['Check', 'Retry', 'Later'] }],
    ])
    expect(details.steps[0]).toMatchObject({ attempt: 1, since: new Date(begun) })
    expect(details.steps.map(({ since, item }) => ({ since, item }))).toEqual(
      details.steps.map(() => ({ since: new Date(begun), item: undefined })),
    )
    await docket.close({ deadline: 0 })
  })

  test('shows every step from another process, as far as the records show', async () => {
    const world = new World()
    const stuck = stuckGraph()
    const docket = world.process({ graphs: [stuck] })
    await docket.start(stuck, End, {}, { id: 'x' })
    const begun = world.clock.now()
    await world.clock.advance(1_000)
    const elsewhere = world.process({ graphs: [stuck] })
    const details = await (await elsewhere.get('x'))!.details()
    expect(brief(details)).toEqual([
      ['Check', 'unknown', { kind: 'owner' }],
      ['Retry', 'retrying', { kind: 'retry', at: new Date(begun + 3_600_000) }],
      ['Pay', 'unknown', { kind: 'owner' }],
      ['Later', 'pending', { kind: 'inputs', steps: ['Pay'] }],
      ['End', 'pending', { kind: 'inputs', steps: ['Retry', 'Later'] }],
    ])
    expect(details.steps.map(({ step: name, since }) => [name, since])).toEqual([
      ['Check', undefined],
      ['Retry', undefined],
      ['Pay', undefined],
      ['Later', new Date(begun)],
      ['End', new Date(begun)],
    ])
    for (const one of [docket, elsewhere]) await one.close({ deadline: 0 })
  })

  test('names the slot that a step waits for', async () => {
    const world = new World()
    const busy = graph({
      name: 'busy',
      steps: [step({ name: 'Busy', output: A, concurrency: 1, run: () => never<number>() })],
    })
    const docket = world.process({ graphs: [busy] })
    await docket.start(busy, A, {}, { id: 'first' })
    const second = await docket.start(busy, A, {}, { id: 'second' })
    const since = new Date(world.clock.now())
    await world.clock.advance(10)
    const details = await second.details()
    expect(brief(details)).toEqual([['Busy', 'queued', { kind: 'slot' }]])
    expect(details.steps[0]).toMatchObject({ since })
    await docket.close({ deadline: 0 })
  })

  test('names the equal call that a step waits for', async () => {
    const world = new World()
    const shared = graph({
      name: 'shared',
      steps: [step({ name: 'Once', output: A, persist: 'global', run: () => never<number>() })],
    })
    const docket = world.process({ graphs: [shared] })
    await docket.start(shared, A, {}, { id: 'first' })
    await world.clock.advance(10)
    const second = await docket.start(shared, A, {}, { id: 'second' })
    const since = new Date(world.clock.now())
    await world.clock.advance(10)
    const details = await second.details()
    expect(brief(details)).toEqual([['Once', 'claiming', { kind: 'result' }]])
    expect(details.steps[0]).toMatchObject({ since })
    await docket.close({ deadline: 0 })
  })

  test('gives the records alone where the graph is not known', async () => {
    const world = new World()
    const stuck = stuckGraph()
    const docket = world.process({ graphs: [stuck] })
    await docket.start(stuck, End, {}, { id: 'x' })
    await world.clock.advance(1_000)
    const elsewhere = world.process({ graphs: [stuckGraph('other')] })
    expect((await (await elsewhere.get('x'))!.details()).steps.map(({ step: name }) => name)).toEqual(['Retry'])
    for (const one of [docket, elsewhere]) await one.close({ deadline: 0 })
  })
})

test('details() of an execution that no process has show as pending what begins again, and as unknown what nothing needs any more', async () => {
  const world = new World()
  const E = dataType('E', z.number())
  const Logged = dataType('Logged', z.number())
  const again = graph({
    name: 'again',
    steps: [
      step({ name: 'Check', output: A, run: () => 1 }),
      step({ name: 'Find', output: B, run: () => 1 }),
      step({ name: 'Kept', inputs: { b: B }, output: D, persist: 'execution', run: ({ b }) => b }),
      step({ name: 'Pay', inputs: { d: D }, output: E, persist: 'execution', run: refused }),
      step({ name: 'Log', inputs: { a: A }, output: Logged, run: () => 1 }),
      step({ name: 'End', inputs: { e: E, logged: Logged }, output: End, run: () => 1 }),
    ],
  })
  const docket = world.process({ graphs: [again] })
  const handle = await docket.start(again, End, {}, { id: 'x' })
  await world.clock.settle(rejectionOf(handle.result()))
  await world.clock.settle(docket.close({ deadline: 0 }))
  const other = world.process({ graphs: [again], work: false })
  await world.clock.settle(other.retry('x'))
  const details = await (await other.get('x'))!.details()
  expect(details.lease).toBeUndefined()
  expect(details.steps.map(({ step: name, status, attempt }) => [name, status, attempt])).toEqual([
    ['Find', 'unknown', undefined],
    ['Kept', 'completed', 1],
    ['Pay', 'pending', 0],
    ['Check', 'pending', undefined],
    ['Log', 'pending', 0],
    ['End', 'pending', 0],
  ])
  expect(details.steps.find(({ step: name }) => name === 'Log')?.waitsFor).toEqual({ kind: 'inputs', steps: ['Check'] })
  expect(await world.clock.settle(other.why('x', 'Check'))).toMatchObject({
    code: 'step.notRun',
    because: [{ code: 'execution.noWorker' }],
  })
  expect(await world.clock.settle(other.why('x', 'Find'))).toMatchObject({ code: 'step.notNeeded' })
})

describe('details() of an execution that has ended', () => {
  test('shows every step of the plan: what failed, what never began, and what is not on record', async () => {
    const world = new World()
    const broken = graph({
      name: 'broken',
      steps: [
        step({ name: 'Check', output: A, run: () => 1 }),
        step({ name: 'Pay', output: B, persist: 'execution', run: () => Promise.reject(new Error('no money')) }),
        step({ name: 'Later', inputs: { b: B }, output: D, run: ({ b }) => b }),
        step({ name: 'End', inputs: { a: A, d: D }, output: End, run: () => 1 }),
      ],
    })
    const docket = world.process({ graphs: [broken] })
    const handle = await docket.start(broken, End, {}, { id: 'x' })
    await world.clock.settle(rejectionOf(handle.result()))
    for (const one of [docket, world.process({ graphs: [broken] })]) {
      const details = await (await one.get('x'))!.details()
      expect(details).toMatchObject({ status: 'failed', lease: undefined, situation: 'it has failed' })
      expect(brief(details)).toEqual([
        ['Check', 'unknown', undefined],
        ['Pay', 'failed', undefined],
        ['Later', 'cancelled', undefined],
        ['End', 'cancelled', undefined],
      ])
    }
    const unknowing = world.process({ graphs: [stuckGraph()] })
    expect(brief(await (await unknowing.get('x'))!.details())).toEqual([['Pay', 'failed', undefined]])
  })
})

test('details() of a completed execution does not say of a step that came into the graph later, or of what needs it, that it has run', async () => {
  const world = new World()
  const pay = step({ name: 'Pay', output: A, persist: 'execution', run: () => 1 })
  const before = graph({
    name: 'paid',
    steps: [pay, step({ name: 'End', inputs: { a: A }, output: End, run: ({ a }) => a })],
  })
  const now = graph({
    name: 'paid',
    steps: [
      pay,
      step({ name: 'Notify', inputs: { a: A }, output: B, persist: 'execution', run: () => 2 }),
      step({ name: 'Log', inputs: { b: B }, output: D, run: () => 3 }),
      step({ name: 'End', inputs: { a: A, d: D }, output: End, run: ({ a }) => a }),
    ],
  })
  const old = world.process({ graphs: [before] })
  await world.clock.settle(old.execute(before, End, {}, { id: 'x' }))
  const details = await (await world.process({ graphs: [now] }).get('x'))!.details()
  expect(brief(details)).toEqual([
    ['Pay', 'completed', undefined],
    ['Notify', 'unknown', undefined],
    ['Log', 'unknown', undefined],
    ['End', 'completed', undefined],
  ])
})

function rows(run: (value: number) => number | Promise<number>) {
  return line({ second: { run, retry: { maxAttempts: 2, backoff: '1h' } } }).line
}

describe('details() of a batch', () => {
  test('counts its items by status, and shows those that failed and those under way first', async () => {
    const world = new World()
    const gate = door()
    const graph = rows((value) => {
      if (value === 2) throw new NonRetryableError('one')
      if (value === 3) throw new Error('two')
      return value === 4 ? gate.promise : value
    })
    const docket = world.process({ graphs: [graph] })
    const items = [5, 6, 1, 2, 3, 7].map((Seed) => ({ Seed }))
    const options = {
      id: 'b',
      onError: 'collect',
      key: ({ Seed }: { readonly Seed: number }) => `row ${Seed}`,
    } as const
    const batch = await docket.startBatch(graph, Third, items, options)
    await world.clock.advance(100)
    for (const one of [docket, world.process({ graphs: [graph] })]) {
      const { batch: info, steps, situation } = await (await one.get('b'))!.details()
      expect(info).toMatchObject({ total: 6, written: 6 })
      expect(info!.counts).toMatchObject({ completed: 3, failed: 1, retrying: 1, running: 1 })
      expect(info!.items.map(({ key, index, status }) => [key, index, status])).toEqual([
        ['row 1', 2, 'failed'],
        ['row 2', 3, 'retrying'],
        ['row 3', 4, 'running'],
        ['row 5', 0, 'completed'],
        ['row 6', 1, 'completed'],
        ['row 7', 5, 'completed'],
      ])
      expect(String(info!.items[0]!.error)).toContain('one')
      const waiting = steps.find((one) => one.item === 'row 2' && one.step === 'Second')
      expect(waiting).toMatchObject({ status: 'retrying', waitsFor: { kind: 'retry' } })
      expect(situation).toContain('; step "Second" of item "row 2" waits for attempt 2, due in 59 min 59 s')
    }
    gate.resolve(1)
    await world.clock.advance(3_700_000)
    await batch.result()
    const { batch: info, situation } = await batch.details()
    expect(info!.counts).toMatchObject({ completed: 4, failed: 2, running: 0, retrying: 0, unknown: 0 })
    expect(situation).toBe('it has completed')
  })

  test('counts as waiting what is done but for a step that needs all items', async () => {
    const world = new World()
    const gate = door()
    const sum = graph({
      name: 'sum',
      steps: [
        step({
          name: 'Take',
          inputs: { a: A },
          output: B,
          persist: 'execution',
          run: ({ a }) => (a === 2 ? gate.promise : a),
        }),
        step({
          name: 'Sum',
          inputs: { all: all(B) },
          output: End,
          run: ({ all: values }) => values.reduce((total, value) => total + value, 0),
        }),
      ],
    })
    const docket = world.process({ graphs: [sum] })
    const items = [1, 2, 3, 4].map((value) => ({ A: value }))
    const batch = await docket.startBatch(sum, End, items, { id: 'b' })
    await world.clock.advance(100)
    const { batch: info } = await batch.details()
    expect(info!.counts).toMatchObject({ waiting: 3, running: 1, completed: 0 })
    expect(info!.items[0]).toMatchObject({ index: 1, status: 'running' })
    gate.resolve(2)
    expect(await world.clock.settle(batch.result())).toEqual([10, 10, 10, 10])
  })

  test('says which items have not begun', async () => {
    const world = new World()
    const graph = rows(() => never<number>())
    const docket = world.process({ graphs: [graph] })
    const items = Array.from({ length: 5 }, (_, Seed) => ({ Seed }))
    const handle = await docket.startBatch(graph, Third, items, { id: 'b', concurrency: 2 })
    await world.clock.advance(100)
    expect((await handle.details()).batch!.counts).toMatchObject({ running: 2, pending: 3 })
    const elsewhere = world.process({ graphs: [graph] })
    expect((await (await elsewhere.get('b'))!.details()).batch!.counts).toMatchObject({ running: 2, unknown: 3 })
    await docket.close({ deadline: 0 })
  })

  test('is bounded: a hundred items and their steps', async () => {
    const world = new World()
    const { line: graph } = line()
    const docket = world.process({ graphs: [graph] })
    const items = Array.from({ length: 1_000 }, (_, Seed) => ({ Seed }))
    const handle = await docket.startBatch(graph, Third, items, { id: 'b' })
    await world.clock.settle(handle.result())
    const { batch, steps } = await handle.details()
    expect(batch!.counts.completed).toBe(1_000)
    expect(batch!.items).toHaveLength(100)
    expect(steps).toHaveLength(300)
  })
})

describe('console.log', () => {
  test('of a handle shows id, graph, target and how many steps are in which state', async () => {
    const world = new World()
    const stuck = stuckGraph()
    const docket = world.process({ graphs: [stuck] })
    const handle = await docket.start(stuck, End, {}, { id: 'x' })
    await world.clock.advance(10)
    expect(inspect(handle)).toBe(
      'ExecutionHandle "x" of graph "stuck", target "End" (running here; steps: 2 running, 1 retrying, 2 pending; details() shows more)',
    )
    const elsewhere = world.process({ graphs: [stuck] })
    expect(`${handle}`).toBe(inspect(handle))
    expect(inspect(await elsewhere.get('x'))).toBe(
      'ExecutionHandle "x" of graph "stuck", target "End" (was running; not in this process; details() shows more)',
    )
    for (const one of [docket, elsewhere]) await one.close({ deadline: 0 })
  })

  test('of a docket shows its name, store, graphs and how many executions live in it', async () => {
    const world = new World()
    const stuck = stuckGraph()
    const docket = world.process({ graphs: [stuck], name: 'shop' })
    await docket.start(stuck, End, {}, { id: 'x' })
    expect(inspect(docket)).toBe('Docket "shop" (memory store; graphs: stuck; executions here: 1)')
    expect(`${docket}`).toBe(inspect(docket))
    await docket.close({ deadline: 0 })
    expect(inspect(docket)).toBe('Docket "shop" (memory store; graphs: stuck; closed)')
  })
})
