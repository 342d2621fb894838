import { describe, expect, test } from 'vitest'
import { assign, createActor, emit, fromPromise, setup, toPromise } from 'xstate'
import { z } from 'zod'
import {
  dataType,
  execute,
  executeBatch,
  fromGraph,
  graph,
  machineStep,
  optional,
  signalEvent,
  step,
} from '../../../src/index.ts'
import type { ExecutionEvent } from '../../../src/index.ts'
import { VirtualTime } from '../virtual-time.ts'
import { Close, houses, Knock, Report } from './door.ts'

describe('a machine as a step', () => {
  test('gets what comes as events, in the order in which it came, and makes its output the step’s value', async () => {
    const clock = new VirtualTime()
    const actor = createActor(fromGraph(houses, Report), { input: { House: 'Elm' }, clock }).start()
    await clock.advance(10)
    expect(actor.getSnapshot().value).toBe('waiting')
    actor.send(signalEvent(Knock, { by: 'Ada' }))
    actor.send(signalEvent(Knock, { by: 'Bob' }))
    await clock.advance(10)
    actor.send(signalEvent(Close, false))
    actor.send(signalEvent(Close, true))
    expect(await clock.settle(toPromise(actor))).toBe('Elm: missed Bob, hello Ada')
  })

  test('gets what is given with the call', async () => {
    const signals = { Knock: [{ by: 'Ada' }], Close: [true] }
    expect(await execute(houses, Report, { House: 'Elm' }, { signals })).toBe('Elm: ')
  })

  test('ends by its own timers, on the clock of the execution', async () => {
    const clock = new VirtualTime()
    const result = execute(houses, Report, { House: 'Elm' }, { clock })
    expect(await clock.settle(result)).toBe('Elm: ')
    expect(clock.now()).toBeGreaterThanOrEqual(86_400_000)
  })

  test('goes on from an actor’s persisted snapshot: with its state, its timers, and what it has not read', async () => {
    const clock = new VirtualTime()
    const logic = fromGraph(houses, Report)
    const actor = createActor(logic, { input: { House: 'Elm' }, clock }).start()
    actor.send(signalEvent(Knock, { by: 'Ada' }))
    await clock.advance(3_600_000)
    const snapshot = JSON.parse(JSON.stringify(actor.getPersistedSnapshot())) as never
    actor.stop()
    await clock.advance(3_600_000)
    const again = createActor(logic, { snapshot, input: { House: 'Elm' }, clock }).start()
    const began = clock.now()
    expect(await clock.settle(toPromise(again))).toBe('Elm: hello Ada')
    expect(clock.now() - began).toBe(22 * 3_600_000)
  })

  test('is refused a snapshot that it does not know, and does not begin anew', async () => {
    const logic = fromGraph(houses, Report)
    const actor = createActor(logic, { input: { House: 'Elm' } }).start()
    const text = JSON.stringify(actor.getPersistedSnapshot()).replace('"value":"shut"', '"value":"ajar"')
    actor.stop()
    const again = createActor(logic, { snapshot: JSON.parse(text) as never, input: { House: 'Elm' } })
    const ended = toPromise(again)
    again.start()
    await expect(ended).rejects.toThrow('was in the state "ajar", which it does not have any more')
  })
})

const Made = dataType('Made', z.string())
const Wish = dataType('Wish', z.string())
interface Options {
  readonly more?: object
  readonly machine?: object
}
const wishes = setup({
  types: {} as { events: { type: 'WISH'; value: string }; output: string; context: { made: string } },
  actors: {
    think: fromPromise(
      ({ signal }: { signal: AbortSignal }) => new Promise((_, reject) => signal.addEventListener('abort', reject)),
    ),
  },
  actions: {
    refuse: () => {
      throw new Error('no such wish')
    },
  },
}).createMachine({
  context: { made: '' },
  output: ({ context }) => context.made,
  initial: 'open',
  states: {
    open: {
      invoke: { src: 'think', onError: 'open' },
      on: {
        WISH: [
          { guard: ({ event }) => event.value === 'moon', target: 'made', actions: 'refuse' },
          { target: 'made', actions: assign({ made: ({ event }) => event.value }) },
        ],
      },
    },
    made: { type: 'final' },
  },
})

function wish(value: unknown, { more = {}, machine = wishes }: Options = {}) {
  const grant = machineStep({
    name: 'Grant',
    machine: machine as typeof wishes,
    output: Made,
    events: { WISH: Wish },
    ...more,
  })
  const thank = step({
    name: 'Thank',
    inputs: { made: optional(Made) },
    output: Report,
    run: ({ made }) => made ?? 'nothing',
  })
  const clock = new VirtualTime()
  const signals = { Wish: value === undefined ? [] : [value as string] }
  const result = execute(graph({ name: 'g', steps: [grant, thank] }), Report, {}, { signals, clock })
  return clock.settle(result)
}

describe('a step that is a machine', () => {
  test('fails when the machine does, with what its action threw as the cause', async () => {
    const actor = createActor(
      fromGraph(
        graph({
          name: 'g',
          steps: [machineStep({ name: 'G', machine: wishes, output: Made, events: { WISH: Wish } })],
        }),
        Made,
      ),
      { input: {} },
    )
    const ended = toPromise(actor)
    actor.start()
    actor.send(signalEvent(Wish, 'moon'))
    await expect(ended).rejects.toMatchObject({ code: 'STEP_FAILED', cause: { message: 'no such wish' } })
    expect(await wish('moon')).toBe('nothing')
    expect(await wish('moon', { more: { fallback: 'a lamp' } })).toBe('a lamp')
    expect(await wish('a boat')).toBe('a boat')
  })

  test('fails where its output does not fit its type', async () => {
    const numbers = setup({ types: {} as { output: number } }).createMachine({
      output: 7,
      initial: 'a',
      states: { a: { type: 'final' } },
    })
    const made = graph({
      name: 'g',
      steps: [machineStep({ name: 'G', machine: numbers as unknown as typeof wishes, output: Made })],
    })
    await expect(execute(made, Made, {})).rejects.toMatchObject({
      cause: { message: expect.stringContaining('ended with an output that does not fit "Made"') as string },
    })
  })

  test('is bounded by its timeout, skipped by its condition, and stopped with its execution', async () => {
    expect(await wish(undefined, { more: { timeout: '1h', fallback: (error: Error) => error.constructor.name } })).toBe(
      'StepTimeoutError',
    )
    expect(await wish('a boat', { more: { when: () => false } })).toBe('nothing')
    const aborted: string[] = []
    const machine = wishes.provide({
      actors: {
        think: fromPromise(
          ({ signal }) =>
            new Promise((resolve) => signal.addEventListener('abort', () => resolve(aborted.push('aborted')))),
        ) as never,
      },
    })
    const control = new AbortController()
    const grant = machineStep({ name: 'G', machine, output: Made, events: { WISH: Wish } })
    const result = execute(graph({ name: 'g', steps: [grant] }), Made, {}, { signal: control.signal })
    control.abort()
    await expect(result).rejects.toThrow('cancelled')
    expect(aborted).toEqual(['aborted'])
  })

  test('is undone when something after it fails', async () => {
    const undone: unknown[] = []
    const grant = machineStep({
      name: 'G',
      machine: wishes,
      output: Made,
      events: { WISH: Wish },
      compensate: (made) => undone.push(made),
    })
    const fail = step({
      name: 'Fail',
      inputs: { made: Made },
      output: Report,
      run: () => {
        throw new Error('too late')
      },
    })
    const declared = graph({ name: 'g', steps: [grant, fail] })
    await expect(execute(declared, Report, {}, { signals: { Wish: ['a boat'] } })).rejects.toThrow('too late')
    expect(undone).toEqual(['a boat'])
  })

  test('that could only wait for ever under execute fails at once, and says what to do', async () => {
    const machine = setup({ types: {} as { events: { type: 'WISH'; value: string } } }).createMachine({
      initial: 'a',
      states: { a: {} },
    })
    const grant = machineStep({ name: 'G', machine, output: Made, events: { WISH: Wish } })
    const result = execute(graph({ name: 'g', steps: [grant] }), Made, {})
    await expect(result).rejects.toThrow(
      'waits in "a" for an event that can\'t come; nobody can send "Wish" to this call',
    )
  })

  test('of each item of a batch gets what is given for its item', async () => {
    const inputs = ['Elm', 'Oak'].map((name) => ({ House: name }))
    const signals = { Knock: [{ by: 'Ada' }], Close: (_: unknown, index: number) => (index === 0 ? [true] : []) }
    const clock = new VirtualTime()
    const results = executeBatch(houses, Report, inputs, { signals, clock })
    expect(await clock.settle(results)).toEqual(['Elm: ', 'Oak: hello Ada'])
  })

  test('reports what its machine emits as events of its execution', async () => {
    const machine = setup({ types: {} as { emitted: { type: 'wished'; what: string }; output: string } }).createMachine(
      {
        output: 'x',
        initial: 'a',
        states: { a: { entry: emit({ type: 'wished', what: 'a boat' }), always: 'b' }, b: { type: 'final' } },
      },
    )
    const events: ExecutionEvent[] = []
    const declared = graph({ name: 'g', steps: [machineStep({ name: 'G', machine, output: Made })] })
    await execute(declared, Made, {}, { observers: [(event) => void events.push(event)] })
    expect(events.filter(({ type }) => type === 'step.emitted')).toMatchObject([
      { step: 'G', event: { type: 'wished', what: 'a boat' } },
    ])
  })

  test('that comes back to a delay of nothing again and again lets others run', async () => {
    const machine = setup({}).createMachine({
      initial: 'a',
      states: { a: { after: { 0: 'b' } }, b: { after: { 0: 'a' } } },
    })
    const control = new AbortController()
    const spin = graph({ name: 'g', steps: [machineStep({ name: 'Spin', machine, output: Made })] })
    const result = execute(spin, Made, {}, { signal: control.signal })
    setTimeout(() => control.abort(), 20)
    await expect(result).rejects.toThrow('cancelled')
  })
})
