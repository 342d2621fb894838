import { describe, expect, test } from 'vitest'
import { dataType, graph, step, subgraph, timer, type } from '../../src/index.ts'
import type { Docket } from '../../src/index.ts'
import { World } from './durable-time.ts'
import { fatalAt } from './fatal-commit.ts'
import { Approval, inputs, minute, orders, Shipment } from './parked-orders.ts'

/** Something that a docket runs, with what comes to it from outside, and what must be in the end whatever dies. */
interface Scenario {
  readonly graphs: DocketGraphs
  readonly start: (docket: Docket) => Promise<unknown>
  /** Done by others, at a time in milliseconds after the start. */
  readonly meanwhile?: { readonly at: number; readonly act: (others: Docket) => Promise<unknown> }
  readonly isAskedAgain?: boolean
  /** How long it takes at the most. */
  readonly takesMs: number
  readonly check: (docket: Docket, label: string) => Promise<void>
}

type DocketGraphs = Parameters<World['process']>[0]['graphs']

/** Lets the process die at each of its commits, right before and right after; another one goes on each time. Gives how many there were. */
async function atEachCommit(when: 'before' | 'after', scenarioOf: (world: World) => Scenario): Promise<number> {
  for (let n = 1; ; n++) {
    const world = new World()
    const { clock } = world
    const scenario = scenarioOf(world)
    const options = { graphs: scenario.graphs, lease: '2s', park: '1s' } as const
    let diedAt: number | undefined
    let next: Docket | undefined
    const fatal = fatalAt(world.store, n, when, () => {
      die()
      diedAt = clock.now()
      next = world.process(options)
      // A batch goes on by itself once all its items are written: who was not answered asks again.
      if (scenario.isAskedAgain === true) void scenario.start(next).catch(() => {})
    })
    const { docket, die } = world.mortal(options, fatal)
    const others = world.process({ graphs: [], takeOver: false })
    const beganAt = clock.now()
    void scenario.start(docket).catch(() => {})
    if (scenario.meanwhile !== undefined) {
      await clock.advance(scenario.meanwhile.at)
      await clock.settle(scenario.meanwhile.act(others)).catch((error: unknown) => {
        throw new Error(`died ${when} commit ${n}`, { cause: error })
      })
    }
    await clock.advance(scenario.takesMs + 10_000 - (clock.now() - beganAt))
    const label = diedAt === undefined ? 'nothing died' : `died ${when} commit ${n}`
    await scenario.check(next ?? docket, label)
    if (diedAt === undefined) return n - 1
  }
}

/** What `result()` gives of an execution. */
async function resultOf(world: World, docket: Docket, id = 'a'): Promise<unknown> {
  const handle = await world.clock.settle(docket.get(id))
  return world.clock.settle(handle!.result().catch((error: unknown) => error))
}

describe.each(['before', 'after'] as const)(
  'a process that dies right %s any of its commits leaves the same end',
  (when) => {
    test('of an approval that comes in time: it wins, and nobody else is accepted', async () => {
      const commits = await atEachCommit(when, (world) => {
        const runs: string[] = []
        const declared = orders(runs)
        return {
          graphs: [declared],
          start: (docket) => docket.start(declared, Shipment, inputs, { id: 'a' }),
          meanwhile: {
            at: 5_000,
            act: async (others) => {
              const handle = (await others.get('a'))!
              expect(await handle.signal(Approval, { by: 'Ada' }, { id: 'one' })).toBe('accepted')
              expect(await handle.signal(Approval, { by: 'Bo' })).toBe('duplicate')
            },
          },
          takesMs: 5_000,
          async check(docket, label) {
            expect(await resultOf(world, docket), label).toBe('prepared o, for Ada')
            const handle = (await world.clock.settle(docket.get('a')))!
            expect(await world.clock.settle(handle.signal(Approval, { by: 'Ada' }, { id: 'one' })), label).toBe(
              'accepted',
            )
            expect(await world.clock.settle(handle.signal(Approval, { by: 'Cy' })), label).toBe('ended')
          },
        }
      })
      expect(commits).toBeGreaterThan(3)
    })

    test('of an approval that comes too late: the timer has fired once, at its time, and wins', async () => {
      const commits = await atEachCommit(when, (world) => {
        const declared = orders([], { expireAfter: '1m' })
        const startedAt = world.clock.now()
        return {
          graphs: [declared],
          start: (docket) => docket.start(declared, Shipment, inputs, { id: 'a' }),
          meanwhile: {
            at: minute + 10_000,
            act: async (others) => {
              const handle = (await others.get('a'))!
              expect(await handle.signal(Approval, { by: 'Ada' })).toMatch(/late|ended/)
            },
          },
          takesMs: minute + 20_000,
          async check(docket, label) {
            expect(await resultOf(world, docket), label).toBe('prepared o, expired')
            const { steps } = await world.clock.settle((await world.clock.settle(docket.get('a')))!.details())
            const expire = steps.find(({ step: name }) => name === 'Expire')!
            expect((expire.output as { dueAt: Date }).dueAt.getTime(), label).toBeLessThan(startedAt + minute + 5_000)
            expect(expire.endedAt!.getTime(), label).toBeGreaterThanOrEqual(startedAt + minute)
          },
        }
      })
      expect(commits).toBeGreaterThan(3)
    })

    test('of a parent whose child waits and is undone: there is one child, and what it did is undone once', async () => {
      await atEachCommit(when, (world) => {
        const log: string[] = []
        const { declared } = parentOf(log)
        return {
          graphs: [declared],
          start: (docket) => docket.start(declared, Receipt, { Order: 'o' }, { id: 'a' }),
          takesMs: 40_000,
          async check(docket, label) {
            expect(await resultOf(world, docket), label).toMatchObject({ code: 'STEP_FAILED', step: 'Receive' })
            const { executions } = await world.clock.settle(docket.list({ parent: 'a' }))
            expect(
              executions.map(({ id, status }) => [id, status]),
              label,
            ).toEqual([['a/Deliver', 'completed']])
            expect([...new Set(log)], label).toEqual(['pack', 'receive', 'return'])
          },
        }
      })
    })

    test('of a batch with timers: each item has its value, and none fired early', async () => {
      await atEachCommit(when, (world) => {
        const early: string[] = []
        const declared = remindersOf(world, early)
        return {
          graphs: [declared],
          start: (docket) =>
            docket.startBatch(declared, Reminder, [{ Order: '1' }, { Order: '2' }, { Order: '3' }], { id: 'a' }),
          isAskedAgain: true,
          takesMs: 60_000,
          async check(docket, label) {
            expect(await resultOf(world, docket), label).toEqual(['1', '2', '3'])
            expect(early, label).toEqual([])
          },
        }
      })
    })
  },
)

const Order = dataType('Order', type<string>())
const Packed = dataType('Packed', type<string>())
const Pause = dataType('Pause', type<{ readonly dueAt: Date }>())
const Delivery = dataType('Delivery', type<string>())
const Receipt = dataType('Receipt', type<string>())
const Wake = dataType('Wake', type<{ readonly dueAt: Date }>())
const Reminder = dataType('Reminder', type<string>())

/** A parent that fails after its child has come to its value. */
function parentOf(log: string[]) {
  const delivery = graph({
    name: 'delivery',
    steps: [
      step({
        name: 'Pack',
        inputs: { order: Order },
        output: Packed,
        run: ({ order }) => {
          log.push('pack')
          return order
        },
        persist: 'execution',
      }),
      timer({ name: 'Travel', inputs: { packed: Packed }, output: Pause, after: '20s' }),
      step({
        name: 'HandOver',
        inputs: { packed: Packed, pause: Pause },
        output: Delivery,
        run: ({ packed }) => `${packed} is there`,
      }),
    ],
  })
  const declared = graph({
    name: 'parent',
    steps: [
      subgraph(delivery, Delivery, {
        name: 'Deliver',
        compensate: (output) => {
          expect(output ?? 'o is there').toBe('o is there')
          log.push('return')
        },
      }),
      step({
        name: 'Receive',
        inputs: { delivery: Delivery },
        output: Receipt,
        run: () => {
          log.push('receive')
          throw new Error('nobody is in')
        },
      }),
    ],
  })
  return { declared }
}

/** Reminders that are sent after a while. */
function remindersOf(world: World, early: string[]) {
  return graph({
    name: 'reminders',
    steps: [
      timer({ name: 'Sleep', inputs: { order: Order }, output: Wake, after: ({ order }) => Number(order) * 10_000 }),
      step({
        name: 'Remind',
        inputs: { order: Order, wake: Wake },
        output: Reminder,
        run: ({ order, wake }) => {
          if (world.clock.now() < wake.dueAt.getTime()) early.push(order)
          return order
        },
      }),
    ],
  })
}
