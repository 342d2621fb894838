import { createMachine } from 'xstate'
import { expect, test } from 'vitest'
import { durableStep, eventType, event, graph, machineStep, signal, step, update } from '../../src/index.ts'
import { dataType, type } from '../../src/index.ts'
import { errorOf, expectNoUnhandledErrors, graphOf, looseGraph, number, run, text } from '../loose-api.ts'
import type { AnyDataType } from '../../src/core/language/data-type.ts'
import { World } from './durable-time.ts'

expectNoUnhandledErrors()

const secret = 'hunter2'
const Secret = dataType('Secret', type<unknown>(), { sensitive: true })
const Open = dataType('Open', type<unknown>())
const Goal = number('Goal')
const Approval = text('Approval')

/** What can't be stored, and has what nobody is to see in the place of a key. */
const closed: readonly (() => unknown)[] = [
  () => ({ tokens: { [secret]: () => 0 } }),
  () => [new Map([[secret, Symbol('x')]])],
  () => {
    const circle: Record<string, unknown> = {}
    circle[secret] = { again: circle }
    return circle
  },
  () => ({
    get token(): string {
      throw new Error(`the token is ${secret}`)
    },
  }),
]

/** All that a log or a terminal would show of an error. */
function shownOf(error: unknown): string {
  const texts: string[] = []
  for (let one = error; one instanceof Error; one = one.cause)
    texts.push(one.message, String(one.stack), JSON.stringify(one))
  return texts.join('\n')
}

function expectClosed(error: unknown): void {
  expect(shownOf(error)).toContain('left out, since')
  expect(shownOf(error)).not.toContain(secret)
}

const make = (output: AnyDataType, value: () => unknown, persist?: 'global' | 'execution') =>
  step({ name: 'Make', output, persist, run: value } as never)
const take = (input: AnyDataType, persist?: 'global' | 'execution') =>
  step({ name: 'Take', inputs: { given: input }, output: Goal, persist, run: () => 1 } as never)

test('what can’t be stored of a type that is not sensitive is named by its place', async () => {
  const error = await errorOf(run(graphOf([make(Open, closed[0]!, 'global')]), Open))
  expect(error.message).toContain(`"tokens.${secret}": it is a function`)
  const input = await errorOf(run(graphOf([take(Open, 'global')]), Goal, { Open: closed[0]!() }))
  expect(input.message).toContain(`"given.tokens.${secret}": it is a function`)
})

test('what can’t be read of a type that is not sensitive says why, as the input of a step that is remembered', async () => {
  const error = await errorOf(run(graphOf([take(Open, 'global')]), Goal, { Open: closed[3]!() }))
  expect(shownOf(error)).toContain(`reading it threw the token is ${secret}`)
  expect(shownOf(error)).not.toContain('left out')
})

test('what can’t be stored, where nothing is sensitive, says why, also where that is an error of its own', async () => {
  const world = new World()
  const declared = graphOf([take(Open, 'execution')])
  const docket = world.process({ graphs: [declared] })
  const value = closed[3]!()
  const started = docket.start(declared as never, Goal as never, { Open: value } as never, { id: 'a' })
  expect(shownOf(await world.clock.settle(errorOf(started)))).toContain(`the token is ${secret}`)
  const input = await errorOf(run(graphOf([take(Open, 'execution')]), Goal, { Open: value }, { id: 'b' } as never))
  expect(shownOf(input)).toContain(`the token is ${secret}`)
})

test.each(closed)('nothing of a sensitive value is in an error of a step in memory (%#)', async (value) => {
  expectClosed(await errorOf(run(graphOf([make(Secret, value, 'global')]), Secret)))
  const input = await errorOf(run(graphOf([take(Secret, 'global')]), Goal, { Secret: value() }))
  expectClosed(input)
  const named = await errorOf(run(graphOf([take(Secret, 'execution')]), Goal, { Secret: value() }, { id: 'named' }))
  expectClosed(named)
})

test.each(closed)('nor in one of what a docket keeps (%#)', async (value) => {
  const world = new World()
  const takes = looseGraph({ name: 'takes', steps: [take(Secret)] })
  const keeps = looseGraph({ name: 'keeps', steps: [make(Secret, value, 'execution')] })
  const ends = looseGraph({ name: 'ends', steps: [make(Secret, value)] })
  const undoes = looseGraph({
    name: 'undoes',
    steps: [
      make(Secret, value),
      step({
        name: 'Book',
        inputs: { given: Secret },
        output: Goal,
        persist: 'execution',
        run: () => 1,
        compensate: () => {},
      } as never),
    ],
  })
  const docket = world.process({ graphs: [takes, keeps, ends, undoes] })
  const loose = docket as unknown as Record<string, (...all: readonly unknown[]) => Promise<never>>
  const outcome = (promise: Promise<unknown>): Promise<Error> => errorOf(world.clock.settle(promise))
  expectClosed(await outcome(loose['start']!(takes, Goal, { Secret: value() }, { id: 'start' })))
  expectClosed(await outcome(loose['startMany']!(takes, Goal, [{ inputs: { Secret: value() } }])))
  expectClosed(await outcome(loose['startBatch']!(takes, Goal, [{ Secret: value() }], { id: 'items' })))
  expectClosed(await outcome(loose['startBatch']!(takes, Goal, [{}], { id: 'shared', shared: { Secret: value() } })))
  expectClosed(await outcome(loose['execute']!(keeps, Secret, {})))
  const ended = loose['start']!(ends, Secret, {}).then((handle: { result(): Promise<unknown> }) => handle.result())
  expectClosed(await outcome(ended))
  expectClosed(await outcome(loose['execute']!(undoes, Goal, {})))
  expectClosed(
    await outcome(loose['schedule']!('s', { graph: takes, target: Goal, inputs: { Secret: value() }, every: '1h' })),
  )
  await world.clock.settle(docket.close({ deadline: 0 }))
})

test.each(closed)('nor in one of what executions are sent, or say (%#)', async (value) => {
  const world = new World()
  const Wanted = eventType('Wanted', type<unknown>(), { sensitive: true })
  const Change = update('Change', { input: type<unknown>(), output: type<unknown>(), sensitive: true } as never)
  const waiting = looseGraph({
    name: 'waiting',
    steps: [
      signal(Secret),
      event(Wanted as never, { key: () => 'k' } as never),
      durableStep({
        name: 'Talk',
        output: Open,
        receives: [Change],
        run: async (_: unknown, ctx: { receive(type: unknown): Promise<unknown> }) => ctx.receive(Change),
      } as never),
      step({
        name: 'End',
        inputs: { given: Secret, wanted: Wanted, open: Open },
        output: Goal,
        run: () => 1,
      } as never),
    ],
  })
  const tells = looseGraph({
    name: 'tells',
    steps: [
      durableStep({
        name: 'Tell',
        output: Secret,
        run: async (_: unknown, ctx: { step(name: string, run: () => unknown): Promise<unknown> }) =>
          ctx.step('first', value),
      } as never),
    ],
  })
  const docket = world.process({ graphs: [waiting, tells] })
  const loose = docket as unknown as Record<string, (...all: readonly unknown[]) => Promise<never>>
  const handle = (await world.clock.settle(loose['start']!(waiting, Goal, {}, { id: 'x' }))) as unknown as Record<
    string,
    (...all: readonly unknown[]) => Promise<unknown>
  >
  const outcome = (promise: Promise<unknown>): Promise<Error> => errorOf(world.clock.settle(promise))
  expectClosed(await outcome(handle['signal']!(Secret, value())))
  expectClosed(await outcome(handle['update']!(Change, value())))
  expectClosed(await outcome(loose['emit']!(Wanted, 'k', value())))
  expectClosed(await outcome(loose['execute']!(tells, Secret, {})))
  await world.clock.settle(docket.close({ deadline: 0 }))
})

test.each(closed)('nor in one of what a machine answers (%#)', async (value) => {
  const world = new World()
  const Ask = update('Ask', { input: type<unknown>(), output: type<unknown>(), sensitive: true } as never)
  const answering = looseGraph({
    name: 'answering',
    steps: [
      machineStep({
        name: 'Answer',
        machine: createMachine({ initial: 'on', states: { on: { on: { ASK: 'on' } } } }),
        output: Goal,
        events: { ASK: Ask },
        answers: { ASK: value },
      } as never),
    ],
  })
  const docket = world.process({ graphs: [answering] })
  const loose = docket as unknown as Record<string, (...all: readonly unknown[]) => Promise<never>>
  const handle = (await world.clock.settle(loose['start']!(answering, Goal, {}, { id: 'x' }))) as unknown as {
    update(type: unknown, value: unknown): Promise<unknown>
  }
  expectClosed(await errorOf(world.clock.settle(handle.update(Ask, 1))))
  await world.clock.settle(docket.close({ deadline: 0 }))
})

test('nor in the event that says that an execution can’t be parked', async () => {
  const world = new World()
  const parks = graph({
    name: 'parks',
    steps: [
      make(Secret, closed[0]!) as never,
      signal(Approval),
      step({
        name: 'End',
        inputs: { given: Secret, approval: Approval },
        output: Goal,
        run: () => 1,
      }) as never,
    ],
  } as never)
  const docket = world.process({ graphs: [parks] as never, park: 0 })
  await world.clock.settle(docket.startByName('parks', 'Goal', {}, { id: 'x' }))
  await world.clock.advance(1_000)
  const failed = world.events.find(({ type: of }) => of === 'parking.failed')
  expectClosed((failed as unknown as { readonly error: unknown }).error)
  await world.clock.settle(docket.close({ deadline: 0 }))
})
