import { createActor, toPromise } from 'xstate'
import type { ActorLogic, ActorScope, AnyActorRef, AnyEventObject, NonReducibleUnknown, Snapshot } from 'xstate'
import type { Shape } from '../shapes.ts'
import type { Opponent, Work } from './opponent.ts'

/** What an XState expert writes: a parent that counts, and one small actor for each step, both of hand-written logic. */
export const xstateActors: Opponent = {
  name: 'XState actors',
  prepare: (shape, work) => {
    const logic = parentLogic(shape, work)
    return () => toPromise(createActor(logic).start())
  },
}

type Logic<State extends Snapshot<unknown>> = ActorLogic<State, AnyEventObject, NonReducibleUnknown>
type ChildState = Snapshot<number> & { readonly step: number }
type ParentState = Snapshot<number> & { readonly open: number[] }

const active = { status: 'active', output: undefined, error: undefined } as const

function childLogic(step: number, work: Work): Logic<ChildState> {
  return {
    getInitialSnapshot: () => ({ ...active, step }),
    getPersistedSnapshot: (state) => state,
    start: (_, { self }) => {
      work(step).then(
        (value) => self.send({ type: 'settled', value }),
        (error: unknown) => self.send({ type: 'failed', error }),
      )
    },
    transition: (state, event) =>
      event.type === 'settled'
        ? { step, status: 'done', output: event['value'] as number, error: undefined }
        : event.type === 'failed'
          ? { step, status: 'error', output: undefined, error: event['error'] }
          : state,
  }
}

function parentLogic({ steps }: Shape, work: Work): Logic<ParentState> {
  const children = steps.map((_, step) => childLogic(step, work))
  const ids = steps.map((_, step) => `s${step}`)
  const stepOfDone = new Map(ids.map((id, step) => [`xstate.done.actor.${id}`, step]))
  const dependants = steps.map((): number[] => [])
  for (const [step, dependencies] of steps.entries()) for (const before of dependencies) dependants[before]!.push(step)
  const last = steps.length - 1
  const spawn = (step: number, scope: ActorScope<ParentState, AnyEventObject>): void => {
    createActor(children[step]!, { id: ids[step]!, parent: scope.self as AnyActorRef }).start()
  }
  return {
    getInitialSnapshot: () => ({ ...active, open: steps.map((dependencies) => dependencies.length) }),
    getPersistedSnapshot: (state) => state,
    start: ({ open }, scope) => {
      for (const [step, count] of open.entries()) if (count === 0) spawn(step, scope)
    },
    transition: (state, event, scope) => {
      const step = stepOfDone.get(event.type)
      if (step === undefined) return state
      if (step === last) return { ...state, status: 'done', output: event['output'] as number, error: undefined }
      for (const next of dependants[step]!) if (--state.open[next]! === 0) spawn(next, scope)
      return state
    },
  }
}
