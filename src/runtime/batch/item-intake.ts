import { isPromiseLike } from '../inputs/check-value.ts'
import type { SlotPool } from '../collections/slot-pool.ts'
import type { AsyncContext } from '../environment/async-context.ts'
import { waitingStep } from '../environment/current-step.ts'
import type { Turn } from '../environment/turn.ts'
import type { BatchSetup } from './batch-setup.ts'
import type { ItemSource, Pulled } from './item-source.ts'
import type { ItemsInFlight } from './items-in-flight.ts'

const timeoutCheckEvery = 256

/** What the intake needs of its batch. */
interface IntakeHost {
  readonly pool: SlotPool
  readonly turn: Turn
  /** Items that have begun. */
  readonly started: number
  readonly hasEnded: boolean
  /** Whether items are let in at all: what they share is checked, they have not all begun, and the batch is not about to be handed over. */
  readonly takesItems: boolean
  /** Ends the batch if its time is over. */
  checkTime(): void
  take(pulled: Pulled): void
}

/** Where a batch's items come from, and what else bounds how many are under way. */
interface Intake {
  readonly source: ItemSource
  /** Whether the consumer can take the results of further items. */
  readonly hasRoom: () => boolean
  /** Items may wait in great number without holding a slot; this bounds the memory they take. */
  readonly maxOpen: number
}

/**
 * How many items of a batch may be open. Where they wait for times or for something from outside, all of them do so at once: what is read
 * from an iterable, or handed over one by one, has a limit all the same.
 */
export function mostOpenOf({ plan, concurrency, maxOpen, source, handsOver }: BatchSetup): number {
  if (plan.needsAll) return Infinity
  const isKnown = source.size !== undefined && handsOver !== true
  if (isKnown && plan.item.plan.steps.some(({ spec }) => spec.isWait)) return Infinity
  return maxOpen ?? Math.max(10 * concurrency, 1_000)
}

/** Lets a batch's items in, one by one, as there is room for them. */
export class ItemIntake {
  readonly #host: IntakeHost
  readonly #open: ItemsInFlight
  readonly #intake: Intake
  readonly #context: AsyncContext
  /** The step that waits for the batch. */
  readonly caller = waitingStep()
  #isPumping = false
  #isPulling = false
  /** What is left to be read waits for the next turn of the event loop. */
  #isYielding = false

  constructor(host: IntakeHost, open: ItemsInFlight, intake: Intake, context: AsyncContext) {
    this.#host = host
    this.#open = open
    this.#intake = intake
    this.#context = context
  }

  /** Whether it takes more items before one of those that are open ends. */
  get isOpen(): boolean {
    const { maxOpen, hasRoom } = this.#intake
    return this.#host.takesItems && this.#open.size < maxOpen && hasRoom()
  }

  /** Lets in as many items as there is room for, whoever made the room. */
  pumpInContext(): void {
    if (this.#host.pool.hasRoom) this.#context.run(this.pump)
  }

  readonly pump = (): void => {
    const host = this.#host
    if (this.#isPumping || this.#isPulling || this.#isYielding || !host.takesItems) return
    this.#isPumping = true
    const { source, hasRoom, maxOpen } = this.#intake
    while (!host.hasEnded && host.takesItems && host.pool.hasRoom && this.#open.size < maxOpen && hasRoom()) {
      // Items that are done at once leave no turn to the timer.
      if (host.started % timeoutCheckEvery === timeoutCheckEvery - 1) host.checkTime()
      if (host.hasEnded) break
      if (host.turn.mustYield()) {
        this.#isYielding = true
        host.turn.defer(this.#goOn)
        break
      }
      const pulled = source.next()
      if (isPromiseLike(pulled)) {
        this.#isPulling = true
        void pulled.then((late) => {
          this.#isPulling = false
          if (host.hasEnded) return
          host.take(late)
          this.pump()
        })
        break
      }
      host.take(pulled)
    }
    this.#isPumping = false
  }

  readonly #goOn = (): void => {
    this.#isYielding = false
    this.pump()
  }
}
