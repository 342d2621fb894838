import type { StandardSchemaV1 } from '@standard-schema/spec'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import {
  dataType,
  execute,
  executeBatch,
  graph,
  InputError,
  optional,
  OptionError,
  parseInputs,
  step,
  type,
  untypedGraph,
} from '../../../src/index.ts'
import { expectNoUnhandledErrors, rejectionOf } from '../../loose-api.ts'

expectNoUnhandledErrors()

const Order = dataType('Order', z.object({ id: z.string(), cents: z.number() }))
const Locale = dataType('Locale', z.enum(['de', 'en']))
const Payment = dataType('Payment', z.object({ paidCents: z.number() }))
const Parcel = dataType('Parcel', z.string())
const pay = step({
  name: 'Pay',
  inputs: { order: Order },
  output: Payment,
  run: ({ order }) => ({ paidCents: order.cents }),
})
const ship = step({
  name: 'Ship',
  inputs: { order: Order, payment: Payment, locale: optional(Locale) },
  output: Parcel,
  run: ({ order, payment, locale }) => `${order.id} ${payment.paidCents} ${locale ?? '?'}`,
})
const orders = graph({ name: 'orders', steps: [pay, ship] })

const order = { id: 'o-1', cents: 5 }

async function issuesOf(body: unknown): Promise<readonly string[]> {
  const error = await rejectionOf(parseInputs(orders, Parcel, body))
  expect(error).toBeInstanceOf(InputError)
  expect(error).toMatchObject({ code: 'INPUT_INVALID', graph: 'orders' })
  return (error as InputError).issues.map(({ path, message }) => `${path.join('.')}: ${message}`)
}

describe('parseInputs', () => {
  test('gives JSON as the input record of a target, for the calls that take one', async () => {
    const body: unknown = JSON.parse('{ "Order": { "id": "o-1", "cents": 5 } }')
    const inputs = await parseInputs(orders, Parcel, body)
    expect(inputs).toEqual({ Order: order })
    expect(await execute(orders, Parcel, inputs)).toBe('o-1 5 ?')
    expect(await executeBatch(orders, Parcel, [inputs, { ...inputs, Locale: 'de' }])).toEqual(['o-1 5 ?', 'o-1 5 de'])
  })

  test('finds all that is wrong at once', async () => {
    const body: unknown = JSON.parse(
      '{ "Order": { "id": 1, "__proto__": { "isAdmin": true } }, "Payment": { "paidCents": 0 }, "Local": "de", "__proto__": {}, "toString": 1 }',
    )
    expect(await issuesOf(body)).toEqual([
      expect.stringMatching(/^Payment: step "Pay" makes it.*overrides/),
      expect.stringMatching(/^Local: unknown input.*did you mean "Locale"\?/),
      expect.stringMatching(/^__proto__: unknown input/),
      expect.stringMatching(/^toString: unknown input/),
      expect.stringMatching(/^Order.__proto__: is no key/),
      expect.stringMatching(/^Order.id: .*expected string/),
      expect.stringMatching(/^Order.cents: .*expected number/),
    ])
    expect(await issuesOf({ Locale: 'fr' })).toEqual([
      expect.stringMatching(/^Order: missing/),
      expect.stringMatching(/^Locale: /),
    ])
  })

  test.each([
    ['nothing', undefined, /not undefined/],
    ['null', null, /not null/],
    ['a text', '{"Order":{}}', /not "{/],
    ['an array', [{ Order: order }], /not an array/],
    ['an instance of a class', new Map([['Order', order]]), /not an instance of Map/],
    ['an object that inherits its values', Object.create({ Order: order }), /inherits/],
    ['a promise', Promise.resolve({ Order: order }), /is an await missing\?/],
  ])('takes no inputs from %s', async (_, body, said) => {
    const [issue, ...more] = await issuesOf(body)
    expect(issue).toMatch(said)
    expect(issue).toContain('like { Order, Locale }')
    expect(more).toEqual([])
  })

  test('gives values as the schemas take them, so that they are converted once', async () => {
    const Visit = dataType(
      'Visit',
      z.string().transform((text) => new Date(text)),
    )
    const Year = dataType('Year', z.number())
    const years = graph({
      name: 'years',
      steps: [
        step({ name: 'Year', inputs: { visit: Visit }, output: Year, run: ({ visit }) => visit.getUTCFullYear() }),
      ],
    })
    const inputs = await parseInputs(years, Year, { Visit: '2026-11-29T00:00:00Z' })
    expect(inputs).toEqual({ Visit: '2026-11-29T00:00:00Z' })
    expect(await execute(years, Year, inputs)).toBe(2026)
  })

  test('takes schemas that answer later, and what they throw is an issue', async () => {
    const Known = dataType(
      'Known',
      z.string().refine(async (id) => id !== 'gone', 'is gone'),
    )
    const boom = new Error('no database')
    const Broken = dataType(
      'Broken',
      z.string().refine(() => {
        throw boom
      }),
    )
    const both = graph({
      name: 'both',
      steps: [step({ name: 'Both', inputs: { known: Known, broken: Broken }, output: Parcel, run: () => 'x' })],
    })
    const error = (await rejectionOf(parseInputs(both, Parcel, { Known: 'gone', Broken: '' }))) as InputError
    expect(error.issues.map(({ message }) => message)).toEqual([
      'is gone',
      expect.stringContaining('the schema itself threw: no database'),
    ])
    expect(error.cause).toBe(boom)
  })

  test('finds __proto__ in lists and deep down, and in what refers to itself', async () => {
    const Any = dataType('Any', z.unknown())
    const any = graph({
      name: 'any',
      steps: [step({ name: 'Take', inputs: { any: Any }, output: Parcel, run: () => 'x' })],
    })
    const deep: unknown = JSON.parse(`${'['.repeat(5_000)}{"a":{"__proto__":1}}${']'.repeat(5_000)}`)
    const error = (await rejectionOf(parseInputs(any, Parcel, { Any: deep }))) as InputError
    expect(error.issues[0]!.path.slice(-3)).toEqual([0, 'a', '__proto__'])
    expect(error.message.length).toBeLessThan(2_000)
    const circle: unknown[] = []
    circle.push(circle)
    expect(await parseInputs(any, Parcel, { Any: circle })).toEqual({ Any: circle })
  })

  test('shows no more of what it is sent than a log can bear', async () => {
    const keys = Object.fromEntries(Array.from({ length: 10_000 }, (_, index) => [`${index}`.repeat(1_000), 1]))
    const error = (await rejectionOf(parseInputs(orders, Parcel, { ...keys, Order: order }))) as InputError
    expect(error.issues.length).toBe(101)
    expect(error.issues.at(-1)!.message).toBe('9900 more keys are not taken either')
    expect(error.message.length).toBeLessThan(20_000)
    expect(String(await rejectionOf(parseInputs(orders, Parcel, 'x'.repeat(1_000_000)))).length).toBeLessThan(500)
    const wrongOption = { ['x'.repeat(1_000_000)]: 1 } as never
    expect(String(await rejectionOf(parseInputs(orders, Parcel, {}, wrongOption))).length).toBeLessThan(500)
  })

  test('gives an InputError for more issues than a call can have arguments, and for messages as long as what was sent', async () => {
    const issues = Array.from({ length: 150_000 }, () => ({ message: 'is no number' }))
    const Numbers = dataType('Numbers', {
      '~standard': { version: 1, vendor: 'test', validate: (value: unknown) => (value === 1 ? { value } : { issues }) },
    } as StandardSchemaV1<number>)
    const Strict = dataType('Strict', z.strictObject({}))
    const takes = graph({
      name: 'takes',
      steps: [
        step({ name: 'Take', inputs: { numbers: Numbers, strict: optional(Strict) }, output: Parcel, run: () => 'x' }),
      ],
    })
    const body = { Numbers: 2 }
    for (const call of [() => parseInputs(takes, Parcel, body), () => execute(takes, Parcel, body)]) {
      const error = await rejectionOf(call())
      expect(error).toBeInstanceOf(InputError)
      expect((error as InputError).issues).toHaveLength(150_000)
      expect((error as InputError).message.length).toBeLessThan(10_000)
    }
    const long = { Numbers: 1, Strict: { ['x'.repeat(1_000_000)]: 1 } }
    expect(String(await rejectionOf(parseInputs(takes, Parcel, long))).length).toBeLessThan(2_000)
  })

  test('writes what it is sent on one line, without what a terminal obeys', async () => {
    const Strict = dataType('Strict', z.strictObject({}))
    const strict = graph({
      name: 'strict',
      steps: [step({ name: 'Take', inputs: { strict: Strict }, output: Parcel, run: () => 'x' })],
    })
    const forged = 'x\n[info] all is well \u001b[31m\u2028'
    for (const body of [{ [forged]: 1 }, { Strict: { [forged]: 1 } }])
      expect(((await rejectionOf(parseInputs(strict, Parcel, body))) as Error).message).not.toMatch(/[\p{Cc}\p{Zl}]/u)
  })

  test('reads no holes: a list that is billions long is as quick as what is in it', async () => {
    const Any = dataType('Any', z.unknown())
    const any = graph({
      name: 'any',
      steps: [step({ name: 'Take', inputs: { any: Any }, output: Parcel, run: () => 'x' })],
    })
    const list: unknown[] = []
    list[4_000_000_000] = JSON.parse('{ "__proto__": 1 }')
    const error = (await rejectionOf(parseInputs(any, Parcel, { Any: list }))) as InputError
    expect(error.issues.map(({ path }) => path)).toEqual([['Any', 4_000_000_000, '__proto__']])
  })

  test('leaves out what the call gives besides: shared and overrides', async () => {
    const overrides = { Payment: { paidCents: 3 } }
    const shared = { Order: order }
    const row = await parseInputs(orders, Parcel, { Locale: 'en' }, { shared, overrides })
    expect(await executeBatch(orders, Parcel, [row], { shared, overrides })).toEqual(['o-1 3 en'])
    expect(await rejectionOf(parseInputs(orders, Parcel, { Order: order }, { shared }))).toMatchObject({
      issues: [{ path: ['Order'], message: expect.stringContaining('shared already') as string }],
    })
    // What only overridden steps need may be left out; what is not needed at all is left out.
    const priced = graph({
      name: 'priced',
      steps: [step({ name: 'Label', inputs: { payment: Payment }, output: Parcel, run: () => 'x' }), pay],
    })
    expect(await parseInputs(priced, Parcel, {}, { overrides })).toEqual({})
    expect(await parseInputs(priced, Parcel, { Order: order }, { overrides })).toEqual({})
  })

  test('blames the caller’s own options on the caller, not on the inputs', async () => {
    const wrong = [
      { shared: { Payment: {} } },
      { shared: { Ordre: {} } },
      { overrides: { Order: order } },
      { overrides: 5 },
      { shared: 5 },
      { id: 'x' },
    ]
    for (const options of wrong)
      expect(await rejectionOf(parseInputs(orders, Parcel, {}, options as never))).toBeInstanceOf(OptionError)
  })

  test('can’t say what no schema checks, and says so whatever the inputs are', async () => {
    const Raw = dataType('Raw', type<{ id: string }>())
    const raw = graph({
      name: 'raw',
      steps: [step({ name: 'Take', inputs: { raw: Raw }, output: Parcel, run: () => 'x' })],
    })
    for (const body of [{ Raw: { id: 'x' } }, {}])
      expect(await rejectionOf(parseInputs(raw, Parcel, body))).toMatchObject({
        code: 'OPTION_INVALID',
        message: expect.stringMatching(/nothing checks "Raw".*type<T>\(\)/) as string,
      })
  })

  test('gives a record of its own, in which nothing is inherited and undefined is left out', async () => {
    const inputs = await parseInputs(orders, Parcel, { Order: order, Locale: undefined })
    expect(Object.keys(inputs)).toEqual(['Order'])
    expect(Object.getPrototypeOf(inputs)).toBe(Object.prototype)
  })

  test('takes an untyped graph too', async () => {
    const untyped = untypedGraph({ name: 'untyped', steps: [pay, ship] })
    expect(await parseInputs(untyped, Parcel, { Order: order })).toEqual({ Order: order })
    expect(await rejectionOf(parseInputs(untyped, dataType('Nope', z.string()), {}))).toMatchObject({
      code: 'GRAPH_INVALID',
    })
  })
})
