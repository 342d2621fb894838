import { describe, expect, test } from 'vitest'
import { setup } from 'xstate'
import { z } from 'zod'
import { dataType, durableStep, graph, machineStep, optional, step } from '../../src/index.ts'
import { World } from './durable-time.ts'

const minute = 60_000
const Order = dataType('Order', z.string())
const Hint = dataType('Hint', z.string())
const Made = dataType('Made', z.string())
const Said = dataType('Said', z.string())
const inputs = { Order: 'o-1' }

const hint = step({
  name: 'Hint',
  inputs: { order: Order },
  output: Hint,
  run: (): string => {
    throw new Error('no hint')
  },
})
const say = step({ name: 'Say', inputs: { made: optional(Made) }, output: Said, run: ({ made }) => made ?? 'nothing' })

/** A function that sleeps for ten minutes, and makes of its inputs what it says, or throws it. */
const slow = (more: object = {}, isFailing = false) =>
  durableStep({
    name: 'Slow',
    inputs: { order: Order, hint: optional(Hint) },
    output: Made,
    run: async ({ order, hint: given }, ctx) => {
      await ctx.sleep('10m')
      if (isFailing) throw new Error('too hard')
      return `${order} with ${given ?? 'no hint'}`
    },
    ...more,
  })

/** The same as a machine. */
const slowMachine = (more: object = {}, isFailing = false) =>
  machineStep({
    name: 'Slow',
    inputs: { order: Order, hint: optional(Hint) },
    output: Made,
    machine: setup({
      types: {} as {
        input: { order: string; hint: string | undefined }
        context: { text: string }
        output: string
      },
      actions: {
        refuse: () => {
          if (isFailing) throw new Error('too hard')
        },
      },
    }).createMachine({
      context: ({ input }) => ({ text: `${input.order} with ${input.hint ?? 'no hint'}` }),
      output: ({ context }) => context.text,
      initial: 'asleep',
      states: { asleep: { after: { [10 * minute]: { target: 'over', actions: 'refuse' } } }, over: { type: 'final' } },
    }),
    ...more,
  })

/** Begins in a process that dies after two minutes, and ends in another one. */
async function ended(declared: Parameters<World['process']>[0]['graphs'], target: typeof Made | typeof Said) {
  const world = new World()
  const began = world.clock.now()
  const first = world.mortal({ graphs: declared })
  const [works] = declared
  await world.clock.settle(first.docket.start(works as never, target as never, inputs as never, { id: 'a' }))
  await world.clock.advance(2 * minute)
  first.die()
  const second = world.process({ graphs: declared })
  const found = await world.clock.settle(second.get('a'))
  const result = await world.clock.settle(
    found!.result().catch((error: Error) => (error.cause as Error | undefined)?.message ?? error.message),
  )
  const afterMs = world.clock.now() - began
  await world.clock.settle(second.close())
  return { result, afterMs, world }
}

describe.each([
  ['a durable function', slow],
  ['a machine', slowMachine],
])('%s whose process dies', (_, make) => {
  test('goes on without an optional input whose producer failed, though it would not fail any more', async () => {
    let attempts = 0
    const late = step({
      name: 'Hint',
      inputs: { order: Order },
      output: Hint,
      run: () => {
        if (attempts++ === 0) throw new Error('no hint')
        return 'a hint'
      },
    })
    const works = graph({ name: 'works', steps: [late, make()] })
    expect(await ended([works], Made)).toMatchObject({
      result: 'o-1 with no hint',
      afterMs: expect.closeTo(10 * minute, -4) as number,
    })
  })

  test('fails what needs it, but for a step that can do without', async () => {
    const needs = step({ name: 'Say', inputs: { made: Made }, output: Said, run: ({ made }) => made })
    expect((await ended([graph({ name: 'works', steps: [hint, make({}, true), say] })], Said)).result).toBe('nothing')
    expect((await ended([graph({ name: 'works', steps: [hint, make({}, true), needs] })], Said)).result).toBe(
      'too hard',
    )
  })

  test('has its fallback elsewhere, and that is not undone', async () => {
    const undone: unknown[] = []
    const more = {
      fallback: (error: Error, { order }: { order: string }) => `${order}: ${error.message}`,
      compensate: (made: string) => void undone.push(made),
    }
    const works = graph({ name: 'works', steps: [hint, make(more, true), refusing] })
    expect((await ended([graph({ name: 'works', steps: [hint, make(more, true), say] })], Said)).result).toBe(
      'o-1: too hard',
    )
    expect((await ended([works], Said)).result).toBe('refused: o-1: too hard')
    expect(undone).toEqual([])
  })

  test('is undone elsewhere, once, with what it made', async () => {
    const undone: unknown[] = []
    const more = { compensate: (made: string) => void undone.push(made) }
    const works = graph({ name: 'works', steps: [hint, make(more), refusing] })
    expect((await ended([works], Said)).result).toBe('refused: o-1 with no hint')
    expect(undone).toEqual(['o-1 with no hint'])
  })
})

const refusing = step({
  name: 'Refuse',
  inputs: { made: Made },
  output: Said,
  run: ({ made }): string => {
    throw new Error(`refused: ${made}`)
  },
})

test('the timeout of a machine counts its waits from its beginning, wherever it goes on', async () => {
  const more = { timeout: '6m', fallback: (error: Error) => error.constructor.name }
  const works = graph({ name: 'works', steps: [hint, slowMachine(more), say] })
  const { result, afterMs } = await ended([works], Said)
  expect(result).toBe('StepTimeoutError')
  expect(afterMs).toBeGreaterThanOrEqual(6 * minute)
  expect(afterMs).toBeLessThan(7 * minute)
})

test('the timeout of a durable function does not count its sleeps', async () => {
  const works = graph({ name: 'works', steps: [hint, slow({ timeout: '6m' }), say] })
  expect((await ended([works], Said)).result).toBe('o-1 with no hint')
})
