import { describe, expect, test } from 'vitest'
import type { NewExecution } from '../../src/core/contracts/execution-record.ts'
import { graph, optional, step, untypedGraph } from '../../src/index.ts'
import type { AnyStep } from '../../src/index.ts'
import { number, rejectionOf } from '../loose-api.ts'
import { World } from './durable-time.ts'
import { door } from './line.ts'
import { refusal, WatchedStore, writes } from './watched-store.ts'

const Seed = number('Seed')
const retry = { maxAttempts: 2, backoff: 0 }

function watchedWorld() {
  const world = new World()
  return { world, watched: new WatchedStore(world.store) }
}

/** Steps in a row that are persisted and tried again. */
function chain(length: number, run: (index: number) => number | Promise<number> = (index) => index) {
  const types = Array.from({ length }, (_, index) => number(`T${index}`))
  const steps: readonly AnyStep[] = types.map((output, index) =>
    step({
      name: `s${index}`,
      inputs: { before: types[index - 1] ?? Seed },
      output,
      persist: 'execution',
      retry,
      run: () => run(index),
    }),
  )
  return { line: untypedGraph({ name: 'chain', steps }), target: types.at(-1)! }
}

/** What was written of a step, in order. */
const recordsOf = ({ calls }: WatchedStore, name: string): readonly (readonly [status: string, attempt: number])[] =>
  calls
    .filter((call) => call.name === 'commit' || call.name === 'create')
    .flatMap(({ given }) => given[0] as readonly Pick<NewExecution, 'steps'>[])
    .flatMap(({ steps = [] }) => steps)
    .filter(({ step: of }) => of === name)
    .map(({ status, attempt }) => [status, attempt])

describe('an attempt that is counted', () => {
  test('goes on record in the commit of the value that it waits for', async () => {
    const { world, watched } = watchedWorld()
    const { line, target } = chain(5)
    const docket = world.process({ graphs: [line], store: watched.store })
    expect(await world.clock.settle(docket.execute(line, target, { Seed: 1 }, { id: 'a' }))).toBe(4)
    // One for each value, and none for an attempt: the first is on record with the execution itself.
    expect([watched.count('create'), watched.count('commit')]).toEqual([1, 5])
    for (const name of ['s0', 's3'])
      expect(recordsOf(watched, name)).toEqual([
        ['running', 1],
        ['completed', 1],
      ])
  })

  test('goes on record with the last of the values that it waits for, though they arrive together', async () => {
    const { world, watched } = watchedWorld()
    const gate = door<void>()
    const [Left, Right, Both] = [number('Left'), number('Right'), number('Both')]
    const run = (): Promise<number> => gate.promise.then(() => 1)
    const left = step({ name: 'left', inputs: { seed: Seed }, output: Left, persist: 'execution', run })
    const right = step({ name: 'right', inputs: { seed: Seed }, output: Right, persist: 'execution', run })
    const both = step({
      name: 'both',
      inputs: { left: Left, right: Right },
      output: Both,
      persist: 'execution',
      retry,
      run: (values) => values.left + values.right,
    })
    const diamond = graph({ name: 'diamond', steps: [left, right, both] })
    const docket = world.process({ graphs: [diamond], store: watched.store })
    const result = docket.execute(diamond, Both, { Seed: 1 }, { id: 'a' })
    await world.clock.advance(10)
    gate.resolve()
    expect(await world.clock.settle(result)).toBe(2)
    expect(watched.count('commit')).toBe(2)
    expect(recordsOf(watched, 'both')).toEqual([
      ['running', 1],
      ['completed', 1],
    ])
  })

  test('goes on record with the failure before it, where it follows at once', async () => {
    const { world, watched } = watchedWorld()
    let calls = 0
    const { line, target } = chain(2, (index) => {
      if (index === 1 && ++calls === 1) throw new Error('busy')
      return index
    })
    const docket = world.process({ graphs: [line], store: watched.store })
    expect(await world.clock.settle(docket.execute(line, target, { Seed: 1 }, { id: 'a' }))).toBe(1)
    expect(recordsOf(watched, 's1')).toEqual([
      ['running', 1],
      ['running', 2],
      ['completed', 2],
    ])
  })

  test('waits for a record of its own where it waits for a slot: what has not begun has lost no attempt', async () => {
    const { world, watched } = watchedWorld()
    const [First, Last] = [number('First'), number('Last')]
    const first = step({ name: 'first', inputs: { seed: Seed }, output: First, persist: 'execution', run: () => 1 })
    const gate = door<void>()
    const last = step({
      name: 'last',
      inputs: { first: First },
      output: Last,
      persist: 'execution',
      retry,
      concurrency: 1,
      run: () => gate.promise.then(() => 1),
    })
    const line = graph({ name: 'limited', steps: [first, last] })
    const docket = world.process({ graphs: [line], store: watched.store })
    const results = ['a', 'b'].map((id) => docket.execute(line, Last, { Seed: 1 }, { id }))
    await world.clock.advance(100)
    expect(recordsOf(watched, 'last')).toEqual([['running', 1]])
    gate.resolve()
    await world.clock.settle(Promise.all(results))
  })

  test('is not taken for begun where the value before it was refused', async () => {
    const { world, watched } = watchedWorld()
    const seen: string[] = []
    const [First, Last] = [number('First'), number('Last')]
    const first = step({
      name: 'first',
      inputs: { seed: Seed },
      output: First,
      persist: { scope: 'execution', onStoreError: 'run' },
      run: () => 1,
    })
    const last = step({
      name: 'last',
      inputs: { first: First },
      output: Last,
      persist: 'execution',
      retry,
      run: async () => {
        const { steps } = await world.store.readSteps(['a'])
        seen.push(...steps.map((one) => `${one.step} ${one.status}`))
        return 1
      },
    })
    const line = graph({ name: 'refused', steps: [first, last] })
    const docket = world.process({ graphs: [line], store: watched.store })
    watched.before = (call) => {
      if (writes(call, 'first')) throw refusal()
    }
    expect(await world.clock.settle(docket.execute(line, Last, { Seed: 1 }, { id: 'a' }))).toBe(1)
    expect(seen).toEqual(['last running'])
  })

  test('leaves nothing running in an execution that ended before it began', async () => {
    const { world, watched } = watchedWorld()
    const [Doomed, First, Last] = [number('Doomed'), number('First'), number('Last')]
    const fails = door<void>()
    const doomed = step({
      name: 'doomed',
      inputs: { seed: Seed },
      output: Doomed,
      run: () => fails.promise.then(() => Promise.reject(new Error('no'))),
    })
    const first = step({ name: 'first', inputs: { seed: Seed }, output: First, persist: 'execution', run: () => 1 })
    const last = step({
      name: 'last',
      inputs: { first: First },
      output: Last,
      persist: 'execution',
      retry,
      run: () => 1,
    })
    const End = number('End')
    const end = step({ name: 'end', inputs: { last: Last, doomed: Doomed }, output: End, run: () => 1 })
    const line = graph({ name: 'doomed', steps: [doomed, first, last, end] })
    const docket = world.process({ graphs: [line], store: watched.store })
    const kept = door<void>()
    watched.before = (call) => (writes(call, 'first') ? kept.promise : undefined)
    const failure = rejectionOf(docket.execute(line, End, { Seed: 1 }, { id: 'a' }))
    await world.clock.advance(10)
    fails.resolve()
    await world.clock.advance(10)
    kept.resolve()
    await world.clock.settle(failure)
    await world.clock.advance(100)
    expect(recordsOf(watched, 'last')[0]).toEqual(['running', 1])
    const { steps } = await world.clock.settle((await docket.get('a'))!.details())
    expect(steps.filter(({ status }) => status === 'running')).toEqual([])
    const stored = await world.store.readSteps(['a'])
    expect(stored.steps.filter(({ status }) => status === 'running')).toEqual([])
  })

  test('that was handed over before it began is the first one elsewhere', async () => {
    const { world, watched } = watchedWorld()
    const attempts: number[] = []
    const { line, target } = chain(2)
    const kept = door<void>()
    watched.before = (call) => (writes(call, 's0') ? kept.promise : undefined)
    const docket = world.process({ graphs: [line], store: watched.store })
    void docket.execute(line, target, { Seed: 1 }, { id: 'a' }).catch(() => {})
    await world.clock.advance(10)
    const closed = docket.close({ drain: false, deadline: '1s' })
    kept.resolve()
    await world.clock.settle(closed)
    const known = untypedGraph({
      name: 'chain',
      steps: line.steps.map((one) => ({
        ...one,
        run: (_: unknown, { attempt }: { readonly attempt: number }) => attempts.push(attempt),
      })) as readonly AnyStep[],
    })
    const heir = world.process({ graphs: [known] })
    await world.clock.advance(20_000)
    await world.clock.settle((await heir.get('a'))!.result())
    expect(recordsOf(watched, 's1')).toEqual([
      ['running', 1],
      ['running', 0],
    ])
    expect(attempts).toEqual([1])
  })

  test('goes on record with one value though it can do without another', async () => {
    const { world, watched } = watchedWorld()
    const [First, Missing, Last] = [number('First'), number('Missing'), number('Last')]
    const first = step({ name: 'first', inputs: { seed: Seed }, output: First, persist: 'execution', run: () => 1 })
    const last = step({
      name: 'last',
      inputs: { first: First, missing: optional(Missing) },
      output: Last,
      persist: 'execution',
      retry,
      run: ({ first: value }) => value,
    })
    const line = graph({ name: 'optional', steps: [first, last] })
    const docket = world.process({ graphs: [line], store: watched.store })
    expect(await world.clock.settle(docket.execute(line, Last, { Seed: 1 }, { id: 'a' }))).toBe(1)
    expect(watched.count('commit')).toBe(2)
  })
})
