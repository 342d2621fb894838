import { describe, expect, test } from 'vitest'
import { dataType, graph, SerializationError, step, StepError, type } from '../../src/index.ts'
import { number, rejectionOf, stepErrorOf } from '../loose-api.ts'
import { World } from './durable-time.ts'
import { line, Third } from './line.ts'
import { WatchedStore } from './watched-store.ts'

const A = number('A')
const Box = dataType('Box', type<unknown>())
const End = number('End')

class Account {
  balance = 1
}

function cycle(): unknown {
  const one: Record<string, unknown> = {}
  one['self'] = { one }
  return one
}

function boxing(value: unknown, persist: 'execution' | 'global' | undefined) {
  const runs: string[] = []
  const boxes = graph({
    name: 'boxes',
    steps: [
      step({ name: 'Pack', inputs: { a: A }, output: Box, persist, run: () => (runs.push('Pack'), value) }),
      step({ name: 'Count', inputs: { box: Box }, output: End, run: () => runs.push('Count') }),
    ],
  })
  return { boxes, runs }
}

describe('a result that can’t be stored', () => {
  const values: Readonly<Record<string, unknown>> = {
    'a function': { deep: [{ call: () => {} }] },
    'an instance of a class': { deep: [{ call: new Account() }] },
    'a cycle': { deep: [{ call: cycle() }] },
    'a symbol': { deep: [{ call: Symbol('x') }] },
  }
  for (const persist of ['execution', 'global'] as const)
    test.each(Object.keys(values))(
      `fails its own step, reported with step and path: %s (${persist})`,
      async (title) => {
        const world = new World()
        const { boxes, runs } = boxing(values[title], persist)
        const docket = world.process({ graphs: [boxes] })
        const error = await world.clock.settle(stepErrorOf(docket.execute(boxes, End, { A: 1 }, { id: 'a' })))
        expect(error.step).toBe('Pack')
        expect(error.cause).toBeInstanceOf(SerializationError)
        expect(String(error.cause)).toContain('"Pack"')
        expect(String(error.cause)).toMatch(/deep.*0.*call/)
        expect(runs).toEqual(['Pack'])
      },
    )

  test('is fine where nothing is stored', async () => {
    const world = new World()
    const { boxes } = boxing(() => {}, undefined)
    const docket = world.process({ graphs: [boxes] })
    expect(await world.clock.settle(docket.execute(boxes, End, { A: 1 }, { id: 'a' }))).toBe(2)
  })

  test('of a target that is not persisted fails the execution, which is written down with an id', async () => {
    const world = new World()
    const { boxes } = boxing(() => {}, undefined)
    const docket = world.process({ graphs: [boxes] })
    const error = await world.clock.settle(rejectionOf(docket.execute(boxes, Box, { A: 1 }, { id: 'a' })))
    expect(error).toMatchObject({ name: 'SerializationError', executionId: 'a' })
    expect(String(error)).toContain('the output of execution "a" can\'t be remembered: a store can’t keep')
    expect(String(error)).not.toContain('`persist`') // nobody can take it off
    expect((await docket.list()).executions).toMatchObject([
      { status: 'failed', error: { name: 'SerializationError' } },
    ])
  })
})

describe('inputs that can’t be stored', () => {
  test('are refused by start, before anything is written', async () => {
    const world = new World()
    const watched = new WatchedStore(world.store)
    const uses = graph({
      name: 'uses',
      steps: [step({ name: 'Use', inputs: { box: Box }, output: End, persist: 'execution', run: () => 1 })],
    })
    const docket = world.process({ graphs: [uses], store: watched.store })
    for (const box of [() => {}, new Account(), cycle()])
      expect(await rejectionOf(docket.start(uses, End, { Box: { box } }, { id: 'a' }))).toMatchObject({
        name: 'SerializationError',
        message: expect.not.stringContaining('`persist`'),
      })
    expect(watched.count('create')).toBe(0)
    expect((await docket.list()).executions).toEqual([])
  })
})

describe('a value above maxValueBytes', () => {
  test('fails its step, and says how big it is, what the limit is, and what to do', async () => {
    const world = new World()
    const { boxes } = boxing('x'.repeat(2_000), 'execution')
    const docket = world.process({ graphs: [boxes], maxValueBytes: 1_000 })
    const error = await world.clock.settle(stepErrorOf(docket.execute(boxes, End, { A: 1 }, { id: 'a' })))
    expect(error.cause).toBeInstanceOf(SerializationError)
    const text = String(error.cause)
    for (const part of ['2002 bytes', '1000', 'maxValueBytes', 'Pack']) expect(text).toContain(part)
  })

  test('is refused as an input', async () => {
    const world = new World()
    const { boxes } = boxing(1, 'execution')
    const uses = graph({
      name: 'uses',
      steps: [step({ name: 'Use', inputs: { box: Box }, output: End, persist: 'execution', run: () => 1 })],
    })
    const docket = world.process({ graphs: [boxes, uses], maxValueBytes: 1_000 })
    const refused = docket.start(uses, End, { Box: 'x'.repeat(2_000) }, { id: 'a' })
    expect(String(await rejectionOf(refused))).toContain('the limit is 1000')
  })
})

describe('an error', () => {
  test('is of its class again in another process, as far as it is one of Docket’s: name, message, cause, code and what its owner added', async () => {
    const world = new World()
    class PaymentError extends Error {
      override readonly name = 'PaymentError'
      readonly code = 'E_CARD'
      readonly at = new Date(7)
    }
    const { line: graph } = line({
      second: {
        run: () => {
          throw new PaymentError('card refused', { cause: new TypeError('no such card') })
        },
      },
    })
    const first = world.process({ graphs: [graph] })
    await first.execute(graph, Third, { Seed: 1 }, { id: 'a' }).catch(() => {})
    const second = world.process({ graphs: [graph] })
    const told = await world.clock.settle(rejectionOf((await second.get('a'))!.result()))
    expect(told).toBeInstanceOf(StepError)
    expect(told).toMatchObject({ name: 'StepError', code: 'STEP_FAILED', step: 'Second', executionId: 'a' })
    const { cause } = told as Error
    expect(cause).toBeInstanceOf(Error)
    expect(cause).toMatchObject({ name: 'PaymentError', message: 'card refused', code: 'E_CARD', at: new Date(7) })
    expect((cause as Error).cause).toBeInstanceOf(TypeError)
    expect((cause as Error).stack).toContain('card refused')
    const { steps, error } = await (await second.get('a'))!.details()
    expect(error).toMatchObject({ name: 'StepError' })
    expect(steps.find(({ step: name }) => name === 'Second')!.error).toMatchObject({ name: 'PaymentError' })
  })

  test('that can’t be stored is reported all the same', async () => {
    const world = new World()
    const { line: graph } = line({
      second: {
        run: () => {
          throw Object.assign(new Error('odd'), { call: () => {}, self: cycle() })
        },
      },
    })
    const docket = world.process({ graphs: [graph] })
    await docket.execute(graph, Third, { Seed: 1 }, { id: 'a' }).catch(() => {})
    const other = world.process({ graphs: [graph] })
    const told = (await world.clock.settle(rejectionOf((await other.get('a'))!.result()))) as Error
    expect(String((told.cause as Error).message)).toContain('odd')
    expect((await other.list()).executions).toMatchObject([{ status: 'failed' }])
  })
})
