import { isUnderWay, stepsAround, wayRound } from './current-step.ts'
import type { Slots, WaitedFor } from './current-step.ts'

/** A wait that may be part of a ring of waits. */
export interface OpenWait {
  /** The step that waits, or in whose function something is waited for. */
  readonly waiter: WaitedFor
  /** In which attempt's function: one that was given up holds nobody up. Undefined where the step itself waits, and calls no function before. */
  readonly attempt?: number
  /** Whether what it waits for can't come before one of these steps has ended. */
  readonly needs: (stuck: ReadonlySet<WaitedFor>) => boolean
  /** What it waits for, after the waiter's name. */
  readonly what: string
}

// The waits of steps that other steps have called, by whatever names them. Nobody nests a thousand: beyond that, no ring is looked for.
const open = new Map<object, OpenWait>()
const mostWaits = 1_000
/** To compare all with all costs more. */
const mostTogether = 200
const mostShown = 5

/** Whether a wait of this step could close a ring: it was called by another one, or steps that were wait for something. */
export function mayCloseRing({ execution }: WaitedFor): boolean {
  return execution.caller !== undefined || open.size > 0
}

/** Remembers a wait until it ends, and gives the ring of waits that it closes, if it closes one, in words. */
export function beginWait(key: object, wait: OpenWait): string | undefined {
  const ring = open.size < mostWaits ? ringClosedBy(wait) : undefined
  if (ring === undefined) open.set(key, wait)
  return ring
}

/** The wait is over, whatever came of it. */
export function endWait(key: object): void {
  if (open.size > 0) open.delete(key)
}

/** The ring that a wait closes: of waits that need one another, each by one step, or all of them between them. */
function ringClosedBy(wait: OpenWait): string | undefined {
  const ring = chainTo(wait) ?? (open.size < mostTogether ? ringTogether(wait) : undefined)
  if (ring === undefined) return undefined
  const more = ring.length - mostShown
  return `${ring.slice(0, mostShown).map(sentenceOf).join('; ')}${more > 0 ? `; and ${more} more that wait so` : ''}`
}

/**
 * What can't go on before the waiter does: whoever called it, whoever waits for one of these, and so on. If that holds what the waiter
 * waits for, nothing of it ever goes on.
 */
function chainTo(wait: OpenWait): readonly OpenWait[] | undefined {
  const stuck = new Set<WaitedFor>()
  const found = new Set<OpenWait>()
  const add = (one: OpenWait): void => {
    found.add(one)
    addStuck(one, stuck)
  }
  add(wait)
  for (let before = 0; before < found.size;) {
    before = found.size
    for (const one of open.values()) if (!found.has(one) && isOpen(one) && one.needs(stuck)) add(one)
  }
  return wait.needs(stuck) ? [...found] : undefined
}

/** The same where several hold between them what each of them needs, as all slots of a limit. */
function ringTogether(wait: OpenWait): readonly OpenWait[] | undefined {
  const all = [...open.values(), wait].filter(isOpen)
  // Mostly somebody has a slot who goes on.
  if (!wait.needs(stuckBy(all))) return undefined
  let ring = stuckTogether(all)
  if (!ring.includes(wait) || !holdsUp(wait, ring)) return undefined
  // What only hangs on them is no part of it.
  for (const one of ring) {
    const rest = stuckTogether(ring.filter((other) => other !== one))
    if (one !== wait && rest.includes(wait)) ring = rest
  }
  return ring
}

/** Whether others may be stuck because of this one: else its failure would free nobody. */
function holdsUp(wait: OpenWait, ring: readonly OpenWait[]): boolean {
  const { waiter } = wait
  if (waiter.execution.caller !== undefined || waiter.heldSlots !== undefined || waiter.claim !== undefined) return true
  const alone = new Set([waiter])
  return ring.some((one) => one !== wait && one.needs(alone))
}

/** Of some waits, those of which none can be over before a step has ended that waits itself in one of them. */
function stuckTogether(waits: readonly OpenWait[]): readonly OpenWait[] {
  for (let left = waits; ;) {
    const stuck = stuckBy(left)
    const still = left.filter((one) => one.needs(stuck))
    if (still.length === left.length) return left
    left = still
  }
}

function stuckBy(waits: readonly OpenWait[]): ReadonlySet<WaitedFor> {
  const stuck = new Set<WaitedFor>()
  for (const one of waits) addStuck(one, stuck)
  return stuck
}

/** Adds the step that waits, and those that can’t end before it has. */
function addStuck({ waiter }: OpenWait, stuck: Set<WaitedFor>): void {
  stuck.add(waiter)
  for (const step of stepsAround(waiter.execution.caller, () => true)) stuck.add(step)
}

function isOpen({ waiter, attempt }: OpenWait): boolean {
  return attempt === undefined ? !waiter.hasEnded : isUnderWay({ step: waiter, attempt })
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
