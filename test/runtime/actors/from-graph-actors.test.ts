import { describe, expect, expectTypeOf, test } from 'vitest'
import { assign, createActor, setup, toPromise } from 'xstate'
import type { ActorRefFrom, InspectionEvent } from 'xstate'
import { dataType, fixed, fromGraph, graph, step, StepError, type } from '../../../src/index.ts'
import { expectNoUnhandledErrors } from '../../loose-api.ts'
import { flush } from '../../../src/testing/virtual-clock.ts'
import { VirtualTime } from '../virtual-time.ts'

const Id = dataType('Id', type<number>())
const Made = dataType('Made', type<number>())
const Extra = dataType('Extra', type<number>())
const Sum = dataType('Sum', type<number>())

expectNoUnhandledErrors()

/** Made takes 10 ms and fails once, with 20 between; Extra is synchronous; Sum takes 5 ms, and fails for a negative id. */
function sums(clock: VirtualTime, aborted: string[] = []) {
  const make = step({
    name: 'Make',
    inputs: { id: Id },
    output: Made,
    retry: { maxAttempts: 2, backoff: fixed(20) },
    run: async ({ id }, { attempt, signal, executionId }) => {
      signal.addEventListener('abort', () => aborted.push(executionId))
      await clock.sleep(10, signal)
      if (attempt === 1) throw new Error('not yet')
      return id
    },
  })
  const extra = step({ name: 'GiveExtra', inputs: { id: Id }, output: Extra, run: ({ id }) => id * 10 })
  const add = step({
    name: 'Add',
    inputs: { made: Made, extra: Extra },
    output: Sum,
    run: async ({ made, extra }) => {
      await clock.sleep(5)
      if (made < 0) throw new Error(`no sum of ${made}`)
      return made + extra
    },
  })
  return graph({ name: 'sums', steps: [make, extra, add] })
}

interface Step {
  readonly id: string
  getSnapshot(): {
    readonly value: unknown
    readonly status: string
    readonly context: unknown
    readonly output: unknown
  }
}

const told = (children: Readonly<Record<string, Step>>) =>
  Object.fromEntries(
    Object.entries(children).map(([name, child]) => {
      const { value, status, context, output } = child.getSnapshot()
      return [name, { id: child.id, value, status, context, output }]
    }),
  )

describe('steps as children', () => {
  test('are found by name, each a step machine in its step’s state', async () => {
    const clock = new VirtualTime()
    const actor = createActor(fromGraph(sums(clock), Sum), { input: { Id: 1 }, clock }).start()
    await clock.advance(15)
    const { children } = actor.getSnapshot()
    expect(Object.keys(children)).toEqual(['Make', 'GiveExtra', 'Add'])
    expect(children['Make']!.getSnapshot()).toMatchObject({
      value: 'retrying',
      status: 'active',
      context: { attempt: 1, error: { message: 'not yet' } },
    })
    expect(children['Make']!.getSnapshot().matches('retrying')).toBe(true)
    expect(children['Make']!.getSnapshot().can({ type: 'START', attempt: 2, at: 0 })).toBe(true)
    expect(children['GiveExtra']!.getSnapshot()).toMatchObject({ value: 'completed', status: 'done', output: 10 })
    expect(children['Add']!.getSnapshot()).toMatchObject({ value: 'pending', status: 'active' })
    expect(children['None']).toBeUndefined()
    await clock.settle(toPromise(actor))
    expect(Object.values(actor.getSnapshot().children).map((child) => child!.getSnapshot().value)).toEqual([
      'completed',
      'completed',
      'completed',
    ])
  })

  test('look the same whether they live from the start or come to life at the first look', async () => {
    for (let ms = 0; ms <= 50; ms++) {
      const dumps = []
      for (const inspect of [undefined, () => {}]) {
        const clock = new VirtualTime()
        const actor = createActor(fromGraph(sums(clock), Sum), {
          input: { Id: 1 },
          clock,
          ...(inspect === undefined ? {} : { inspect }),
        }).start()
        await clock.advance(ms)
        const first = told(actor.getSnapshot().children as never)
        expect(
          Object.fromEntries(Object.entries(first).map(([name, { value }]) => [name, value])),
          `after ${ms} ms`,
        ).toEqual(
          Object.fromEntries(
            Object.entries(actor.getSnapshot().context.steps).map(([name, { status }]) => [name, status]),
          ),
        )
        const seen: unknown[] = []
        for (const [name, child] of Object.entries(actor.getSnapshot().children)) {
          child!.subscribe({
            next: ({ value, context }) => seen.push([name, value, context]),
            complete: () => seen.push([name, 'complete']),
          })
        }
        await clock.advance(100)
        dumps.push({ first, seen, last: told(actor.getSnapshot().children as never) })
      }
      expect(dumps[0], `after ${ms} ms`).toEqual(dumps[1])
    }
  })

  test('subscribers of the execution get the same snapshots, whether or not somebody looks at its steps', async () => {
    const tellings = []
    for (const look of ['nobody', 'inspector', 'reader'] as const) {
      const clock = new VirtualTime()
      const actor = createActor(fromGraph(sums(clock), Sum), {
        input: { Id: 1 },
        clock,
        ...(look === 'inspector' ? { inspect: () => {} } : {}),
      })
      const seen: unknown[] = []
      let last: object | undefined
      actor.subscribe((snapshot) => {
        // A step’s actor that is done tells its parent so, and XState then gives the parent’s snapshot out once more.
        if (snapshot === last) return
        last = snapshot
        seen.push([snapshot.value, snapshot.context.settled, JSON.stringify(snapshot.context.steps)])
        if (look === 'reader') told(snapshot.children as never)
      })
      actor.start()
      await clock.settle(toPromise(actor))
      tellings.push(seen)
    }
    expect(tellings[1]).toEqual(tellings[0])
    expect(tellings[2]).toEqual(tellings[0])
  })

  test('change nothing for events that strangers send them', async () => {
    const clock = new VirtualTime()
    const actor = createActor(fromGraph(sums(clock), Sum), { input: { Id: 1 }, clock }).start()
    await clock.advance(5)
    const { children } = actor.getSnapshot()
    const before = told(children as never)
    const at = clock.now()
    for (const child of Object.values(children).filter((each) => each!.getSnapshot().status === 'active')) {
      child!.send({ type: 'START', attempt: 9, at })
      child!.send({ type: 'SUCCEED', output: 9, at })
      child!.send({ type: 'FAIL', error: 9, at })
      child!.send({ type: 'CANCEL', error: 9, at })
    }
    expect(told(actor.getSnapshot().children as never)).toEqual(before)
    expect(await clock.settle(toPromise(actor))).toBe(11)
    expect(children['Make']!.getSnapshot()).toMatchObject({ value: 'completed', context: { attempt: 2 } })
  })

  test('that fail for good bring no unhandled error, and stop with their execution', async () => {
    const clock = new VirtualTime()
    const actor = createActor(fromGraph(sums(clock), Sum), { input: { Id: -1 }, clock, inspect: () => {} })
    const ended = toPromise(actor).catch((thrown: unknown) => thrown)
    actor.start()
    const { children } = actor.getSnapshot()
    expect(await clock.settle(ended)).toBeInstanceOf(StepError)
    expect(children['Add']!.getSnapshot()).toMatchObject({
      value: 'failed',
      context: { error: { message: 'no sum of -1' } },
    })
    const stopped = createActor(fromGraph(sums(clock), Sum), { input: { Id: 1 }, clock, inspect: () => {} }).start()
    const { children: cut } = stopped.getSnapshot()
    stopped.stop()
    expect(Object.values(cut).map((child) => child!.getSnapshot().value)).toEqual([
      'cancelled',
      'completed',
      'cancelled',
    ])
  })
})

describe('the actor system', () => {
  test('finds executions by their ids and steps by <executionId>/<step>, as long as they run', async () => {
    const clock = new VirtualTime()
    const actor = createActor(fromGraph(sums(clock), Sum), { input: { Id: 1 }, clock }).start()
    const { executionId } = actor.getSnapshot().context
    const { system } = actor
    expect(system.get(executionId)).toBe(actor)
    expect(system.get(`${executionId}/Make`)).toBe(actor.getSnapshot().children['Make'])
    expect(system.get(`${executionId}/None`)).toBeUndefined()
    expect(system.get('none/Make')).toBeUndefined()
    expect(Object.keys(system.getAll())).toEqual([
      executionId,
      `${executionId}/Make`,
      `${executionId}/GiveExtra`,
      `${executionId}/Add`,
    ])
    await clock.settle(toPromise(actor))
    expect(system.get(executionId)).toBeUndefined()
    expect(Object.keys(system.getAll())).toEqual([])
  })

  test('keeps its own actors by their own ids', () => {
    const child = setup({}).createMachine({})
    const machine = setup({ actors: { child } }).createMachine({ invoke: { src: 'child', systemId: 'mine' } })
    const clock = new VirtualTime()
    const both = setup({ actors: { machine, sums: fromGraph(sums(clock), Sum) } }).createMachine({
      invoke: [{ src: 'machine' }, { src: 'sums', systemId: 'adder', input: { Id: 1 } }],
    })
    const actor = createActor(both, { clock }).start()
    expect(actor.system.get('mine')).toBeDefined()
    expect(actor.system.get('adder').getSnapshot().value).toBe('running')
    expect(Object.keys(actor.system.getAll())).toEqual(expect.arrayContaining(['mine', 'adder']))
    actor.stop()
  })

  test('holds several executions at once, each with its own id and steps', async () => {
    const clock = new VirtualTime()
    const machine = setup({
      types: {} as { context: { refs: ActorRefFrom<typeof logic>[] } },
      actors: { sums: fromGraph(sums(clock), Sum) },
    }).createMachine({
      context: ({ spawn }) => ({ refs: [1, 2, 3].map((Id) => spawn('sums', { input: { Id }, id: `sum ${Id}` })) }),
    })
    const logic = fromGraph(sums(clock), Sum)
    const actor = createActor(machine, { clock }).start()
    const { refs } = actor.getSnapshot().context
    await clock.advance(15)
    const ids = refs.map((ref) => ref.getSnapshot().context.executionId)
    expect(new Set(ids).size).toBe(3)
    for (const [at, ref] of refs.entries())
      expect(actor.system.get(`${ids[at]}/Make`)).toBe(ref.getSnapshot().children['Make'])
    await clock.advance(100)
    expect(refs.map((ref) => ref.getSnapshot().output)).toEqual([11, 22, 33])
    actor.stop()
  })
})

/** A machine that invokes an execution. */
function adder(clock: VirtualTime, aborted: string[] = []) {
  return setup({
    types: {} as {
      context: { id: number; sum: number | undefined; error: unknown }
      input: { id: number }
      events: { type: 'QUIT' }
    },
    actors: { add: fromGraph(sums(clock, aborted), Sum) },
  }).createMachine({
    context: ({ input }) => ({ id: input.id, sum: undefined, error: undefined }),
    initial: 'adding',
    states: {
      adding: {
        invoke: {
          src: 'add',
          input: ({ context }) => ({ Id: context.id }),
          onDone: {
            target: 'added',
            actions: assign(({ event }) => {
              expectTypeOf(event.output).toEqualTypeOf<number>()
              return { sum: event.output }
            }),
          },
          onError: { target: 'failed', actions: assign(({ event }) => ({ error: event.error })) },
        },
        on: { QUIT: 'quit' },
      },
      added: { type: 'final' },
      failed: { type: 'final' },
      quit: {},
    },
  })
}

describe("in a user's machine", () => {
  test('an invoked execution gives its output to onDone', async () => {
    const clock = new VirtualTime()
    const actor = createActor(adder(clock), { input: { id: 2 }, clock }).start()
    await clock.settle(toPromise(actor))
    expect(actor.getSnapshot()).toMatchObject({ value: 'added', context: { sum: 22 } })
  })

  test('and its failure to onError', async () => {
    const clock = new VirtualTime()
    const actor = createActor(adder(clock), { input: { id: -2 }, clock }).start()
    await clock.settle(toPromise(actor))
    expect(actor.getSnapshot().value).toBe('failed')
    expect(actor.getSnapshot().context.error).toMatchObject({ step: 'Add', cause: { message: 'no sum of -2' } })
  })

  test('wrong input goes to onError too', async () => {
    const clock = new VirtualTime()
    const machine = setup({ actors: { add: fromGraph(sums(clock), Sum) } }).createMachine({
      initial: 'adding',
      states: { adding: { invoke: { src: 'add', input: { Ib: 1 } as never, onError: 'failed' } }, failed: {} },
    })
    const actor = createActor(machine, { clock }).start()
    await flush()
    expect(actor.getSnapshot().value).toBe('failed')
  })

  test('leaving the state cancels the execution', async () => {
    const clock = new VirtualTime()
    const aborted: string[] = []
    const actor = createActor(adder(clock, aborted), { input: { id: 2 }, clock }).start()
    await clock.advance(5)
    actor.send({ type: 'QUIT' })
    expect(aborted.length).toBe(1)
    await clock.advance(1_000)
    expect(clock.pending).toBe(0)
    expect(actor.getSnapshot().value).toBe('quit')
  })

  test('input and target are typed', () => {
    const clock = new VirtualTime()
    const sumsOf = sums(clock)
    // @ts-expect-error Id is missing
    void (() => createActor(fromGraph(sumsOf, Sum), { input: {} }))
    // @ts-expect-error a wrong shape
    void (() => createActor(fromGraph(sumsOf, Sum), { input: { Id: 'one' } }))
    // @ts-expect-error no step makes it
    void (() => fromGraph(sumsOf, Id))
  })
})

const named = (events: readonly InspectionEvent[]): string[] =>
  events
    .filter(({ type }) => type === '@xstate.actor')
    .map(({ actorRef }) => ('id' in actorRef ? String(actorRef.id) : ''))

describe('inspection', () => {
  test('from the start sees the execution and every step', async () => {
    const clock = new VirtualTime()
    const events: InspectionEvent[] = []
    const actor = createActor(fromGraph(sums(clock), Sum), {
      input: { Id: 1 },
      clock,
      id: 'sum',
      inspect: (event) => events.push(event),
    })
    actor.start()
    expect(named(events)).toEqual(['sum', 'Make', 'GiveExtra', 'Add'])
    await clock.settle(toPromise(actor))
    const states = events.flatMap((event) =>
      event.type === '@xstate.snapshot' && 'id' in event.actorRef && event.actorRef.id === 'Make'
        ? [(event.snapshot as unknown as { value: string }).value]
        : [],
    )
    expect(states).toEqual(['pending', 'running', 'retrying', 'running', 'completed'])
  })

  test('that comes late sees the steps of running executions, and what they do from then on', async () => {
    const clock = new VirtualTime()
    const actor = createActor(fromGraph(sums(clock), Sum), { input: { Id: 1 }, clock, id: 'sum' }).start()
    await clock.advance(15)
    const events: InspectionEvent[] = []
    actor.system.inspect((event) => events.push(event))
    expect(named(events)).toEqual(['sum', 'Make', 'GiveExtra', 'Add'])
    await clock.settle(toPromise(actor))
    expect(events.filter((event) => event.type === '@xstate.event' && event.event.type === 'SUCCEED').length).toBe(3)
  })

  test('of a machine sees the steps of the executions that it invokes', async () => {
    const clock = new VirtualTime()
    const events: InspectionEvent[] = []
    const machine = setup({ actors: { add: fromGraph(sums(clock), Sum) } }).createMachine({
      invoke: { id: 'adding', src: 'add', input: { Id: 1 } },
    })
    const actor = createActor(machine, { clock, id: 'root', inspect: (event) => events.push(event) }).start()
    await clock.advance(100)
    expect(named(events)).toEqual(['root', 'adding', 'Make', 'GiveExtra', 'Add'])
    actor.stop()
  })
})
