import { describe, expect, test } from 'vitest'
import { dataType, SerializationError, step, type } from '../../../src/index.ts'
import { expectNoUnhandledErrors, graphOf, rejectionOf, run, stepErrorOf } from '../../loose-api.ts'

expectNoUnhandledErrors()

const Leaf = dataType('Leaf', type<unknown>())
const Target = dataType('Target', type<unknown>())

/** A step that is remembered (or not), and how often it ran. */
function remembering(persist: 'global' | undefined, make: (leaf: unknown) => unknown) {
  const counted = { runs: 0 }
  const graph = graphOf([
    step({
      name: 's',
      inputs: { leaf: Leaf },
      output: Target,
      persist,
      run: ({ leaf }) => (counted.runs++, make(leaf)),
    }),
  ])
  return { counted, go: (leaf: unknown) => run(graph, Target, { Leaf: leaf }) }
}

describe('what can’t be kept', () => {
  class Account {
    owner = 'ada'
  }
  const unkept: readonly (readonly [name: string, value: unknown, path: string, kind: string])[] = [
    ['a function', { user: { save: () => 1 } }, 'user.save', 'function'],
    ['a class instance', { accounts: [new Account()] }, 'accounts[0]', 'Account'],
    ['a symbol', { tag: Symbol('t') }, 'tag', 'symbol'],
    ['a promise', { later: Promise.resolve(1) }, 'later', 'Promise'],
  ]

  test.each(unkept)('%s in a result fails its step, naming step and path', async (_, value, path, kind) => {
    const { counted, go } = remembering('global', () => value)
    const error = await stepErrorOf(go(1))
    expect(error.cause).toBeInstanceOf(SerializationError)
    expect(error.cause).toMatchObject({ code: 'SERIALIZATION_FAILED', step: 's' })
    for (const part of ['"s"', path, kind, 'Or take `persist` off the step'])
      expect((error.cause as Error).message).toContain(part)
    expect(counted.runs).toBe(1)
    await rejectionOf(go(1))
    expect(counted.runs).toBe(2)
  })

  test.each(unkept)(
    '%s in an input fails the step before an attempt, naming step and path',
    async (_, value, path, kind) => {
      const { counted, go } = remembering('global', () => 1)
      const error = await stepErrorOf(go(value))
      expect(error.cause).toBeInstanceOf(SerializationError)
      expect(error.cause).toMatchObject({ code: 'SERIALIZATION_FAILED', step: 's' })
      for (const part of ['"s"', `leaf.${path}`, kind]) expect((error.cause as Error).message).toContain(part)
      expect(counted.runs).toBe(0)
      expect(error.attempt).toBe(0)
    },
  )

  test('is fine where nothing is kept', async () => {
    const { go } = remembering(undefined, (leaf) => leaf)
    const value = { user: { save: () => 1 }, account: new Account() }
    expect(await go(value)).toBe(value)
  })
})
