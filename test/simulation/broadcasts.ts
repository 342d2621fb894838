import type { EmitVerdict, NewEvent, NewEventWait } from '../../src/core/contracts/event-record.ts'
import type { ExecutionCommit } from '../../src/core/contracts/execution-record.ts'
import { isTerminal } from '../../src/core/contracts/statuses.ts'
import { eventType, type } from '../../src/index.ts'
import { recordKey } from './batch-ledger.ts'
import { agreeMs } from './history.ts'
import type { History } from './history.ts'
import type { Life } from './life.ts'
import type { SimulatedGraph, SimulatedStep } from './simulated-step.ts'
import { plainOf } from './toy-codec.ts'

/** What is broadcast in a world: something that is kept for longer than it lasts, and something that is gone soon. */
export const eventTypes = [
  eventType('Kept', type<string>()),
  eventType('Brief', type<string>(), { scope: 'simulation', ttl: 2_000 }),
] as const

/** Keys of events; others are the first letters of what a step is given. */
export const eventKeys = ['k0', 'k1', 'k2'] as const

/** Under which key a step waits, by what it is given. */
export function keyOfEvent({ event }: SimulatedStep, inputs: Readonly<Record<string, unknown>>): string {
  return event!.key ?? String(inputs['p0']).slice(0, 2)
}

/** An event that somebody has emitted, as the store judged it. */
interface Emission {
  readonly id: string
  readonly name: string
  readonly key: string
  readonly value: unknown
  readonly verdict: EmitVerdict
  readonly at: number
  readonly expiresAt: number
}

/** All events that were emitted, and who waits for them: whether the first one of a key reaches all of those, and none but they. */
export class Broadcasts {
  readonly #history: History
  readonly #steps: ReadonlyMap<string, SimulatedStep>
  readonly #all: Emission[] = []
  readonly #byEmission = new Map<string, Emission>()
  /** The last one that was accepted, by the ids of events. */
  readonly #accepted = new Map<string, Emission>()
  /** When a life first began to wait for an event, as it says: an event that is there counts, however late the store hears of the wait. */
  readonly #registered = new Map<string, number>()
  /** Waits of executions that had ended, which a call that came late has registered once more: since when, by event and id. Whoever is started anew under the id finds them. */
  readonly #left = new Map<string, number>()
  readonly #answers: { readonly value: string; readonly verdict: string }[] = []
  #made = 0

  constructor(history: History, graphs: readonly SimulatedGraph[]) {
    this.#history = history
    this.#steps = new Map(
      graphs.flatMap(({ steps }) =>
        steps.flatMap((step) => (step.kind === 'event' ? [[step.name, step] as const] : [])),
      ),
    )
  }

  /** A value that no other event has. */
  make(of: number, key: string): string {
    return `${eventTypes[of]!.name}/${key} ${++this.#made}`
  }

  /** The store has taken an event, or has one already. */
  emitted({ id, name, key, value: stored, emission, expiresAt }: NewEvent, verdict: EmitVerdict): void {
    const { now } = this.#history
    const known = this.#byEmission.get(`${id} ${emission}`)
    if (known?.verdict === verdict) return
    // Sent again it gets its first answer while its event is kept: one that was refused may come when what it was refused for has expired, one that was
    // accepted when another has taken its place.
    if (known?.verdict === 'accepted' && known.expiresAt > now) {
      this.#history.violate(`event ${String(known.value)} is ${verdict}, and was ${known.verdict} before`)
      return
    }
    const made: Emission = { id, name, key, value: plainOf(stored), verdict, at: now, expiresAt }
    this.#byEmission.set(`${id} ${emission}`, made)
    this.#all.push(made)
    const before = this.#accepted.get(id)
    const isThere = before !== undefined && before.expiresAt > now
    if (verdict === 'accepted' && isThere)
      this.#history.violate(`event ${String(made.value)} is accepted beside ${String(before.value)}`)
    if (verdict === 'duplicate' && before === undefined)
      this.#history.violate(`event ${String(made.value)} is a duplicate of none`)
    if (verdict === 'accepted') this.#accepted.set(id, made)
  }

  /** Waits are registered, or looked at again. */
  awaited(waits: readonly NewEventWait[]): void {
    for (const { event, execution, at } of waits) {
      const life = this.#history.lives.get(execution)
      const place = `${event} ${life?.number}`
      if (life === undefined || isTerminal(life.status)) this.#left.set(`${event} ${execution}`, at)
      if (this.#registered.has(place)) continue
      const isPossible = life === undefined || (at >= life.createdAt - agreeMs && at <= this.#history.now + agreeMs)
      if (!isPossible) this.#history.violate(`${execution} says that it waits for ${event} since ${at}`)
      this.#registered.set(place, at)
    }
  }

  /** What whoever emitted an event was answered. */
  answered(value: string, verdict: string): void {
    this.#answers.push({ value, verdict })
  }

  /** Steps that have what they waited for have what was accepted under their key, and had not expired when they began to wait. */
  committed(life: Life, { steps }: ExecutionCommit): void {
    // A fork has what its source had.
    if (life.forkedFrom !== undefined) return
    for (const { step, status, output } of steps) {
      const plan = this.#steps.get(step)
      const value = plan === undefined || status !== 'completed' ? undefined : plainOf(output)
      // A fallback's value, or none.
      if (value === undefined || String(value).endsWith('!')) continue
      const event = this.#all.find((made) => made.verdict === 'accepted' && made.value === value)
      const registeredAt = event && this.#registered.get(`${event.id} ${life.number}`)
      const { type: of, key } = plan!.event!
      if (event === undefined)
        this.#history.violate(`${life.id}: ${step} has ${String(value)}, which nobody emitted and was accepted`)
      else if (event.name !== eventTypes[of]!.name || event.key !== (key ?? event.key))
        this.#history.violate(`${life.id}: ${step} waits for "${key}", and has ${String(value)}`)
      else if (registeredAt === undefined)
        this.#history.violate(`${life.id}: ${step} has ${String(value)}, for which nobody is known to wait`)
      else if (event.expiresAt <= Math.min(registeredAt, this.#left.get(`${event.id} ${life.id}`) ?? Infinity))
        this.#history.violate(`${life.id}: ${step} has ${String(value)}, which had expired when it began to wait`)
    }
  }

  /** Describes an event that a step of a life waits for, which must go on, and that has been there since before a time. */
  unreached(life: Life, beforeMs: number, mustGoOn: (step: string) => boolean): string | undefined {
    for (const [place, { record, value, at }] of life.steps) {
      const plan = this.#steps.get(record.step)
      if (plan === undefined || record.status !== 'waiting' || at > beforeMs || !mustGoOn(record.step)) continue
      const key = keyOfWait(value)
      const event = this.#all.find(
        (made) =>
          made.verdict === 'accepted' &&
          made.name === eventTypes[plan.event!.type]!.name &&
          made.key === key &&
          made.at < beforeMs &&
          // Not surely there any more when the wait began.
          made.expiresAt > at + 1_000,
      )
      if (event !== undefined)
        return `${place} waits for event ${String(event.value)}, which came ${this.#history.now - event.at} ms ago`
    }
    return undefined
  }

  /** Events that something waits for and that are not there: of which type, and under which key. */
  wanted(): readonly { readonly of: number; readonly key: string }[] {
    const wanted = new Map<string, { readonly of: number; readonly key: string }>()
    for (const life of this.#history.lives.values()) {
      if (isTerminal(life.status)) continue
      for (const { record, value } of life.steps.values()) {
        const plan = this.#steps.get(record.step)
        const key = plan === undefined || record.status !== 'waiting' ? undefined : keyOfWait(value)
        if (key !== undefined && !this.#isThere(plan!.event!.type, key))
          wanted.set(`${plan!.event!.type} ${key}`, { of: plan!.event!.type, key })
      }
    }
    return [...wanted.values()]
  }

  /** Whoever emitted an event was answered what the store said of it, and nothing waits that has ended, but where a note that it waits `mayComeLate`. */
  checkTheEnd(mayComeLate: boolean): void {
    for (const { value, verdict } of this.#answers) {
      const made = this.#all.filter((event) => event.value === value)
      if (!made.some((event) => event.verdict === verdict))
        this.#history.violate(`event ${value} was answered ${verdict}, and the store said ${made[0]?.verdict}`)
    }
    for (const life of mayComeLate ? [] : this.#history.lives.values())
      for (const [name, plan] of this.#steps) {
        const kept = life.steps.get(recordKey(name, ''))
        if (kept?.record.status === 'waiting' && isTerminal(life.status))
          this.#history.violate(`${life.id} is ${life.status}, and ${plan.name} waits`)
      }
  }

  #isThere(of: number, key: string): boolean {
    return this.#all.some(
      (made) =>
        made.verdict === 'accepted' &&
        made.name === eventTypes[of]!.name &&
        made.key === key &&
        made.expiresAt > this.#history.now,
    )
  }
}

/** The key in the place of the value of a step that waits. */
function keyOfWait(value: unknown): string | undefined {
  if (typeof value !== 'string' || !value.startsWith('{')) return undefined
  return (JSON.parse(value) as { readonly key?: string }).key
}
