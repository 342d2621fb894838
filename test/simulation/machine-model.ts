import type { RandomSource } from './random-source.ts'

/** The letters that a simulated machine gets: each is a data type of its own. */
export const letterKinds = ['A', 'B'] as const
export type LetterKind = (typeof letterKinds)[number]

/** What a letter leads to: the next state, a note in this one, this one anew, or nothing. */
type Move = 'next' | 'stays' | 'again' | 'ignored'

/** One state of a simulated machine. The one after the last is its end. */
export interface SimulatedState {
  readonly moves: Readonly<Record<LetterKind, Move>>
  /** After how long it goes on to the next state by itself. */
  readonly afterMs: number | undefined
  /** After how long it notes something by itself, and stays. */
  readonly nudgeMs: number | undefined
  /** What it has somebody do: once that is done it goes on to the next state, and when it fails it begins anew. */
  readonly invokes:
    { readonly shortestMs: number; readonly longestMs: number; readonly failureRate: number } | undefined
}

/** Where a machine is that has taken certain things. */
export interface Position {
  readonly state: number
  /** How many things it had taken when it came there. */
  readonly visit: number
  readonly isNudged: boolean
}

/** States that each lead on, by a letter, a time, or the end of what they have somebody do. */
export function randomStates(random: RandomSource, isCalm: boolean): readonly SimulatedState[] {
  return Array.from({ length: random.int(1, 4) }, () => {
    const way = random.weighted({ letter: 50, time: 25, work: 25 })
    // Where nothing but the time leads on, letters must not have it begin anew, or whoever writes again and again keeps it there.
    const others = ['next', 'stays', 'ignored', way === 'time' ? 'stays' : 'again'] as const
    const moves = { A: way === 'letter' ? 'next' : random.pick(others), B: random.pick(others) }
    const longestMs = random.pick([0, 40, 2_000])
    return {
      moves,
      afterMs: way === 'time' || random.chance(0.2) ? random.pick([0, 300, 4_000, 20_000]) : undefined,
      nudgeMs: random.chance(0.3) ? random.pick([100, 3_000]) : undefined,
      invokes:
        way === 'work' || random.chance(0.15)
          ? { shortestMs: longestMs >> 1, longestMs, failureRate: isCalm ? 0 : random.pick([0, 0.3]) }
          : undefined,
    }
  })
}

export const isLetter = (entry: string): boolean => entry.startsWith('A ') || entry.startsWith('B ')

/** All positions that a machine comes through while it takes what is in its log; the last one is undefined where nothing allows that. */
export function positionsOf(
  states: readonly SimulatedState[],
  log: readonly string[],
): readonly (Position | undefined)[] {
  const positions: (Position | undefined)[] = [{ state: 0, visit: 0, isNudged: false }]
  for (const [at, entry] of log.entries()) {
    const position = positions.at(-1)!
    const next = nextOf(states[position!.state], position!, entry, at + 1)
    positions.push(next)
    if (next === undefined) break
  }
  return positions
}

/** Where a machine is that has taken what is in its log; undefined where nothing allows that. */
export function positionOf(states: readonly SimulatedState[], log: readonly string[]): Position | undefined {
  return positionsOf(states, log).at(-1)
}

function nextOf(
  state: SimulatedState | undefined,
  position: Position,
  entry: string,
  visit: number,
): Position | undefined {
  if (state === undefined) return undefined
  const next = { state: position.state + 1, visit, isNudged: false }
  const again = { ...next, state: position.state }
  const [what, which] = entry.split(' ') as [string, string]
  switch (what) {
    case 'A':
    case 'B': {
      const move = state.moves[what]
      return move === 'next' ? next : move === 'again' ? again : move === 'stays' ? position : undefined
    }
    case 'after':
      return state.afterMs !== undefined && Number(which) === position.state ? next : undefined
    case 'nudge':
      return state.nudgeMs !== undefined && Number(which) === position.state && !position.isNudged
        ? { ...position, isNudged: true }
        : undefined
    case 'done':
      return state.invokes === undefined ? undefined : next
    case 'failed':
      return state.invokes !== undefined && Number(which) === position.state ? again : undefined
    default:
      return undefined
  }
}
