import { expect, expectTypeOf, test } from 'vitest'
import { z } from 'zod'
import {
  all,
  createDocket,
  dataType,
  execute,
  executeBatch,
  explain,
  graph,
  GraphError,
  InputError,
  step,
  StepError,
  type,
  untypedGraph,
  value,
} from '../../src/index.ts'
import type { ExecutionEvent } from '../../src/index.ts'
import { memoryStore } from '../../stores/memory/index.ts'

const Rates = dataType('Rates', z.object({ EUR: z.number(), USD: z.number() }))
const Amount = dataType('Amount', z.number())
const Price = dataType('Price', z.number())
const Sum = dataType('Sum', z.number())
const rates = { EUR: 1, USD: 2 }

const convert = step({
  name: 'Convert',
  inputs: { rates: Rates, amount: Amount },
  output: Price,
  run: ({ rates, amount }) => rates.USD * amount,
})
const sum = step({
  name: 'Sum',
  inputs: { prices: all(Price), rates: Rates },
  output: Sum,
  run: ({ prices, rates }) => prices.reduce((total, price) => total + price, 0) / rates.USD,
})
const prices = graph({ name: 'prices', steps: [value(Rates, rates), convert, sum] })

test('a value that a graph declares is an input of its steps that no caller gives', async () => {
  expect(await execute(prices, Price, { Amount: 3 })).toBe(6)
})

test('a declared value can be the target', async () => {
  expect(await execute(prices, Rates, {})).toEqual(rates)
})

test('a caller may override a declared value', async () => {
  expect(await execute(prices, Price, { Amount: 3 }, { overrides: { Rates: { EUR: 1, USD: 5 } } })).toBe(15)
})

test('a batch has a declared value once for all items, and a step that takes all of them may take it too', async () => {
  const items = [{ Amount: 1 }, { Amount: 2 }]
  expect(await executeBatch(prices, Price, items)).toEqual([2, 4])
  expect(await executeBatch(prices, Sum, items)).toEqual([3, 3])
  expect(await executeBatch(prices, Price, items, { overrides: { Rates: { EUR: 1, USD: 3 } } })).toEqual([3, 6])
})

test('all(T) of a declared value is as many copies as there are items', async () => {
  const Count = dataType('Count', z.number())
  const count = step({
    name: 'Count',
    inputs: { all: all(Rates), a: all(Amount) },
    output: Count,
    run: (i) => i.all.length,
  })
  const counted = graph({ name: 'counted', steps: [value(Rates, rates), count] })
  expect(await executeBatch(counted, Count, [{ Amount: 1 }, { Amount: 2 }, { Amount: 3 }])).toEqual([3, 3, 3])
  expect(await execute(counted, Count, { Amount: 1 })).toBe(1)
})

test('a step that makes a declared value is shown in the plan and in the events, as completed at the first attempt', async () => {
  const plan = explain(prices, Price, { Amount: 3 })
  expect(plan.missing).toEqual([])
  expect(plan.levels).toEqual([['Rates'], ['Convert']])
  const events: ExecutionEvent[] = []
  await execute(prices, Price, { Amount: 3 }, { observers: [(event) => void events.push(event)] })
  const ended = events
    .filter((event) => event.type === 'step.ended')
    .map((event) => [event.step, event.status, event.attempt])
  expect(ended).toEqual([
    ['Rates', 'completed', 1],
    ['Convert', 'completed', 1],
  ])
})

test('explain finds a remembered result whose key depends on a declared value', async () => {
  const remembered = graph({
    name: 'remembered-rates',
    steps: [
      value(Rates, rates),
      step({
        name: 'ConvertOnce',
        inputs: { rates: Rates, amount: Amount },
        output: Price,
        persist: 'global',
        run: ({ rates, amount }) => rates.USD * amount,
      }),
    ],
  })
  await execute(remembered, Price, { Amount: 3 })
  const willOf = (amount: number): string | undefined =>
    explain(remembered, Price, { Amount: amount }).steps.find(({ name }) => name === 'ConvertOnce')?.will
  expect([willOf(3), willOf(4)]).toEqual(['cached', 'run'])
})

test('a durable execution and a durable batch use a declared value, and never store it', async () => {
  const store = memoryStore()
  await using docket = createDocket({ graphs: [prices], store, persist: 'execution' })
  const handle = await docket.start(prices, Price, { Amount: 3 }, { id: 'one' })
  expect(await handle.result()).toBe(6)
  const batch = await docket.startBatch(prices, Sum, [{ Amount: 1 }, { Amount: 2 }], { id: 'many' })
  expect(await batch.result()).toEqual([3, 3])
  const { steps } = await store.readSteps(['one', 'many'])
  expect(steps.map(({ step }) => step)).toContain('Convert')
  expect(steps.map(({ step }) => step)).not.toContain('Rates')
})

test('defaults of the graph do not hold for a declared value', async () => {
  const limited = graph({
    name: 'limited',
    steps: [value(Rates, rates), convert],
    defaults: { persist: 'global', concurrency: 1, timeout: 1, retry: { maxAttempts: 3 } },
  })
  expect(await execute(limited, Price, { Amount: 3 })).toBe(6)
})

test('a graph refuses a value that does not fit its type, with the field that is wrong', () => {
  const wrong = value(Rates, { EUR: 1, USD: 'two' } as never)
  const declare = (): unknown => untypedGraph({ name: 'wrong', steps: [wrong, convert] })
  expect(declare).toThrow(GraphError)
  expect(declare).toThrow(/step "Rates": its value does not fit its type: USD: /)
})

test('a graph refuses a value for something that is not a data type', () => {
  expect(() => untypedGraph({ name: 'wrong', steps: [value(undefined as never, 1 as never)] })).toThrow(GraphError)
})

test('two producers of a type are refused, though one is a value', () => {
  const other = step({ name: 'Other', output: Rates, run: () => rates })
  expect(() => untypedGraph({ name: 'two', steps: [value(Rates, rates), other] })).toThrow(/two steps produce "Rates"/)
})

/** A schema that takes its time. */
function slowly(check: (given: unknown) => { value: unknown } | { issues: { message: string }[] }) {
  const seen: unknown[] = []
  const validate = async (given: unknown): Promise<never> => {
    seen.push(given)
    await Promise.resolve()
    return check(given) as never
  }
  return { schema: { '~standard': { version: 1, vendor: 'test', validate } } as const, seen }
}

test('a value whose schema takes its time is checked by graph() and once more by its first use, not by each', async () => {
  const { schema, seen } = slowly((given) => ({ value: given }))
  const Slow = dataType('Slow', schema)
  const slow = graph({ name: 'slow', steps: [value(Slow, 7 as never)] })
  expect(await Promise.all([1, 2, 3].map(() => execute(slow, Slow, {})))).toEqual([7, 7, 7])
  expect(seen).toEqual([7, 7])
})

test('a value that its slow schema refuses fails the execution as an output that does not fit', async () => {
  const { schema } = slowly(() => ({ issues: [{ message: 'too small' }] }))
  const Slow = dataType('Slow', schema)
  const slow = graph({ name: 'slow', steps: [value(Slow, 7 as never)] })
  const error = await execute(slow, Slow, {}).catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(StepError)
  const { cause } = error as StepError
  expect(cause).toBeInstanceOf(InputError)
  expect(cause).toMatchObject({ code: 'OUTPUT_INVALID', message: expect.stringContaining('too small') as string })
})

test('an execution that is cancelled while a value is checked ends with the cancellation', async () => {
  const { schema } = slowly((given) => ({ value: given }))
  const Slow = dataType('Slow', schema)
  const slow = graph({ name: 'slow', steps: [value(Slow, 7 as never)] })
  const controller = new AbortController()
  const result = execute(slow, Slow, {}, { signal: controller.signal })
  controller.abort(new Error('enough'))
  await expect(result).rejects.toMatchObject({ code: 'EXECUTION_CANCELLED' })
})

test('a value whose schema converts is handed to steps as converted, once for all', async () => {
  const Since = dataType(
    'Since',
    z.string().transform((text) => new Date(text)),
  )
  const Year = dataType('Year', z.number())
  const year = step({
    name: 'Year',
    inputs: { since: Since },
    output: Year,
    run: ({ since }) => since.getUTCFullYear(),
  })
  const dated = graph({ name: 'dated', steps: [value(Since, '2024-05-01'), year] })
  expect(await execute(dated, Year, {})).toBe(2024)
  expect(await execute(dated, Since, {})).toBe(await execute(dated, Since, {}))
})

test('the compiler knows what a declared value makes, and that its type needs no caller', () => {
  expectTypeOf(value(Rates, rates).output).toEqualTypeOf<typeof Rates>()
  expectTypeOf(execute(prices, Price, { Amount: 3 })).resolves.toEqualTypeOf<number>()
  // @ts-expect-error a field is missing
  value(Rates, { EUR: 1 })
  // @ts-expect-error no such field
  value(Rates, { EUR: 1, USD: 2, GBP: 3 })
  // @ts-expect-error the type is produced by two
  expect(() => graph({ name: 'two', steps: [value(Rates, rates), value(Rates, rates)] })).toThrow(GraphError)
  // @ts-expect-error nobody makes Amount, and inputs leaves it out
  expect(() => graph({ name: 'missing', inputs: [], steps: [value(Rates, rates), convert] })).toThrow(GraphError)
  const Mode = dataType('Mode', type<'fast' | 'slow'>())
  value(Mode, 'fast')
  // @ts-expect-error not one of the two
  value(Mode, 'other')
})
