import { adjacencyMapToArray, getAdjacencyMap, getShortestPaths, getSimplePaths } from '@xstate/graph'
import type { AnyMachineSnapshot, EventObject } from 'xstate'
import type { Subject } from './subjects.ts'

/** One arrow of a machine's graph: a state, an event, and where it leads. */
export interface Arrow {
  readonly from: AnyMachineSnapshot
  readonly event: EventObject
  readonly to: AnyMachineSnapshot
}

interface Path {
  readonly steps: readonly { readonly event: EventObject }[]
}

/** For every reachable state, with its context, the events that lead there on a shortest way. */
export function waysToEveryState(subject: Subject): EventObject[][] {
  return getShortestPaths(subject.machine, optionsOf(subject, stateAndContext)).map(eventsOf)
}

/** The events of every way through the machine that enters no state twice, whatever the context. */
export function simpleWays(subject: Subject): EventObject[][] {
  return getSimplePaths(subject.machine, optionsOf(subject, stateAlone)).map(eventsOf)
}

/** Every event in every reachable state. */
export function arrowsOf(subject: Subject): Arrow[] {
  const map = getAdjacencyMap(subject.machine, optionsOf(subject, stateAndContext))
  return adjacencyMapToArray(map).map(({ state: from, event, nextState: to }) => ({ from, event, to }))
}

// Context holds times and counters, so it must be part of a state's identity, and the walk must be bounded.
function optionsOf(subject: Subject, serializeState: (snapshot: AnyMachineSnapshot) => string) {
  const { events, input, isFar } = subject
  const stopWhen = ({ context }: AnyMachineSnapshot) => isFar(context)
  return { events, input, stopWhen, serializeState, limit: 1_000_000 } as object
}

function stateAndContext({ value, context }: AnyMachineSnapshot): string {
  return JSON.stringify([value, context])
}

function stateAlone({ value }: AnyMachineSnapshot): string {
  return JSON.stringify(value)
}

// A path begins with XState's own initial event.
function eventsOf(path: Path): EventObject[] {
  return path.steps.map(({ event }) => event).filter(({ type }) => type !== 'xstate.init')
}
