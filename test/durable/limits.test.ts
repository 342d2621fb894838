import { createActor, toPromise } from 'xstate'
import { describe, expect, test } from 'vitest'
import { createDocket, graph, OptionError, signal, step, untypedGraph } from '../../src/index.ts'
import type { Store, StoreLimits } from '../../src/index.ts'
import { expectNoUnhandledErrors, number, rejectionOf } from '../loose-api.ts'
import { memoryStore } from '../../stores/memory/index.ts'
import { World } from './durable-time.ts'
import { line, Seed, Third } from './line.ts'

expectNoUnhandledErrors()

const all: StoreLimits = {
  executionId: 100,
  graph: 100,
  step: 100,
  item: 100,
  owner: 100,
  resultKey: 100,
  name: 100,
  message: 100,
}

function make(name: string, output = Third) {
  return step({ name, inputs: { value: Seed }, output, run: () => 1 })
}

/** A store of somebody's own, which counts its calls that write. */
function limited(store: Store, limits: StoreLimits | undefined): { readonly store: Store; readonly writes: string[] } {
  const writes: string[] = []
  const own = new Proxy(store, {
    get: (target, key) => {
      if (key === 'name') return 'own'
      if (key === 'limits') return limits
      const value: unknown = Reflect.get(target, key)
      if (typeof value !== 'function') return value
      return (...given: unknown[]): unknown => {
        if (['create', 'commit', 'claimResults', 'commitResults', 'post'].includes(String(key)))
          writes.push(String(key))
        return (value as (...all: unknown[]) => unknown).apply(target, given)
      }
    },
  })
  return { store: own, writes }
}

function docketWithLine() {
  const world = new World()
  const { line: graph, runs } = line()
  const { store, writes } = limited(world.store, all)
  return { world, graph, runs, writes, docket: world.process({ graphs: [graph], store }) }
}

// Each is of 100 bytes as stores count them, and of one more.
const names: Readonly<Record<string, readonly [fits: string, tooLong: string]>> = {
  'plain letters': ['x'.repeat(100), 'x'.repeat(101)],
  'letters of two bytes': ['é'.repeat(50), `${'é'.repeat(50)}x`],
  'astral characters': ['😀'.repeat(25), `${'😀'.repeat(25)}x`],
  NUL: [`xx${'\0'.repeat(14)}`, `xxx${'\0'.repeat(14)}`],
  'lone surrogates': [`xx${'\ud800'.repeat(14)}`, `xxx${'\udfff'.repeat(14)}`],
  'what stands for escapes': [`xx${'␛\u0001'.repeat(7)}`, `xxx${'␛\u0001'.repeat(7)}`],
}

describe.each(Object.entries(names))('names of %s', (_, [fits, tooLong]) => {
  test('that are as long as the store keeps them are ids and keys', async () => {
    const { world, graph, docket } = docketWithLine()
    const handle = await docket.start(graph, Third, { Seed: 1 }, { id: fits })
    expect(await world.clock.settle(handle.result())).toBe(4)
    const batch = await docket.startBatch(graph, Third, [{ Seed: 1 }], { key: () => fits })
    expect(await world.clock.settle(batch.result())).toEqual([4])
  })

  test('that are longer are refused by every call that would write them, before anything is written or runs', async () => {
    const { world, graph, runs, writes, docket } = docketWithLine()
    const one = await docket.start(graph, Third, { Seed: 1 }, { id: 'one' })
    await world.clock.settle(one.result())
    const [written, ran] = [writes.length, runs.length]
    const calls = {
      start: () => docket.start(graph, Third, { Seed: 1 }, { id: tooLong }),
      execute: () => docket.execute(graph, Third, { Seed: 1 }, { id: tooLong }),
      startBatch: () => docket.startBatch(graph, Third, [{ Seed: 1 }], { id: tooLong }),
      'the key of an item': () =>
        docket.startBatch(graph, Third, [{ Seed: 1 }, { Seed: 2 }], {
          key: (__, index) => (index === 0 ? 'a' : tooLong),
        }),
      fork: () => docket.fork('one', { from: 'Third', id: tooLong }),
      'an id that a function returns': () => {
        const actor = createActor(docket.logic(graph, Third, { id: () => tooLong }), { input: { Seed: 1 } })
        actor.subscribe({ error: () => {} })
        return toPromise(actor.start())
      },
      'the id of durable logic': async () => docket.logic(graph, Third, { id: tooLong }),
    }
    for (const [name, call] of Object.entries(calls)) {
      const error = await world.clock.settle(rejectionOf(call()))
      expect(error, name).toBeInstanceOf(OptionError)
      expect((error as OptionError).message, name).toMatch(
        /is 101 bytes long, but the own store keeps (?:ids of executions|keys of items) of up to 100 bytes; use a shorter one, or a digest of it$/,
      )
    }
    expect([writes.length, runs.length]).toEqual([written, ran])
    expect((await docket.list()).executions.map(({ id }) => id)).toEqual(['one'])
  })

  test('that are longer are refused where they are declared', () => {
    const Long = number(tooLong)
    const { store } = limited(memoryStore(), all)
    const graphs = {
      'names of graphs and namespaces': graph({ name: tooLong, steps: [make('Make')] }),
      'names of steps': graph({ name: 'steps', steps: [make(tooLong)] }),
      'names of types, and versions': graph({ name: 'types', steps: [make('Make', Long as never)] }),
    }
    for (const [what, declared] of Object.entries(graphs)) {
      expect(() => createDocket({ graphs: [declared], store })).toThrow(
        new RegExp(`^createDocket: .* is 101 bytes long, but the own store keeps ${what} of up to 100 bytes`, 's'),
      )
    }
    expect(() => createDocket({ graphs: [line().line], store, name: tooLong })).toThrow(
      /the own store keeps names of owners of up to 100 bytes/,
    )
  })
})

const undone = (name: string) =>
  graph({
    name: 'undone',
    steps: [step({ name, inputs: { value: Seed }, output: Third, run: () => 1, compensate: () => {} })],
  })
const waiting = (name: string) => untypedGraph({ name: 'waiting', steps: [signal(number(name))] })

test('a name is refused under which the undoing of its step could not be on record', () => {
  const { store } = limited(memoryStore(), all)
  expect(() => createDocket({ graphs: [undone('x'.repeat(93))], store })).toThrow(
    /the name of a step that can be undone, as its records have it, "\$inputs xx.*is 101 bytes long/,
  )
  expect(() => createDocket({ graphs: [undone('x'.repeat(92))], store })).not.toThrow()
})

test('a signal is refused whose type or id a store could not keep as a slot, before anything is written', async () => {
  const world = new World()
  const { store, writes } = limited(world.store, { ...all, name: 200 })
  expect(() => createDocket({ graphs: [waiting('x'.repeat(101))], store })).toThrow(
    /the name of a signal's type "xx.* is 101 bytes long, but the own store keeps ids of messages, and slots of up to 100 bytes/,
  )
  const reply = number('x'.repeat(100))
  const answered = untypedGraph({ name: 'waiting', steps: [signal(reply)] })
  const docket = world.process({ graphs: [answered], store })
  const handle = await world.clock.settle(docket.start(answered, reply as never, {}, { id: 'a' }))
  const before = writes.length
  await expect(handle.signal(reply, 1, { id: 'y'.repeat(101) })).rejects.toThrow(/signal: id "yy.* is 101 bytes long/)
  expect(writes.slice(before)).not.toContain('post')
  expect(await world.clock.settle(handle.signal(reply, 1, { id: 'y'.repeat(100) }))).toBe('accepted')
  expect(await world.clock.settle(handle.result())).toBe(1)
})

test('names of all kinds that are too long are reported at once, each of them once', () => {
  const long = 'x'.repeat(101)
  const persist = { scope: 'global', namespace: long } as const
  const one = step({
    name: long,
    inputs: { value: number(long) },
    output: Third,
    version: long,
    persist,
    run: () => 1,
  })
  const { store } = limited(memoryStore(), all)
  try {
    createDocket({ graphs: [untypedGraph({ name: 'one', steps: [one] })], store })
    expect.unreachable()
  } catch (error) {
    const problems = (error as Error).message.split('; use a shorter one, or a digest of it')
    expect(
      problems.map((problem) => /(?:the (?:name of \w+|namespace of its results)|version)(?= "x)/.exec(problem)?.[0]),
    ).toEqual(['the name of step', 'version', 'the namespace of its results', 'the name of type', undefined])
  }
})

test('the names of a step with a store of its own are refused by graph(), those of the docket’s policy by createDocket', () => {
  const { store } = limited(memoryStore(), all)
  const [scope, long] = ['global' as const, 'x'.repeat(101)]
  const graphWith = (persist?: object) =>
    graph({
      name: 'one',
      steps: [
        step({
          name: long,
          inputs: { value: Seed },
          output: Third,
          ...(persist && { persist }),
          run: () => 1,
        } as never),
      ],
    } as never)
  expect(() => graphWith({ scope, store })).toThrow(/the name of step "x+…x+" is 101 bytes long, but the own store/)
  expect(() =>
    createDocket({ graphs: [graphWith() as never], store: memoryStore(), persist: { scope, store } }),
  ).toThrow(/the name of step "x+…x+" is 101 bytes long, but the own store/)
})

test('a key of a result that a codec makes is refused before the step runs', async () => {
  const world = new World()
  const { line: graph, runs } = line({ persist: 'global' })
  const { store, writes } = limited(world.store, all)
  const codec = {
    name: 'long keys',
    encode: (bytes: Uint8Array) => bytes,
    decode: (bytes: Uint8Array) => bytes,
    keyedHash: (text: string) => text.repeat(3),
  }
  const docket = world.process({ graphs: [graph], store, codecs: [codec] })
  const error = await world.clock.settle(rejectionOf(docket.execute(graph, Third, { Seed: 1 })))
  expect((error as Error).cause ?? error).toMatchObject({
    code: 'OPTION_INVALID',
    message: expect.stringContaining(
      'is 129 bytes long, but the own store keeps keys of results of up to 100 bytes',
    ) as string,
  })
  expect(runs).toEqual([])
  expect(writes).not.toContain('claimResults')
})

test.each([99, 0, 1.5, '1000', null])('a limit of %s is none that a store can declare', (limit) => {
  const { store } = limited(memoryStore(), { executionId: limit as number })
  expect(() => createDocket({ graphs: [line().line], store })).toThrow(
    /^createDocket: the own store declares the limit executionId as .*; a limit is a whole number of at least 100 bytes/,
  )
})

test('what is looked for may have any length: what can’t be there is not there', async () => {
  const { docket } = docketWithLine()
  const tooLong = 'x'.repeat(1_000)
  expect(await docket.get(tooLong)).toBeUndefined()
  expect(await docket.delete(tooLong)).toBe(false)
  expect((await docket.list({ graph: tooLong })).executions).toEqual([])
})
