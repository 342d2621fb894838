import { describe, expect, test } from 'vitest'
import { ExecutionTimeoutError, graph as graphOf, signal, subgraph } from '../../src/index.ts'
import { number, rejectionOf, text } from '../loose-api.ts'
import { deathAfter } from './death-after.ts'
import { World } from './durable-time.ts'
import { door, line, Third } from './line.ts'
import { WatchedStore } from './watched-store.ts'

const inputs = { Seed: 1 }

/** Ends when it is told to. */
function waits(signal: AbortSignal): Promise<number> {
  return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)))
}

describe('an execution’s deadline', () => {
  test('counts the time while no living process owned it', async () => {
    const world = new World()
    const { line: graph } = line({ second: { run: () => door().promise } })
    const { docket, die } = world.mortal({ graphs: [graph] })
    const deadline = new Date(world.clock.now() + 60_000)
    await docket.start(graph, Third, inputs, { id: 'a', deadline })
    await world.clock.advance(10)
    die()
    await world.clock.advance(50_000)
    const { line: slow } = line({ second: { run: (value) => world.clock.sleep(20_000).then(() => value) } })
    const survivor = world.process({ graphs: [slow] })
    await world.clock.advance(0)
    const handle = await survivor.get('a')
    const error = await world.clock.settle(rejectionOf(handle!.result()))
    expect(error).toBeInstanceOf(ExecutionTimeoutError)
    expect(error).toMatchObject({ deadline, timeoutMs: undefined })
    expect(String(error)).toContain(`by its deadline, ${deadline.toISOString()}`)
    expect(world.clock.now()).toBe(deadline.getTime())
    expect(await handle!.details()).toMatchObject({ status: 'failed', deadline })
  })

  test('that passed while nobody ran it lets no step begin', async () => {
    const world = new World()
    const { line: graph } = line({ second: { run: () => door().promise } })
    const { docket, die } = world.mortal({ graphs: [graph] })
    await docket.start(graph, Third, inputs, { id: 'a', deadline: world.clock.now() + 1_000 })
    await world.clock.advance(10)
    die()
    await world.clock.advance(3_600_000)
    const { line: healthy, runs } = line()
    const survivor = world.process({ graphs: [healthy] })
    const error = await world.clock.settle(rejectionOf((await survivor.get('a'))!.result()))
    expect(error).toMatchObject({ name: 'ExecutionTimeoutError' })
    expect(runs).toEqual([])
  })

  test('holds for a batch that goes on elsewhere', async () => {
    const world = new World()
    const { line: graph } = line({ second: { run: () => door().promise } })
    const { docket, die } = world.mortal({ graphs: [graph] })
    const deadline = world.clock.now() + 60_000
    await docket.startBatch(graph, Third, [{ Seed: 1 }, { Seed: 2 }], { id: 'b', deadline })
    await world.clock.advance(10)
    die()
    await world.clock.advance(10_000)
    const { line: hanging } = line({ second: { run: () => door().promise } })
    const survivor = world.process({ graphs: [hanging] })
    const error = await world.clock.settle(rejectionOf((await survivor.get('b'))!.result()))
    expect(error).toMatchObject({ name: 'ExecutionTimeoutError', deadline: new Date(deadline) })
    expect(world.clock.now()).toBe(deadline)
  })

  test('does not hold for a fork', async () => {
    const world = new World()
    const { line: graph } = line()
    const docket = world.process({ graphs: [graph] })
    const deadline = world.clock.now() + 60_000
    await world.clock.settle(docket.execute(graph, Third, inputs, { id: 'a', deadline }))
    await world.clock.advance(3_600_000)
    const fork = await docket.fork('a', { from: 'Third', id: 'b' })
    expect(await world.clock.settle(fork.result())).toBe(4)
  })

  test('is taken from the call that goes on after it has passed', async () => {
    const world = new World()
    let turn = 0
    const { line: graph, runs } = line({
      second: { run: (value, { signal }) => (++turn === 1 ? waits(signal) : value) },
    })
    const docket = world.process({ graphs: [graph] })
    const at = (ms: number) => ({ id: 'a', deadline: world.clock.now() + ms })
    await world.clock.settle(rejectionOf(docket.execute(graph, Third, inputs, at(1_000))))
    await world.clock.advance(1_000)
    // Without one, the old one holds.
    const again = await world.clock.settle(rejectionOf(docket.execute(graph, Third, inputs, { id: 'a' })))
    expect(again).toMatchObject({ name: 'ExecutionTimeoutError' })
    const later = at(60_000)
    expect(await world.clock.settle(docket.execute(graph, Third, inputs, later))).toBe(3)
    expect(runs).toEqual(['First', 'Second', 'Second', 'Third'])
    expect((await docket.list()).executions).toMatchObject([
      { status: 'completed', deadline: new Date(later.deadline) },
    ])
  })
})

describe('an execution that goes on', () => {
  test('says so before anything of it begins', async () => {
    const world = new World()
    await deathAfter(world, 10, { second: { run: () => door().promise } })
    const { line: healthy } = line()
    const survivor = world.process({ graphs: [healthy] })
    const before = world.events.length
    await world.clock.settle((await survivor.get('a'))!.result())
    const told = world.events.slice(before).map(({ type }) => type)
    const begins = told.indexOf('execution.resumed')
    expect(told.slice(begins, begins + 2)).toEqual(['execution.resumed', 'execution.started'])
    expect(told.indexOf('step.started')).toBeGreaterThan(begins)
  })

  test('leaves no step running in its records once it has failed', async () => {
    const world = new World()
    const retry = { maxAttempts: 3 }
    const { line: graph } = line({ timeout: '1s', second: { retry, run: () => door().promise } })
    const docket = world.process({ graphs: [graph] })
    const handle = await docket.start(graph, Third, inputs, { id: 'a' })
    await world.clock.settle(rejectionOf(handle.result()))
    const { steps } = await handle.details()
    expect(steps.map(({ step, status }) => [step, status])).toEqual([
      ['First', 'completed'],
      ['Second', 'cancelled'],
      ['Third', 'cancelled'],
    ])
  })

  test('reports when it began, not when it was started', async () => {
    const world = new World()
    const watched = new WatchedStore(world.store)
    watched.before = ({ name }) => (name === 'create' ? world.clock.sleep(700) : undefined)
    const { line: graph } = line()
    const docket = world.process({ graphs: [graph], store: watched.store })
    const asked = world.clock.now()
    await world.clock.settle(docket.execute(graph, Third, inputs, { id: 'a' }))
    const { createdAt, startedAt } = (await docket.list()).executions[0]!
    expect([createdAt.getTime() - asked, startedAt!.getTime() - asked]).toEqual([0, 700])
  })
})

test('the children of a batch are handed its deadline', async () => {
  const world = new World()
  const Approval = text('Approval')
  const Order = number('Order')
  const inner = graphOf({ name: 'inner', inputs: [Order], steps: [signal(Approval, { inputs: { order: Order } })] })
  const outer = graphOf({ name: 'outer', inputs: [Order], steps: [subgraph(inner, Approval)] })
  const docket = world.process({ graphs: [outer] })
  const deadline = new Date(world.clock.now() + 60_000)
  await world.clock.settle(docket.startBatch(outer, Approval, [{ Order: 1 }, { Order: 2 }], { id: 'b', deadline }))
  await world.clock.advance(100)
  const { executions } = await world.clock.settle(docket.list({ graph: 'inner' }))
  expect(executions.map(({ deadline: until }) => until)).toEqual([deadline, deadline])
})
