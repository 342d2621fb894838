import { placeOfMessage } from '../../core/contracts/signal-message.ts'
import { updateKind } from '../../core/contracts/update-message.ts'
import type { UpdateRef } from '../../core/contracts/update-message.ts'
import type { InputIssue } from '../../core/errors.ts'
import type { Plan } from '../../core/graph/plan.ts'
import type { AnyDataType } from '../../core/language/data-type.ts'
import { checkValue } from '../inputs/check-value.ts'
import type { CheckedValue } from '../inputs/check-value.ts'
import { receivedTypes } from '../inputs/given-signals.ts'
import type { UpdateAnswer } from './checkpoints.ts'
import { isPromise } from '../../core/own-promise.ts'
import { firstNameOf } from '../../core/graph/former-names.ts'

/** A message for a step that is known to fit its type. */
export interface Received {
  /** The data type's name. */
  readonly type: string
  /** As the type's schema gives it. */
  readonly value: unknown
  /** When it came, in milliseconds since the epoch; before everything else where it was given with the start. */
  readonly at: number
  /** Number of the stored message that brought it; undefined where none did. */
  readonly message?: number | undefined
  /** Takes it: nobody gets it any more. Where it is stored, the next commit of the step that takes it consumes it. */
  take(): void
  /** Takes it as one that leads to nothing: where it is stored, it is consumed by itself. */
  skip(): void
  /** Refuses the update that it is: nothing of it happens, and its sender gets the reason. Of what is none, as `skip`. */
  refuse(reason: unknown): void
  /** The update that it is: whoever takes it answers it. Undefined where nobody waits for an answer. */
  readonly update?: UpdateRef | undefined
}

/** Where a step takes the values that it receives, in the order in which they came; what nobody wants yet stays. */
export interface Inbox {
  /** The first message of these types that nobody has taken; undefined where there is none, or its check takes its time. */
  next(types: readonly string[]): Received | undefined
  /** Calls back whenever a message may be taken that could not be before. Returns how to end that. */
  onMessage(listener: () => void): () => void
  /** Whether nothing comes but what is there. */
  readonly isComplete: boolean
  /** This update was taken in an earlier life, which is on record: it is not to be taken again. */
  reclaim?(update: UpdateRef): void
  /** What receives these types begins anew: the updates of them that it has taken and not answered come again. */
  renew?(types: readonly AnyDataType[]): void
  /** An update is answered, on record with what its machine is at next. Undefined where nothing has to be waited for. @throws SerializationError, as a rejection too */
  answer?(answer: UpdateAnswer): Promise<void> | undefined
}

/** A message as it came. */
interface Entry {
  readonly type: AnyDataType
  readonly given: unknown
  readonly at: number
  readonly message: number | undefined
  readonly update: UpdateRef | undefined
  /** Once it is known to fit. */
  fits: { readonly value: unknown } | undefined
}

/** A value that came and that no step has taken, as it was given. */
export interface Unread {
  /** The data type's name. */
  readonly type: string
  readonly value: unknown
  /** When it came, in milliseconds since the epoch. */
  readonly at: number
}

/** How an inbox is made. */
interface InboxOptions {
  /** Called for a value that does not fit: it is left out. */
  readonly onSetAside?: (
    type: string,
    message: number | undefined,
    issues: readonly InputIssue[],
    update: UpdateRef | undefined,
  ) => void
  /** Whether nothing comes but what is given before the execution begins. @default false */
  readonly isComplete?: boolean
  /** Called for each message that a step takes: `leads` says whether to something that is to be kept. */
  readonly onTaken?: (taken: Received, leads: boolean) => void
  /** Whether an update that was taken is still to be answered. @default none is */
  readonly isOpen?: (update: UpdateRef) => boolean
  /** Called for each update that a step answers with what it is at next. */
  readonly onAnswered?: (answer: UpdateAnswer) => Promise<void> | undefined
  /** Called for each update that a step refuses. */
  readonly onRefused?: (update: UpdateRef, reason: unknown) => void
  /** Whether a message that fits is refused, now that it could be taken. @default none is */
  readonly refuses?: (type: AnyDataType, value: unknown, update: UpdateRef | undefined) => boolean
}

/** The messages that came to one execution from outside for what its steps receive. */
export class MemoryInbox implements Inbox {
  readonly isComplete: boolean
  readonly #types: ReadonlyMap<string, AnyDataType>
  readonly #onSetAside: NonNullable<InboxOptions['onSetAside']>
  readonly #onTaken: InboxOptions['onTaken'] | undefined
  readonly #refuses: InboxOptions['refuses'] | undefined
  readonly #isOpen: NonNullable<InboxOptions['isOpen']>
  readonly #onAnswered: InboxOptions['onAnswered'] | undefined
  readonly #onRefused: InboxOptions['onRefused'] | undefined
  /** Updates that were taken, the open ones among them. */
  #takenUpdates: Entry[] = []
  /** Names of updates that an earlier life has taken. */
  readonly #reclaimed = new Set<string>()
  readonly #listeners = new Set<() => void>()
  readonly #entries: Entry[] = []
  /** How many of them, from the first, are known to fit. */
  #fitting = 0
  #isChecking = false

  constructor(types: readonly AnyDataType[], options: InboxOptions = {}) {
    const { onSetAside = () => {}, isComplete = false, onTaken, refuses, isOpen = () => false } = options
    this.#types = new Map(types.map((type) => [type.name, type]))
    this.#onSetAside = onSetAside
    this.#onTaken = onTaken
    this.#refuses = refuses
    this.#isOpen = isOpen
    this.#onAnswered = options.onAnswered
    this.#onRefused = options.onRefused
    this.isComplete = isComplete
  }

  /** A value comes; it leads to nothing before `check`. False where no step receives the type. */
  give(type: string, given: unknown, at = -Infinity, message?: number, update?: UpdateRef): boolean {
    const known = this.#types.get(type)
    if (known === undefined) return false
    this.#entries.push({ type: known, given, at, message, update, fits: undefined })
    return true
  }

  /**
   * Looks at what has come: what does not fit is set aside, and the rest may be taken. One after the other, so that no message overtakes another; a
   * loop, not recursion: there may be very many.
   */
  check(): void {
    let cameToFit = false
    while (!this.#isChecking) {
      const entry = this.#entries[this.#fitting]
      if (entry === undefined) break
      const checked = checkValue(entry.type, entry.given)
      if (isPromise(checked)) {
        this.#isChecking = true
        void checked.then((late) => {
          this.#isChecking = false
          if (this.#settle(entry, late)) this.#came()
          this.check()
        })
      } else cameToFit = this.#settle(entry, checked) || cameToFit
    }
    if (cameToFit) this.#came()
  }

  next(types: readonly string[]): Received | undefined {
    const entry = this.#firstOf(types)
    if (entry?.fits === undefined) return undefined
    const { type, at, message, update, fits } = entry
    const received: Received = {
      type: type.name,
      value: fits.value,
      at,
      message,
      update,
      take: () => {
        if (!this.#remove(entry)) return
        if (update !== undefined) this.#takenUpdates = [...this.#openUpdates(), entry]
        this.#onTaken?.(received, true)
      },
      skip: () => {
        if (this.#remove(entry)) this.#onTaken?.(received, false)
      },
      refuse: (reason) => {
        if (update === undefined) received.skip()
        else if (this.#remove(entry)) this.#onRefused?.(update, reason)
      },
    }
    return received
  }

  /** What is refused is gone, and the next one is the first. */
  #firstOf(types: readonly string[]): Entry | undefined {
    for (;;) {
      const entry = this.#entries.find(({ type, update }) => types.includes(type.name) && !this.#isReclaimed(update))
      if (entry?.fits === undefined || this.#refuses?.(entry.type, entry.fits.value, entry.update) !== true)
        return entry
      this.#remove(entry)
    }
  }

  reclaim({ name }: UpdateRef): void {
    this.#reclaimed.add(name)
  }

  answer(answer: UpdateAnswer): Promise<void> | undefined {
    return this.#onAnswered?.(answer)
  }

  renew(types: readonly AnyDataType[]): void {
    const names = new Set(types.map(({ name }) => name))
    // Updates are called by the first names of their types.
    const firstNames = new Set(types.map(firstNameOf))
    const open = this.#openUpdates()
    const again = open.filter(({ type }) => names.has(type.name))
    this.#takenUpdates = open.filter(({ type }) => !names.has(type.name))
    // What was answered since is not to come again, though it came to this life.
    for (const entry of this.#entries.filter(({ type, update }) => names.has(type.name) && this.#isReclaimed(update)))
      if (!this.#isOpen(entry.update!)) this.#drop(entry)
    for (const name of this.#reclaimed)
      if (firstNames.has(placeOfMessage({ kind: updateKind, id: name })!.type)) this.#reclaimed.delete(name)
    for (const entry of again.toReversed()) this.#entries.unshift(entry)
    this.#fitting += again.length
    if (again.length > 0) this.#came()
  }

  #openUpdates(): Entry[] {
    return this.#takenUpdates.filter(({ update }) => this.#isOpen(update!))
  }

  #isReclaimed(update: UpdateRef | undefined): boolean {
    return update !== undefined && this.#reclaimed.has(update.name)
  }

  onMessage(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** What nobody has taken, but for updates: these are answered. */
  get unread(): readonly Unread[] {
    return this.#entries
      .filter(({ update }) => update === undefined)
      .map(({ type, given, at }) => ({ type: type.name, value: given, at }))
  }

  /** Whether a value is still being checked. */
  get isChecking(): boolean {
    return this.#isChecking
  }

  #remove(entry: Entry): boolean {
    const place = this.#entries.indexOf(entry)
    if (place === -1) return false
    this.#entries.splice(place, 1)
    this.#fitting--
    return true
  }

  /** Removes one, whether it is known to fit or not. */
  #drop(entry: Entry): void {
    if (entry.fits !== undefined) this.#remove(entry)
    // One that is being checked is settled by its place, and left out when it could be taken.
    else if (this.#entries.indexOf(entry) > this.#fitting || !this.#isChecking)
      this.#entries.splice(this.#entries.indexOf(entry), 1)
  }

  #settle(entry: Entry, checked: CheckedValue): boolean {
    if (checked.issues === undefined) {
      entry.fits = { value: checked.value }
      this.#fitting++
      return true
    }
    this.#entries.splice(this.#fitting, 1)
    this.#onSetAside(entry.type.name, entry.message, checked.issues, entry.update)
    return false
  }

  #came(): void {
    for (const listener of this.#listeners) listener()
  }
}

/** The inbox of a plan with what is given along; undefined where none of its steps receives anything. */
export function inboxOf(
  plan: Plan,
  given: Readonly<Record<string, unknown>> | undefined,
  options?: InboxOptions,
): MemoryInbox | undefined {
  if (plan.receivers.length === 0) return undefined
  const types = receivedTypes(plan)
  const inbox = new MemoryInbox(types, options)
  for (const [type, values] of Object.entries(given ?? {}))
    if (Array.isArray(values)) for (const value of values) inbox.give(type, value)
  return inbox
}
