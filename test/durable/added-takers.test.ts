import { expect, test } from 'vitest'
import { optional, race, signal, step, timer, untypedGraph } from '../../src/index.ts'
import type { AnyGraph } from '../../src/core/graph/graph-index.ts'
import { expectNoUnhandledErrors, text } from '../loose-api.ts'
import { sleep } from '../../src/runtime/environment/clock.ts'
import { World } from './durable-time.ts'

expectNoUnhandledErrors()

const Fast = text('Fast')
const Slow = text('Slow')
const Winner = text('Winner')
const Approval = text('Approval')
const Extra = text('Extra')
const Order = text('Order')
const Report = text('Report')
type Loser = keyof ReturnType<typeof losers>

const never = (): Promise<string> => new Promise(() => {})

function losers(world: World, version: 1 | 2) {
  const run = async (): Promise<string> => {
    await sleep(world.clock, 100)
    return 'slow'
  }
  const slow = { name: 'Slow', inputs: { order: optional(Order) }, output: Slow, run } as const
  return {
    'was given up': step({ ...slow, persist: 'execution', run: () => (version === 1 ? never() : 'slow') }),
    'is undone': step({ ...slow, compensate: () => {} }),
    'is being undone': step({ ...slow, compensate: { run: never } }),
    'could not be undone': step({ ...slow, compensate: () => Promise.reject(new Error('the bank is closed')) }),
    'is a signal': signal(Slow),
    'is a timer': timer({ name: 'Slow', output: Slow, after: '2m', value: () => 'slow' }),
    'has its value': step({ ...slow, persist: 'execution' }),
  }
}

/** In the second version the outcome is made of something that the loser of its race makes. */
function deciding(world: World, loser: Loser, version: 1 | 2): AnyGraph {
  const fast = step({
    name: 'Fast',
    inputs: { order: optional(Order) },
    output: Fast,
    persist: 'execution',
    run: async () => {
      await sleep(world.clock, 10)
      return 'fast'
    },
  })
  const decide = race({ name: 'Decide', inputs: { fast: Fast, slow: Slow }, output: Winner })
  const add = step({ name: 'Add', inputs: { slow: Slow }, output: Extra, run: ({ slow }) => `${slow} and more` })
  const report = step({
    name: 'Report',
    inputs: { winner: Winner, approval: Approval, ...(version === 2 && { extra: Extra }) },
    output: Report,
    run: (given) => Object.values(given).join(', '),
  })
  const steps = [fast, losers(world, version)[loser], decide, signal(Approval), ...(version === 2 ? [add] : []), report]
  return untypedGraph({ name: 'deciding', steps: steps as never })
}

async function decided(loser: Loser) {
  const world = new World()
  const older = deciding(world, loser, 1)
  const first = world.mortal({ graphs: [older] })
  await first.docket.start(older as never, Report as never, {} as never, { id: 'x' })
  await world.clock.advance(30_000)
  first.die()
  await world.clock.advance(10_000)
  return { world, older, newer: deciding(world, loser, 2) }
}

test.each([
  ['is undone', 'what step "Slow" did is undone'],
  ['is being undone', 'what step "Slow" did is undone'],
  ['could not be undone', 'what step "Slow" did is undone'],
  ['is a signal', 'signal "Slow" is waited for no more'],
] as const)(
  'a step that takes the value of a loser which %s, and that has come since, leaves the execution to the older version',
  async (loser, reason) => {
    const { world, older, newer } = await decided(loser)
    const second = world.process({ graphs: [newer] })
    const { incompatible } = await second.findIncompatible()
    expect(incompatible).toMatchObject([{ id: 'x' }])
    expect(incompatible[0]!.reasons[0]).toContain(`step "Add" takes "Slow", but ${reason}, since it had lost a race`)
    const handle = (await second.get('x'))!
    expect(await world.clock.settle(handle.signal(Approval as never, 'yes' as never))).toBe('accepted')
    await world.clock.advance(5_000)
    expect(world.events.filter(({ type }) => type === 'execution.incompatible')).toHaveLength(1)
    world.process({ graphs: [older] })
    expect(await world.clock.settle(handle.result())).toBe('fast, yes')
  },
)

test.each([
  ['was given up', 'fast, yes, slow and more'],
  ['is a timer', 'fast, yes, slow and more'],
  ['has its value', 'fast, yes, slow and more'],
] as const)(
  'a step that takes the value of a loser which %s, and that has come since, gets it',
  async (loser, result) => {
    const { world, newer } = await decided(loser)
    const second = world.process({ graphs: [newer] })
    expect((await second.findIncompatible()).incompatible).toEqual([])
    const handle = (await second.get('x'))!
    await world.clock.settle(handle.signal(Approval as never, 'yes' as never))
    await world.clock.advance(180_000)
    expect(await world.clock.settle(handle.result())).toBe(result)
  },
)

test('in a batch, items whose losers are undone leave the batch to the older version', async () => {
  const world = new World()
  const older = deciding(world, 'is undone', 1)
  const first = world.mortal({ graphs: [older] })
  await first.docket.startBatch(older as never, Report as never, [{ Order: 'a' }, { Order: 'b' }] as never, { id: 'b' })
  await world.clock.advance(30_000)
  first.die()
  await world.clock.advance(10_000)
  const second = world.process({ graphs: [deciding(world, 'is undone', 2)] })
  const { incompatible } = await second.findIncompatible()
  expect(incompatible.map(({ id, reasons }) => [id, reasons.length])).toEqual([['b', 1]])
  expect(incompatible[0]!.reasons[0]).toContain('step "Add" takes "Slow"')
})
