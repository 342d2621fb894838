import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { dataType, graph, race, step, timer } from '../../src/index.ts'
import { World } from './durable-time.ts'

const Seed = dataType('Seed', z.string())
const Fast = dataType('Fast', z.string())
const Slow = dataType('Slow', z.string())
const Winner = dataType('Winner', z.string())
const inputs = { Seed: 's' }

interface Life {
  readonly fast: () => string | Promise<string>
  readonly slow: () => string | Promise<string>
  readonly decide: (first: string) => string | Promise<string>
}

const never = (): Promise<string> => new Promise(() => {})

/** A race of two steps, whose functions are as the process of the time has them. */
function racing(life: Life, persist?: 'execution') {
  const fast = step({ name: 'Fast', inputs: { seed: Seed }, output: Fast, persist, run: () => life.fast() })
  const slow = step({ name: 'Slow', inputs: { seed: Seed }, output: Slow, persist, run: () => life.slow() })
  const decide = race({
    name: 'Decide',
    inputs: { fast: Fast, slow: Slow },
    output: Winner,
    run: ({ port, value }) => life.decide(`${port} ${value}`),
  })
  return graph({ name: 'racing', steps: [fast, slow, decide] })
}

describe('a race in a docket', () => {
  test.each([undefined, 'execution'] as const)(
    'keeps its winner when the process dies while it decides, whatever comes first afterwards (persist: %s)',
    async (persist) => {
      const world = new World()
      const declared = racing({ fast: () => 'one', slow: never, decide: never }, persist)
      const { docket, die } = world.mortal({ graphs: [declared], lease: '2s' })
      await world.clock.settle(docket.start(declared, Winner, inputs, { id: 'a' }))
      await world.clock.advance(100)
      const { steps } = await world.store.readSteps(['a'])
      expect(steps.find(({ step: name }) => name === 'Decide')).toMatchObject({ status: 'running', attempt: 0 })
      die()
      const decided: string[] = []
      const decide: Life['decide'] = (first) => {
        decided.push(first)
        return first
      }
      const other = world.process({ graphs: [racing({ fast: never, slow: () => 'two', decide }, persist)] })
      await world.clock.advance(10_000)
      expect(await world.clock.settle((await other.get('a'))!.result())).toBe('fast one')
      expect(decided).toEqual(['fast one'])
    },
  )

  test('keeps its winner when its function has failed, and the execution is retried', async () => {
    const world = new World()
    let slow: Life['slow'] = never
    const tries: string[] = []
    const decide: Life['decide'] = (first) => {
      tries.push(first)
      if (tries.length === 1) throw new Error('not now')
      return first
    }
    const declared = racing({ fast: () => 'one', slow: () => slow(), decide })
    const docket = world.process({ graphs: [declared] })
    const handle = await world.clock.settle(docket.start(declared, Winner, inputs, { id: 'a' }))
    await expect(world.clock.settle(handle.result())).rejects.toMatchObject({ cause: { message: 'not now' } })
    slow = () => 'two'
    await world.clock.settle(docket.retry('a'))
    expect(await world.clock.settle((await docket.get('a'))!.result())).toBe('fast one')
    expect(tries).toEqual(['fast one', 'fast one'])
  })

  test('has the value of its function on record once it has one', async () => {
    const world = new World()
    const declared = racing({ fast: () => 'one', slow: () => 'two', decide: (first) => first }, 'execution')
    const docket = world.process({ graphs: [declared] })
    expect(await world.clock.settle(docket.execute(declared, Winner, inputs, { id: 'a' }))).toBe('fast one')
    const { steps } = (await (await docket.get('a'))!.details())!
    expect(steps.find(({ step: name }) => name === 'Decide')).toMatchObject({ status: 'completed', output: 'fast one' })
  })

  test('that a step has won is not lost to the timer that comes due before a restart', async () => {
    const world = new World()
    const Late = dataType('Late', z.string())
    let decide: (value: string) => string | Promise<string> = never
    const fast = step({ name: 'Fast', inputs: { seed: Seed }, output: Fast, run: ({ seed }) => seed })
    const late = timer({ name: 'Late', output: Late, after: '1m', value: () => 'late' })
    const either = race({
      name: 'Either',
      inputs: { fast: Fast, late: Late },
      output: Winner,
      run: ({ value }) => decide(value),
    })
    const declared = graph({ name: 'deadline', steps: [fast, late, either] })
    const { docket, die } = world.mortal({ graphs: [declared], lease: '2s' })
    await world.clock.settle(docket.start(declared, Winner, inputs, { id: 'a' }))
    await world.clock.advance(100)
    die()
    await world.clock.advance(3_600_000)
    decide = (value) => value
    const other = world.process({ graphs: [declared] })
    await world.clock.advance(10_000)
    expect(await world.clock.settle((await other.get('a'))!.result())).toBe('s')
  })
})
