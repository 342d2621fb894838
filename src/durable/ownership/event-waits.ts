import { describeThrown } from '../../core/thrown.ts'
import { eventOfMessage } from '../../core/contracts/event-message.ts'
import type { EmittedEvent } from '../../core/contracts/event-record.ts'
import type { StepRecord } from '../../core/contracts/execution-record.ts'
import type { Message } from '../../core/contracts/message.ts'
import { isTerminalStep } from '../../core/contracts/statuses.ts'
import { InputError } from '../../core/errors.ts'
import type { StepSpec } from '../../core/graph/graph-index.ts'
import type { AnyEventStep } from '../../core/language/event.ts'
import type { AnyEventType } from '../../core/language/event-type.ts'
import type { Emitter } from '../../runtime/execution/emitter.ts'
import { checkValue, issuesText } from '../../runtime/inputs/check-value.ts'
import type { EventListener, EventPlace, Events } from '../../runtime/steps/events.ts'
import type { StoreConnection } from '../../runtime/store-access/store-connection.ts'
import { eventIdentity, eventIdOf } from '../records/event-place.ts'
import type { ExecutionCommits } from './execution-commits.ts'
import type { MailEffects } from './mail-effects.ts'

/** An event that was there when an execution was taken over, its value checked. */
export interface FoundEvent {
  readonly value: unknown
  readonly at: number
}

/** A wait of a step that an earlier process began. */
export interface HeldWait {
  readonly spec: StepSpec
  /** Key of the batch's item; empty outside batches, and for what items share. */
  readonly item: string
  readonly key: string
}

/** Such waits, which are registered, and what is there of their events. */
export interface HeldEvents {
  readonly waits: readonly HeldWait[]
  /** By the ids of events; undefined where there is none yet, or it does not fit. */
  readonly found: ReadonlyMap<string, FoundEvent | undefined>
}

const nothingHeld: HeldEvents = { waits: [], found: new Map() }

/** An event that steps of the execution wait for. */
interface Awaited {
  readonly id: string
  readonly type: AnyEventType
  readonly key: string
  /** Of the steps that wait, by their places. */
  readonly listeners: Map<string, EventListener | undefined>
  /** Messages that said that it is there. */
  readonly seqs: number[]
  found: FoundEvent | undefined
  asking: Promise<void> | undefined
  /** When it was registered or looked at last. */
  seenAt: number
  mustAskAgain: boolean
}

/**
 * The events that the steps of one execution or batch wait for that lives here. A wait is registered before its event is read from the store, and each message only says that
 * it is to be read again. The wait is over, for the store, once the end of its step is written.
 */
export class EventWaits {
  readonly #connection: StoreConnection
  readonly #commits: ExecutionCommits
  readonly #id: string
  readonly #emitter: Emitter | undefined
  /** Of the waits of an earlier process, the events that are there, as long as these waits go on. */
  readonly #held: Map<string, FoundEvent | undefined>
  readonly #awaited = new Map<string, Awaited>()
  /** By the places of steps. */
  readonly #byStep = new Map<string, Awaited>()
  #asking = 0
  #lastRead = 0

  constructor(
    connection: StoreConnection,
    commits: ExecutionCommits,
    of: { readonly id: string; readonly emitter: Emitter | undefined; readonly held?: HeldEvents | undefined },
  ) {
    this.#connection = connection
    this.#commits = commits
    this.#id = of.id
    this.#emitter = of.emitter
    const held = of.held ?? nothingHeld
    this.#held = new Map(held.found)
    commits.consumesBy(this)
    // They may end without beginning here: a race that they are in may be decided first.
    for (const { spec, item, key } of held.waits) this.#follow(this.#awaitedBy(spec, key), spec, item, undefined)
  }

  /** Whether a wait is not registered yet, or an event is being read. */
  get isBusy(): boolean {
    return this.#asking > 0
  }

  /** Where the steps of an item wait, or those of an execution. */
  of(item = ''): Events {
    return {
      comeFor: (spec, key) => {
        const awaited = this.#awaitedBy(spec, key)
        if (awaited.found !== undefined) this.#follow(awaited, spec, item, undefined)
        return awaited.found
      },
      cameAt: ({ name: step }) => this.#byStep.get(placeOf({ step, item }))?.found?.at,
      await: (spec, key, listener) => {
        const awaited = this.#awaitedBy(spec, key)
        this.#follow(awaited, spec, item, listener)
        if (awaited.found !== undefined) listener.come(awaited.found.value, awaited.found.at)
        // One that is held is registered already, and was not there after that: else a message says so.
        else if (!this.#held.has(awaited.id) || awaited.seqs.length > 0) return this.#ask(awaited)
        return undefined
      },
      leave: ({ name }) => {
        const place = placeOf({ step: name, item })
        const awaited = this.#byStep.get(place)
        if (awaited === undefined) return
        for (const seq of awaited.seqs.splice(0)) this.#commits.consume(seq)
        this.#byStep.delete(place)
        this.#leave(awaited, place)
      },
    }
  }

  /** A message that says that an event is there. Each is taken once, however often it is read. */
  take(message: Message): void {
    const { seq } = message
    if (seq <= this.#lastRead) return
    this.#lastRead = seq
    const awaited = this.#awaited.get(eventOfMessage(message))
    if (awaited === undefined || awaited.listeners.size === 0) {
      // A wait that begins later asks anyway.
      this.#commits.consume(seq)
      return
    }
    awaited.seqs.push(seq)
    if (awaited.found === undefined) void this.#ask(awaited)
  }

  /** Messages are consumed with the end of what they woke. */
  effectsOf(records: readonly StepRecord[]): MailEffects | undefined {
    const consumed: number[] = []
    for (const record of records) {
      const awaited = isTerminalStep(record.status) ? this.#byStep.get(placeOf(record)) : undefined
      if (awaited !== undefined) for (const seq of awaited.seqs.splice(0)) consumed.push(seq)
    }
    return consumed.length === 0 ? undefined : { consumed }
  }

  /** They are read again by whoever has the execution then. */
  undo(): void {}

  /** What has ended waits no more. */
  written(records: readonly StepRecord[]): void {
    for (const record of records) {
      const place = placeOf(record)
      const awaited = isTerminalStep(record.status) ? this.#byStep.get(place) : undefined
      if (awaited === undefined) continue
      this.#byStep.delete(place)
      this.#leave(awaited, place)
    }
  }

  #leave(awaited: Awaited, place: string): void {
    awaited.listeners.delete(place)
    if (awaited.listeners.size > 0) return
    this.#awaited.delete(awaited.id)
    // What begins to wait for it later is registered anew, and is not given what has expired by then.
    this.#held.delete(awaited.id)
    const { waitEnds, failures } = this.#connection
    waitEnds
      .add({ event: awaited.id, execution: this.#id, at: awaited.seenAt }, Infinity)
      .catch(failures.of(`ending the wait for event "${awaited.type.name}"`))
  }

  #awaitedBy(spec: EventPlace, key: string): Awaited {
    const { event: type } = spec.step as AnyEventStep
    const id = eventIdOf(this.#connection.encoding, type, key)
    const known = this.#awaited.get(id)
    if (known !== undefined) return known
    const found = this.#held.get(id)
    const awaited: Awaited = {
      id,
      type,
      key,
      listeners: new Map(),
      seqs: [],
      found,
      asking: undefined,
      seenAt: this.#connection.clock.now(),
      mustAskAgain: false,
    }
    this.#awaited.set(id, awaited)
    return awaited
  }

  #follow(awaited: Awaited, { name }: EventPlace, item: string, listener: EventListener | undefined): void {
    const place = placeOf({ step: name, item })
    const before = this.#byStep.get(place)
    if (before !== undefined && before !== awaited) this.#leave(before, place)
    awaited.listeners.set(place, listener)
    this.#byStep.set(place, awaited)
  }

  #ask(awaited: Awaited): Promise<void> {
    awaited.mustAskAgain = true
    if (awaited.asking !== undefined) return awaited.asking
    this.#asking++
    awaited.asking = this.#read(awaited)
      .catch((error: unknown) => {
        for (const listener of awaited.listeners.values()) listener?.failed(error)
      })
      .finally(() => {
        awaited.asking = undefined
        this.#asking--
      })
    return awaited.asking
  }

  async #read(awaited: Awaited): Promise<void> {
    const { clock, eventWaits } = this.#connection
    while (awaited.mustAskAgain && awaited.found === undefined && !this.#commits.isOff) {
      awaited.mustAskAgain = false
      awaited.seenAt = clock.now()
      const wait = { event: awaited.id, execution: this.#id, at: awaited.seenAt }
      const event = await eventWaits.add(wait, Infinity)
      // As long as it is not there, what has said so is of no effect.
      if (event === undefined) for (const seq of awaited.seqs.splice(0)) this.#commits.consume(seq)
      else await this.#take(awaited, event)
    }
  }

  async #take(awaited: Awaited, event: EmittedEvent): Promise<void> {
    const { type, key } = awaited
    try {
      awaited.found = await readEvent(this.#connection, type, key, event)
    } catch (error) {
      // It is waited for still: the next one under the key may fit.
      const { clock, failures } = this.#connection
      this.#emitter?.durable(clock.now(), { type: 'event.set-aside', event: type.name, key, error })
      const consumed = awaited.seqs.splice(0)
      const what = `setting an event "${type.name}" aside (${describeThrown(error)})`
      if (consumed.length > 0) this.#commits.write({ steps: [], consumed }).catch(failures.of(what))
      return
    }
    for (const listener of awaited.listeners.values()) listener?.come(awaited.found.value, awaited.found.at)
  }
}

/** The value of an event, as the schema here takes it. @throws InputError for one that does not fit, SerializationError for one that can't be read */
export async function readEvent(
  { encoding }: Pick<StoreConnection, 'encoding'>,
  type: AnyEventType,
  key: string,
  { value: stored, at }: EmittedEvent,
): Promise<FoundEvent> {
  const value = await encoding.decode(stored, eventIdentity(type, key))
  const checked = await checkValue(type, value)
  if (checked.issues === undefined) return { value: checked.value, at }
  const what = `an event "${type.name}" under key "${key}" does not fit: ${issuesText(checked.issues)}`
  throw new InputError('INPUT_INVALID', what, checked.issues, {}, { cause: checked.thrown })
}

function placeOf({ step, item }: Pick<StepRecord, 'step' | 'item'>): string {
  return `${item}\0${step}`
}
