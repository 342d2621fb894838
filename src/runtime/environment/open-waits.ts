import { isUnderWay, stepsAround, wayRound } from './current-step.ts'
import type { Slots, WaitedFor } from './current-step.ts'

/** A wait that may be part of a ring of waits. */
export interface OpenWait {
  /** The step that waits, or in whose function something is waited for. */
  readonly waiter: WaitedFor
  /** In which attempt of it: one that was given up holds nobody up. @default the present one */
  readonly attempt?: number
  /** Whether what it waits for can't come before one of these steps has ended. */
  readonly needs: (stuck: ReadonlySet<WaitedFor>) => boolean
  /** What it waits for, after the waiter's name. */
  readonly what: string
}

type KnownWait = Required<OpenWait>

// The waits of steps that other steps have called, by whatever names them. Nobody nests a thousand: beyond that, no ring is looked for.
const open = new Map<object, KnownWait>()
const mostWaits = 1_000

/** Whether a wait of this step could close a ring: it was called by another one, or steps that were wait for something. */
export function mayCloseRing({ execution }: WaitedFor): boolean {
  return execution.caller !== undefined || open.size > 0
}

/** Remembers a wait until it ends, and gives the ring of waits that it closes, if it closes one, in words. */
export function beginWait(key: object, { attempt, ...given }: OpenWait): string | undefined {
  const wait = { ...given, attempt: attempt ?? given.waiter.attempt }
  const ring = open.size < mostWaits ? ringClosedBy(wait) : undefined
  if (ring === undefined) open.set(key, wait)
  return ring
}

/** The wait is over, whatever came of it. */
export function endWait(key: object): void {
  if (open.size > 0) open.delete(key)
}

/**
 * What can't go on before the waiter does: whoever called it, whoever waits for one of these, and so on. If that holds what the waiter
 * waits for, nothing of it ever goes on.
 */
function ringClosedBy(wait: KnownWait): string | undefined {
  const stuck = new Set<WaitedFor>()
  const found = new Set<KnownWait>()
  const add = (one: KnownWait): void => {
    found.add(one)
    stuck.add(one.waiter)
    for (const step of stepsAround(one.waiter.execution.caller, () => true)) stuck.add(step)
  }
  add(wait)
  for (let before = 0; before < found.size;) {
    before = found.size
    for (const one of open.values()) if (!found.has(one) && isOpen(one) && one.needs(stuck)) add(one)
  }
  return wait.needs(stuck) ? [...found].map(sentenceOf).join('; ') : undefined
}

function isOpen({ waiter, attempt }: KnownWait): boolean {
  return isUnderWay({ step: waiter, attempt })
}

function sentenceOf({ waiter, what }: OpenWait): string {
  const name = `step "${waiter.step}" (execution "${waiter.execution.id}")`
  return `${wayRound(waiter.execution.caller, undefined, name)} ${what}`
}

/** Whether a step can't end before one of these has. */
export function cantEndBefore(step: WaitedFor, stuck: ReadonlySet<WaitedFor>): boolean {
  if (stuck.has(step)) return true
  const { awaitedSlots, claim } = step
  if (awaitedSlots !== undefined && areHeldBy(awaitedSlots, stuck)) return true
  return claim?.leader !== undefined && stuck.has(claim.leader as WaitedFor)
}

/** Whether no slot comes free before one of these steps has ended. */
export function areHeldBy(slots: Slots, steps: ReadonlySet<WaitedFor>): boolean {
  let held = 0
  for (const { heldSlots } of steps) if (heldSlots === slots) held++
  return held >= slots.limit
}
