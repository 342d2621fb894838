import { inspect } from 'node:util'
import { describe, expect, test } from 'vitest'
import { graph, step } from '../../src/index.ts'
import type { ExecutionDetails } from '../../src/index.ts'
import { expectNoUnhandledErrors, never, number } from '../loose-api.ts'
import { World } from './durable-time.ts'

expectNoUnhandledErrors()

const A = number('A')
const B = number('B')
const C = number('C')
const D = number('D')
const End = number('End')

/**
 * Check (not persisted) and Pay (persisted) hang, Retry waits for its next attempt, Busy for the slot that another execution holds; Later needs
 * Pay, and End all.
 */
function stuckGraph(name = 'stuck') {
  const later = new Error('later')
  return graph({
    name,
    steps: [
      step({ name: 'Check', output: A, run: () => never<number>() }),
      step({ name: 'Pay', output: B, persist: 'execution', run: () => never<number>() }),
      step({
        name: 'Retry',
        output: C,
        persist: 'execution',
        retry: { maxAttempts: 2, backoff: '1h' },
        run: () => Promise.reject(later),
      }),
      step({ name: 'Later', inputs: { b: B }, output: D, run: ({ b }) => b }),
      step({ name: 'End', inputs: { a: A, c: C, d: D }, output: End, persist: 'execution', run: () => 1 }),
    ],
  })
}

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
    await world.clock.advance(10)
    expect(brief(await second.details())).toEqual([['Busy', 'waiting', { kind: 'slot' }]])
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
    await world.clock.advance(10)
    expect(brief(await second.details())).toEqual([['Once', 'claiming', { kind: 'result' }]])
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
    await docket.close({ deadline: 0 })
    expect(inspect(docket)).toBe('Docket "shop" (memory store; graphs: stuck; closed)')
  })
})
