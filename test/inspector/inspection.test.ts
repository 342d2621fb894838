import { createWebSocketInspector } from '@statelyai/inspect'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createActor, createMachine, setup, toPromise } from 'xstate'
import type { AnyActorRef } from 'xstate'
import { stepMachine } from '../../machines/index.ts'
import { dataType, fixed, fromGraph, graph, step, type, untypedGraph } from '../../src/index.ts'
import { expectNoUnhandledErrors } from '../loose-api.ts'
import { VirtualTime } from '../runtime/virtual-time.ts'
import { FrameReceiver } from './frame-receiver.ts'
import type { Frame } from './frame-receiver.ts'

const Id = dataType('Id', type<number>())
const Left = dataType('Left', type<number>())
const Sum = dataType('Sum', type<number>())

expectNoUnhandledErrors()

let receiver: FrameReceiver
let inspector: ReturnType<typeof createWebSocketInspector>

beforeEach(async () => {
  receiver = await FrameReceiver.listen()
  inspector = createWebSocketInspector({ url: receiver.url })
  await receiver.connected()
})

afterEach(async () => {
  inspector.stop()
  await receiver.close()
})

/** Left fails once and waits 20 ms; it is remembered, and limited; Sum is a plain step. */
function sums(clock: VirtualTime) {
  const left = step({
    name: 'MakeLeft',
    inputs: { id: Id },
    output: Left,
    persist: 'global',
    concurrency: 1,
    timeout: '1s',
    fallback: 0,
    retry: { maxAttempts: 2, backoff: fixed(20) },
    run: async ({ id }, { attempt }) => {
      await clock.sleep(10)
      if (attempt === 1) throw new Error('not yet')
      return id
    },
  })
  const sum = step({ name: 'Sum', inputs: { left: Left }, output: Sum, run: async ({ left }) => left + 1 })
  return graph({ name: `sums ${crypto.randomUUID()}`, steps: [left, sum] })
}

const actorsOf = (frames: readonly Frame[]) => frames.filter(({ type }) => type === '@xstate.actor')
const drawn = ({ definition }: Frame) =>
  JSON.parse(definition!) as {
    readonly id: string
    readonly initial: string
    readonly states: Record<string, { readonly on?: object }>
  }
const valuesOf = (frames: readonly Frame[], name: string) => {
  const { sessionId } = actorsOf(frames).find((frame) => frame.name === name)!
  return frames
    .filter((frame) => frame.type === '@xstate.snapshot' && frame.sessionId === sessionId)
    .map(({ snapshot }) => snapshot!.value)
}
const isEnd = ({ type, snapshot }: Frame): boolean =>
  type === '@xstate.snapshot' && snapshot?.context?.['executionId'] !== undefined && snapshot.status !== 'active'

describe('the stock WebSocket inspector', () => {
  test('shows an execution and its steps, each with a machine that can be drawn, and every state they go through', async () => {
    const clock = new VirtualTime()
    const actor = createActor(fromGraph(sums(clock), Sum), {
      input: { Id: 1 },
      clock,
      id: 'sum',
      inspect: inspector.inspect,
    })
    await clock.settle(toPromise(actor.start()))
    await receiver.until(isEnd)
    const { frames } = receiver
    expect(actorsOf(frames).map(({ name }) => name)).toEqual(['sum', 'MakeLeft', 'Sum'])
    const [whole, ...steps] = actorsOf(frames)
    expect(whole!.parentId).toBeUndefined()
    for (const each of steps) expect([each.parentId, each.rootId]).toEqual([whole!.sessionId, whole!.sessionId])
    for (const frame of actorsOf(frames)) {
      const definition = drawn(frame)
      // What can be read as a machine can be drawn as one.
      const machine = createMachine(definition as never)
      expect(Object.keys(machine.states)).toEqual(Object.keys(definition.states))
      for (const value of valuesOf(frames, frame.name!)) expect(Object.keys(definition.states)).toContain(value)
      const { value } = createActor(machine).getSnapshot()
      expect(value).toBe('pending')
    }
    expect([...new Set(valuesOf(frames, 'sum'))]).toEqual(['pending', 'running', 'completed'])
    expect(valuesOf(frames, 'MakeLeft')).toEqual(['pending', 'claiming', 'running', 'retrying', 'running', 'completed'])
    expect(valuesOf(frames, 'Sum')).toEqual(['pending', 'running', 'completed'])
  })

  test('draws each step as far as its policies let it go: of a function that has them all, everything but the wait', async () => {
    const clock = new VirtualTime()
    const actor = createActor(fromGraph(sums(clock), Sum), { input: { Id: 1 }, clock, inspect: inspector.inspect })
    await clock.settle(toPromise(actor.start()))
    await receiver.until(isEnd)
    const [, left, sum] = actorsOf(receiver.frames).map(drawn)
    const states = Object.keys(stepMachine.config.states!).filter((name) => name !== 'waiting')
    expect(Object.keys(left!.states).sort()).toEqual(states.sort())
    expect(Object.keys(sum!.states).sort()).toEqual([
      'cancelled',
      'completed',
      'failed',
      'pending',
      'running',
      'skipped',
    ])
    for (const [name, { on = {} }] of Object.entries(left!.states)) {
      expect(Object.keys(on).sort(), name).toEqual(
        Object.keys((stepMachine.config.states as Record<string, { on?: object }>)[name]!.on ?? {})
          .filter((event) => event !== 'WAIT')
          .sort(),
      )
    }
  })

  test('that comes late is shown the execution, its steps and what they do from then on', async () => {
    const clock = new VirtualTime()
    const actor = createActor(fromGraph(sums(clock), Sum), { input: { Id: 1 }, clock, id: 'sum' }).start()
    await clock.advance(15)
    // Somebody has looked at a step already: its actor lives.
    expect(actor.getSnapshot().children['MakeLeft']!.getSnapshot().value).toBe('retrying')
    actor.system.inspect(inspector.inspect)
    await clock.settle(toPromise(actor))
    await receiver.until(isEnd)
    expect(actorsOf(receiver.frames).map(({ name }) => name)).toEqual(['sum', 'MakeLeft', 'Sum'])
    expect(actorsOf(receiver.frames).map((frame) => drawn(frame).id)).toEqual(['execution', 'step', 'step'])
    expect(valuesOf(receiver.frames, 'MakeLeft').slice(-2)).toEqual(['running', 'completed'])
  })

  test('shows the executions that a machine invokes, below it', async () => {
    const clock = new VirtualTime()
    const inner = setup({ actors: { sums: fromGraph(sums(clock), Sum) } }).createMachine({
      id: 'inner',
      initial: 'adding',
      states: {
        adding: { invoke: { id: 'add', src: 'sums', input: { Id: 1 }, onDone: 'done' } },
        done: { type: 'final' },
      },
    })
    const outer = setup({ actors: { inner } }).createMachine({
      id: 'outer',
      initial: 'working',
      states: { working: { invoke: { id: 'work', src: 'inner', onDone: 'done' } }, done: { type: 'final' } },
    })
    const actor = createActor(outer, { clock, inspect: inspector.inspect })
    await clock.settle(toPromise(actor.start()))
    await receiver.until(isEnd)
    const actors = actorsOf(receiver.frames)
    expect(actors.map(({ name }) => name)).toEqual(['outer', 'work', 'add', 'MakeLeft', 'Sum'])
    const names = new Map(actors.map(({ sessionId, name }) => [sessionId, name]))
    expect(actors.map(({ parentId }) => parentId && names.get(parentId))).toEqual([
      undefined,
      'outer',
      'work',
      'add',
      'add',
    ])
    expect(new Set(actors.map(({ rootId }) => rootId)).size).toBe(1)
  })

  test('shows a failure as its state and error', async () => {
    const fails = step({ name: 'Fails', output: Sum, run: () => Promise.reject(new Error('broken')) })
    const actor = createActor(fromGraph(graph({ name: 'failing', steps: [fails] }), Sum), {
      input: {},
      id: 'failing',
      inspect: inspector.inspect,
    })
    await expect(toPromise(actor.start())).rejects.toThrow('broken')
    // Frames of events carry a snapshot too, and are sent before it.
    await receiver.until(
      ({ type: frame, snapshot }) =>
        frame === '@xstate.snapshot' && snapshot?.value === 'failed' && snapshot.context?.['step'] !== undefined,
    )
    expect(valuesOf(receiver.frames, 'Fails')).toEqual(['pending', 'running', 'failed'])
  })
})

describe('what is sent', () => {
  const shapes = {
    /** Each step ends in a turn of its own: the most snapshots that an execution has. */
    chain: (length: number) => {
      const types = [Id, ...Array.from({ length }, (_, at) => dataType(`Type${at}`, type<number>()))]
      return {
        types,
        steps: types.slice(1).map((output, at) =>
          step({
            name: `Step${at}`,
            inputs: { value: types[at]! },
            output,
            run: async ({ value }) => (value as number) + 1,
          }),
        ),
      }
    },
    fanOut: (length: number) => {
      const types = Array.from({ length }, (_, at) => dataType(`Type${at}`, type<number>()))
      const parts = types.slice(0, -1)
      const steps = parts.map((output, at) =>
        step({ name: `Step${at}`, inputs: { id: Id }, output, run: async ({ id }) => id + at }),
      )
      const last = step({
        name: 'Last',
        inputs: Object.fromEntries(parts.map((part, at) => [`p${at}`, part])),
        output: types.at(-1)!,
        run: (values) => Object.keys(values).length,
      })
      return { types, steps: [...steps, last] }
    },
  }

  test.each(['chain', 'fanOut'] as const)(
    'of a %s of 1,000 steps is at most 4 MB, and grows linearly',
    async (shape) => {
      const sizes: number[] = []
      for (const length of [250, 500, 1_000]) {
        const { types, steps } = shapes[shape](length)
        const actor = createActor(fromGraph(untypedGraph({ name: shape, steps }), types.at(-1)!), {
          input: { Id: 1 },
          inspect: inspector.inspect,
        })
        receiver.frames.length = receiver.bytes.length = 0
        await toPromise(actor.start())
        await receiver.quiet()
        expect(actorsOf(receiver.frames).length).toBe(1 + length)
        sizes.push(receiver.totalBytes)
      }
      const [at250, at500, at1000] = sizes as [number, number, number]
      expect(at1000).toBeLessThanOrEqual(4_000_000)
      expect(at500 / at250).toBeLessThan(2.2)
      expect(at1000 / at500).toBeLessThan(2.2)
    },
  )
})

/** How many actors were made: XState numbers them in one row. */
async function actorsMadeBy(work: () => Promise<unknown>): Promise<number> {
  const before = actorNumber()
  await work()
  return actorNumber() - before - 1
}

function actorNumber(): number {
  return Number(createActor(createMachine({})).sessionId.slice('x:'.length))
}

function machineWith(clock: VirtualTime) {
  return setup({ actors: { sums: fromGraph(sums(clock), Sum) } }).createMachine({
    invoke: { id: 'add', src: 'sums', input: { Id: 1 } },
  })
}

const runNested = (before: (actor: AnyActorRef) => void, options = {}) =>
  actorsMadeBy(async () => {
    const clock = new VirtualTime()
    const actor = createActor(machineWith(clock), { clock, ...options })
    before(actor)
    actor.start()
    await clock.advance(100)
    expect(actor.getSnapshot().children['add']!.getSnapshot().status).toBe('done')
  })

describe('when nobody inspects', () => {
  test('the execution is the only actor: no step has one', async () => {
    const clock = new VirtualTime()
    const logic = fromGraph(sums(clock), Sum)
    const made = await actorsMadeBy(() =>
      clock.settle(toPromise(createActor(logic, { input: { Id: 1 }, clock }).start())),
    )
    expect(made).toBe(1)
    const inspected = await actorsMadeBy(() =>
      clock.settle(toPromise(createActor(logic, { input: { Id: 2 }, clock, inspect: () => {} }).start())),
    )
    expect(inspected).toBe(3)
  })

  // The machine stays in its state: when XState stops an actor, it looks at all of its children.
  test('nor inside a machine of the user’s, where only an inspector brings the steps to life', async () => {
    expect(await runNested(() => {})).toBe(2)
    expect(await runNested(() => {}, { inspect: () => {} })).toBe(4)
    expect(await runNested((actor) => void actor.system.inspect(() => {}))).toBe(4)
  })

  test('a snapshot that nobody reads computes nothing of the steps', async () => {
    const clock = new VirtualTime()
    const actor = createActor(fromGraph(sums(clock), Sum), { input: { Id: 1 }, clock })
    const made = await actorsMadeBy(async () => {
      actor.subscribe(({ value }) => void value)
      await clock.settle(toPromise(actor.start()))
      expect(Object.keys(actor.getSnapshot().children)).toEqual(['MakeLeft', 'Sum'])
    })
    expect(made).toBe(0)
    expect(await actorsMadeBy(async () => actor.getSnapshot().children['Sum'])).toBe(1)
  })
})
