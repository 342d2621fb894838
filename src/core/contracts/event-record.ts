import type { StoredValue } from './stored-value.ts'

/** An event that is emitted: a value under a key, for whoever waits for it. */
export interface NewEvent {
  /** What it is found by: made of scope, name and key. At most 100 characters of ASCII. */
  readonly id: string
  /** Within what the name is unique, for people. */
  readonly scope: string
  /** The event type's name, for people. */
  readonly name: string
  /** Under which key, for people. */
  readonly key: string
  /** What it brings. */
  readonly value: StoredValue
  /** Names this emission: the same one, sent again since an answer was lost, gets its first answer. */
  readonly emission: string
  /** When it was emitted, in milliseconds since the epoch. */
  readonly at: number
  /** Until when it is kept for those that wait for it later, by the store's clock. */
  readonly expiresAt: number
}

/** An event that is there. */
export interface EmittedEvent extends Pick<NewEvent, 'value' | 'at'> {
  /** Grows by one where an event takes the place of one that has expired. */
  readonly generation: number
}

/** What became of an emission. */
export type EmitVerdict =
  /** It is the event of its key. */
  | 'accepted'
  /** There is one under the key, which has not expired. */
  | 'duplicate'

/** An execution that waits for an event, which may be there or not. */
export interface EventWait {
  /** The event's id. */
  readonly event: string
  /** The execution's id. */
  readonly execution: string
}

/** A wait, as it is registered or looked at again; or as its end is given. */
export interface NewEventWait extends EventWait {
  /** When, in milliseconds since the epoch. */
  readonly at: number
}

/** A wait whose execution is to be woken, since its event has come. */
export interface EventDelivery extends EventWait {
  /** That of the event. */
  readonly generation: number
}

/** Keeps events, and who waits for them: so that nobody sleeps past one, whoever dies in between. */
export interface EventStore {
  /**
   * Emits events: the first one of an id counts until it expires. With `transaction` (the client that the caller has begun one on),
   * they are emitted if and only if it commits.
   */
  emit(events: readonly NewEvent[], transaction?: unknown): Promise<readonly EmitVerdict[]>
  /**
   * Registers waits, or notes that they go on, and gives the event of each that is there: it looks after the wait can be seen by those that emit, so one
   * of both sees the other. An event that had expired when the wait was registered first is not given.
   */
  awaitEvents(waits: readonly NewEventWait[]): Promise<readonly (EmittedEvent | undefined)[]>
  /** These waits are over, unless they were registered or looked at again after the time that is given: then they are others. What is not there is no matter. */
  endWaits(waits: readonly NewEventWait[]): Promise<void>
  /** Waits whose event has come, and of which nobody has said yet that they know: up to `limit`. The cost grows with such events alone. */
  undelivered(limit: number): Promise<readonly EventDelivery[]>
  /** The executions of these waits have been woken. The waits stay until they are over. */
  delivered(deliveries: readonly EventDelivery[]): Promise<void>
  /** Waits that were registered, and looked at last, before a time; those that were looked at first before others. */
  oldWaits(before: number, limit: number): Promise<readonly EventWait[]>
  /** Deletes up to `limit` events that have expired, and for which nobody waits. @returns how many */
  purgeEvents(limit: number): Promise<number>
}
