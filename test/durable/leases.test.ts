import { describe, expect, test } from 'vitest'
import { LeaseLostError, step } from '../../src/index.ts'
import { sleep } from '../../src/runtime/environment/clock.ts'
import { graphOf, number } from '../loose-api.ts'
import { World } from './durable-time.ts'
import { door, line, Third } from './line.ts'
import { PausedClock } from './paused-clock.ts'
import { WatchedStore } from './watched-store.ts'

const inputs = { Seed: 1 }

/** Two processes, the first of which can be cut off from the store; its Second waits at a door and notes its signal. */
async function cutOff() {
  const world = new World()
  const watched = new WatchedStore(world.store)
  const gate = door()
  let reason: unknown
  const { line: graph, runs } = line({
    second: {
      run: (_, { signal }) => {
        signal.addEventListener('abort', () => (reason = signal.reason))
        return gate.promise
      },
    },
  })
  const first = world.process({ graphs: [graph], store: watched.store, lease: '5s' })
  const handle = await first.start(graph, Third, inputs, { id: 'a' })
  await world.clock.advance(10)
  const { line: healthy, runs: healthyRuns } = line({ second: { run: (value) => value * 100 } })
  const second = world.process({ graphs: [healthy], lease: '5s' })
  await world.clock.advance(10)
  return { world, watched, gate, runs, healthyRuns, first, second, handle, reasonOf: () => reason }
}

describe('a process that can’t renew for a lease', () => {
  test('aborts its steps with a LeaseLostError, not before, and an event reports it', async () => {
    const { world, watched, reasonOf } = await cutOff()
    watched.cut()
    await world.clock.advance(3_000)
    expect(reasonOf()).toBeUndefined()
    await world.clock.advance(2_000)
    expect(reasonOf()).toBeInstanceOf(LeaseLostError)
    expect(world.events.filter(({ type }) => type === 'lease.lost')).toMatchObject([{ executionId: 'a' }])
  })

  test('writes nothing any more, even of work that was done', async () => {
    const { world, watched, gate, second } = await cutOff()
    watched.cut()
    await world.clock.advance(7_000)
    watched.mend()
    watched.calls.length = 0
    gate.resolve(7)
    await world.clock.advance(10_000)
    expect(watched.count('commit')).toBe(0)
    const details = await (await second.get('a'))!.details()
    expect(details).toMatchObject({ status: 'completed', output: 201 })
  })

  test('is replaced within its lease and a second, by a process that runs only what is not done', async () => {
    const { world, watched, second, healthyRuns } = await cutOff()
    watched.cut()
    await world.clock.advance(6_000)
    expect(healthyRuns).toEqual(['Second', 'Third'])
    expect((await second.list()).executions).toMatchObject([{ status: 'completed', output: 201 }])
  })

  test('gives the outcome that the other one made', async () => {
    const { world, watched, handle } = await cutOff()
    const result = handle.result()
    watched.cut()
    await world.clock.advance(12_000)
    watched.mend()
    expect(await world.clock.settle(result)).toBe(201)
  })

  test('works again once the store is back: as another owner', async () => {
    const { world, watched, first } = await cutOff()
    watched.cut()
    await world.clock.advance(12_000)
    watched.mend()
    await world.clock.advance(1_000)
    expect((await first.list()).executions).toMatchObject([{ id: 'a', status: 'completed' }])
    const { line: doomed } = line({ second: { run: () => door().promise } })
    const other = world.mortal({ graphs: [doomed] })
    await other.docket.start(doomed, Third, inputs, { id: 'b' })
    await world.clock.advance(10)
    other.die()
    await world.clock.advance(10_000)
    expect((await first.get('b'))!.id).toBe('b')
    expect(
      world.events.filter(({ type, executionId }) => type === 'execution.resumed' && executionId === 'b'),
    ).toHaveLength(1)
  })

  test('keeps its executions if the store comes back in time', async () => {
    const { world, watched, gate, handle, healthyRuns } = await cutOff()
    watched.cut()
    await world.clock.advance(3_000)
    watched.mend()
    await world.clock.advance(20_000)
    gate.resolve(7)
    expect(await world.clock.settle(handle.result())).toBe(8)
    expect(healthyRuns).toEqual([])
  })
})

test('what a process gave up while its renewal was on its way is somebody’s at once, and not when that has run out', async () => {
  const world = new World()
  const watched = new WatchedStore(world.store)
  let runs = 0
  const { line: graph } = line({ second: { run: (value) => (++runs === 1 ? door().promise : value * 100) } })
  const process = world.process({ graphs: [graph], store: watched.store, lease: '30s' })
  await process.start(graph, Third, inputs, { id: 'a' })
  let isArmed = true
  watched.before = async ({ name }) => {
    if (name === 'renewOwner' && isArmed) await sleep(world.clock, 19_990)
  }
  watched.after = async ({ name }) => {
    if (name !== 'renewOwner' || !isArmed) return
    isArmed = false
    await sleep(world.clock, 20)
  }
  await world.clock.advance(29_000)
  expect(world.events.filter(({ type }) => type === 'lease.lost')).toHaveLength(0)
  await world.clock.advance(4_000)
  expect(world.events.filter(({ type }) => type === 'lease.lost')).toHaveLength(1)
  expect((await process.list()).executions).toMatchObject([{ status: 'completed', output: 201 }])
})

describe('a process that was paused for longer than its lease', () => {
  test('has its late commit refused: what the other process made holds', async () => {
    const world = new World()
    const clock = new PausedClock(world.clock)
    const gate = door()
    let reason: unknown
    const { line: graph } = line({
      second: {
        run: (_, { signal }) => {
          signal.addEventListener('abort', () => (reason = signal.reason))
          return gate.promise
        },
      },
    })
    const watched = new WatchedStore(world.store)
    const sleeper = world.process({ graphs: [graph], clock, store: watched.store })
    const handle = await sleeper.start(graph, Third, inputs, { id: 'a' })
    const { line: healthy } = line({ second: { run: (value) => value * 100 } })
    const other = world.process({ graphs: [healthy] })
    await world.clock.advance(10)
    clock.pause()
    await world.clock.advance(7_000)
    expect((await other.list()).executions).toMatchObject([{ status: 'completed', output: 201 }])
    watched.calls.length = 0
    gate.resolve(7)
    await clock.resume()
    expect(watched.count('commit')).toBe(1)
    expect(await world.clock.settle(handle.result())).toBe(201)
    expect(reason).toBeUndefined()
    const { steps } = await (await other.get('a'))!.details()
    expect(steps.find(({ step }) => step === 'Second')).toMatchObject({ output: 200 })
  })

  test('gets an event that the event loop stood still', async () => {
    const world = new World()
    const clock = new PausedClock(world.clock)
    const { line: graph } = line({ second: { run: () => door().promise } })
    const sleeper = world.process({ graphs: [graph], clock })
    await sleeper.start(graph, Third, inputs, { id: 'a' })
    await world.clock.advance(10)
    clock.pause()
    await world.clock.advance(4_990)
    await clock.resume()
    expect(world.events.filter(({ type }) => type === 'loop.blocked')).toMatchObject([{ suspect: 'Second' }])
  })

  test('gets an event that the event loop stood still in a batch', async () => {
    const world = new World()
    const clock = new PausedClock(world.clock)
    const { line: graph } = line({ second: { run: () => door().promise } })
    const sleeper = world.process({ graphs: [graph], clock })
    await sleeper.startBatch(graph, Third, [inputs, inputs], { id: 'b' })
    await world.clock.advance(10)
    clock.pause()
    await world.clock.advance(4_990)
    await clock.resume()
    const blocked = world.events.filter(({ type }) => type === 'loop.blocked')
    expect(blocked).toMatchObject([{ executionId: 'b', suspect: 'Second' }])
  })

  test.each(['execution', 'batch'])(
    'names the step of an %s that blocked, though it has ended and another is under way',
    async (kind) => {
      const world = new World()
      const clock = new PausedClock(world.clock)
      const [Ready, Left, Right, Both] = [number('Ready'), number('Left'), number('Right'), number('Both')]
      const gate = door()
      const graph = graphOf([
        step({ name: 'Prepares', output: Ready, run: () => world.clock.sleep(5).then(() => 1) }),
        step({ name: 'Waits', output: Left, persist: 'execution', run: () => door().promise }),
        step({ name: 'Blocks', inputs: { ready: Ready }, output: Right, run: () => gate.promise }),
        step({ name: 'Sums', inputs: { left: Left, right: Right }, output: Both, run: () => 1 }),
      ])
      const docket = world.process({ graphs: [graph], clock })
      await (kind === 'execution'
        ? docket.start(graph, Both as never, {} as never, { id: 'a' })
        : docket.startBatch(graph, Both as never, [{}] as never, { id: 'a' }))
      await world.clock.advance(10)
      clock.pause()
      await world.clock.advance(4_990)
      gate.resolve(1)
      await clock.resume()
      const blocked = world.events.filter(({ type }) => type === 'loop.blocked')
      expect(blocked).toMatchObject([{ suspect: 'Blocks' }])
    },
  )
})

describe('a lease', () => {
  test('is renewed for as long as a step runs, without its help', async () => {
    const world = new World()
    const { line: graph, runs } = line({ second: { run: (value) => world.clock.sleep(600_000).then(() => value) } })
    const docket = world.process({ graphs: [graph], lease: '1s' })
    world.process({ graphs: [line().line], lease: '1s' })
    expect(await world.clock.settle(docket.execute(graph, Third, inputs, { id: 'a' }))).toBe(3)
    expect(runs).toEqual(['First', 'Second', 'Third'])
    expect(world.events.filter(({ type }) => type === 'execution.resumed')).toEqual([])
  })
})
