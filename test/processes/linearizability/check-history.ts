import type { Answer } from './register.ts'

/** One operation on the register, as its client saw it. */
export interface Operated {
  readonly id: string
  readonly kind: 'read' | 'write' | 'add'
  readonly amount: number
  /** When it was called, and when its answer was there, in steady time. */
  readonly calledAt: number
  readonly answeredAt: number
  readonly answer: Answer
}

/**
 * Why a history is not linearizable: there must be one order of all operations in which each finds what the one before it left, and in which
 * none stands before one that had been answered when it was called. The answers say which order that is to be, so only that one is to be tried.
 */
export function violationsOf(history: readonly Operated[], start = 0): readonly string[] {
  const violations: string[] = []
  const ordered = history.toSorted((one, other) => one.answer.turn - other.answer.turn)
  let value = start
  // The latest call so far, in the order of turns: nothing that follows may have been answered before it.
  let latest: Operated | undefined
  for (const [place, one] of ordered.entries()) {
    const { id, kind, amount, answer, calledAt, answeredAt } = one
    if (answer.turn !== place + 1) violations.push(`${id} has turn ${answer.turn} in the place ${place + 1}`)
    if (answer.before !== value) violations.push(`${id} found ${answer.before} where ${value} had been left`)
    const after = kind === 'read' ? answer.before : kind === 'write' ? amount : answer.before + amount
    if (answer.after !== after) violations.push(`${id} left ${answer.after}, not ${after}`)
    if (latest !== undefined && answeredAt < latest.calledAt)
      violations.push(`${id} was answered before ${latest.id} was called, and comes after it`)
    if (latest === undefined || calledAt > latest.calledAt) latest = one
    value = answer.after
  }
  return violations
}
