import { assign, createActor, emit, setup } from 'xstate'
import { and, enqueueActions, log, not, raise, sendParent, sendTo, spawnChild, stateIn } from 'xstate'
import type { AnyStateMachine } from 'xstate'
import { describe, expect, test } from 'vitest'
import { compileMachine, fromEffect, UnsupportedMachineError } from '../../machines/index.ts'

interface Context {
  count: number
}

const count = fromEffect<Context>((context) => {
  context.count++
})

const lamp = setup({
  types: {} as { context: Context; events: { type: 'TOGGLE' } | { type: 'BREAK' } },
  actions: {
    count,
    assigned: assign({ count: 1 }),
    plain: () => undefined,
    raised: raise({ type: 'BREAK' }),
    sent: sendTo('x', { type: 'BREAK' }),
    sentUp: sendParent({ type: 'BREAK' }),
    logged: log('x'),
    emitted: emit({ type: 'x' }),
    spawned: spawnChild('x' as never),
    enqueued: enqueueActions(({ enqueue }) => enqueue('count')),
  },
  guards: {
    isLow: ({ context }) => context.count < 3,
    both: and(['isLow', 'isLow']),
    isHigh: not('isLow'),
    isOn: stateIn('on'),
  },
  delays: { soon: 10 },
})

type Config = Record<string, unknown>

const config = { id: 'lamp', context: () => ({ count: 0 }), initial: 'off' }
const on = { type: 'final' }

function lampWith(changes: Config): AnyStateMachine {
  const whole = { ...config, states: { off: { on: { TOGGLE: 'on' } }, on }, ...changes }
  return lamp.createMachine(whole as never) as unknown as AnyStateMachine
}

/** The lamp with another state `off`. */
const withState = (off: Config) => lampWith({ states: { off, on } })
/** The lamp with another transition from `off`. */
const withTransition = (transition: unknown) => withState({ on: { TOGGLE: transition } })
const withAction = (actions: unknown) => withTransition({ target: 'on', actions })
const withGuard = (guard: unknown) => withTransition({ target: 'on', guard })

test('the compiler takes a flat machine with named effects and guards', () => {
  const machine = withTransition([{ target: 'on', guard: 'isLow', actions: ['count', 'count'] }])
  const compiled = compileMachine(machine)
  const record = compiled.createRecord(undefined)
  expect(compiled.transition(record, compiled.eventCode['TOGGLE']!, { type: 'TOGGLE' })).toBe(true)
  expect(record).toEqual({ count: 2, state: 1 })
})

test('a transition whose guards all fail is not taken, and changes nothing', () => {
  const machine = withTransition({ guard: 'isLow', actions: 'count' })
  const compiled = compileMachine(machine)
  const record = compiled.createRecord(undefined)
  const actor = createActor(machine).start()
  const taken = [1, 2, 3, 4, 5].map(() => {
    const canTake = actor.getSnapshot().can({ type: 'TOGGLE' }) as boolean
    actor.send({ type: 'TOGGLE' })
    expect(compiled.transition(record, compiled.eventCode['TOGGLE']!, { type: 'TOGGLE' })).toBe(canTake)
    expect(record).toEqual({ ...(actor.getSnapshot().context as Context), state: 0 })
    return canTake
  })
  expect(taken).toEqual([true, true, true, false, false])
})

type Refusal = readonly [title: string, machine: () => AnyStateMachine, feature: string]

const ofTheMachine: readonly Refusal[] = [
  ['a parallel machine', () => lampWith({ type: 'parallel', initial: undefined }), "type 'parallel'"],
  ['a transition of the whole machine', () => lampWith({ on: { BREAK: '.on' } }), '"on"'],
  ['an always of the machine', () => lampWith({ always: { guard: 'isLow', actions: 'count' } }), '"always"'],
  ['an after of the machine', () => lampWith({ after: { soon: '.on' } }), '"after"'],
  ['an invoke of the machine', () => lampWith({ invoke: { src: 'x' } }), '"invoke"'],
  ['an entry action of the machine', () => lampWith({ entry: 'count' }), '"entry"'],
  ['an exit action of the machine', () => lampWith({ exit: 'count' }), '"exit"'],
  ['an onDone of the machine', () => lampWith({ onDone: '.on' }), '"onDone"'],
  ['tags of the machine', () => lampWith({ tags: ['x'] }), '"tags"'],
  ['options', () => lampWith({ options: { maxIterations: 1 } }), '"options"'],
  ['a key that XState does not know', () => lampWith({ colour: 'red' }), '"colour"'],
  [
    'an initial transition with actions',
    () => lampWith({ initial: { target: 'off', actions: 'count' } }),
    'an initial transition',
  ],
  ['a machine without states', () => lampWith({ initial: undefined, states: undefined }), 'a machine without states'],
  ['a context that is shared', () => lampWith({ context: { count: 0 } }), 'a context that is not a function'],
  ['a context that spawns', () => lampWith({ context: spawning }), 'a context that does more than read its input'],
  [
    'an output that reads the event',
    () => lampWith({ output: eventOf }),
    'an output that does more than read its context',
  ],
  ['an output that is not read from the context', () => lampWith({ output: 7 }), 'an output that is not a function'],
]

const ofAState: readonly Refusal[] = [
  ['a nested state', () => withState({ initial: 'dim', states: { dim: {} } }), '"initial"'],
  ['a parallel state', () => withState({ type: 'parallel', states: { dim: {} } }), "type 'parallel'"],
  ['a history state', () => withState({ type: 'history' }), "type 'history'"],
  ['an always', () => withState({ always: 'on' }), '"always"'],
  ['an after', () => withState({ after: { soon: 'on' } }), '"after"'],
  ['an invoke', () => withState({ invoke: { src: 'x' } }), '"invoke"'],
  ['an entry action', () => withState({ entry: 'count' }), '"entry"'],
  ['an exit action', () => withState({ exit: 'count' }), '"exit"'],
  ['an onDone', () => withState({ onDone: 'on' }), '"onDone"'],
  ['a state id', () => withState({ id: 'dark' }), '"id"'],
  ['tags', () => withState({ tags: ['x'] }), '"tags"'],
  ['meta data', () => withState({ meta: {} }), '"meta"'],
  ["a state's output", () => withState({ type: 'final', output: 1 }), '"output"'],
  ['a way out of an end', () => withState({ type: 'final', on: { TOGGLE: 'on' } }), 'transitions out of a final state'],
]

const ofATransition: readonly Refusal[] = [
  ['a wildcard', () => withState({ on: { '*': 'on' } }), 'event "*"'],
  ['a partial wildcard', () => withState({ on: { 'lamp.*': 'on' } }), 'event "lamp.*"'],
  ["an event of XState's own", () => withState({ on: { 'xstate.done.actor.x': 'on' } }), 'event "xstate.done.actor.x"'],
  ['reenter', () => withTransition({ target: 'on', reenter: true }), '"reenter" of the transition on TOGGLE'],
  [
    'a described transition',
    () => withTransition({ target: 'on', description: 'x' }),
    '"description" of the transition on TOGGLE',
  ],
  ['a forbidden event', () => withTransition(undefined), 'a forbidden transition on TOGGLE'],
  ['a transition that does nothing', () => withTransition({}), 'a forbidden transition on TOGGLE'],
  ['several targets', () => withTransition({ target: ['on'] }), 'a list of targets on TOGGLE'],
  ['a target by id', () => withTransition('#lamp.on'), 'target "#lamp.on" on TOGGLE'],
  ['an inline action', () => withAction(() => undefined), 'an unnamed action on TOGGLE'],
  ['an inline effect', () => withAction(count), 'an unnamed action on TOGGLE'],
  ['an action with params', () => withAction({ type: 'count', params: {} }), 'an unnamed action on TOGGLE'],
  ['an action that is not implemented', () => withAction('dance'), 'action "dance" on TOGGLE'],
  ['an assign without an effect', () => withAction('assigned'), 'action "assigned" on TOGGLE'],
  ['a function', () => withAction('plain'), 'action "plain" on TOGGLE'],
  ['raise', () => withAction('raised'), 'action "raised" on TOGGLE'],
  ['sendTo', () => withAction('sent'), 'action "sent" on TOGGLE'],
  ['sendParent', () => withAction('sentUp'), 'action "sentUp" on TOGGLE'],
  ['log', () => withAction('logged'), 'action "logged" on TOGGLE'],
  ['emit', () => withAction('emitted'), 'action "emitted" on TOGGLE'],
  ['spawnChild', () => withAction('spawned'), 'action "spawned" on TOGGLE'],
  ['enqueueActions', () => withAction('enqueued'), 'action "enqueued" on TOGGLE'],
  ['a second action without an effect', () => withAction(['count', 'plain']), 'action "plain" on TOGGLE'],
  ['an inline guard', () => withGuard(() => true), 'an unnamed guard on TOGGLE'],
  ['a guard with params', () => withGuard({ type: 'isLow', params: {} }), 'an unnamed guard on TOGGLE'],
  ['a guard that is not implemented', () => withGuard('isTired'), 'guard "isTired" on TOGGLE'],
  ['and', () => withGuard('both'), 'guard "both" on TOGGLE'],
  ['not', () => withGuard('isHigh'), 'guard "isHigh" on TOGGLE'],
  ['stateIn', () => withGuard('isOn'), 'guard "isOn" on TOGGLE'],
]

function spawning({ spawn }: { spawn: (src: string) => unknown }): unknown {
  return { count: 0, child: spawn('x') }
}

function eventOf({ event }: { event: unknown }): unknown {
  return event
}

function refusalOf(machine: () => AnyStateMachine): UnsupportedMachineError {
  const made = machine()
  try {
    compileMachine(made)
  } catch (error) {
    if (error instanceof UnsupportedMachineError) return error
    throw error
  }
  throw new Error('was compiled')
}

describe('the compiler refuses', () => {
  test.each(ofTheMachine)('%s, and names the machine', (_, machine, feature) => {
    const error = refusalOf(machine)
    expect(error).toMatchObject({ code: 'UNSUPPORTED_MACHINE', machine: 'lamp', state: undefined, feature })
    expect(error.message).toContain(`machine "lamp": ${feature} can't be compiled; `)
  })

  test.each([...ofAState, ...ofATransition])('%s, and names machine and state', (_, machine, feature) => {
    const error = refusalOf(machine)
    expect(error).toMatchObject({ code: 'UNSUPPORTED_MACHINE', machine: 'lamp', state: 'off', feature })
    expect(error.message).toContain(`machine "lamp", state "off": ${feature} can't be compiled; `)
  })

  test('an implementation that was provided later and has no effect', () => {
    const machine = withAction('count').provide({ actions: { count: () => undefined } })
    expect(refusalOf(() => machine).feature).toBe('action "count" on TOGGLE')
  })
})
