import { describe, expect, test } from 'vitest'
import type { ExecutionCommit } from '../../src/core/contracts/execution-record.ts'
import { graph, SerializationError, step, StepError, StoreError } from '../../src/index.ts'
import { number, rejectionOf, stepErrorOf } from '../loose-api.ts'
import { World } from './durable-time.ts'
import { door, line, Third } from './line.ts'
import { outage, refusal, WatchedStore, writes } from './watched-store.ts'

const inputs = { Seed: 1 }

function watchedWorld() {
  const world = new World()
  return { world, watched: new WatchedStore(world.store) }
}

describe('a dependant of a persisted step', () => {
  test('begins only when the step’s commit is acknowledged', async () => {
    const { world, watched } = watchedWorld()
    const { line: graph, runs } = line()
    const docket = world.process({ graphs: [graph], store: watched.store })
    const gate = door<void>()
    watched.before = (call) => (writes(call, 'First') ? gate.promise : undefined)
    const result = docket.execute(graph, Third, inputs, { id: 'a' })
    await world.clock.advance(3_000)
    expect(runs).toEqual(['First'])
    gate.resolve()
    expect(await world.clock.settle(result)).toBe(4)
  })

  test('begins at once after a step that is not persisted', async () => {
    const { world, watched } = watchedWorld()
    const { line: graph, runs } = line({ first: { persist: undefined } })
    const docket = world.process({ graphs: [graph], store: watched.store })
    const gate = door<void>()
    watched.before = (call) => (call.name === 'commit' ? gate.promise : undefined)
    void docket.execute(graph, Third, inputs, { id: 'a' })
    await world.clock.advance(1_000)
    expect(runs).toEqual(['First', 'Second'])
    gate.resolve()
  })

  test('never begins when the commit is refused', async () => {
    const { world, watched } = watchedWorld()
    const { line: graph, runs } = line()
    const docket = world.process({ graphs: [graph], store: watched.store })
    watched.before = (call) => {
      if (writes(call, 'First')) throw refusal()
    }
    const error = await world.clock.settle(stepErrorOf(docket.execute(graph, Third, inputs, { id: 'a' })))
    expect(error.step).toBe('First')
    expect(error.cause).toBeInstanceOf(StoreError)
    expect(runs).toEqual(['First'])
  })
})

describe('an execution’s output', () => {
  test('goes out in the commit of the last step, and the caller waits for it', async () => {
    const { world, watched } = watchedWorld()
    const { line: graph } = line()
    const docket = world.process({ graphs: [graph], store: watched.store })
    const gate = door<void>()
    watched.before = (call) => (writes(call, 'Third') ? gate.promise : undefined)
    const state = { isSettled: false }
    const result = docket.execute(graph, Third, inputs, { id: 'a' }).finally(() => (state.isSettled = true))
    await world.clock.advance(1_000)
    expect(state.isSettled).toBe(false)
    gate.resolve()
    expect(await world.clock.settle(result)).toBe(4)
    const last = watched.calls.findLast((call) => writes(call, 'Third'))!.given[0] as readonly ExecutionCommit[]
    expect(last[0]!.head).toMatchObject({ status: 'completed', isReleased: true })
  })
})

describe('commits of one turn', () => {
  test('of several executions go out in one call', async () => {
    const { world, watched } = watchedWorld()
    const gate = door()
    const { line: graph } = line({ first: { run: () => gate.promise } })
    const docket = world.process({ graphs: [graph], store: watched.store })
    const ids = ['a', 'b', 'c', 'd', 'e']
    const results = Promise.all(ids.map((id) => docket.execute(graph, Third, inputs, { id })))
    await world.clock.advance(10)
    watched.calls.length = 0
    gate.resolve(2)
    await world.clock.settle(results)
    const calls = watched.calls.filter((call) => writes(call, 'First'))
    expect(calls).toHaveLength(1)
    expect((calls[0]!.given[0] as readonly ExecutionCommit[]).map(({ id }) => id)).toEqual(ids)
  })

  test('do not fail together: a refused value fails its own step alone', async () => {
    const { world, watched } = watchedWorld()
    const gate = door<void>()
    const { line: graph } = line({ first: { run: (value) => gate.promise.then(() => value + 1) } })
    const docket = world.process({ graphs: [graph], store: watched.store })
    watched.before = (call) => {
      const commits = call.name === 'commit' ? (call.given[0] as readonly ExecutionCommit[]) : []
      if (commits.some(({ id, steps }) => id === 'bad' && steps.some(({ status }) => status === 'completed')))
        throw refusal()
    }
    const ids = ['a', 'bad', 'c', 'd']
    const outcomes = Promise.allSettled(ids.map((id) => docket.execute(graph, Third, inputs, { id })))
    await world.clock.advance(10)
    gate.resolve()
    const settled = await world.clock.settle(outcomes)
    expect(settled.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled', 'fulfilled'])
    const { reason } = settled[1] as PromiseRejectedResult
    expect(reason).toBeInstanceOf(StepError)
    expect((reason as StepError).cause).toMatchObject({ name: 'StoreError', isTransient: false })
    expect((await docket.list({ status: 'failed' })).executions).toMatchObject([{ id: 'bad' }])
  })

  test('of one execution do not fail together either', async () => {
    const { world, watched } = watchedWorld()
    const gate = door<void>()
    const Seed = number('Seed')
    const Left = number('Left')
    const Right = number('Right')
    const Both = number('Both')
    const wait = (): Promise<number> => gate.promise.then(() => 1)
    const pair = graph({
      name: 'pair',
      steps: [
        step({ name: 'ToLeft', inputs: { seed: Seed }, output: Left, persist: 'execution', run: wait }),
        step({ name: 'ToRight', inputs: { seed: Seed }, output: Right, persist: 'execution', run: wait }),
        step({
          name: 'Join',
          inputs: { left: Left, right: Right },
          output: Both,
          run: ({ left, right }) => left + right,
        }),
      ],
    })
    const docket = world.process({ graphs: [pair], store: watched.store })
    watched.before = (call) => {
      if (writes(call, 'ToLeft')) throw refusal()
    }
    const outcome = stepErrorOf(docket.execute(pair, Both, inputs, { id: 'a' }))
    await world.clock.advance(10)
    gate.resolve()
    expect(await world.clock.settle(outcome)).toMatchObject({ step: 'ToLeft', cause: { name: 'StoreError' } })
    const { steps } = await (await docket.get('a'))!.details()
    expect(steps.find(({ step: name }) => name === 'ToRight')).toMatchObject({ status: 'completed', output: 1 })
  })
})

describe('a store that fails for a while', () => {
  test('is called again, ever more slowly, until it answers', async () => {
    const { world, watched } = watchedWorld()
    const { line: graph, runs } = line()
    const docket = world.process({ graphs: [graph], store: watched.store })
    const tries: number[] = []
    watched.before = (call) => {
      if (!writes(call, 'First') || tries.length === 5) return
      tries.push(world.clock.now())
      throw outage()
    }
    expect(await world.clock.settle(docket.execute(graph, Third, inputs, { id: 'a' }))).toBe(4)
    const pauses = tries.slice(1).map((at, index) => at - tries[index]!)
    expect(pauses).toEqual(pauses.toSorted((one, other) => one - other))
    expect(new Set(pauses).size).toBe(pauses.length)
    expect(runs).toEqual(['First', 'Second', 'Third'])
  })

  test('fails the step when its timeout is over, with the StoreError as the cause', async () => {
    const { world, watched } = watchedWorld()
    const { line: graph, runs } = line({ first: { timeout: '2s' } })
    const docket = world.process({ graphs: [graph], store: watched.store })
    watched.before = (call) => {
      if (writes(call, 'First')) throw outage()
    }
    const begunAt = world.clock.now()
    const error = await world.clock.settle(stepErrorOf(docket.execute(graph, Third, inputs, { id: 'a' })))
    expect(error).toMatchObject({ step: 'First', executionId: 'a' })
    expect(error.cause).toMatchObject({ name: 'StoreError', isTransient: true })
    expect(world.clock.now() - begunAt).toBeLessThanOrEqual(2_000)
    expect(runs).toEqual(['First'])
  })

  test('is done without where the step says so, and an event reports it', async () => {
    const { world, watched } = watchedWorld()
    const { line: graph, runs } = line({
      first: { timeout: '1s', persist: { scope: 'execution', onStoreError: 'run' } },
    })
    const docket = world.process({ graphs: [graph], store: watched.store })
    watched.before = (call) => {
      if (writes(call, 'First')) throw outage()
    }
    expect(await world.clock.settle(docket.execute(graph, Third, inputs, { id: 'a' }))).toBe(4)
    expect(runs).toEqual(['First', 'Second', 'Third'])
    expect(world.events.filter(({ type }) => type === 'store.failed')).toMatchObject([
      { step: 'First', operation: 'keep', error: { name: 'StoreError' } },
    ])
  })

  test('is done without for a refused value, too', async () => {
    const { world, watched } = watchedWorld()
    const { line: graph } = line({ third: { persist: { scope: 'execution', onStoreError: 'run' } } })
    const docket = world.process({ graphs: [graph], store: watched.store })
    watched.before = (call) => {
      if (writes(call, 'Third')) throw refusal()
    }
    expect(await world.clock.settle(docket.execute(graph, Third, inputs, { id: 'a' }))).toBe(4)
    expect((await docket.list()).executions).toMatchObject([{ status: 'completed', output: 4 }])
  })

  test('is not done without for a value that can’t be stored at all', async () => {
    const { world } = watchedWorld()
    const { line: graph } = line({
      first: { persist: { scope: 'execution', onStoreError: 'run' }, run: () => (() => {}) as never },
    })
    const docket = world.process({ graphs: [graph] })
    const error = await world.clock.settle(stepErrorOf(docket.execute(graph, Third, inputs, { id: 'a' })))
    expect(error.cause).toBeInstanceOf(SerializationError)
  })

  test('is called again when an execution begins, and when its result is awaited', async () => {
    const { world, watched } = watchedWorld()
    const { line: graph } = line()
    const docket = world.process({ graphs: [graph], store: watched.store })
    await docket.list()
    const failing = new Set(['create', 'get'])
    watched.before = (call) => {
      if (failing.delete(call.name)) throw outage()
    }
    const handle = await world.clock.settle(docket.start(graph, Third, inputs, { id: 'a' }))
    await world.clock.advance(1_000)
    expect(await world.clock.settle(handle.result())).toBe(4)
  })
})

function siblings(world: World) {
  const Seed = number('Seed')
  const Slow = number('Slow')
  const Quick = number('Quick')
  const Both = number('Both')
  const slow = [door(), door()]
  const quick = [door(), door()]
  const runs: string[] = []
  const both = graph({
    name: 'both',
    steps: [
      step({
        name: 'ToSlow',
        inputs: { seed: Seed },
        output: Slow,
        persist: 'execution',
        run: () => slow[runs.push('Slow') > 2 ? 1 : 0]!.promise,
      }),
      step({
        name: 'ToQuick',
        inputs: { seed: Seed },
        output: Quick,
        persist: 'execution',
        run: () => quick[runs.push('Quick') > 2 ? 1 : 0]!.promise,
      }),
      step({
        name: 'Join',
        inputs: { slow: Slow, quick: Quick },
        output: Both,
        run: ({ slow: s, quick: q }) => s + q,
      }),
    ],
  })
  const watched = new WatchedStore(world.store)
  return { both, Both, slow, quick, runs, watched, docket: world.process({ graphs: [both], store: watched.store }) }
}

describe('a step that finished its work is committed', () => {
  test('though its function returns only after a sibling failed', async () => {
    const world = new World()
    const { both, Both, slow, quick, runs, docket } = siblings(world)
    const outcome = stepErrorOf(docket.execute(both, Both, inputs, { id: 'a' }))
    await world.clock.advance(10)
    quick[0]!.reject(new Error('no'))
    expect(await world.clock.settle(outcome)).toMatchObject({ step: 'ToQuick' })
    slow[0]!.resolve(40)
    quick[1]!.resolve(2)
    await world.clock.advance(10)
    const retried = await docket.retry('a')
    expect(await world.clock.settle(retried.result())).toBe(42)
    expect(runs).toEqual(['Slow', 'Quick', 'Quick'])
  })

  test('though its function returns only after the caller cancelled', async () => {
    const world = new World()
    const { both, Both, slow, quick, runs, docket } = siblings(world)
    const handle = await docket.start(both, Both, inputs, { id: 'a' })
    const outcome = rejectionOf(handle.result())
    await world.clock.advance(10)
    await handle.cancel()
    await outcome
    expect((await docket.list()).executions).toMatchObject([{ status: 'cancelled' }])
    const again = docket.execute(both, Both, inputs, { id: 'a' })
    await world.clock.advance(1_000)
    slow[0]!.resolve(40)
    quick[0]!.resolve(2)
    expect(await world.clock.settle(again)).toBe(42)
    expect(runs).toEqual(['Slow', 'Quick'])
  })

  test('though a sibling fails while the commit is under way', async () => {
    const world = new World()
    const { both, Both, slow, quick, runs, docket, watched } = siblings(world)
    const gate = door<void>()
    watched.before = (call) => (writes(call, 'ToSlow') ? gate.promise : undefined)
    const outcome = stepErrorOf(docket.execute(both, Both, inputs, { id: 'a' }))
    await world.clock.advance(10)
    slow[0]!.resolve(40)
    await world.clock.advance(10)
    quick[0]!.reject(new Error('no'))
    await world.clock.advance(10)
    gate.resolve()
    expect(await world.clock.settle(outcome)).toMatchObject({ step: 'ToQuick' })
    quick[1]!.resolve(2)
    const retried = await docket.retry('a')
    expect(await world.clock.settle(retried.result())).toBe(42)
    expect(runs).toEqual(['Slow', 'Quick', 'Quick'])
  })

  test('though its value takes a while to encode, and a sibling fails meanwhile', async () => {
    const world = new World()
    const { both, Both, slow, quick, runs } = siblings(world)
    const turns: (() => void)[] = []
    let isSlow = false
    const codec = {
      name: 'slow',
      encode: (bytes: Uint8Array, identity: string) =>
        isSlow && identity.includes('ToSlow') && identity.includes('output')
          ? new Promise<Uint8Array>((resolve) => turns.push(() => resolve(bytes)))
          : Promise.resolve(bytes),
      decode: (bytes: Uint8Array) => bytes,
    }
    const docket = world.process({ graphs: [both], codecs: [codec] })
    const outcome = stepErrorOf(docket.execute(both, Both, inputs, { id: 'a' }))
    await world.clock.advance(10)
    isSlow = true
    slow[0]!.resolve(40)
    await world.clock.advance(10)
    quick[0]!.reject(new Error('no'))
    await world.clock.advance(10)
    isSlow = false
    for (const turn of turns) turn()
    expect(await world.clock.settle(outcome)).toMatchObject({ step: 'ToQuick' })
    quick[1]!.resolve(2)
    const retried = await docket.retry('a')
    expect(await world.clock.settle(retried.result())).toBe(42)
    expect(runs).toEqual(['Slow', 'Quick', 'Quick'])
    expect(world.events.filter(({ type }) => type === 'lease.lost')).toEqual([])
  })
})
