import { describe, expect, test } from 'vitest'
import { assign, fromPromise, setup } from 'xstate'
import { z } from 'zod'
import { createDocket, dataType, graph, machineStep, signal } from '../../../src/index.ts'
import type { Docket } from '../../../src/index.ts'
import { World } from '../durable-time.ts'
import { AddItem, carts, CheckOut, Order } from './cart.ts'

const Word = dataType('Word', z.string())
const Done = dataType('Done', z.string())
const inner = graph({ name: 'inner', steps: [signal(Word)] })

/** A machine that lets a docket run another graph, under an id of its own. */
function outerOf(world: World): { readonly docket: Docket; readonly outer: ReturnType<typeof declare> } {
  const starter = world.process({ graphs: [inner] })
  const outer = declare(starter)
  return { docket: starter, outer }
}

function declare(starter: Docket) {
  const machine = setup({
    types: {} as { context: { word: string }; output: string },
    actors: { inner: starter.logic(inner, Word, { id: () => 'inner-1' }) },
  }).createMachine({
    context: { word: '' },
    output: ({ context }) => `got ${context.word}`,
    initial: 'asking',
    states: {
      asking: {
        invoke: {
          src: 'inner',
          input: {},
          onDone: { target: 'over', actions: assign({ word: ({ event }) => event.output }) },
        },
      },
      over: { type: 'final' },
    },
  })
  return graph({ name: 'outer', steps: [machineStep({ name: 'Outer', machine, output: Done })] })
}

describe('a machine that is handed over', () => {
  test('leaves the execution running that it has begun by docket.logic, and joins it again elsewhere', async () => {
    const world = new World()
    const { docket: starter, outer } = outerOf(world)
    const first = world.process({ graphs: [outer] })
    await world.clock.settle(first.start(outer, Done, {}, { id: 'outer-1' }))
    await world.clock.advance(1_000)
    await world.clock.settle(first.close())
    await world.clock.advance(1_000)
    const child = (await world.clock.settle(starter.get('inner-1')))!
    expect((await world.clock.settle(child.details())).status).toBe('waiting')
    const second = createDocket({ graphs: [outer], store: world.store, clock: world.clock, name: 'second' })
    const result = (await world.clock.settle(second.get('outer-1')))!.result()
    await world.clock.settle(child.signal(Word, 'it'))
    expect(await world.clock.settle(result)).toBe('got it')
    await world.clock.settle(Promise.all([starter.close(), second.close()]))
  })

  test('that is cancelled cancels what it has invoked', async () => {
    const world = new World()
    const { docket: starter, outer } = outerOf(world)
    const docket = world.process({ graphs: [outer] })
    const handle = await world.clock.settle(docket.start(outer, Done, {}, { id: 'outer-1' }))
    await world.clock.advance(1_000)
    await world.clock.settle(handle.cancel())
    await world.clock.advance(1_000)
    const child = (await world.clock.settle(starter.get('inner-1')))!
    expect((await world.clock.settle(child.details())).status).toBe('cancelled')
    await world.clock.settle(Promise.all([starter.close(), docket.close()]))
  })

  test('aborts a promise of it, whose work is done again elsewhere', async () => {
    const world = new World()
    const aborted: unknown[] = []
    let runs = 0
    const machine = setup({
      types: {} as { output: string },
      actors: {
        work: fromPromise(({ signal: aborts }) => {
          if (++runs > 1) return Promise.resolve('done')
          return new Promise((_, reject) =>
            aborts.addEventListener('abort', () => reject(aborted.push('aborted') as never)),
          )
        }),
      },
    }).createMachine({
      output: 'over',
      initial: 'working',
      states: { working: { invoke: { src: 'work', onDone: 'over' } }, over: { type: 'final' } },
    })
    const declared = graph({ name: 'g', steps: [machineStep({ name: 'Work', machine, output: Done })] })
    const first = world.process({ graphs: [declared] })
    await world.clock.settle(first.start(declared, Done, {}, { id: 'a' }))
    await world.clock.advance(1_000)
    await world.clock.settle(first.close())
    expect(aborted).toEqual(['aborted'])
    const second = world.process({ graphs: [declared] })
    expect(await world.clock.settle((await world.clock.settle(second.get('a')))!.result())).toBe('over')
    expect(runs).toBe(2)
    await world.clock.settle(second.close())
  })

  test('after it has ended reads no message more, and one that came late says so', async () => {
    const world = new World()
    const declared = carts(() => Promise.resolve('paid'))
    const docket = world.process({ graphs: [declared] })
    const handle = await world.clock.settle(docket.start(declared, Order, { Shopper: 'ada' }, { id: 'a' }))
    await world.clock.settle(handle.signal(AddItem, { name: 'book', euros: 12 }))
    await world.clock.settle(handle.signal(CheckOut, { card: 'visa' }))
    await world.clock.settle(handle.result())
    expect(await world.clock.settle(handle.signal(AddItem, { name: 'pen', euros: 3 }))).toBe('ended')
    await world.clock.settle(docket.close())
  })

  test('is undone as uncertain when its execution is cancelled in the middle of it, and is held by nobody after that', async () => {
    const world = new World()
    const undone: unknown[] = []
    const machine = setup({
      types: {} as { output: string },
      actors: { work: fromPromise(() => new Promise<string>(() => {})) },
    }).createMachine({
      output: 'over',
      initial: 'working',
      states: { working: { invoke: { src: 'work', onDone: 'over' } }, over: { type: 'final' } },
    })
    const declared = graph({
      name: 'g',
      steps: [
        machineStep({
          name: 'Work',
          machine,
          output: Done,
          compensate: (output, { isUncertain }) => undone.push([output, isUncertain]),
        }),
      ],
    })
    const docket = world.process({ graphs: [declared] })
    const handle = await world.clock.settle(docket.start(declared, Done, {}, { id: 'a' }))
    await world.clock.advance(1_000)
    const before = world.clock.now()
    await world.clock.settle(handle.cancel())
    await expect(world.clock.settle(handle.result())).rejects.toThrow('cancelled')
    expect(undone).toEqual([[undefined, true]])
    expect(world.clock.now() - before).toBeLessThan(5_000)
    await world.clock.settle(docket.delete('a'))
    await world.clock.settle(docket.close())
  })
})
