import { createActor, toPromise } from 'xstate'
import type { Snapshot } from 'xstate'
import { expect, test } from 'vitest'
import { fromGraph, graph, step } from '../../../src/index.ts'
import { expectNoUnhandledErrors, number, rejectionOf } from '../../loose-api.ts'

expectNoUnhandledErrors()

const [A, B, C, D] = [number('A'), number('B'), number('C'), number('D')]

/** A → B → C → D, each one more than the one before; C waits at a gate. */
function chain() {
  const ran: string[] = []
  const { promise: gate, resolve: open } = Promise.withResolvers<void>()
  const steps = [
    step({ name: 'b', inputs: { a: A }, output: B, run: ({ a }) => (ran.push('b'), a + 1) }),
    step({ name: 'c', inputs: { b: B }, output: C, run: async ({ b }) => (ran.push('c'), await gate, b + 1) }),
    step({ name: 'd', inputs: { c: C }, output: D, run: ({ c }) => (ran.push('d'), c + 1) }),
  ] as const
  return { chain: graph({ name: 'chain', steps }), ran, open }
}

const throughJson = (snapshot: Snapshot<unknown>): Snapshot<unknown> =>
  JSON.parse(JSON.stringify(snapshot)) as Snapshot<unknown>

test('overrides of a graph’s logic hold for all its actors', async () => {
  const { chain: graph, ran } = chain()
  const logic = fromGraph(graph, D, { overrides: { C: 5 } })
  for (const _ of [1, 2]) expect(await toPromise(createActor(logic, { input: {} }).start())).toBe(6)
  expect(ran).toEqual(['d', 'd'])
})

test('an actor whose input has a type that a step makes fails when it starts, and nothing runs', async () => {
  const { chain: graph, ran } = chain()
  const actor = createActor(fromGraph(graph, D), { input: { A: 1, C: 5 } as never })
  const outcome = rejectionOf(toPromise(actor))
  actor.start()
  expect(await outcome).toMatchObject({ code: 'INPUT_INVALID', issues: [{ path: ['C'] }] })
  expect(ran).toEqual([])
})

test('a snapshot has the overrides of its execution, and no others hold where it goes on', async () => {
  const first = chain()
  const logic = fromGraph(first.chain, D, { overrides: { B: 10 } })
  const actor = createActor(logic, { input: { A: 0 } }).start()
  const json = throughJson(actor.getPersistedSnapshot())
  actor.stop()
  for (const overrides of [{}, { B: 10 }, { C: 0 }]) {
    const next = chain()
    next.open()
    const again = createActor(fromGraph(next.chain, D, { overrides }), { snapshot: json, input: { A: 0 } as never })
    expect(await toPromise(again.start())).toBe(12)
    expect(next.ran).toEqual(['c', 'd'])
  }
})

test('a snapshot leaves out what its overrides made unnecessary, overrides too', async () => {
  const first = chain()
  const logic = fromGraph(first.chain, D, { overrides: { B: 10, C: 20 } })
  const actor = createActor(logic, { input: { A: 0 } }).start()
  expect(actor.getSnapshot().input).toEqual({ C: 20 })
  const json = throughJson(actor.getPersistedSnapshot())
  const again = createActor(fromGraph(first.chain, D), { snapshot: json, input: { A: 0 } })
  expect(await toPromise(again.start())).toBe(21)
})

test('a snapshot whose input a step makes now fails rather than take the input for what the step makes', async () => {
  const first = chain()
  const actor = createActor(fromGraph(first.chain, D), { input: { A: 1 } }).start()
  const json = throughJson(actor.getPersistedSnapshot())
  actor.stop()
  const changed = graph({
    name: 'chain',
    steps: [...first.chain.steps, step({ name: 'a', output: A, run: () => 100 })],
  })
  const again = createActor(fromGraph(changed, D), { snapshot: json, input: {} })
  const outcome = rejectionOf(toPromise(again))
  again.start()
  expect(await outcome).toMatchObject({ code: 'INPUT_INVALID', issues: [{ path: ['A'] }] })
})
