import type { AnyActorRef, AnyStateMachine } from 'xstate'
import type { ArmedTimer } from './machine-timers.ts'

/** A state of a machine, as far as its delays go. */
interface StateNode {
  readonly states: Readonly<Record<string, StateNode>>
  readonly after: readonly { readonly delay?: unknown; readonly eventType: string }[]
}

/**
 * The timers of a machine whose snapshot was migrated: those of states that it is not in any more go, and a state that it is in now gets the time of one that
 * had the same delay and is gone, else the whole delay from now.
 */
export function migratedTimers(
  machine: AnyStateMachine,
  root: AnyActorRef,
  timers: readonly ArmedTimer[],
  now: number,
  armed: number,
): readonly ArmedTimer[] {
  const { value, context } = root.getSnapshot() as { readonly value: unknown; readonly context: unknown }
  const wanted = activeStates(machine.root as unknown as StateNode, value).flatMap(({ after }) => after)
  const isWanted = (type: string): boolean => wanted.some(({ eventType }) => eventType === type)
  const isOfState = ({ source, event }: ArmedTimer): boolean =>
    source === root && event.type.startsWith('xstate.after.')
  const gone = timers.filter((timer) => isOfState(timer) && !isWanted(timer.event.type))
  const kept = timers.filter((timer) => !gone.includes(timer))
  let number = armed
  const added = wanted.flatMap(({ delay, eventType }): readonly ArmedTimer[] => {
    if (kept.some((timer) => isOfState(timer) && timer.event.type === eventType)) return []
    const former = gone.findIndex(({ event }) => event.type.startsWith(`xstate.after.${String(delay)}.`))
    const [taken] = former === -1 ? [] : gone.splice(former, 1)
    const dueAt = taken?.dueAt ?? now + Math.max(0, msOf(machine, delay, context))
    return [{ number: ++number, source: root, target: root, event: { type: eventType }, id: eventType, dueAt }]
  })
  return [...kept, ...added]
}

/** The states that a machine is in, from the outermost on. */
function activeStates(node: StateNode, value: unknown): readonly StateNode[] {
  if (typeof value === 'string') {
    const inner = node.states[value]
    return inner === undefined ? [node] : [node, ...activeStates(inner, undefined)]
  }
  if (typeof value !== 'object' || value === null) return [node]
  return [
    node,
    ...Object.entries(value).flatMap(([key, inner]) =>
      node.states[key] === undefined ? [] : activeStates(node.states[key], inner),
    ),
  ]
}

function msOf({ implementations }: AnyStateMachine, delay: unknown, context: unknown): number {
  const delays = implementations.delays as unknown as Readonly<Record<string, unknown>>
  const given = typeof delay === 'string' ? (delays[delay] ?? Number(delay)) : delay
  const ms: unknown =
    typeof given === 'function'
      ? (given as (args: unknown) => unknown)({ context, event: { type: 'xstate.init' } })
      : given
  return typeof ms === 'number' && !Number.isNaN(ms) ? ms : 0
}
