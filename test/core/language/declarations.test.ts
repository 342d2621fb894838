import type { StandardSchemaV1 } from '@standard-schema/spec'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { all, dataType, graph, GraphError, optional, step, type, untypedGraph } from '../../../src/index.ts'

// JavaScript callers hand in anything: the same functions with their types forgotten.
const loose = { dataType, step, optional, all } as unknown as Record<string, (...given: unknown[]) => object>
const looseGraph = untypedGraph as unknown as (declaration: unknown) => unknown

const ID = dataType('ID', type<string>())
const Page = dataType('Page', z.object({ text: z.string() }))

function thrower(): never {
  throw new Error('a getter that throws')
}
const hostile = [
  undefined,
  null,
  0,
  'text',
  Symbol('symbol'),
  10n,
  [],
  () => 1,
  new Date(0),
  Object.create(null),
  Object.defineProperty({}, 'name', { get: thrower, enumerable: true }),
  new Proxy({}, { get: thrower, ownKeys: thrower, getPrototypeOf: thrower, has: thrower }),
]

// In functions, because fast-check itself looks into the values that it makes.
const anything = fc.oneof(
  fc.nat({ max: hostile.length - 1 }).map((index) => () => hostile[index]),
  fc.anything().map((value) => () => value),
)

function emptyPage(): { text: string } {
  return { text: '' }
}

function problemsOf(...steps: unknown[]): readonly string[] {
  try {
    looseGraph({ name: 'g', steps })
    return []
  } catch (error) {
    if (!(error instanceof GraphError)) throw error
    return error.problems.map((problem) => problem.message)
  }
}

describe.each(['dataType', 'step', 'optional', 'all'])('%s', (declare) => {
  test('never throws and gives a frozen value, whatever it gets', () => {
    fc.assert(
      fc.property(anything, anything, anything, (...given) => {
        expect(Object.isFrozen(loose[declare]!(...given.map((make) => make())))).toBe(true)
      }),
    )
  })
})

describe('step', () => {
  test('gives a value that graph refuses in words, whatever it got', () => {
    fc.assert(
      fc.property(anything, (given) => {
        expect(problemsOf(loose['step']!(given())).length).toBeGreaterThan(0)
      }),
    )
  })

  test('leaves what it was given alone, and does not follow when that changes', () => {
    const inputs = { id: ID }
    const retry = { maxAttempts: 2 }
    const declared = step({ name: 'Load', inputs, output: Page, run: ({ id }) => ({ text: id }), retry })
    Object.assign(inputs, { more: ID })
    retry.maxAttempts = 9
    expect(Object.keys(declared.inputs)).toEqual(['id'])
    expect(declared.retry).toEqual({ maxAttempts: 2 })
    expect([declared.inputs, declared.retry].every(Object.isFrozen)).toBe(true)
    expect(Object.isFrozen(inputs)).toBe(false)
  })

  test('without inputs has none', () => {
    expect(step({ name: 'Load', output: Page, run: () => ({ text: '' }) }).inputs).toEqual({})
  })

  test('keeps unknown options, so that graph can complain about them', () => {
    const declared = loose['step']!({ name: 'Load', output: Page, run: () => 1, tmeout: 5 })
    expect(problemsOf(declared)).toEqual([expect.stringContaining('unknown option "tmeout"')])
  })

  test('can not be talked into being something else', () => {
    expect(loose['step']!({ kind: 'dataType', name: 'Load' })).toMatchObject({ kind: 'step' })
    expect(loose['dataType']!('ID', type(), { kind: 'step', name: 'Other' })).toMatchObject({
      kind: 'dataType',
      name: 'ID',
    })
  })

  test('keeps run and fallback as they are', () => {
    const fallback = { text: 'none' }
    const declared = step({ name: 'Load', output: Page, run: emptyPage, fallback })
    expect(declared.run).toBe(emptyPage)
    expect(declared.fallback).toBe(fallback)
    expect(Object.isFrozen(fallback)).toBe(false)
  })

  test('takes a port named __proto__ for a port', () => {
    const inputs = JSON.parse('{ "__proto__": 1 }') as object
    expect(problemsOf(loose['step']!({ name: 'Load', inputs, output: Page, run: () => 1 }))).toEqual([
      expect.stringContaining('its input "__proto__" is not a data type'),
    ])
  })
})

describe('dataType', () => {
  test('keeps the very schema, and no version unless there is one', () => {
    const schema = z.string()
    expect(dataType('Text', schema)).toEqual({ kind: 'dataType', name: 'Text', schema, version: undefined })
    expect(dataType('Text', schema).schema).toBe(schema)
    expect(dataType('Text', schema, { version: '2' }).version).toBe('2')
  })

  test('of type<T>() has no schema', () => {
    expect(ID.schema).toBeUndefined()
  })

  test('takes a schema that is a function', () => {
    const schema = Object.assign(() => true, {
      '~standard': { version: 1, vendor: 'test', validate: (value: unknown) => ({ value }) },
    } as const) as unknown as StandardSchemaV1<string>
    const Text = dataType('Text', schema)
    expect(graph({ name: 'g', steps: [step({ name: 'S', output: Text, run: () => '' })] }).types()).toEqual([Text])
  })

  test.each([
    ['forgotten', undefined],
    ['null', null],
    ['a name', 'Text'],
    ['an object', {}],
  ])('with a schema that is %s is refused by graph', (_, schema) => {
    const Wrong = loose['dataType']!('Wrong', schema)
    expect(problemsOf(loose['step']!({ name: 'S', output: Wrong, run: () => 1 }))).toEqual([
      expect.stringContaining('"Wrong" has a schema that is not a Standard Schema'),
    ])
  })

  test.each([undefined, '', 7, {}])('named %j is refused by graph', (name) => {
    const Nameless = loose['dataType']!(name, z.string())
    expect(problemsOf(loose['step']!({ name: 'S', output: Nameless, run: () => 1 }))).toEqual([
      expect.stringContaining('is a data type without a name'),
    ])
  })
})

describe('dataType of a protobuf descriptor', () => {
  // What protoc-gen-es generates has more; only kind and typeName count at run time.
  const UserSchema = { kind: 'message', typeName: 'acme.v1.User' } as unknown as {
    readonly kind: 'message'
    readonly typeName: 'acme.v1.User'
    readonly $codegenv2: { a: { $typeName: 'acme.v1.User'; id: string } }
  }
  const validate = (value: unknown): unknown => dataType(UserSchema).schema!['~standard'].validate(value)

  test('is named as the message, or as one says', () => {
    expect(dataType(UserSchema, { version: '4' })).toMatchObject({ name: 'acme.v1.User', version: '4' })
    expect(dataType('User', UserSchema, { version: '4' })).toMatchObject({ name: 'User', version: '4' })
  })

  test('has one schema per descriptor, so that two declarations of it do not differ', () => {
    expect(dataType(UserSchema).schema).toBe(dataType('User', UserSchema).schema)
  })

  test('passes messages of that type on as they are', () => {
    const user = { $typeName: 'acme.v1.User', id: 'a' }
    expect(validate(user)).toEqual({ value: user })
    expect((validate(user) as { value: unknown }).value).toBe(user)
  })

  test.each([
    [{ $typeName: 'acme.v1.Order' }, 'a message "acme.v1.Order"'],
    [{ id: 'a' }, 'an object without $typeName; make messages with create(Schema, { … })'],
    ['a', '"a"'],
    [7, '7'],
    [null, 'null'],
    [undefined, 'undefined'],
    [[], 'an array'],
  ])('refuses %j and says what it got', (value, got) => {
    const message = `expected a protobuf message "acme.v1.User", got ${got}`
    expect(validate(value)).toEqual({ issues: [{ message }] })
  })
})

test('ports of all kinds name their type', () => {
  expect(optional(ID)).toEqual({ kind: 'optional', type: ID })
  expect(all(ID)).toEqual({ kind: 'all', type: ID })
})
