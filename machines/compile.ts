import type { AnyStateMachine, ContextFrom, EventFromLogic, InputFrom, StateValueFrom } from 'xstate'
import type { Effect } from './effect.ts'
import { readFlatMachine, type FlatMachine, type FlatTransition, type GuardTest } from './flat-machine.ts'
import { UnsupportedMachineError } from './unsupported-machine-error.ts'

/** A context and its state's number in one object, changed in place. It may hold more than that: no transition reads it. */
export type MachineRecord<Context> = Context & {
  /** The number of its state. */
  state: number
}

declare const eventType: unique symbol
/** The number of an event, which knows the event's type. */
export type EventCode<Type extends string> = number & { readonly [eventType]: Type }

/** A record as the persisted snapshot that `createActor(machine, { snapshot })` restores. */
export type RecordSnapshot<Context, State extends string> = {
  /** The state. */
  readonly value: State
  /** The record's fields. */
  readonly context: Context
  /** A compiled machine has no errors of its own. */
  readonly error: undefined
  /** It has no children. */
  readonly children: Record<string, never>
  /** It has no history states. */
  readonly historyValue: Record<string, never>
} & ({ readonly status: 'active'; readonly output: undefined } | { readonly status: 'done'; readonly output: unknown })

type EventOf<Event extends { type: string }, Type extends string> = Extract<Event, { readonly type: Type }>

/** A machine as tables: states and events are small integers, a transition changes a record in place. */
export interface CompiledMachine<Context, Event extends { type: string }, State extends string, Input> {
  /** The machine's id. */
  readonly id: string
  /** The initial state's number. */
  readonly initial: number
  /** The states' names by number, in the order of the machine's configuration. */
  readonly states: readonly State[]
  /** By state number. */
  readonly isFinal: readonly boolean[]
  /** The states' numbers by name. */
  readonly stateCode: { readonly [Name in State]: number }
  /** The events' numbers by type. */
  readonly eventCode: { readonly [Type in Event['type']]: EventCode<Type> }
  /** A new record in the initial state. */
  createRecord(input: Input): MachineRecord<Context>
  /**
   * Moves a record as the machine would move. `false` when its state has no transition for this event now; then nothing has
   * changed. `code` must be the event's own.
   */
  transition<Type extends Event['type']>(
    record: MachineRecord<Context>,
    code: EventCode<Type>,
    event: EventOf<Event, NoInfer<Type>>,
  ): boolean
  /**
   * The record in XState's shape; of a record with more fields, those of the context. The snapshot and its context are new
   * objects, the values in them (`output`, `error`) are the record's own.
   */
  snapshotOf(record: MachineRecord<Context>): RecordSnapshot<Context, State>
}

/** What `compileMachine` makes of a machine of this type. */
export type CompiledFrom<Machine extends AnyStateMachine> = CompiledMachine<
  ContextFrom<Machine>,
  EventFromLogic<Machine>,
  StateValueFrom<Machine> & string,
  InputFrom<Machine>
>

/** A transition that is taken if its guard, where it has one, holds. */
interface Candidate {
  readonly test: GuardTest | undefined
  readonly target: number
  readonly effect: Effect<object, object>
}

// Targets of the cells that hold no single, unguarded transition.
const none = -1
const guarded = -2

/**
 * Derives tables from a machine, once, when its module is loaded. They do what the machine does; the tests prove it on
 * every path.
 *
 * @throws UnsupportedMachineError for a machine that is not flat, or has anything but pure effects and guards
 */
export function compileMachine<Machine extends AnyStateMachine>(machine: Machine): CompiledFrom<Machine> {
  const flat = readFlatMachine(machine)
  return compileFlat(flat) as unknown as CompiledFrom<Machine>
}

type Event = { readonly type: string }

function compileFlat(flat: FlatMachine): CompiledMachine<object, Event, string, unknown> {
  const { contextOf, outputOf } = flat
  const states = flat.states.map(({ name }) => name)
  const isFinal = flat.states.map((state) => state.isFinal)
  const stateCode = codesOf(states)
  const eventCode = codesOf([
    ...new Set(flat.states.flatMap(({ transitions }) => transitions.map(({ event }) => event))),
  ])
  const initial = stateCode[flat.initial]!
  const contextKeys = contextKeysOf(flat)

  // One cell for each state and event, in rows of a power of two.
  const shift = Math.ceil(Math.log2(Math.max(2, Object.keys(eventCode).length)))
  const cells = states.length << shift
  const targets = Array.from({ length: cells }, () => none)
  const effects = Array.from({ length: cells }, (): Effect<object, object> => changeNothing)
  const guardedCells = new Map<number, readonly Candidate[]>()
  for (const [row, state] of flat.states.entries()) {
    for (const [event, transitions] of Map.groupBy(state.transitions, (transition) => transition.event)) {
      const cell = (row << shift) | eventCode[event]!
      const candidates = transitions.map((transition) => candidateOf(transition, stateCode))
      const [first] = candidates
      targets[cell] = first!.test === undefined ? first!.target : guarded
      effects[cell] = first!.effect
      if (first!.test !== undefined) guardedCells.set(cell, candidates)
    }
  }

  const takeGuarded = (record: MachineRecord<object>, cell: number, event: Event): boolean => {
    const args = { context: record, event }
    const taken = guardedCells.get(cell)!.find(({ test }) => test === undefined || test(args))
    if (taken === undefined) return false
    taken.effect(record, event)
    record.state = taken.target
    return true
  }

  return {
    id: flat.id,
    initial,
    states,
    isFinal,
    stateCode,
    eventCode: eventCode as Record<string, EventCode<string>>,
    createRecord: (input) => ({ ...contextOf({ input }), state: initial }),
    transition(record, code, event) {
      const cell = (record.state << shift) + code
      const target = targets[cell]!
      // Not `< 0`: a code that is `undefined`, of an event that the machine doesn't know, finds no target.
      if (!(target >= 0)) return target === guarded && takeGuarded(record, cell, event)
      effects[cell]!(record, event)
      record.state = target
      return true
    },
    snapshotOf(record) {
      const context: Record<string, unknown> = {}
      for (const key of contextKeys) context[key] = (record as Record<string, unknown>)[key]
      const shape = { value: states[record.state]!, context, error: undefined, children: {}, historyValue: {} }
      return isFinal[record.state]!
        ? { status: 'done', ...shape, output: outputOf?.({ context }) }
        : { status: 'active', ...shape, output: undefined }
    },
  }
}

function candidateOf(transition: FlatTransition, stateCode: Readonly<Record<string, number>>): Candidate {
  const effects = transition.actions.map(({ effect }) => effect)
  const [first = changeNothing, ...rest] = effects
  return {
    test: transition.guard?.test,
    target: stateCode[transition.target]!,
    effect: rest.length === 0 ? first : (context, event) => effects.forEach((effect) => effect(context, event)),
  }
}

// A context has the same fields whatever the input, so an empty input shows them.
function contextKeysOf(flat: FlatMachine): readonly string[] {
  const context = probe(flat, 'a context', 'input', () => flat.contextOf(only('input', {})))
  if (flat.outputOf !== undefined) probe(flat, 'an output', 'context', () => flat.outputOf!(only('context', context)))
  return Object.keys(context)
}

function probe<Value>(flat: FlatMachine, what: string, from: string, read: () => Value): Value {
  try {
    return read()
  } catch (error) {
    const advice = `let it copy fields of the ${from}, which may be undefined: ${String(error)}`
    throw new UnsupportedMachineError(flat.id, undefined, `${what} that does more than read its ${from}`, advice)
  }
}

// XState also passes `spawn`, `self` and `event`; records have none of them.
function only<Key extends string, Value>(key: Key, value: Value): Readonly<Record<Key, Value>> {
  return new Proxy({ [key]: value } as Record<Key, Value>, {
    get(target, read) {
      if (read !== key) throw new Error(`it reads "${String(read)}"`)
      return target[key]
    },
  })
}

function codesOf(names: readonly string[]): Readonly<Record<string, number>> {
  return Object.fromEntries(names.map((name, code) => [name, code]))
}

function changeNothing(): void {}
