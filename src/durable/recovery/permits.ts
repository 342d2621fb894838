import { sleep } from '../../runtime/environment/clock.ts'
import type { DocketContext } from '../context/docket-context.ts'
import type { Owned } from '../ownership/owned.ts'

/** A queue that this process works on. */
export interface PermitQueue {
  readonly slots: { count(): number }
  /** Goes on with as many that are next as were woken for; gives the ids of those that run here now. @throws StoreError */
  next(woken: readonly string[]): Promise<readonly string[]>
}

/** A permit that waits for the store. */
interface WaitingPermit {
  /** The execution that its wake named. */
  readonly woken: string
  /** The execution that runs by it, or none where nothing is left, or no slot is free. */
  give(id: string | undefined): void
}

// Slots may be taken by what began here without a permit: others are not kept waiting for long.
const triesForSlot = 10
const pauseForSlotMs = 100
/** Goes on with the next execution of a queue for each permit that an engine gives: which one is next is the store's to say. */
export class Permits {
  readonly #context: DocketContext
  readonly #queueOf: (name: string) => PermitQueue | undefined
  readonly #waiting = new Map<string, WaitingPermit[]>()
  readonly #taking = new Set<string>()
  readonly #held = new Set<HeldPermit>()

  constructor(context: DocketContext, queueOf: (name: string) => PermitQueue | undefined) {
    this.#context = context
    this.#queueOf = queueOf
  }

  /** How many permits of a queue may be in use: its slots, but for those that are taken without one. */
  slotsOf(queue: string): number {
    let count = this.#queueOf(queue)?.slots.count() ?? 0
    for (const held of this.#held) if (held.queue === queue) count++
    return count
  }

  /** Gives back permits of executions that only wait: they hold no slot any more. To be called from time to time. */
  look(): void {
    const { clock, connection } = this.#context
    const soon = clock.now() + connection.session.leaseMs
    for (const { one, giveBack } of this.#held) if (!one.hasWorkBefore(soon)) giveBack()
  }

  /** Uses one, that came for an execution. Resolves when what runs by it has ended, or holds its slot no more; at once where there is nothing. */
  async use(queue: string, woken: string): Promise<void> {
    for (let tries = 0; tries < triesForSlot; tries++) {
      const id = await this.#next(queue, woken)
      this.#context.observers.onProcess?.({ type: 'wake.used', queue, result: id === undefined ? 'empty' : 'found' })
      if (id !== undefined) return this.#hold(queue, id)
      if (this.#context.isClosing || this.#queueOf(queue)?.slots.count() !== 0) return
      await sleep(this.#context.hostClock, pauseForSlotMs, { unref: true })
    }
  }

  /** Those that come while the store is called for others go together. */
  async #next(queue: string, woken: string): Promise<string | undefined> {
    const waiting = this.#waiting.get(queue) ?? []
    this.#waiting.set(queue, waiting)
    const given = new Promise<string | undefined>((give) => waiting.push({ woken, give }))
    if (!this.#taking.has(queue)) void this.#take(queue, waiting)
    return given
  }

  async #take(queue: string, waiting: WaitingPermit[]): Promise<void> {
    this.#taking.add(queue)
    try {
      while (waiting.length > 0) {
        // What came in the same turn goes with it.
        await Promise.resolve()
        const some = waiting.splice(0)
        const ids = await this.#idsOf(
          queue,
          some.map(({ woken }) => woken),
        )
        for (const [index, { give }] of some.entries()) give(ids[index])
      }
    } finally {
      this.#taking.delete(queue)
    }
  }

  /** Where the store is away, whoever looks into it next finds what there is. */
  async #idsOf(queue: string, woken: readonly string[]): Promise<readonly string[]> {
    try {
      return (await this.#queueOf(queue)?.next(woken)) ?? []
    } catch (error) {
      this.#context.connection.failures.report('looking for work', error)
      return []
    }
  }

  #hold(queue: string, id: string): Promise<void> {
    const one = this.#context.owned.get(id)
    if (one === undefined) return Promise.resolve()
    return new Promise((resolve) => {
      const held: HeldPermit = {
        queue,
        one,
        giveBack: () => {
          this.#held.delete(held)
          resolve()
        },
      }
      this.#held.add(held)
      void one.ending?.then(() => {
        if (this.#queueOf(queue)?.slots.count() !== 0) held.giveBack()
      })
      void one.departure.then(held.giveBack)
    })
  }
}

/** A permit by which an execution runs here. */
interface HeldPermit {
  readonly queue: string
  readonly one: Pick<Owned, 'hasWorkBefore'>
  giveBack(): void
}
