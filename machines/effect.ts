import { assign, type EventObject, type MachineContext } from 'xstate'

/**
 * One update of a context, written as a mutation. It reads the event's payload, never its type, and touches nothing but
 * the context it is given.
 */
export type Effect<Context, Event> = (context: Context, event: Event) => void

/** An XState action that carries the effect it was made from. */
export interface EffectAction<Context> {
  (args: { context: Context; event: EventObject }, params: undefined): void
  /** The update that the action was made from. */
  readonly effect: Effect<Context, never>
}

/**
 * Makes an XState action from the one definition of a context update: the real machine gets `assign` (copy the context,
 * mutate the copy), the compiler takes the mutation itself from the action's `effect`.
 *
 * An effect asks for the events it is for. XState's types don't say which events lead to a named action, so nothing but
 * the machine's tests proves that it gets no others.
 */
export function fromEffect<Context extends MachineContext, Event = unknown>(
  effect: Effect<Context, Event>,
): EffectAction<Context> {
  const action = assign<Context, EventObject, undefined, EventObject, never>(({ context, event }) => {
    const next = { ...context }
    effect(next, event as Event)
    return next
  })
  return Object.assign(action as EffectAction<Context>, { effect })
}

/** The effect an action was made from, or `undefined` for any other action. */
export function effectOf(action: unknown): Effect<object, object> | undefined {
  if (typeof action !== 'function' || !('effect' in action)) return undefined
  return typeof action.effect === 'function' ? (action.effect as Effect<object, object>) : undefined
}
