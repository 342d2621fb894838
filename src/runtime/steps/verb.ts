import type { Checkpoint, CheckpointChange } from './checkpoints.ts'
import type { VerbNames } from './verb-names.ts'
import { withResolvers } from '../../core/own-promise.ts'

/** What a verb comes to. */
export type VerbOutcome =
  | { readonly status: 'completed'; readonly value: unknown }
  | { readonly status: 'failed'; readonly error: unknown }
  | { readonly status: 'timedOut'; readonly value: unknown }

/** What is recorded with an outcome. */
export type BesideOutcome = Pick<CheckpointChange, 'consumed' | 'published' | 'answer' | 'dropped'>

/** What is under way for an open verb. */
export interface VerbWork {
  /** Resolves once it is known whether its outcome was there already, elsewhere. @default it is known */
  readonly looked?: Promise<unknown> | undefined
  /** It is open no more, or not here: it has its outcome, is cancelled, or goes on elsewhere. */
  stop(reason: unknown): void
}

/** Nothing is to be stopped. */
export const noWork: VerbWork = Object.freeze({ stop: () => {} })

/** What a verb is called with. */
export interface VerbCall {
  readonly kind: string
  /** Its whole name. */
  readonly name: string
  readonly names: VerbNames
  /** Begins it, or goes on with it where it was open before. What comes of it comes to the verb, now or later. */
  begin(verb: Verb, known: Checkpoint | undefined): VerbWork | undefined
}

/** What verbs need of the frame that they are called in. */
interface VerbFrame {
  arrived(verb: Verb, outcome: VerbOutcome, at: number, beside?: BesideOutcome): void
  /** It waits from now on. */
  waits(): void
  /** Something is to go on: calls back once there is room. */
  goOn(act: () => void): void
  note(verb: Verb, value: unknown): void
}

/** A verb that the function of a durable step has called, as long as it has no outcome. */
export class Verb {
  readonly call: VerbCall
  readonly promise: Promise<unknown>
  /** How many outcomes the function had been given when it called it. */
  readonly openedAfter: number
  /** Its outcome on record, if it has one. */
  readonly recorded: Checkpoint | undefined
  /** Whether it only waits. */
  isWaiting = false
  /** Until when. */
  dueAt: number | undefined
  work: VerbWork | undefined
  /** Whether its outcome is there. */
  isOver = false
  readonly #frame: VerbFrame
  readonly #settle: PromiseWithResolvers<unknown>

  constructor(frame: VerbFrame, call: VerbCall, openedAfter: number, recorded: Checkpoint | undefined) {
    this.#frame = frame
    this.call = call
    this.openedAfter = openedAfter
    this.recorded = recorded
    this.#settle = withResolvers()
    this.promise = this.#settle.promise
    // Whoever lets go of it must not end the process by that.
    this.promise.catch(() => {})
  }

  get name(): string {
    return this.call.name
  }

  /** `at`: when that came, which may be before it is seen. */
  succeed(value: unknown, at: number, beside?: BesideOutcome): void {
    this.#frame.arrived(this, { status: 'completed', value }, at, beside)
  }

  fail(error: unknown, at: number): void {
    this.#frame.arrived(this, { status: 'failed', error }, at)
  }

  timeOut(value: unknown, at: number): void {
    this.#frame.arrived(this, { status: 'timedOut', value }, at)
  }

  /** It only waits from now on: `value` is what has to be known to go on with it elsewhere. `isKnown`: that is on record. */
  waits(dueAt: number | undefined, value?: unknown, isKnown = false): void {
    this.isWaiting = true
    this.dueAt = dueAt
    if (!isKnown) this.#frame.note(this, value)
    this.#frame.waits()
  }

  /** It works again, as soon as there is room. */
  goesOn(act: () => void): void {
    this.isWaiting = false
    this.dueAt = undefined
    this.#frame.goOn(() => {
      if (!this.isOver) act()
    })
  }

  /** Something to know of it while it is open. */
  note(value: unknown): void {
    this.#frame.note(this, value)
  }

  settle(outcome: VerbOutcome): void {
    if (outcome.status === 'failed') this.#settle.reject(outcome.error)
    else this.#settle.resolve(outcome.value)
  }

  /** It is cancelled: that is no outcome. */
  reject(reason: unknown): void {
    this.#settle.reject(reason)
  }
}
