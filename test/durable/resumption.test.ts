import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { dataType, graph, optional, step } from '../../src/index.ts'
import { rejectionOf } from '../loose-api.ts'
import { World } from './durable-time.ts'
import { door, First, line, Second, Seed, Third } from './line.ts'
import { WatchedStore } from './watched-store.ts'

const inputs = { Seed: 1 }

describe('an execution that goes on in another process', () => {
  test('has its finished steps among its actor’s children, with their values', async () => {
    const world = new World()
    const { line: graph } = line({ second: { run: () => door().promise } })
    const { docket, die } = world.mortal({ graphs: [graph] })
    await docket.start(graph, Third, inputs, { id: 'a' })
    await world.clock.advance(10)
    die()
    const survivor = world.process({ graphs: [graph] })
    const handle = await survivor.get('a')
    await world.clock.advance(6_000)
    const { children, value } = handle!.getSnapshot()!
    expect(value).toBe('running')
    expect(children['First']?.getSnapshot()).toMatchObject({ value: 'completed', output: 2 })
    expect(children['Second']?.getSnapshot()).toMatchObject({ value: 'running' })
  })

  test('does not try again what failed and can be done without', async () => {
    const world = new World()
    let tries = 0
    let isDead = false
    const declared = graph({
      name: 'tolerant',
      steps: [
        step({
          name: 'Risky',
          inputs: { seed: Seed },
          output: First,
          persist: 'execution',
          run: () => {
            tries++
            throw new Error('no luck')
          },
        }),
        step({
          name: 'Do',
          inputs: { first: optional(First), seed: Seed },
          output: Second,
          persist: 'execution',
          run: ({ first, seed }) => (isDead ? (first ?? -1) * seed : door().promise),
        }),
      ],
    })
    const { docket, die } = world.mortal({ graphs: [declared] })
    await docket.start(declared, Second, inputs, { id: 'a' })
    await world.clock.advance(10)
    die()
    isDead = true
    const survivor = world.process({ graphs: [declared] })
    expect(await world.clock.settle((await survivor.get('a'))!.result())).toBe(-1)
    expect(tries).toBe(1)
  })

  test('works a fallback out again: a step that failed for good is not tried anew', async () => {
    const world = new World()
    let isDead = false
    const declared = graph({
      name: 'fallback',
      steps: [
        step({
          name: 'Risky',
          inputs: { seed: Seed },
          output: First,
          persist: 'execution',
          fallback: () => -1,
          run: () => {
            if (!isDead) throw new Error('no luck')
            return 7
          },
        }),
        step({
          name: 'Do',
          inputs: { first: First },
          output: Second,
          persist: 'execution',
          run: ({ first }) => (isDead ? first : door().promise),
        }),
      ],
    })
    const { docket, die } = world.mortal({ graphs: [declared] })
    await docket.start(declared, Second, inputs, { id: 'a' })
    await world.clock.advance(10)
    die()
    isDead = true
    const survivor = world.process({ graphs: [declared] })
    expect(await world.clock.settle((await survivor.get('a'))!.result())).toBe(-1)
  })

  test('gets its inputs as the schemas made them the first time; `inputs` shows them as they were given', async () => {
    const world = new World()
    let conversions = 0
    const When = dataType(
      'When',
      z.string().transform((given) => {
        conversions++
        return new Date(given)
      }),
    )
    const seen: unknown[] = []
    const declared = graph({
      name: 'dates',
      steps: [
        step({
          name: 'Year',
          inputs: { when: When },
          output: First,
          persist: 'execution',
          run: ({ when }) => {
            seen.push(when)
            return seen.length === 1 ? door().promise : when.getUTCFullYear()
          },
        }),
      ],
    })
    const given = { When: '2024-02-03T00:00:00.000Z' }
    const { docket, die } = world.mortal({ graphs: [declared] })
    await docket.start(declared, First, given, { id: 'a' })
    await world.clock.advance(10)
    die()
    const survivor = world.process({ graphs: [declared] })
    expect(await world.clock.settle((await survivor.get('a'))!.result())).toBe(2024)
    expect(seen).toEqual([new Date(given.When), new Date(given.When)])
    expect(conversions).toBe(1)
    expect((await survivor.list()).executions[0]!.inputs).toEqual(given)
    expect(await survivor.execute(declared, First, given, { id: 'a' })).toBe(2024)
  })

  test('keeps a value that was given in the place of a step', async () => {
    const world = new World()
    let isDead = false
    const { line: graph, runs } = line({ third: { run: (value) => (isDead ? value : door().promise) } })
    const { docket, die } = world.mortal({ graphs: [graph] })
    await docket.start(graph, Third, { Seed: 1 } as never, { id: 'a', overrides: { First: 50 } as never })
    await world.clock.advance(10)
    die()
    isDead = true
    const survivor = world.process({ graphs: [graph] })
    expect(await world.clock.settle((await survivor.get('a'))!.result())).toBe(51)
    expect(runs).toEqual(['Second', 'Third', 'Third'])
  })

  test('is found completed if only the answer to its last commit was lost', async () => {
    const world = new World()
    const { line: graph, runs } = line()
    const watched = new WatchedStore(world.store)
    const { commit } = world.store
    let isDead = false
    watched.before = () => (isDead ? new Promise(() => {}) : undefined)
    const first = world.process({ graphs: [graph], store: watched.store })
    world.store.commit = async (commits) => {
      const answer = await commit.call(world.store, commits)
      if (commits.some(({ head }) => head?.status === 'completed')) {
        isDead = true
        return new Promise(() => {})
      }
      return answer
    }
    void first.execute(graph, Third, inputs, { id: 'a' })
    await world.clock.advance(10)
    world.store.commit = commit
    const second = world.process({ graphs: [graph] })
    expect(await world.clock.settle(second.execute(graph, Third, inputs, { id: 'a' }))).toBe(4)
    expect(runs).toEqual(['First', 'Second', 'Third'])
  })
})

describe('an execution that was started in a transaction', () => {
  test('exists when that commits, and begins in whatever process finds it', async () => {
    const world = new World()
    const { line: graph, runs } = line()
    const store = new Proxy(world.store, {
      get: (target, key) => {
        if (key === 'capabilities') return { transactions: true, isShared: true }
        if (key === 'create') return (created: never, _transaction: unknown) => target.create(created)
        const value: unknown = Reflect.get(target, key)
        return typeof value === 'function' ? (value.bind(target) as unknown) : value
      },
    })
    const docket = world.process({ graphs: [graph], store, takeOver: false })
    const handle = await docket.start(graph, Third, inputs, { id: 'a', transaction: {} })
    await world.clock.advance(5_000)
    expect(runs).toEqual([])
    expect((await docket.list()).executions).toMatchObject([{ status: 'pending', owner: undefined }])
    world.process({ graphs: [graph] })
    expect(await world.clock.settle(handle.result())).toBe(4)
    expect(world.events.filter(({ type }) => type.startsWith('execution.')).map(({ type }) => type)).toEqual([
      'execution.started',
      'execution.ended',
    ])
  })
})

describe('a start that is under way while its docket closes', () => {
  test('leaves an execution that another process finishes, and begins each step once', async () => {
    const world = new World()
    const gate = door<void>()
    const watched = new WatchedStore(world.store)
    const { line: graph, runs } = line()
    await world.process({ graphs: [line({ name: 'stranger' }).line] }).list()
    const docket = world.process({ graphs: [graph], store: watched.store })
    await docket.list()
    watched.before = ({ name }) => (name === 'create' ? gate.promise : undefined)
    const starting = docket.start(graph, Third, inputs, { id: 'a' }).then(
      () => undefined,
      (error: unknown) => error,
    )
    await world.clock.advance(10)
    const closing = docket.close()
    await world.clock.advance(10)
    gate.resolve()
    await world.clock.settle(Promise.all([starting, closing]))
    await world.clock.advance(100)
    const other = world.process({ graphs: [graph] })
    const found = await other.get('a')
    if (found === undefined) expect(String(await starting)).toContain('closed')
    else expect(await world.clock.settle(found.result())).toBe(4)
    expect(runs.toSorted()).toEqual(found === undefined ? [] : ['First', 'Second', 'Third'])
  })
})

describe('an execution that ended in failure', () => {
  test('takes the new code when it is tried again', async () => {
    const world = new World()
    const { line: broken } = line({
      second: {
        run: () => {
          throw new Error('a bug')
        },
      },
    })
    const old = world.process({ graphs: [broken] })
    await rejectionOf(old.execute(broken, Third, inputs, { id: 'a' }))
    const { line: mended, runs } = line()
    const docket = world.process({ graphs: [mended] })
    expect(await world.clock.settle(docket.execute(mended, Third, inputs, { id: 'a' }))).toBe(4)
    expect(runs).toEqual(['Second', 'Third'])
  })
})
