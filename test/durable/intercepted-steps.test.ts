import { AsyncLocalStorage } from 'node:async_hooks'
import { expect, test } from 'vitest'
import { z } from 'zod'
import {
  all,
  dataType,
  durableStep,
  graph,
  NonRetryableError,
  race,
  RefusedError,
  step,
  type,
} from '../../src/index.ts'
import { createTestDocket } from '../../src/testing/index.ts'
import { Approval, Greeting, greet, Letter, letters, Name, posts, recorder, Sent } from './intercepted.ts'

test('attempts pass the interceptors; values that are on record do not, and an execution that goes on does not begin anew', async () => {
  const lines: string[] = []
  await using docket = createTestDocket({ graphs: [posts], interceptors: [recorder(lines)] })
  const post = await docket.start(posts, Sent, { Name: 'Ada' }, { id: 'post' })
  await docket.advance('1m')
  lines.length = 0
  await docket.restart()
  await post.signal(Approval, { by: 'Bo' })
  await post.result()
  expect(lines.filter((line) => !line.endsWith('done'))).toEqual(['signal Approval', 'step Send 1'])
})

test('an interceptor of steps sees inputs, changes them, and gives another value, all of which is checked', async () => {
  const Count = dataType('Count', z.number())
  const count = step({ name: 'Count', inputs: { name: Name }, output: Count, run: ({ name }) => name.length })
  const counts = graph({ name: 'counts', steps: [count] })
  let changed: Record<string, unknown> = { name: 'Adam' }
  let plus: unknown = 0
  await using docket = createTestDocket({
    graphs: [counts],
    interceptors: [{ step: async (_, next) => ((await next({ inputs: changed })) as number) + (plus as number) }],
  })
  expect(await docket.execute(counts, Count, { Name: 'Ada' })).toBe(4)
  plus = '!'
  await expect(docket.execute(counts, Count, { Name: 'Ada' })).rejects.toMatchObject({
    cause: { code: 'OUTPUT_INVALID' },
  })
  changed = { name: '' }
  await expect(docket.execute(counts, Count, { Name: 'Ada' })).rejects.toThrow(
    'an interceptor changed inputs of step "Count"',
  )
  changed = { name: 'Bo', nome: 'x' }
  await expect(docket.execute(counts, Count, { Name: 'Ada' })).rejects.toThrow('step "Count" has no such input')
})

test('a list of an all(T) port is checked one by one, and what came first in a race can not be exchanged', async () => {
  const Names = dataType('Names', type<string>())
  const join = step({ name: 'Join', inputs: { names: all(Name) }, output: Names, run: ({ names }) => names.join() })
  const joins = graph({ name: 'joins', inputs: [Name], steps: [join] })
  const other = step({ name: 'Other', output: Letter, run: () => new Promise<string>(() => {}) })
  const first = race({
    name: 'First',
    inputs: { greeting: Greeting, letter: Letter },
    output: Sent,
    run: ({ port, value }) => `${port}: ${value}`,
  })
  const firsts = graph({ name: 'firsts', steps: [greet, other, first] })
  let changes: Record<string, unknown> = { names: ['Bo', 'Cy'] }
  await using docket = createTestDocket({
    graphs: [joins, firsts],
    interceptors: [
      { step: (call, next) => (call.step === 'Join' || call.step === 'First' ? next({ inputs: changes }) : next()) },
    ],
  })
  expect(await docket.execute(joins, Names, { Name: 'Ada' })).toBe('Bo,Cy')
  changes = { names: ['Bo', ''] }
  await expect(docket.execute(joins, Names, { Name: 'Ada' })).rejects.toThrow('an interceptor changed inputs')
  changes = { port: 'greeting', value: 'Hi' }
  expect(await docket.execute(firsts, Sent, { Name: 'Ada' })).toBe('greeting: Hi')
  changes = { port: 'letter', value: 'Hi' }
  await expect(docket.execute(firsts, Sent, { Name: 'Ada' })).rejects.toThrow(
    `is what came first, "greeting", and can't be changed`,
  )
})

test('a refused step is not tried again; one that an interceptor fails is', async () => {
  let attempts = 0
  const tried = step({ name: 'Tried', output: Letter, retry: { maxAttempts: 3 }, run: () => 'done' })
  const tries = graph({ name: 'tries', steps: [tried] })
  let refuses = true
  await using docket = createTestDocket({
    graphs: [tries],
    interceptors: [
      {
        step: (call, next) => {
          attempts++
          if (refuses) throw new RefusedError('no')
          if (call.attempt < 3) throw new Error('open')
          return next()
        },
      },
    ],
  })
  await expect(docket.execute(tries, Letter, {})).rejects.toThrow('no')
  expect(attempts).toBe(1)
  refuses = false
  expect(await docket.execute(tries, Letter, {})).toBe('done')
  expect(attempts).toBe(4)
})

test('items of batches, and durable steps, pass the interceptors of steps', async () => {
  const seen: string[] = []
  const long = durableStep({
    name: 'Long',
    inputs: { name: Name },
    output: Letter,
    run: ({ name }, ctx) => ctx.step('say', () => `${name} ${ctx.headers['tenant']}`),
  })
  const longs = graph({ name: 'longs', steps: [long] })
  await using docket = createTestDocket({
    graphs: [letters, longs],
    interceptors: [
      {
        step: (call, next) => {
          seen.push(`${call.step} ${call.item ?? ''}`.trim())
          return next({ headers: { tenant: 'acme' } })
        },
      },
    ],
  })
  await (await docket.startBatch(letters, Letter, [{ Name: 'A' }, { Name: 'B' }])).result()
  expect(seen.toSorted()).toEqual(['Greet 0', 'Greet 1', 'Write 0', 'Write 1'])
  expect(await docket.execute(longs, Letter, { Name: 'Ada' })).toBe('Ada acme')
  expect(seen.at(-1)).toBe('Long')
})

test('what the caller and an interceptor keep in AsyncLocalStorage is seen by the interceptors and by the functions', async () => {
  const tenant = new AsyncLocalStorage<string>()
  const span = new AsyncLocalStorage<string>()
  const seen: unknown[] = []
  const look = step({ name: 'Look', output: Letter, run: () => `${tenant.getStore()} ${span.getStore()}` })
  const looks = graph({ name: 'looks', steps: [look] })
  await using docket = createTestDocket({
    graphs: [looks],
    interceptors: [
      {
        start: (_, next) => {
          seen.push(tenant.getStore())
          return next()
        },
        step: (call, next) => {
          seen.push(tenant.getStore())
          return span.run(`span of ${call.step}`, () => next())
        },
      },
    ],
  })
  expect(await tenant.run('acme', () => docket.execute(looks, Letter, {}, { id: 'a' }))).toBe('acme span of Look')
  expect(seen).toEqual(['acme', 'acme'])
})

test('what undoes a step passes them, with its output; a refusal leaves it as it is', async () => {
  const undone: string[] = []
  const seen: unknown[] = []
  const charge = step({
    name: 'Charge',
    inputs: { name: Name },
    output: Greeting,
    run: ({ name }) => `charged ${name}`,
    compensate: (output, { headers }) => undone.push(`${output} ${headers['why']}`),
  })
  const fail = step({
    name: 'Fail',
    inputs: { greeting: Greeting },
    output: Letter,
    run: (): string => {
      throw new NonRetryableError('out of stock')
    },
  })
  const charges = graph({ name: 'charges', steps: [charge, fail] })
  let refuses = false
  await using docket = createTestDocket({
    graphs: [charges],
    interceptors: [
      {
        compensate: async (call, next) => {
          seen.push([call.step, call.output, call.inputs, call.attempt])
          if (refuses) throw new RefusedError('stays')
          return next({ headers: { why: 'refund' } })
        },
      },
    ],
  })
  await expect(docket.execute(charges, Letter, { Name: 'Ada' }, { id: 'a' })).rejects.toThrow('out of stock')
  expect(undone).toEqual(['charged Ada refund'])
  expect(seen).toEqual([['Charge', 'charged Ada', { name: 'Ada' }, 1]])
  refuses = true
  await expect(docket.execute(charges, Letter, { Name: 'Bo' }, { id: 'b' })).rejects.toThrow('out of stock')
  expect(undone).toHaveLength(1)
})

test('an interceptor that has taken its time begins no function of a step that is over: timed out, cancelled or detached', async () => {
  const begun: string[] = []
  const Seat = dataType('Seat', type<string>())
  const Trip = dataType('Trip', type<string>())
  const book = step({
    name: 'Book',
    inputs: { name: Name },
    output: Seat,
    persist: 'execution',
    timeout: '1s',
    run: ({ name }) => {
      begun.push(`Book ${name}`)
      return name
    },
  })
  const plan = durableStep({
    name: 'Plan',
    inputs: { name: Name },
    output: Trip,
    timeout: '1s',
    run: async ({ name }) => {
      begun.push(`Plan ${name}`)
      return name
    },
  })
  const trips = graph({ name: 'trips', steps: [book, plan] })
  const slow = async <Made>(next: () => Promise<Made> | Made): Promise<Made> => {
    await new Promise<void>((resolve) => void docket.clock.setTimeout(resolve, 5_000))
    return next()
  }
  await using docket = createTestDocket({
    graphs: [trips],
    interceptors: [{ step: (_, next) => slow(() => next()) }],
  })
  const timed = await docket.start(trips, Seat, { Name: 'timed out' }, { id: 'timed' })
  const planned = await docket.start(trips, Trip, { Name: 'timed out' }, { id: 'planned' })
  const ends = Promise.allSettled([timed.result(), planned.result()])
  await docket.advance('1m')
  expect((await ends).map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  const cancelled = await docket.start(trips, Seat, { Name: 'cancelled' }, { id: 'cancelled' })
  const detached = await docket.start(trips, Seat, { Name: 'detached' }, { id: 'detached' })
  await docket.advance('100ms')
  await cancelled.cancel()
  await detached.detach()
  await docket.advance('1m')
  expect(begun).toEqual([])
})

test('an interceptor that calls next when the attempt has ended of itself is answered with an error, which says so', async () => {
  const Seat = dataType('Seat', type<string>())
  const Trip = dataType('Trip', type<string>())
  const begun: string[] = []
  const book = step({
    name: 'Book',
    inputs: { name: Name },
    output: Seat,
    run: ({ name }) => `${name} ${begun.push('Book')}`,
    compensate: () => void begun.push('undo Book'),
  })
  const plan = durableStep({
    name: 'Plan',
    inputs: { seat: Seat },
    output: Trip,
    run: async () => {
      begun.push('Plan')
      throw new NonRetryableError('no')
    },
  })
  const trips = graph({ name: 'trips', steps: [book, plan] })
  const late: (() => unknown)[] = []
  const twice = <Made>(next: () => Made): Made => {
    late.push(async () => next())
    return next()
  }
  await using docket = createTestDocket({
    graphs: [trips],
    interceptors: [{ step: (_, next) => twice(() => next()), compensate: (_, next) => twice(() => next()) }],
  })
  await expect(docket.execute(trips, Trip, { Name: 'Ada' })).rejects.toThrow('no')
  const outcomes = await Promise.allSettled(late.map((next) => next()))
  expect(outcomes.map((outcome) => outcome.status === 'rejected' && (outcome.reason as Error).message)).toEqual([
    'interceptor step: next was called when attempt 1 of "Book" was over',
    'interceptor step: next was called when attempt 1 of "Plan" was over',
    'interceptor compensate: next was called when attempt 1 of "Book" was over',
  ])
  expect(begun).toEqual(['Book', 'Plan', 'undo Book'])
})
