import { describe, expect, test } from 'vitest'
import { createActor, toPromise } from 'xstate'
import { z } from 'zod'
import {
  all,
  createDocket,
  dataType,
  execute,
  executeBatch,
  explain,
  fromGraph,
  graph,
  optional,
  race,
  step,
  StepError,
  StepSkippedError,
  untypedGraph,
} from '../../../src/index.ts'
import type { ExecutionEvent } from '../../../src/index.ts'
import { memoryStore } from '../../../stores/memory/index.ts'
import { errorOf } from '../../loose-api.ts'

const Amount = dataType('Amount', z.number())
const Small = dataType('Small', z.string())
const Large = dataType('Large', z.string())
const Price = dataType('Price', z.string())
const ran: string[] = []

const small = step({
  name: 'PriceSmall',
  inputs: { amount: Amount },
  output: Small,
  when: ({ amount }) => amount < 10,
  run: ({ amount }) => {
    ran.push('small')
    return `small ${amount}`
  },
})
const large = step({
  name: 'PriceLarge',
  inputs: { amount: Amount },
  output: Large,
  when: ({ amount }) => amount >= 10,
  run: ({ amount }) => {
    ran.push('large')
    return `large ${amount}`
  },
})
const price = race({ name: 'Price', inputs: { small: Small, large: Large }, output: Price })
const prices = graph({ name: 'prices', steps: [small, large, price] })

const failing = (when: unknown, more: object = {}): unknown =>
  untypedGraph({ name: 'g', steps: [step({ ...small, inputs: { amount: Amount }, when, ...more } as never)] })
const boom = (): never => {
  throw new Error('boom')
}

describe('a step with a condition', () => {
  test('is one branch of a race: together they are if and else', async () => {
    ran.length = 0
    expect(await execute(prices, Price, { Amount: 3 })).toBe('small 3')
    expect(await execute(prices, Price, { Amount: 30 })).toBe('large 30')
    expect(ran).toEqual(['small', 'large'])
    const items = [1, 20, 3].map((amount) => ({ Amount: amount }))
    expect(await executeBatch(prices, Price, items)).toEqual(['small 1', 'large 20', 'small 3'])
  })

  test('that says no is skipped: events and snapshots say so, and why', async () => {
    const events: ExecutionEvent[] = []
    await execute(prices, Price, { Amount: 30 }, { observers: [(event) => void events.push(event)] })
    const about = events.filter((event) => 'step' in event && event.step === 'PriceSmall')
    expect(about).toMatchObject([
      { type: 'step.cancelled', status: 'skipped', attempt: 0, reason: { code: 'STEP_SKIPPED', step: 'PriceSmall' } },
    ])
    const actor = createActor(fromGraph(prices, Price), { input: { Amount: 30 } }).start()
    await toPromise(actor)
    expect(actor.getSnapshot().context.steps['PriceSmall']).toMatchObject({
      status: 'skipped',
      attempt: 0,
      error: { code: 'STEP_SKIPPED' },
    })
  })

  test('leaves an optional input undefined, and skips what can not do without it', async () => {
    const Label = dataType('Label', z.string())
    const Wrapped = dataType('Wrapped', z.string())
    const wrap = step({ name: 'Wrap', inputs: { large: Large }, output: Wrapped, run: ({ large }) => `[${large}]` })
    const label = step({
      name: 'Label',
      inputs: { wrapped: optional(Wrapped), large: optional(Large) },
      output: Label,
      run: ({ wrapped, large }) => `${wrapped} ${large}`,
    })
    const labels = graph({ name: 'labels', steps: [large, wrap, label] })
    expect(await execute(labels, Label, { Amount: 3 })).toBe('undefined undefined')
    expect(await execute(labels, Label, { Amount: 30 })).toBe('[large 30] large 30')
  })

  test('that is needed ends the execution with a StepSkippedError, which has the way to it', async () => {
    const Wrapped = dataType('Wrapped', z.string())
    const wrap = step({ name: 'Wrap', inputs: { large: Large }, output: Wrapped, run: ({ large }) => large })
    const error = await errorOf(execute(graph({ name: 'wraps', steps: [large, wrap] }), Wrapped, { Amount: 3 }))
    expect(error).toBeInstanceOf(StepSkippedError)
    expect(error).toMatchObject({ graph: 'wraps', step: 'PriceLarge', path: ['Wrapped', 'Large'] })
    expect(error.message).toBe(
      'step "PriceLarge" was skipped, since its when returned false; what can do without "Large" takes it as optional(Large), or in a race',
    )
  })

  test('counts as an input that can not come, of a race that nothing else reaches', async () => {
    const neither = graph({
      name: 'neither',
      steps: [step({ ...small, inputs: { amount: Amount }, when: () => false } as never), large, price] as never,
    } as never)
    const error = await errorOf(execute(neither as never, Price as never, { Amount: 3 } as never))
    expect((error.cause as AggregateError).errors).toEqual([expect.any(StepSkippedError), expect.any(StepSkippedError)])
    // What it takes to do without a skipped step is no advice for a race, which does that already.
    expect(error.message).toBe(
      'step "Price" failed: no input of the race "Price" came: small: step "PriceSmall" was skipped, since its when returned false; large: step "PriceLarge" was skipped, since its when returned false',
    )
  })

  test('fails, without an attempt, where its condition throws or gives no answer, and then falls back', async () => {
    const thrown = await errorOf(execute(failing(boom) as never, Small as never, { Amount: 3 } as never))
    expect(thrown).toBeInstanceOf(StepError)
    expect(thrown).toMatchObject({ message: 'step "PriceSmall" failed: boom', attempt: 0, cause: { message: 'boom' } })
    const cases = [
      [() => undefined, 'when of step "PriceSmall" returned undefined, which is neither true nor false'],
      [() => Promise.resolve(true), 'when must return its answer directly, not a promise'],
    ] as const
    for (const [when, message] of cases) {
      const error = await errorOf(execute(failing(when) as never, Small as never, { Amount: 3 } as never))
      expect(error.cause).toMatchObject({ message })
    }
    const fallen = execute(failing(boom, { fallback: 'safe' }) as never, Small as never, { Amount: 3 } as never)
    expect(await fallen).toBe('safe')
  })

  test('has its condition called once, however often its function is tried', async () => {
    let calls = 0
    const flaky = step({
      name: 'Flaky',
      inputs: {},
      output: Small,
      retry: { maxAttempts: 3 },
      when: () => ++calls > 0,
      run: (_, { attempt }) => {
        if (attempt < 3) throw new Error('again')
        return 'third'
      },
    })
    expect(await execute(graph({ name: 'flaky', steps: [flaky] }), Small, {})).toBe('third')
    expect(calls).toBe(1)
  })

  test('skips an item for all(T), as a failure does', async () => {
    const Count = dataType('Count', z.number())
    const count = step({ name: 'Count', inputs: { all: all(Large) }, output: Count, run: ({ all }) => all.length })
    const counts = graph({ name: 'counts', steps: [large, count] })
    const items = [1, 20, 30].map((amount) => ({ Amount: amount }))
    const outcomes = await executeBatch(counts, Count, items, { onError: 'collect' })
    expect(outcomes.map(({ value, error }) => value ?? error?.code)).toEqual(['STEP_SKIPPED', 2, 2])
  })

  test('is decided by what a race brought, where it is one', async () => {
    const Note = dataType('Note', z.string())
    const note = race({
      name: 'Note',
      inputs: { small: Small, large: Large },
      output: Note,
      when: ({ port }) => port === 'large',
    })
    const notes = graph({ name: 'notes', steps: [small, large, note] })
    expect(await execute(notes, Note, { Amount: 30 })).toBe('large 30')
    await expect(execute(notes, Note, { Amount: 3 })).rejects.toBeInstanceOf(StepSkippedError)
  })

  test('is shown by explain', () => {
    expect(String(explain(prices, Price, { Amount: 3 }))).toContain('0  PriceSmall  run if   Amount → Small')
    expect(explain(prices, Price, { Amount: 3 }).steps.map((one) => one.isConditional)).toEqual([true, true, false])
  })

  test('is refused by graph() where it is no function', () => {
    expect(() => untypedGraph({ name: 'g', steps: [step({ ...small, when: true } as never)] })).toThrow(
      'step "PriceSmall": when must be a function of the inputs, not true',
    )
  })

  test('is on record as skipped in a docket, where it is persisted', async () => {
    await using docket = createDocket({ graphs: [prices], store: memoryStore(), persist: 'execution' })
    const handle = await docket.start(prices, Price, { Amount: 3 }, { id: 'a' })
    expect(await handle.result()).toBe('small 3')
    const details = await handle.details()
    expect(
      details!.steps.map(({ step: name, status, error }) => [name, status, (error as Error | undefined)?.name]),
    ).toEqual([
      ['PriceSmall', 'completed', undefined],
      ['PriceLarge', 'skipped', 'StepSkippedError'],
      ['Price', 'completed', undefined],
    ])
  })
})
