import { describe, expect, test } from 'vitest'
import { dataType, durableStep, race, step, timer, type, untypedGraph } from '../../src/index.ts'
import { World } from './durable-time.ts'
import { door } from './line.ts'
import { SuspendedClock } from './suspended-clock.ts'

const Seed = dataType('Seed', type<number>())
const Made = dataType('Made', type<number>())
const Due = dataType('Due', type<number>())
const Out = dataType('Out', type<number>())

/** What a process does: what is called once it was let go on, and what lets it. */
interface Life {
  readonly calls: string[]
  readonly goesOn: Promise<number>
}

const inputs = { seed: Seed }
const makeLater = ({ goesOn }: Life) => step({ name: 'Make', inputs, output: Made, run: () => goesOn })
const failLater = async ({ goesOn }: Life): Promise<number> => {
  await goesOn
  throw new Error('down')
}

function fallingBack(life: Life, persisted: { readonly persist?: 'execution' }) {
  const fallback = (): number => life.calls.push('next')
  const whole = step({ name: 'Whole', inputs, output: Out, ...persisted, fallback, run: () => failLater(life) })
  return untypedGraph({ name: 'work', steps: [whole] })
}

/** Graphs that call a function after a wait; as each process has them. */
const graphs = {
  'a call of a function that waited for something of its own': (life: Life) =>
    untypedGraph({
      name: 'work',
      steps: [
        durableStep({
          name: 'Whole',
          inputs,
          output: Out,
          run: async (_, ctx) => {
            await life.goesOn
            return ctx.step('next', () => life.calls.push('next'))
          },
        }),
      ],
    }),
  'a fallback': (life: Life) => fallingBack(life, { persist: 'execution' }),
  'a fallback of what is not persisted': (life: Life) => fallingBack(life, {}),
  'the function of a race': (life: Life) =>
    untypedGraph({
      name: 'work',
      steps: [
        makeLater(life),
        timer({ name: 'Late', inputs, output: Due, after: '1h', value: () => 0 }),
        race({
          name: 'Whole',
          inputs: { made: Made, due: Due },
          output: Out,
          run: () => life.calls.push('next'),
        }),
      ],
    }),
  'a step of global scope': (life: Life) =>
    untypedGraph({
      name: 'work',
      steps: [
        makeLater(life),
        step({
          name: 'Whole',
          inputs: { made: Made },
          output: Out,
          persist: 'global',
          run: () => life.calls.push('next'),
        }),
      ],
    }),
}

// Others have gone on with the execution meanwhile.
describe.each(['execution', 'batch'])('%s of a machine that was suspended for longer than its lease begins', (kind) => {
  test.each(Object.keys(graphs) as (keyof typeof graphs)[])('nothing: not %s', async (name) => {
    const world = new World()
    const clock = new SuspendedClock(world.clock)
    const gate = door()
    const slept: Life = { calls: [], goesOn: gate.promise }
    const awake: Life = { calls: [], goesOn: Promise.resolve(7) }
    const own = graphs[name](slept)
    const sleeper = world.process({ graphs: [own], clock, lease: '5s' })
    const handle =
      kind === 'execution'
        ? await sleeper.start(own, Out, { Seed: 1 }, { id: 'a' })
        : await sleeper.startBatch(own, Out, [{ Seed: 1 }], { id: 'a' })
    await world.clock.advance(10)
    world.process({ graphs: [graphs[name](awake)], lease: '5s' })
    clock.suspend()
    await world.clock.advance(8_000)
    expect(awake.calls).toEqual(['next'])
    gate.resolve(7)
    await clock.wake()
    await world.clock.advance(6_000)
    expect(await world.clock.settle<unknown>(handle.result())).toEqual(kind === 'execution' ? 1 : [1])
    expect(slept.calls).toEqual([])
  })
})
