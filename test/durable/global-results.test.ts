import { describe, expect, test } from 'vitest'
import { execute } from '../../src/index.ts'
import type { PersistPolicy } from '../../src/index.ts'
import { memoryStore } from '../../stores/memory/index.ts'
import { rejectionOf, stepErrorOf, uniqueName } from '../loose-api.ts'
import { World } from './durable-time.ts'
import { door, First, line, Second } from './line.ts'
import type { Link } from './line.ts'
import { PausedClock } from './paused-clock.ts'
import { outage, WatchedStore } from './watched-store.ts'

const inputs = { Seed: 1 }

function shared(first: Link, more: Partial<PersistPolicy> = {}) {
  return line({ name: uniqueName('shared'), first: { persist: { scope: 'global', ...more }, ...first } })
}

describe('a global step', () => {
  test('runs once over all processes for equal inputs, and all get its value', async () => {
    const world = new World()
    const gate = door()
    const { line: graph, runs } = shared({ run: () => gate.promise })
    const results = Promise.all(
      [1, 2, 3].flatMap(() => {
        const docket = world.process({ graphs: [graph] })
        return [
          docket.execute(graph, First, inputs),
          docket.execute(graph, First, inputs, { id: `${runs.length}${Math.random()}` }),
        ]
      }),
    )
    await world.clock.advance(1_000)
    expect(runs).toEqual(['First'])
    gate.resolve(10)
    expect(await world.clock.settle(results)).toEqual([10, 10, 10, 10, 10, 10])
    expect(runs).toEqual(['First'])
    const later = world.process({ graphs: [graph] })
    expect(await world.clock.settle(later.execute(graph, First, inputs))).toBe(10)
    expect(runs).toEqual(['First'])
  })

  test('runs again for other inputs', async () => {
    const world = new World()
    const { line: graph, runs } = shared({})
    const docket = world.process({ graphs: [graph] })
    expect(await world.clock.settle(docket.execute(graph, First, { Seed: 1 }))).toBe(2)
    expect(await world.clock.settle(docket.execute(graph, First, { Seed: 2 }))).toBe(3)
    expect(runs).toEqual(['First', 'First'])
  })

  test('shares its failure with those who wait; the next call tries anew', async () => {
    const world = new World()
    const gates = [door(), door()]
    let turn = 0
    const { line: graph, runs } = shared({ run: () => gates[turn++]!.promise })
    const [one, other] = [1, 2].map(() => world.process({ graphs: [graph] }))
    const outcomes = Promise.all([one!, other!].map((docket) => stepErrorOf(docket.execute(graph, First, inputs))))
    await world.clock.advance(1_000)
    gates[0]!.reject(Object.assign(new RangeError('too much'), { code: 'E_MUCH' }))
    for (const { cause, step } of await world.clock.settle(outcomes)) {
      expect(step).toBe('First')
      expect(cause).toBeInstanceOf(RangeError)
      expect(cause).toMatchObject({ message: 'too much', code: 'E_MUCH' })
    }
    expect(runs).toEqual(['First'])
    gates[1]!.resolve(5)
    expect(await world.clock.settle(other!.execute(graph, First, inputs))).toBe(5)
    expect(runs).toEqual(['First', 'First'])
  })

  test('is made by somebody else once its claimant is dead for a lease', async () => {
    const world = new World()
    let isDead = false
    const { line: graph, runs } = shared({ run: () => (isDead ? 7 : door().promise) })
    const { docket, die } = world.mortal({ graphs: [graph], lease: '5s' })
    void docket.execute(graph, First, inputs)
    await world.clock.advance(10)
    const waiting = world.process({ graphs: [graph] }).execute(graph, First, inputs)
    die()
    isDead = true
    await world.clock.advance(3_000)
    expect(runs).toEqual(['First'])
    await world.clock.advance(3_000)
    expect(runs).toEqual(['First', 'First'])
    expect(await world.clock.settle(waiting)).toBe(7)
  })

  test('is made by somebody else when its claimant is cancelled: nobody fails with it', async () => {
    const world = new World()
    let turn = 0
    const { line: graph, runs } = shared({
      run: (_, { signal }) =>
        turn++ > 0
          ? 7
          : new Promise((_resolve, reject) =>
              signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true }),
            ),
    })
    const controller = new AbortController()
    const [one, other] = [1, 2].map(() => world.process({ graphs: [graph] }))
    const cancelled = rejectionOf(one!.execute(graph, First, inputs, { signal: controller.signal }))
    await world.clock.advance(10)
    const waiting = other!.execute(graph, First, inputs)
    await world.clock.advance(1_000)
    controller.abort(new Error('enough'))
    await cancelled
    expect(await world.clock.settle(waiting)).toBe(7)
    expect(runs).toEqual(['First', 'First'])
  })

  test('that is cancelled while it runs still keeps what it brings, for those who wait', async () => {
    const world = new World()
    const gate = door()
    const { line: graph, runs } = shared({ run: () => gate.promise })
    const controller = new AbortController()
    const [one, other] = [1, 2].map(() => world.process({ graphs: [graph] }))
    const cancelled = rejectionOf(one!.execute(graph, First, inputs, { signal: controller.signal }))
    await world.clock.advance(10)
    const waiting = other!.execute(graph, First, inputs)
    await world.clock.advance(100)
    controller.abort(new Error('enough'))
    await cancelled
    gate.resolve(9)
    expect(await world.clock.settle(waiting)).toBe(9)
    expect(runs).toEqual(['First'])
  })

  test('of a durable execution that is cancelled goes on for another one that waits, with its records', async () => {
    const world = new World()
    const gate = door()
    const { line: graph, runs } = shared({ run: () => gate.promise })
    const docket = world.process({ graphs: [graph] })
    const [one, other] = await Promise.all(['a', 'b'].map((id) => docket.start(graph, Second, inputs, { id })))
    await world.clock.advance(10)
    const cancelled = rejectionOf(one!.result())
    await one!.cancel()
    await cancelled
    gate.resolve(10)
    expect(await world.clock.settle(other!.result())).toBe(11)
    expect(runs).toEqual(['First', 'Second'])
    expect((await other!.details()).steps).toMatchObject([
      { step: 'First', status: 'completed', output: 10 },
      { step: 'Second', status: 'completed', output: 11 },
    ])
  })

  test('is released by a claimant that is cancelled between two attempts', async () => {
    const world = new World()
    let turn = 0
    const { line: graph } = shared({
      retry: { maxAttempts: 2, backoff: '1h' },
      run: () => {
        if (turn++ === 0) throw new Error('busy')
        return 7
      },
    })
    const controller = new AbortController()
    const [one, other] = [1, 2].map(() => world.process({ graphs: [graph] }))
    const cancelled = rejectionOf(one!.execute(graph, First, inputs, { signal: controller.signal }))
    await world.clock.advance(10)
    const waiting = other!.execute(graph, First, inputs)
    await world.clock.advance(1_000)
    controller.abort(new Error('enough'))
    await cancelled
    const from = world.clock.now()
    expect(await world.clock.settle(waiting)).toBe(7)
    expect(world.clock.now() - from).toBeLessThan(2_000)
  })

  test('that is found leaves a record in its execution: an expiry before the resume changes nothing', async () => {
    const world = new World()
    let value = 10
    let isDead = false
    const { line: graph, runs } = shared({ run: () => value++ }, { ttl: '1s' })
    const { line: hanging } = line({
      name: graph.name,
      first: { persist: { scope: 'global', ttl: '1s' }, run: () => value++ },
      second: { run: (found) => (isDead ? found : door().promise) },
    })
    await world.clock.settle(world.process({ graphs: [graph], takeOver: false }).execute(graph, First, inputs))
    const { docket, die } = world.mortal({ graphs: [hanging] })
    await docket.start(hanging, Second, inputs, { id: 'a' })
    await world.clock.advance(10)
    die()
    isDead = true
    await world.clock.advance(10_000)
    const survivor = world.process({ graphs: [hanging] })
    expect(await world.clock.settle((await survivor.get('a'))!.result())).toBe(10)
    expect(value).toBe(11)
    expect(runs).toEqual(['First'])
  })

  test('forgets its result when its ttl is over', async () => {
    const world = new World()
    const { line: graph, runs } = shared({}, { ttl: '1m' })
    const docket = world.process({ graphs: [graph] })
    const ask = (): Promise<number> => world.clock.settle(docket.execute(graph, First, inputs))
    await ask()
    await world.clock.advance(59_000)
    await ask()
    expect(runs).toHaveLength(1)
    await world.clock.advance(1_001)
    await ask()
    expect(runs).toHaveLength(2)
  })

  test('has the same idempotency key for whoever makes it', async () => {
    const world = new World()
    const keys: string[] = []
    let isDead = false
    const { line: graph } = shared({
      run: (_, { idempotencyKey }) => {
        keys.push(idempotencyKey)
        return isDead ? 1 : door().promise
      },
    })
    const { docket, die } = world.mortal({ graphs: [graph] })
    void docket.execute(graph, First, inputs)
    await world.clock.advance(10)
    die()
    isDead = true
    await world.clock.settle(world.process({ graphs: [graph] }).execute(graph, First, inputs))
    expect(keys).toHaveLength(2)
    expect(keys[0]).toBe(keys[1])
  })

  test('of a claimant that was away for too long takes what holds instead of what it made', async () => {
    const world = new World()
    const clock = new PausedClock(world.clock)
    const gates = [door(), door()]
    let turn = 0
    const { line: graph, runs } = shared({ run: () => gates[turn++]!.promise })
    const sleeper = world.process({ graphs: [graph], clock })
    const late = sleeper.execute(graph, First, inputs)
    await world.clock.advance(10)
    clock.pause()
    await world.clock.advance(10)
    const other = world.process({ graphs: [graph] })
    const waiting = other.execute(graph, First, inputs)
    await world.clock.advance(7_000)
    expect(runs).toHaveLength(2)
    gates[1]!.resolve(22)
    expect(await world.clock.settle(waiting)).toBe(22)
    gates[0]!.resolve(11)
    await clock.resume()
    expect(await world.clock.settle(late)).toBe(22)
    expect(await world.clock.settle(other.execute(graph, First, inputs))).toBe(22)
  })
})

describe('a store that can’t be reached', () => {
  test('is called again within the step’s timeout', async () => {
    const world = new World()
    const watched = new WatchedStore(world.store)
    const { line: graph } = shared({})
    const docket = world.process({ graphs: [graph], store: watched.store })
    watched.cut()
    const result = docket.execute(graph, First, inputs)
    result.catch(() => {})
    await world.clock.advance(2_000)
    watched.mend()
    expect(await world.clock.settle(result)).toBe(2)
  })

  test('fails the step when its timeout is over', async () => {
    const world = new World()
    const watched = new WatchedStore(world.store)
    const { line: graph, runs } = shared({ timeout: '2s' })
    const docket = world.process({ graphs: [graph], store: watched.store })
    watched.cut()
    const begunAt = world.clock.now()
    const error = await world.clock.settle(stepErrorOf(docket.execute(graph, First, inputs)))
    expect(error.cause).toMatchObject({ name: 'StoreError' })
    expect(world.clock.now() - begunAt).toBeLessThanOrEqual(2_500)
    expect(runs).toEqual([])
  })

  test('is done without where the step says so, before and after it ran', async () => {
    const world = new World()
    const watched = new WatchedStore(world.store)
    const { line: graph, runs } = shared({ timeout: '1s' }, { onStoreError: 'run' })
    const docket = world.process({ graphs: [graph], store: watched.store })
    await docket.list()
    watched.before = ({ name }) => {
      if (name === 'claimResults') throw outage()
    }
    expect(await world.clock.settle(docket.execute(graph, First, inputs))).toBe(2)
    watched.before = ({ name }) => {
      if (name === 'commitResults') throw outage()
    }
    expect(await world.clock.settle(docket.execute(graph, First, { Seed: 5 }))).toBe(6)
    expect(runs).toHaveLength(2)
    expect(world.events.flatMap((event) => (event.type === 'store.failed' ? [event.operation] : []))).toEqual([
      'find',
      'keep',
    ])
  })
})

describe('without a docket', () => {
  test('execute keeps global results in the step’s own store, and shares them with dockets and other calls', async () => {
    const store = memoryStore()
    const gate = door()
    const { line: graph, runs } = shared({ run: () => gate.promise }, { store })
    const both = [execute(graph, First, inputs), execute(graph, First, inputs)]
    gate.resolve(5)
    expect(await Promise.all(both)).toEqual([5, 5])
    const world = new World()
    const docket = world.process({ graphs: [graph] })
    expect(await docket.execute(graph, First, inputs)).toBe(5)
    expect(runs).toEqual(['First'])
  })

  test('a failure is reported to the caller, and the next call tries anew', async () => {
    const store = memoryStore()
    let fails = true
    const { line: graph } = shared(
      {
        run: (value) => {
          if (fails) throw new Error('no')
          return value
        },
      },
      { store },
    )
    expect((await stepErrorOf(execute(graph, First, inputs))).cause).toMatchObject({ message: 'no' })
    fails = false
    expect(await execute(graph, First, inputs)).toBe(1)
  })
})
