import type { AnyStateMachine } from 'xstate'
import { effectOf, type Effect } from './effect.ts'
import { UnsupportedMachineError } from './unsupported-machine-error.ts'

/** A machine without hierarchy, time or side effects: all that the compiler can translate. */
export interface FlatMachine {
  readonly id: string
  readonly initial: string
  readonly states: readonly FlatState[]
  readonly contextOf: (args: { readonly input: unknown }) => object
  readonly outputOf: ((args: { readonly context: object }) => unknown) | undefined
}

interface FlatState {
  readonly name: string
  readonly isFinal: boolean
  readonly transitions: readonly FlatTransition[]
}

/** One way out of a state. Those for the same event stand in the order in which XState tries them. */
export interface FlatTransition {
  readonly event: string
  readonly guard: { readonly name: string; readonly test: GuardTest } | undefined
  /** The state itself where the machine names no target. */
  readonly target: string
  readonly actions: readonly { readonly name: string; readonly effect: Effect<object, object> }[]
}

/** Whether a guarded transition may be taken: a guard as plain function. It reads context and event, and changes neither. */
export type GuardTest = (args: { readonly context: object; readonly event: object }) => boolean

type Keyed = Readonly<Record<string, unknown>>

const machineKeys = ['id', 'version', 'context', 'output', 'initial', 'states']
const stateKeys = ['type', 'on']
const transitionKeys = ['target', 'guard', 'actions']

/**
 * Reads a machine's configuration and named implementations. What it does not know, it refuses.
 *
 * @throws UnsupportedMachineError naming machine, state and feature
 */
export function readFlatMachine(machine: AnyStateMachine): FlatMachine {
  const config: Keyed = machine.config
  const refuse: Refuse = (feature, advice) => {
    throw new UnsupportedMachineError(machine.id, undefined, feature, advice)
  }
  if (config['type'] !== undefined) refuse(`type ${show(config['type'])}`, 'write it as one flat machine')
  refuseUnknownKeys(config, machineKeys, refuse)

  const { initial, states, context, output } = config
  if (!isKeyed(states)) return refuse('a machine without states', 'give it states')
  if (typeof initial !== 'string') return refuse('an initial transition', 'name one initial state')
  if (!Object.hasOwn(states, initial)) return refuse(`initial state "${initial}"`, 'it is none of its states')
  if (typeof context !== 'function') return refuse('a context that is not a function', 'make it of the input')
  if (output !== undefined && typeof output !== 'function')
    return refuse('an output that is not a function', 'read it from the context')

  return {
    id: machine.id,
    initial,
    states: Object.keys(states).map((name) => readState(machine, states, name)),
    contextOf: context as FlatMachine['contextOf'],
    outputOf: output as FlatMachine['outputOf'],
  }
}

type Refuse = (feature: string, advice: string) => never

function readState(machine: AnyStateMachine, states: Keyed, name: string): FlatState {
  const refuse: Refuse = (feature, advice) => {
    throw new UnsupportedMachineError(machine.id, name, feature, advice)
  }
  const state = states[name]
  if (!isKeyed(state)) return refuse('a state that is not an object', 'write it as { on }')
  const { type, on = {} } = state
  if (type !== undefined && type !== 'atomic' && type !== 'final')
    refuse(`type ${show(type)}`, "only atomic and 'final' states are known")
  refuseUnknownKeys(state, stateKeys, refuse)
  if (!isKeyed(on)) return refuse('transitions that are not an object', 'write them by event')

  const isFinal = type === 'final'
  const events = Object.keys(on)
  if (isFinal && events.length > 0) refuse('transitions out of a final state', 'an end has none')
  const transitions = events.flatMap((event) => {
    if (event === '' || event.includes('*') || event.startsWith('xstate.'))
      refuse(`event "${event}"`, 'list the events by name')
    const candidates = Array.isArray(on[event]) ? (on[event] as readonly unknown[]) : [on[event]]
    return candidates.map((candidate) => readTransition(machine, states, name, event, candidate, refuse))
  })
  return { name, isFinal, transitions }
}

function readTransition(
  machine: AnyStateMachine,
  states: Keyed,
  state: string,
  event: string,
  candidate: unknown,
  refuse: Refuse,
): FlatTransition {
  const transition = typeof candidate === 'string' ? { target: candidate } : candidate
  if (!isKeyed(transition)) return refuse(`a forbidden transition on ${event}`, 'leave the event out')
  refuseUnknownKeys(transition, transitionKeys, (feature) =>
    refuse(`${feature} of the transition on ${event}`, 'only target, guard and actions are known'),
  )

  const { target = state, guard, actions = [] } = transition
  if (typeof target !== 'string') return refuse(`a list of targets on ${event}`, 'a flat machine is in one state')
  if (!Object.hasOwn(states, target))
    return refuse(`target "${target}" on ${event}`, "name one of the machine's states")
  const names = Array.isArray(actions) ? (actions as readonly unknown[]) : [actions]
  if (transition['target'] === undefined && names.length === 0)
    return refuse(`a forbidden transition on ${event}`, 'leave the event out')
  return {
    event,
    guard: guard === undefined ? undefined : readGuard(machine, guard, event, refuse),
    target,
    actions: names.map((action) => readAction(machine, action, event, refuse)),
  }
}

function readGuard(machine: AnyStateMachine, guard: unknown, event: string, refuse: Refuse) {
  if (typeof guard !== 'string') return refuse(`an unnamed guard on ${event}`, 'name it in setup({ guards })')
  const test: unknown = machine.implementations.guards[guard]
  if (typeof test !== 'function') return refuse(`guard "${guard}" on ${event}`, 'it is not implemented as a function')
  if ('check' in test) return refuse(`guard "${guard}" on ${event}`, 'and, or, not and stateIn are not known')
  return { name: guard, test: test as GuardTest }
}

function readAction(machine: AnyStateMachine, action: unknown, event: string, refuse: Refuse) {
  if (typeof action !== 'string') return refuse(`an unnamed action on ${event}`, 'name it in setup({ actions })')
  const implementation: unknown = machine.implementations.actions[action]
  if (implementation === undefined) return refuse(`action "${action}" on ${event}`, 'it is not implemented')
  const effect = effectOf(implementation)
  if (effect === undefined) return refuse(`action "${action}" on ${event}`, 'it has no effect: make it with fromEffect')
  return { name: action, effect }
}

function refuseUnknownKeys(config: Keyed, known: readonly string[], refuse: Refuse): void {
  for (const [key, value] of Object.entries(config)) {
    if (value !== undefined && !known.includes(key)) refuse(`"${key}"`, `only ${known.join(', ')} are known`)
  }
}

function isKeyed(value: unknown): value is Keyed {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function show(value: unknown): string {
  return typeof value === 'string' ? `'${value}'` : typeof value
}
