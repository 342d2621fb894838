import type { NewMessage } from './message.ts'
import type { StoredValue } from './stored-value.ts'

/** What a signal is for: a type that an execution waits for, or, of a batch, all its items or the one of this index. */
export interface SignalPlace {
  readonly type: string
  /** The item's index. @default it is an execution, or what all items of a batch share */
  readonly item?: number | undefined
}

/** Which place of an execution's mailbox a stored signal's value is encoded for. */
export function signalIdentity(execution: string, { type, item }: SignalPlace): readonly string[] {
  return item === undefined ? ['signal', execution, type] : ['signal', execution, type, String(item)]
}

/** The slot that the first signal for a place takes. */
export function signalSlot({ type, item }: SignalPlace): string {
  if (item !== undefined) return `${item}:${type}`
  // A type's name may look like the slot of an item.
  return looksLikeItem.test(type) ? `:${type}` : type
}

/** The place of a slot that a signal has taken. */
export function placeOfSlot(slot: string): SignalPlace {
  const colon = looksLikeItem.test(slot) ? slot.indexOf(':') : -1
  const type = slot.slice(colon + 1)
  return colon < 1 ? { type } : { type, item: Number(slot.slice(0, colon)) }
}

const looksLikeItem = /^\d*:/

/** The message that brings an execution the value of a data type: one for each place has an effect. */
export function signalMessage(
  execution: string,
  place: SignalPlace,
  content: { readonly id: string; readonly payload: StoredValue; readonly at: number },
): NewMessage {
  return { execution, class: 'data', kind: 'signal', slot: signalSlot(place), ...content }
}

const receivedKind = 'receive'

/**
 * The message that brings an execution one of many values of a data type, for the step that receives them. It takes no slot; its id is one within the type, since a
 * message of another type is another one under the same name.
 */
export function receivedMessage(
  execution: string,
  place: SignalPlace,
  { id, payload, at }: { readonly id: string; readonly payload: StoredValue; readonly at: number },
): NewMessage {
  return { execution, class: 'data', kind: receivedKind, id: receivedId(place, id), payload, at }
}

/** The id of such a message, as it is stored: where it goes stands before the name that it was given. */
export function receivedId(place: SignalPlace, id: string): string {
  const where = signalSlot(place)
  return `${where.length}:${where}${id}`
}

/** Where a message with a value goes, of either kind; undefined for any other. */
export function placeOfMessage({
  kind,
  slot = '',
  id = '',
}: Pick<NewMessage, 'kind' | 'slot' | 'id'>): SignalPlace | undefined {
  if (kind === 'signal') return placeOfSlot(slot)
  if (kind !== receivedKind && kind !== 'update') return undefined
  const colon = id.indexOf(':')
  return placeOfSlot(id.slice(colon + 1, colon + 1 + Number(id.slice(0, colon))))
}
