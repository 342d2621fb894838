import { durableStep } from '../../src/index.ts'
import type { DurableContext } from '../../src/index.ts'
import type { AnyStep } from '../../src/core/language/step.ts'
import type { RetryPolicy } from '../../src/core/language/policy.ts'
import { eventTypes } from './broadcasts.ts'
import type { History } from './history.ts'
import type { RandomSource } from './random-source.ts'
import { shortName } from './simulated-step.ts'
import type { EventVerb, SimulatedStep } from './simulated-step.ts'
import type { SimulatedProcess } from './simulated-process.ts'

/** Where a durable function is called: an execution, and perhaps an item of it. */
interface Place {
  readonly executionId: string
  readonly item: number | undefined
}

/** What the verbs of durable functions came to, judged as functions see it: what one has seen, no later run of it sees otherwise, and what led to it is not done again. */
export class Verbs {
  readonly #history: History
  readonly #seen = new Map<string, string>()
  readonly #furthest = new Map<string, number>()
  #calls = 0

  constructor(history: History) {
    this.#history = history
  }

  /** A function that a verb calls begins; gives what it makes, which no other one does. */
  began(step: SimulatedStep, index: number, place: Place, process: SimulatedProcess): string {
    const value = `${shortName(step)}.${index}#${++this.#calls}`
    const key = this.#keyOf(step, place, process)
    this.#history.tell(() => `${process.name} ${place.executionId} ${step.name} calls ${value}`)
    if (key === undefined) return value
    const furthest = this.#furthest.get(key) ?? 0
    if (index < furthest)
      this.#history.violate(`${place.executionId}: ${step.name} did ${index} again, when it had come to ${furthest}`)
    this.#furthest.set(key, Math.max(index, furthest))
    return value
  }

  /** A function was given what a verb came to. */
  given(step: SimulatedStep, index: number, value: string, place: Place, process: SimulatedProcess): void {
    const key = this.#keyOf(step, place, process)
    if (key === undefined) return
    const known = this.#seen.get(`${key} ${index}`)
    if (known !== undefined && known !== value)
      this.#history.violate(`${place.executionId}: ${step.name} was given ${value} for ${index}, and ${known} before`)
    this.#seen.set(`${key} ${index}`, value)
  }

  /** A function goes on after a sleep: its step's record says that it waits until it ends, or is parked again. */
  woke({ name }: SimulatedStep, { executionId }: Place): void {
    const { due, steps } = this.#history.lives.get(executionId) ?? {}
    for (const key of due?.keys() ?? []) if (key === name || key.startsWith(`${name} `)) due!.delete(key)
    for (const [key, noted] of steps ?? []) if (key === name || key.startsWith(`${name} `)) noted.hasWoken = true
  }

  /** Who has lost an execution and does not know it yet can record nothing: undefined. */
  #keyOf({ name }: SimulatedStep, { executionId, item }: Place, process: SimulatedProcess): string | undefined {
    const life = this.#history.lives.get(executionId)
    if (life?.owner?.startsWith(`${process.name}:`) !== true || !this.#history.isAlive(life.owner)) return undefined
    // What was undone, and what was made of it, is done anew in a retry.
    return `${executionId} ${life.number} ${life.reopened} ${name} ${item ?? ''}`
  }
}

/** A step whose function calls some others, one after another, and sleeps in between. */
export function functionOf(
  each: SimulatedStep,
  ports: { readonly inputs: object; readonly output: unknown; readonly retry: RetryPolicy },
  process: SimulatedProcess,
  random: RandomSource,
  verbs: Verbs,
): AnyStep {
  const { length, sleepMs, event } = each.verbs!
  return durableStep({
    ...ports,
    name: each.name,
    timeout: each.timeoutMs,
    run: async (given: Readonly<Record<string, unknown>>, context: DurableContext) => {
      for (let index = 0; index < length; index++) {
        const value = await context.step('call', async ({ signal }) => {
          const made = verbs.began(each, index, context, process)
          const fails = random.chance(each.failureRate)
          await process.sleep(random.between(each.shortestMs, each.longestMs), each.heeds ? signal : undefined)
          if (fails) throw new Error(`${made} fails`)
          return made
        })
        verbs.given(each, index, value, context, process)
        if (index === 0 && event !== undefined) {
          verbs.given(each, length, JSON.stringify(await broadcast(event, value, context)), context, process)
          verbs.woke(each, context)
        }
        if (sleepMs === 0 || index > 0) continue
        await context.sleep(sleepMs)
        verbs.woke(each, context)
      }
      return `${shortName(each)}(${Object.values(given).map((input) => String(input ?? '-').replace(/\(.*/, ''))})`
    },
  } as never) as unknown as AnyStep
}

/** Emits an event, whose value is the first one that was made for it, or waits for one. */
function broadcast(
  { does, type: of, key, timeoutMs }: EventVerb,
  made: string,
  context: DurableContext,
): Promise<unknown> {
  const type = eventTypes[of]!
  if (does === 'emit') return context.emit(type, key, `${type.name}/${key} ${made}`)
  return context.waitFor(type, key, { timeout: timeoutMs })
}
