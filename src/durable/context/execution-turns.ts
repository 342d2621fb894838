import type { FullClock } from '../../runtime/environment/clock.ts'
import { ShortLivedMap } from '../../runtime/collections/short-lived-map.ts'

// As long as a call whose answer was lost may still be under way.
const secondLookMs = 30_000
// Drivers that repeat a call by themselves do so without a word.
const lookAnywayMs = 60_000
// While more waits than there is room for, each look is full, whether or not there is anything of that kind.
const mostFullLooks = 20

// What is farther off was created by a clock that is wrong.
const mostAheadMs = 1_000

/**
 * What is on its way into this process, one thing at a time for each execution; and whether the store may think that this
 * process has what it has not.
 */
export class ExecutionTurns {
  readonly #clock: FullClock
  readonly #underWay = new ShortLivedMap<{ last: Promise<unknown>; isOvertaken: boolean }>()
  #isUncertain = false
  #lookAgainAt: number
  #fullLooks = 0
  #gate: Promise<void> | undefined
  /** Whether there has ever been a doubt: then there may be messages to executions that don't live here. */
  isUncertainOfAny = false
  /** How many executions this process has deleted: what a look for work was given before may be one of them. */
  deletions = 0
  /** When the newest of those was created. */
  #newestDeleted = -Infinity

  constructor(clock: FullClock) {
    this.#clock = clock
    this.#lookAgainAt = clock.elapsed() + lookAnywayMs
  }

  /** This process has deleted an execution. */
  deleted({ createdAt }: { readonly createdAt: number }): void {
    this.deletions++
    this.#newestDeleted = Math.max(this.#newestDeleted, createdAt)
  }

  /** The time of a creation: children know the lives of one id apart by these, however soon one follows the other. */
  creationTime(now: number): number {
    const earliest = this.#newestDeleted + 1
    return earliest > now && earliest - now < mostAheadMs ? earliest : now
  }

  get ids(): Iterable<string> {
    return this.#underWay.keys()
  }

  has(id: string): boolean {
    return this.#underWay.has(id)
  }

  /** Does one thing with an execution after the other. What fails leaves a doubt: it may have had its effect. */
  async inTurn<Result>(id: string, act: () => Promise<Result>): Promise<Result> {
    const turns = this.#underWay.get(id)
    const before = turns === undefined ? this.#gate : turns.last.then(ignore, ignore).then(() => this.#gate)
    const turn = before === undefined ? act() : before.then(act)
    const own = turns ?? { last: turn, isOvertaken: false }
    own.last = turn
    this.#underWay.set(id, own)
    try {
      return await turn
    } catch (error) {
      this.markUncertain()
      throw error
    } finally {
      if (own.last === turn) this.#underWay.delete(id)
    }
  }

  /** The process was given an execution by another way than what is on its way. */
  overtake(id: string): void {
    const turns = this.#underWay.get(id)
    if (turns !== undefined) turns.isOvertaken = true
  }

  wasOvertaken(id: string): boolean {
    return this.#underWay.get(id)?.isOvertaken === true
  }

  /** An answer was lost, or a right turned out to be an old one. */
  markUncertain(): void {
    this.#isUncertain = this.isUncertainOfAny = true
    this.#fullLooks = 0
    this.#lookAgainAt = this.#clock.elapsed() + secondLookMs
  }

  /** The look for what the store thinks brought as many as there was room for: there may be more, which come next, and what is left after some looks in a while. */
  lookWasFull(): void {
    this.#isUncertain = this.#fullLooks++ < mostFullLooks
    this.#lookAgainAt = this.#clock.elapsed() + secondLookMs
  }

  /** Whether to ask the store now what it thinks: after a doubt, once more in a while, and now and then anyway. */
  takeUncertainty(): boolean {
    const isDue = this.#clock.elapsed() >= this.#lookAgainAt
    const isUncertain = this.#isUncertain || isDue
    this.#isUncertain = false
    if (isDue) {
      this.#lookAgainAt = this.#clock.elapsed() + lookAnywayMs
      this.#fullLooks = 0
    }
    return isUncertain
  }

  /** Lets nothing arrive until the returned function is called: what is read from the store must not change meanwhile. */
  hold(): () => void {
    let open!: () => void
    const gate = new Promise<void>((resolve) => (open = resolve))
    this.#gate = gate
    return () => {
      if (this.#gate === gate) this.#gate = undefined
      open()
    }
  }
}

function ignore(): void {}
