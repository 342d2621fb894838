import type { ErrorPlace } from '../../core/docket-error.ts'
import { SerializationError } from '../../core/errors.ts'
import { AsyncContext } from '../environment/async-context.ts'
import type { FullClock } from '../environment/clock.ts'
import { fireAfter } from '../environment/timers.ts'
import type { Timer } from '../environment/timers.ts'
import type { Checkpoint, CheckpointChange, Recorded } from './checkpoints.ts'
import { isRepeatable } from './ended-verb.ts'
import type { EndedVerb } from './ended-verb.ts'
import { FailedVerbs } from './failed-verbs.ts'
import { ReturnedMessages, TakenMessages } from './returned-messages.ts'
import type { TakenMessage } from './returned-messages.ts'
import { wrongKind, wrongOrder } from './rerun-mismatch.ts'
import { Verb } from './verb.ts'
import type { BesideOutcome, VerbCall, VerbOutcome } from './verb.ts'

// For how long a function that runs again may wait for something else than verbs before it passes for one that has changed.
const patienceMs = 5_000

/** What a frame needs of the work that it is part of. */
export interface FrameHost {
  readonly place: ErrorPlace
  readonly clock: FullClock
  /** Whether all of it waits. */
  readonly isWaiting: boolean
  /** Whether nothing may begin any more. */
  readonly isOver: boolean
  /** Whether it is known at this moment that this process may go on with it. */
  readonly isHeld: boolean
  /** Records something. Undefined where nothing has to be waited for. */
  keep(change: Omit<CheckpointChange, 'generation'>): Promise<void> | undefined
  /** The attempt has failed, whatever its function does. */
  failed(error: unknown): void
  /** All verbs that are open wait, until this time at the latest. */
  waits(dueAt: number | undefined): void
  /** Something is to go on: calls back once there is room. */
  goOn(act: () => void): void
}

/**
 * One run of a durable step's function from its top. Outcomes are given to it in the order in which they are on record, or come, and each in a turn of its own: what follows
 * one is through before the next, so that a run after it goes the same way. A verb that has none yet begins once all that is on record was given.
 */
export class Frame {
  readonly #host: FrameHost
  readonly #log: readonly Checkpoint[]
  readonly #byName: ReadonlyMap<string, Checkpoint>
  readonly #failed = new FailedVerbs()
  /** Messages that come again. */
  readonly returned: ReturnedMessages
  /** By the names of the verbs that have taken them. */
  readonly #taken = new TakenMessages()
  readonly #open = new Map<string, Verb>()
  readonly #ended: EndedVerb[] = []
  /** Called, and without outcome on record, while others are. */
  readonly #held: { readonly verb: Verb; readonly context: AsyncContext }[] = []
  /** Of verbs that begin together: they count by their times. */
  #together: EndedVerb[] | undefined
  #served = 0
  #given = 0
  #order: number
  #isRerun: boolean
  /** An outcome was given in this turn. */
  #isHot = false
  #isLooking = false
  #isDead = false
  #cancelled: { readonly reason: unknown } | undefined
  #patience: Timer | undefined
  /** When the function was last given something. */
  lastAt: number
  readonly #notes = new Map<string, { next: Checkpoint | undefined }>()
  /** Whether outcomes have to be given in turns: where none is ever on record, there is no other run to differ from. */
  readonly #isRecorded: boolean

  constructor(host: FrameHost, recorded: Recorded | undefined, startedAt: number, isRecorded: boolean) {
    this.#host = host
    this.lastAt = startedAt
    this.#isRecorded = isRecorded
    const known = recorded?.checkpoints ?? []
    this.#byName = new Map(known.map((checkpoint) => [checkpoint.name, checkpoint]))
    this.returned = new ReturnedMessages(known)
    this.#log = known.filter(({ status }) => status !== 'open').sort((one, other) => one.order - other.order)
    for (const one of this.#log) this.#taken.note(one.name, one.kind, outcomeOf(one), one.at)
    this.#order = known.reduce((most, { order }) => Math.max(most, order), 0)
    // What was open and has come meanwhile counts in the order in which it came: so it all begins together, too.
    this.#isRerun = known.length > 0
  }

  /** What is on record under a name. */
  knownOf(name: string): Checkpoint | undefined {
    return this.#byName.get(name)
  }

  /** Why verbs do nothing any more; undefined while they do. */
  get cancelled(): { readonly reason: unknown } | undefined {
    return this.#cancelled
  }

  get isDead(): boolean {
    return this.#isDead
  }

  /** Calls a verb. */
  call(call: VerbCall): Promise<unknown> {
    if (this.#isDead) return never()
    if (this.#cancelled !== undefined) return refused(this.#cancelled.reason)
    const known = this.#byName.get(call.name)
    if (known !== undefined && known.kind !== call.kind) return this.refuse(wrongKind(this.#host.place, call, known))
    const recorded = known?.status === 'open' ? undefined : known
    const verb = new Verb(this, call, this.#given, recorded)
    this.#open.set(call.name, verb)
    call.names.open++
    this.#failed.opened(verb)
    if (recorded !== undefined) this.#pump()
    else if (this.#isRerun) this.#held.push({ verb, context: new AsyncContext() })
    else this.#begin(verb)
    if (this.#isRerun) this.#lookSoon()
    return verb.promise
  }

  /** What is wrong with a call fails the attempt, whatever the function makes of it. */
  refuse(error: unknown): Promise<never> {
    this.#host.failed(error)
    return refused(error)
  }

  arrived(verb: Verb, outcome: VerbOutcome, at: number, beside?: BesideOutcome): void {
    if (this.#isDead || this.#cancelled !== undefined || verb.isOver) return
    const ended = { verb, outcome, at, beside, isKept: false }
    if (this.#together !== undefined) this.#together.push(ended)
    else this.#take(ended)
  }

  waits(): void {
    this.#lookSoon()
  }

  goOn(act: () => void): void {
    this.#host.goOn(act)
  }

  note(verb: Verb, value: unknown): void {
    if (!verb.isOver) this.noteOpen(verb.name, verb.call.kind, value, verb.dueAt)
  }

  /** Something to know while it is open. Of several that come fast the last is written. */
  noteOpen(name: string, kind: string, value: unknown, dueAt?: number): void {
    if (this.#isDead || this.#cancelled !== undefined) return
    const at = this.#host.clock.now()
    const checkpoint: Checkpoint = { name, kind, status: 'open', order: 0, value, error: undefined, at, dueAt }
    const underWay = this.#notes.get(name)
    if (underWay !== undefined) underWay.next = checkpoint
    else this.#write(checkpoint)
  }

  /** The function has ended. Whether it went as it is on record; where it did not, the attempt has failed. */
  isWhole(): boolean {
    // What came together with what it ended by was not given to it before, either.
    const next = this.#log.slice(this.#served).find(({ name }) => this.#open.get(name)?.recorded === undefined)
    if (next === undefined) return true
    this.#host.failed(wrongOrder(this.#host.place, undefined, next))
    return false
  }

  /** Names of what a further attempt must not find: what failed and led to this error, and what was called since. */
  namesLeadingTo(error: unknown): readonly string[] {
    return this.#failed.namesLeadingTo(error)
  }

  /** Messages that verbs of these names have taken. */
  takenBy(names: readonly string[]): readonly TakenMessage[] {
    return this.#taken.by(names)
  }

  /** Messages that were taken, and that the function has not been given. */
  get ungiven(): readonly TakenMessage[] {
    const unserved = this.#log.slice(this.#served)
    return this.takenBy([...this.#ended.map(({ verb }) => verb.name), ...unserved.map(({ name }) => name)])
  }

  /** Verbs reject from now on, with what ended the attempt. */
  cancel(reason: unknown): void {
    if (this.#cancelled !== undefined || this.#isDead) return
    this.#cancelled = { reason }
    for (const verb of this.#stopAll(reason)) verb.reject(reason)
  }

  /** Nothing of it has an effect any more: it goes on elsewhere, or has ended. Its function stands still where it is. */
  drop(reason: unknown): void {
    this.#isDead = true
    this.#stopAll(reason)
  }

  #stopAll(reason: unknown): readonly Verb[] {
    this.#patience?.cancel()
    const open = [...this.#open.values()]
    this.#open.clear()
    for (const verb of open) {
      verb.isOver = true
      verb.work?.stop(reason)
    }
    return open
  }

  #begin(verb: Verb): void {
    if (this.#host.isOver) return
    const work = verb.call.begin(verb, this.#byName.get(verb.name))
    if (verb.isOver) work?.stop(undefined)
    else {
      verb.work = work
      if (!verb.isWaiting) this.#host.goOn(() => {})
    }
  }

  #take(ended: EndedVerb): void {
    const { verb } = ended
    if (verb.isOver) return
    verb.isOver = true
    const note = this.#notes.get(verb.name)
    if (note !== undefined) note.next = undefined
    verb.work?.stop(undefined)
    this.#taken.note(verb.name, verb.call.kind, ended.outcome, ended.at)
    this.#ended.push(ended)
    // Before it is written, so that what the function does at once goes out in the same commit.
    if (isRepeatable(ended)) this.#lookSoon()
    this.#keep(ended, ++this.#order)
  }

  /** Whether it may be given before it is on record. That is known once the function stands still: others that it calls until then begin together with this one in the next run. */
  #needsNoRecord(ended: EndedVerb): boolean {
    return this.#open.size === 1 && this.#ended.length === 1 && isRepeatable(ended) && this.#host.isHeld
  }

  #keep(ended: EndedVerb, order: number): void {
    const { verb, outcome, at } = ended
    const isFailure = outcome.status === 'failed'
    const checkpoint: Checkpoint = {
      name: verb.name,
      kind: verb.call.kind,
      status: outcome.status,
      order,
      value: isFailure || ended.beside?.published !== undefined ? undefined : outcome.value,
      error: isFailure ? outcome.error : undefined,
      at,
      dueAt: undefined,
    }
    const kept = this.#host.keep({ checkpoints: [checkpoint], ...ended.beside })
    const isKept = (): void => {
      ended.isKept = true
      this.#pump()
    }
    if (kept === undefined) isKept()
    else
      kept.then(isKept, (error: unknown) => {
        if (this.#isDead) return
        // What can't be stored is what it came to, unless the function has gone on with it.
        if (error instanceof SerializationError && outcome.status !== 'failed' && !ended.isKept) {
          ended.outcome = { status: 'failed', error }
          // What was to go with it may be what can't be stored; what was taken is taken.
          const { consumed } = ended.beside ?? {}
          ended.beside = consumed && { consumed }
          this.#keep(ended, order)
        } else this.#host.failed(error)
      })
  }

  #write(checkpoint: Checkpoint): void {
    const kept = this.#host.keep({ checkpoints: [checkpoint] })
    if (kept === undefined) return
    const { name } = checkpoint
    const underWay: { next: Checkpoint | undefined } = { next: undefined }
    this.#notes.set(name, underWay)
    kept.then(
      () => {
        this.#notes.delete(name)
        if (underWay.next !== undefined && !this.#isDead) this.#write(underWay.next)
      },
      (error: unknown) => {
        this.#notes.delete(name)
        if (!this.#isDead) this.#host.failed(error)
      },
    )
  }

  /** Gives the function the next outcome, if there is one and this turn has not given one yet. */
  #pump(): void {
    if (this.#isDead || this.#cancelled !== undefined || (this.#isHot && this.#isRecorded)) return
    const next = this.#next()
    if (next === undefined) return
    this.#patience?.cancel()
    this.#patience = undefined
    this.#isHot = true
    this.#lookSoon()
    this.#host.goOn(() => this.#give(next))
  }

  #next(): EndedVerb | undefined {
    const recorded = this.#log[this.#served]
    if (recorded === undefined) {
      if (this.#isRerun || this.#ended[0]?.isKept !== true) return undefined
      return this.#ended.shift()
    }
    const verb = this.#open.get(recorded.name)
    if (verb?.recorded === undefined) return undefined
    this.#served++
    return { verb, outcome: outcomeOf(recorded), at: recorded.at, beside: undefined, isKept: true }
  }

  #give({ verb, outcome, at }: EndedVerb): void {
    verb.isOver = true
    this.#open.delete(verb.name)
    verb.call.names.open--
    this.#given++
    this.lastAt = Math.max(this.lastAt, at)
    if (outcome.status === 'failed') this.#failed.given(verb, outcome.error, this.#given)
    verb.settle(outcome)
  }

  /** Once the function stands still: gives it the next outcome, or sees what it waits for. */
  #lookSoon(): void {
    if (this.#isLooking || this.#isDead) return
    this.#isLooking = true
    this.#host.clock.setImmediate(() => {
      this.#isLooking = this.#isHot = false
      this.#look()
    })
  }

  #look(): void {
    if (this.#isDead || this.#cancelled !== undefined) return
    if (this.#isRerun && this.#served === this.#log.length) this.#endRerun()
    const [first] = this.#ended
    if (first !== undefined && this.#needsNoRecord(first)) first.isKept = true
    this.#pump()
    if (this.#isHot || this.#isLooking || this.#open.size === 0) return
    if (this.#isRerun) this.#waitForNext()
    else if (this.#ended.length === 0 && this.#together === undefined && !this.#host.isWaiting) this.#rest()
  }

  /** All that is on record was given: what has no outcome goes on, or begins. What came meanwhile counts in the order in which it came. */
  #endRerun(): void {
    this.#isRerun = false
    const together: EndedVerb[] = (this.#together = [])
    const looks: Promise<unknown>[] = []
    for (const { verb, context } of this.#held.splice(0))
      context.run(() => {
        this.#begin(verb)
        if (verb.work?.looked !== undefined) looks.push(verb.work.looked)
      })
    const goOn = (): void => {
      if (this.#isDead) return
      this.#together = undefined
      for (const ended of together.sort((one, other) => one.at - other.at)) this.#take(ended)
      this.#lookSoon()
    }
    if (looks.length === 0) goOn()
    else void Promise.allSettled(looks).then(goOn)
  }

  /** Something is on record that was not called: the function may be about to, or it has changed. */
  #waitForNext(): void {
    const { clock, place } = this.#host
    this.#patience ??= fireAfter(clock, patienceMs, () => {
      const [called] = this.#open.values()
      if (called !== undefined) this.#host.failed(wrongOrder(place, called.call, this.#log[this.#served]!))
    })
  }

  #rest(): void {
    let dueAt: number | undefined
    for (const verb of this.#open.values()) {
      if (!verb.isWaiting) return
      if (verb.dueAt !== undefined) dueAt = Math.min(dueAt ?? Infinity, verb.dueAt)
    }
    this.#host.waits(dueAt)
  }
}

function outcomeOf({ status, value, error }: Checkpoint): VerbOutcome {
  if (status === 'failed') return { status, error }
  return { status: status === 'timedOut' ? status : 'completed', value }
}

/** Of what has no effect any more nobody hears. */
function never(): Promise<never> {
  return new Promise(() => {})
}

/** A rejection that ends no process where nobody looks at it. */
export function refused(reason: unknown): Promise<never> {
  return unheard(Promise.reject<never>(reason))
}

/** Whoever lets go of the promise must not end the process by that. */
export function unheard<Value>(promise: Promise<Value>): Promise<Value> {
  promise.catch(() => {})
  return promise
}
