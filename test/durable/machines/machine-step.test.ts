import { describe, expect, test } from 'vitest'
import { assign, fromCallback, fromPromise, setup } from 'xstate'
import { z } from 'zod'
import { dataType, graph, invocationOf, machineStep } from '../../../src/index.ts'
import { World } from '../durable-time.ts'
import { Ended, hour, subscriptions } from './subscription.ts'

const inputs = { Customer: { id: 'ada' } }

const machineOf = (state: string) =>
  setup({ types: {} as { output: number } }).createMachine({
    initial: state,
    output: 7,
    states: { [state]: { after: { [hour]: 'over' } }, over: { type: 'final' } },
  })
const migrate = (snapshot: object) => ({ ...snapshot, value: 'after' })

function cyclic(snapshot: object): object {
  const context: Record<string, unknown> = {}
  context['self'] = context
  return { ...snapshot, context }
}

class Till {
  readonly drawers = 1
}

describe('a machine in a docket', () => {
  test('is parked while it waits for an hour, and goes on from its state in another process, charging each period once', async () => {
    const world = new World()
    const charges: number[] = []
    const began = world.clock.now()
    const declared = subscriptions(async ({ period }) => {
      charges.push(period)
      return `${period} at ${world.clock.now() - began}`
    })
    const first = world.mortal({ graphs: [declared] })
    const handle = await world.clock.settle(first.docket.start(declared, Ended, inputs, { id: 'a' }))
    await world.clock.advance(20_000)
    expect((await world.clock.settle(world.store.get(['a'])))[0]).toMatchObject({
      status: 'waiting',
      parkedAt: expect.any(Number) as number,
      dueAt: expect.any(Number) as number,
    })
    first.die()
    void handle
    const second = world.process({ graphs: [declared] })
    const found = await world.clock.settle(second.get('a'))
    const result = await world.clock.settle(found!.result())
    expect(charges).toEqual([1, 2, 3])
    expect(result).toEqual({ customer: 'ada', charges: ['1 at 0', `2 at ${hour}`, `3 at ${2 * hour}`] })
    await world.clock.settle(second.close())
  })

  test('waits for a process that knows its state, and for one of its version unless that migrates it', async () => {
    const world = new World()
    const Count = dataType('Count', z.number())
    const declare = (state: string, more: object = {}) =>
      graph({ name: 'g', steps: [machineStep({ name: 'Wait', machine: machineOf(state), output: Count, ...more })] })
    const declared = declare('before')
    const first = world.mortal({ graphs: [declared] })
    await world.clock.settle(first.docket.start(declared, Count, {}, { id: 'a' }))
    await world.clock.advance(1_000)
    first.die()
    const other = world.process({ graphs: [declare('after')] })
    await world.clock.advance(120_000)
    expect(world.events.find(({ type }) => type === 'execution.incompatible')).toMatchObject({
      reasons: [expect.stringContaining('was in the state "before", which it does not have any more') as string],
    })
    await world.clock.settle(other.close())
    const newer = world.process({ graphs: [declare('after', { version: 2 })] })
    await world.clock.advance(120_000)
    expect(world.events.filter(({ type }) => type === 'execution.incompatible').at(-1)).toMatchObject({
      reasons: [expect.stringContaining('was in version (none), and is in version 2 now') as string],
    })
    await world.clock.settle(newer.close())
    const last = world.process({ graphs: [declare('after', { version: 2, migrate })] })
    const result = (await world.clock.settle(last.get('a')))!.result()
    await world.clock.advance(hour)
    expect(await world.clock.settle(result)).toBe(7)
    await world.clock.settle(last.close())
  })

  test.each<[string, (snapshot: object) => unknown, string]>([
    ['what can’t be copied', () => ({ context: { call: () => 1 } }), 'can’t keep "context.call": it is a function'],
    ['what holds itself', cyclic, 'can’t keep "context.self": it is a cycle'],
    ['an instance', (snapshot) => ({ ...snapshot, context: { till: new Till() } }), 'an instance of Till'],
    ['nothing', () => undefined, 'it returned undefined, not a snapshot'],
    ['a promise', () => Promise.resolve({}), 'a Promise (is an `await` missing?)'],
  ])('waits for another process where migrate returns %s, and says so', async (_, wrong, why) => {
    const world = new World()
    const Count = dataType('Count', z.number())
    const declare = (more: object = {}) =>
      graph({ name: 'g', steps: [machineStep({ name: 'Wait', machine: machineOf('now'), output: Count, ...more })] })
    const declared = declare()
    const first = world.mortal({ graphs: [declared] })
    await world.clock.settle(first.docket.start(declared, Count, {}, { id: 'a' }))
    await world.clock.advance(1_000)
    first.die()
    const newer = world.process({ graphs: [declare({ version: 2, migrate: wrong })] })
    await world.clock.advance(120_000)
    expect(world.events.find(({ type }) => type === 'execution.incompatible')).toMatchObject({
      reasons: [expect.stringContaining(`migrate of step "Wait" failed for version (none): `) as string],
    })
    const found = world.events.find((one) => one.type === 'execution.incompatible')
    expect(found?.reasons.join()).toContain(why)
    await world.clock.settle(newer.close())
  })

  test('refuses what could not begin again elsewhere, unless it is said to', async () => {
    const world = new World()
    const Done = dataType('Done', z.string())
    const listening = setup({
      types: {} as { output: string; events: { type: 'HEARD' } },
      actors: { listen: fromCallback(({ sendBack }) => sendBack({ type: 'HEARD' })) },
    }).createMachine({
      initial: 'idle',
      output: 'heard',
      states: {
        idle: { invoke: { src: 'listen' }, on: { HEARD: 'over' } },
        over: { type: 'final' },
      },
    })
    const declare = (restartable: readonly string[]) =>
      graph({ name: 'g', steps: [machineStep({ name: 'Listen', machine: listening, output: Done, restartable })] })
    const [refused, taken] = [declare([]), declare(['listen'])]
    const docket = world.process({ graphs: [refused] })
    await expect(world.clock.settle(docket.execute(refused, Done, {}))).rejects.toThrow(
      'the machine of step "Listen" has the actor "listen", a callback or a subscription',
    )
    await world.clock.settle(docket.close())
    const other = world.process({ graphs: [taken] })
    expect(await world.clock.settle(other.execute(taken, Done, {}))).toBe('heard')
    await world.clock.settle(other.close())
  })

  test('goes on in a process that retries it, from the state in which an action threw', async () => {
    const world = new World()
    const Done = dataType('Done', z.string())
    let isMended = false
    const machine = setup({
      types: {} as { output: string; context: { turns: number } },
      actions: {
        fail: () => {
          if (!isMended) throw new Error('out of order')
        },
      },
    }).createMachine({
      context: { turns: 0 },
      output: ({ context }) => `after ${context.turns}`,
      initial: 'a',
      states: {
        a: { after: { [hour]: { target: 'b', actions: assign({ turns: ({ context }) => context.turns + 1 }) } } },
        b: { after: { [hour]: { target: 'over', actions: 'fail' } } },
        over: { type: 'final' },
      },
    })
    const declared = graph({ name: 'g', steps: [machineStep({ name: 'Turn', machine, output: Done })] })
    const docket = world.process({ graphs: [declared] })
    const handle = await world.clock.settle(docket.start(declared, Done, {}, { id: 'a' }))
    await expect(world.clock.settle(handle.result())).rejects.toThrow('out of order')
    isMended = true
    const before = world.clock.now()
    await world.clock.settle(docket.retry('a'))
    expect(await world.clock.settle(handle.result())).toBe('after 1')
    expect(world.clock.now() - before).toBeLessThan(hour)
    await world.clock.settle(docket.close())
  })

  test('runs what it has invoked again under the same key where a process died, and under another one when its state is entered again', async () => {
    const world = new World()
    const Done = dataType('Done', z.string())
    const keys: (string | undefined)[] = []
    const hangs = Promise.withResolvers<string>()
    const machine = setup({
      types: {} as { output: string; context: { turns: number } },
      actors: {
        pay: fromPromise(({ self }) => {
          keys.push(invocationOf(self)?.idempotencyKey)
          return keys.length === 2 ? hangs.promise : Promise.resolve('paid')
        }),
      },
    }).createMachine({
      context: { turns: 0 },
      output: ({ context }) => `${context.turns} times`,
      initial: 'paying',
      states: {
        paying: {
          invoke: {
            src: 'pay',
            onDone: { target: 'paid', actions: assign({ turns: ({ context }) => context.turns + 1 }) },
          },
        },
        paid: { always: { guard: ({ context }) => context.turns === 2, target: 'over' }, after: { 1_000: 'paying' } },
        over: { type: 'final' },
      },
    })
    const declared = graph({ name: 'g', steps: [machineStep({ name: 'Pay', machine, output: Done })] })
    const first = world.mortal({ graphs: [declared] })
    await world.clock.settle(first.docket.start(declared, Done, {}, { id: 'a' }))
    await world.clock.advance(2_000)
    first.die()
    const second = world.process({ graphs: [declared] })
    await world.clock.advance(120_000)
    expect(await world.clock.settle((await world.clock.settle(second.get('a')))!.result())).toBe('2 times')
    expect(keys).toHaveLength(3)
    expect(keys[1]).toBe(keys[2])
    expect(keys[0]).not.toBe(keys[1])
    expect(keys.every((key) => key?.includes('/0.(machine).paying/') === true)).toBe(true)
    await world.clock.settle(second.close())
  })
})
