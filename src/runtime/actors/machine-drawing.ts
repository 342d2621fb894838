import type { AnyStateMachine } from 'xstate'

/** What inspectors need to draw a machine. */
export interface MachineDrawing {
  readonly id: string
  readonly initial: string
  readonly states: Readonly<Record<string, DrawnState>>
}

interface DrawnState {
  readonly type?: string
  readonly on?: Readonly<Record<string, readonly DrawnTransition[]>>
}

/** A target, with the guard's name where there is one. */
type DrawnTransition = string | { readonly target: string; readonly guard: string }

/** A machine's configuration as far as it is drawn here: flat, guards and targets by name. */
interface FlatConfig {
  readonly id: string
  readonly initial: string
  readonly states: Readonly<Record<string, { readonly type?: string; readonly on?: Readonly<Record<string, unknown>> }>>
}

/**
 * The part of a machine that is left when some events never come and some guards never hold, without what happens on its
 * transitions. Inspectors send the drawing with each actor: of an execution of a thousand steps it would be most of what
 * they send, and a step that is never retried is easier to read without that.
 */
export function drawingOf(machine: AnyStateMachine, never: ReadonlySet<string>): MachineDrawing {
  const { id, initial, states } = machine.config as unknown as FlatConfig
  const reached = new Set([initial])
  const drawn: Record<string, DrawnState> = {}
  for (const name of reached) {
    const { type, on = {} } = states[name]!
    const transitions = Object.entries(on).flatMap(([event, transition]) => {
      const possible = never.has(event) ? [] : drawTransitions(transition, name, never)
      return possible.length === 0 ? [] : [[event, possible] as const]
    })
    for (const [, possible] of transitions)
      for (const each of possible) reached.add(typeof each === 'string' ? each : each.target)
    drawn[name] = {
      ...(type === undefined ? {} : { type }),
      ...(transitions.length === 0 ? {} : { on: Object.fromEntries(transitions) }),
    }
  }
  return { id, initial, states: drawn }
}

function drawTransitions(transition: unknown, state: string, never: ReadonlySet<string>): readonly DrawnTransition[] {
  if (typeof transition === 'string') return [transition]
  if (Array.isArray(transition)) return transition.flatMap((each) => drawTransitions(each, state, never))
  const { target = state, guard } = transition as { readonly target?: string; readonly guard?: string }
  if (guard === undefined) return [target]
  return never.has(guard) ? [] : [{ target, guard }]
}
