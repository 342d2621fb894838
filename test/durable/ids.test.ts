import { createActor, toPromise } from 'xstate'
import { describe, expect, test } from 'vitest'
import { OptionError } from '../../src/index.ts'
import { expectNoUnhandledErrors, rejectionOf } from '../loose-api.ts'
import { World } from './durable-time.ts'
import { line, Third } from './line.ts'

expectNoUnhandledErrors()

const wrong = [
  ['an empty string', () => '', '""'],
  ['a number', () => 5, '5'],
  ['nothing', () => undefined, 'undefined'],
  ['a promise', async () => 'x', 'a promise'],
  ['a promise that is rejected', () => Promise.reject(new Error('later')), 'a promise'],
  ['an object', () => ({}), 'an object'],
  ['an array', () => ['x'], 'an array'],
  ['a revoked proxy', revoked, 'an object'],
] as const

function revoked(): object {
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  return proxy
}

function docketWithLine() {
  const world = new World()
  const { line: graph, runs } = line()
  return { world, graph, runs, docket: world.process({ graphs: [graph] }) }
}

describe.each(wrong)('%s is no id', (_, idOf, shown) => {
  test('where the id function of durable logic returns it', async () => {
    const { world, graph, runs, docket } = docketWithLine()
    const actor = createActor(docket.logic(graph, Third, { id: idOf as never }), { input: { Seed: 1 } })
    const outcome = rejectionOf(toPromise(actor))
    actor.subscribe({ error: () => {} })
    actor.start()
    expect(await world.clock.settle(outcome)).toMatchObject({
      code: 'OPTION_INVALID',
      message: `logic: id must return a non-empty string, not ${shown}`,
    })
    expect(runs).toEqual([])
    expect((await docket.list()).executions).toEqual([])
  })

  test('where the key function of a batch returns it', async () => {
    const { world, graph, runs, docket } = docketWithLine()
    const call = docket.startBatch(graph, Third, [{ Seed: 1 }], { id: 'a', key: idOf as never })
    expect(await world.clock.settle(rejectionOf(call))).toMatchObject({
      code: 'OPTION_INVALID',
      message: `startBatch: for item 0, key must return a non-empty string, not ${shown}`,
    })
    expect(runs).toEqual([])
    expect((await docket.list()).executions).toEqual([])
  })

  test('where a call gives it', async () => {
    const { world, graph, docket } = docketWithLine()
    const id = idOf() as never
    if (shown === 'a promise') (id as Promise<unknown>).catch(() => {})
    const calls = {
      get: () => docket.get(id),
      cancel: () => docket.cancel(id),
      delete: () => docket.delete(id),
      retry: () => docket.retry(id),
      fork: () => docket.fork(id, { from: 'First' }),
      ...(id !== undefined && {
        start: () => docket.start(graph, Third, { Seed: 1 }, { id }),
        execute: () => docket.execute(graph, Third, { Seed: 1 }, { id }),
        startBatch: () => docket.startBatch(graph, Third, [{ Seed: 1 }], { id }),
      }),
    }
    for (const [name, call] of Object.entries(calls)) {
      const error = await world.clock.settle(rejectionOf(call()))
      expect(error, name).toBeInstanceOf(OptionError)
      expect((error as OptionError).message, name).toBe(`${name}: id must be a non-empty string, not ${shown}`)
    }
    if (id !== undefined)
      expect(() => docket.logic(graph, Third, { id })).toThrow(/^logic: id must be a non-empty string or a function/)
    expect((await docket.list()).executions).toEqual([])
  })
})

test('an error that the id function of durable logic throws is the actor’s', async () => {
  const { world, graph, docket } = docketWithLine()
  const boom = new Error('no number')
  const logic = docket.logic(graph, Third, {
    id: () => {
      throw boom
    },
  })
  const actor = createActor(logic, { input: { Seed: 1 } })
  const outcome = rejectionOf(toPromise(actor))
  actor.subscribe({ error: () => {} })
  actor.start()
  expect(await world.clock.settle(outcome)).toBe(boom)
})

test('any other string is an id, however long and whatever is in it', async () => {
  const { world, graph, docket } = docketWithLine()
  const ids = ['x'.repeat(100_000), ' ', '\0', '__proto__', '\ud800', 'ä/../…']
  for (const id of ids) {
    const logic = docket.logic(graph, Third, { id: () => id })
    expect(await world.clock.settle(toPromise(createActor(logic, { input: { Seed: 1 } }).start()))).toBe(4)
    expect((await docket.get(id))?.id).toBe(id)
  }
  const batch = await docket.startBatch(
    graph,
    Third,
    ids.map(() => ({ Seed: 1 })),
    { key: (_, index) => ids[index]! },
  )
  expect(await world.clock.settle(batch.result())).toEqual(ids.map(() => 4))
})

test('executions that are started without ids are separate, whatever the randomness given to the docket gives', async () => {
  const world = new World()
  const { line: graph, runs } = line()
  await using docket = world.process({ graphs: [graph], random: () => 0.5 })
  const start = () => docket.start(graph, Third, { Seed: 1 })
  const handles = await world.clock.settle(Promise.all([start(), start(), start()]))
  expect(new Set(handles.map(({ id }) => id)).size).toBe(3)
  await world.clock.settle(Promise.all(handles.map((handle) => handle.result())))
  expect(runs.filter((name) => name === 'First')).toHaveLength(3)
  for (const { id } of handles) expect(id).toMatch(/^[\da-f]{8}-[\da-f]{4}-7[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/)
})

async function idsOf() {
  const { world, graph } = docketWithLine()
  const docket = world.process({ graphs: [graph], random: () => 0.5 })
  const handles = [docket.start(graph, Third, { Seed: 1 }), docket.start(graph, Third, { Seed: 1 })]
  const started = await world.clock.settle(Promise.all(handles))
  await world.clock.settle(docket.close())
  return started.map(({ id }) => id)
}

test('ids are the same in a run that is repeated with the same randomness', async () => {
  expect(await idsOf()).toEqual(await idsOf())
})
