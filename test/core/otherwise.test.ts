import { expect, test, vi } from 'vitest'
import { dataType, execute, explain, step, type, untypedGraph } from '../../src/index.ts'
import type { AnyStep } from '../../src/index.ts'

const Seed = dataType('Seed', type<number>())
const Sum = dataType('Sum', type<number>())
const typeOf = (name: string) => dataType(name, type<number>())
const add = step({
  name: 'Add',
  inputs: { a: typeOf('Plus2'), b: typeOf('Plus10') },
  output: Sum,
  run: ({ a, b }) => a + b,
})

/** `Plus<n>` is made of the seed. */
function plus(name: string): AnyStep | undefined {
  const by = /^Plus(\d+)$/.exec(name)
  if (by === null) return undefined
  return step({
    name: `Make${name}`,
    inputs: { seed: Seed },
    output: typeOf(name),
    run: ({ seed }) => seed + Number(by[1]),
  })
}

test('otherwise makes a step for each type that is needed and that no step produces, once', async () => {
  const otherwise = vi.fn(plus)
  const sums = untypedGraph({ name: 'sums', steps: [add], otherwise })
  expect(otherwise.mock.calls).toEqual([['Plus2'], ['Plus10'], ['Seed']])
  expect(await execute(sums, Sum, { Seed: 1 })).toBe(14)
  expect(await execute(sums, Sum, { Seed: 2 })).toBe(16)
  expect(otherwise).toHaveBeenCalledTimes(3)
})

test("what it makes is the graph's: in its steps, leaves and plans, and refused as an input", async () => {
  const sums = untypedGraph({ name: 'sums', steps: [add], otherwise: plus })
  expect(sums.steps.map(({ name }) => name)).toEqual(['Add', 'MakePlus2', 'MakePlus10'])
  expect(sums.leaves().map(({ name }) => name)).toEqual(['Seed'])
  expect(explain(sums, Sum, { Seed: 1 }).steps.map(({ name }) => name)).toEqual(['MakePlus2', 'MakePlus10', 'Add'])
  await expect(execute(sums, Sum, { Seed: 1, Plus2: 5 })).rejects.toMatchObject({ code: 'INPUT_INVALID' })
  expect(await execute(sums, Sum, { Seed: 1 }, { overrides: { Plus2: 100 } })).toBe(111)
})

test('it makes what its own steps need in turn, and leaves alone what is made, or named as an input', async () => {
  const otherwise = (name: string): AnyStep | undefined =>
    name === 'Seed' ? step({ name: 'Zero', output: Seed, run: () => 0 }) : plus(name)
  const whole = untypedGraph({ name: 'whole', steps: [add], otherwise })
  expect(await execute(whole, Sum, {})).toBe(12)
  const given = untypedGraph({ name: 'given', steps: [add], inputs: [Seed], otherwise })
  expect(await execute(given, Sum, { Seed: 1 })).toBe(14)
})

function declare(otherwise: unknown): () => unknown {
  return () => untypedGraph({ name: 'g', steps: [add], otherwise: otherwise as never })
}

function thrower(): never {
  throw new Error('no idea')
}

test('what is wrong with it, and with what it makes, is a problem of the graph', () => {
  expect(declare(7)).toThrow("otherwise must be a function of a type's name, not 7")
  expect(declare(() => Sum)).toThrow('steps[1] is not a step')
  expect(declare(() => add)).toThrow('otherwise("Plus2") gives step "Add", which makes "Sum"')
  expect(declare(() => step({ name: 'Add', output: typeOf('Plus2'), run: () => 1 }))).toThrow(
    'there is one of that name',
  )
  expect(declare(thrower)).toThrow('otherwise("Plus2") threw: no idea')
  let count = 0
  const endless = (name: string) =>
    step({
      name: `Make${name}`,
      inputs: { next: typeOf(`T${count++}`) },
      output: typeOf(name),
      run: ({ next }) => next,
    })
  expect(declare(endless)).toThrow('otherwise has made 10000 steps, and there is no end of it')
})
