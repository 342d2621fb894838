import type { ExecutionCommit } from './execution-record.ts'
import type { NewMessage, PostVerdict, Receipt } from './message.ts'

/*
 * What stores remember of mailboxes beside messages, one entry for each id and each slot: the verdict on the next message of that
 * id, or for that slot.
 */

/** The entry of a message's id; undefined where it has none. */
export function idReceipt({ kind, id }: Pick<NewMessage, 'kind' | 'id'>): string | undefined {
  return id === undefined ? undefined : `m${kind.length}:${kind}${id}`
}

/** The entry of a slot. */
export function slotReceipt(slot: string): string {
  return `s${slot}`
}

/** The id, or the slot, that an entry is of. */
export function namedBy(receipt: string): string {
  if (receipt.startsWith('s')) return receipt.slice(1)
  const colon = receipt.indexOf(':')
  return receipt.slice(colon + 1 + Number(receipt.slice(1, colon)))
}

/** The entries that a commit writes where there are none: those of slots that it closes, and those that come from another store. */
export function receiptsIn({
  closedSlots = [],
  receipts = [],
}: Pick<ExecutionCommit, 'closedSlots' | 'receipts'>): readonly Receipt[] {
  return [...closedSlots.map((slot): Receipt => ({ name: slotReceipt(slot), verdict: 'late' })), ...receipts]
}

/** Whether a message is judged by more than the execution that it is to. */
export function hasReceipts({ id, slot }: Pick<NewMessage, 'id' | 'slot'>): boolean {
  return id !== undefined || slot !== undefined
}

/** The verdict on a message, and what is remembered of it; `known` gives the entries that are there. */
export function judge(
  message: NewMessage,
  hasEnded: boolean,
  known: (name: string) => PostVerdict | undefined,
): {
  readonly verdict: PostVerdict
  readonly isRepeated: boolean
  readonly receipts: readonly [string, PostVerdict][]
} {
  const id = idReceipt(message)
  const before = id === undefined ? undefined : known(id)
  if (before !== undefined) return { verdict: before, isRepeated: true, receipts: [] }
  const slot = message.slot === undefined ? undefined : slotReceipt(message.slot)
  const isRefused = hasEnded && message.andEnded !== true
  const verdict = isRefused ? 'ended' : ((slot === undefined ? undefined : known(slot)) ?? 'accepted')
  const receipts: [string, PostVerdict][] = []
  if (id !== undefined) receipts.push([id, verdict])
  if (slot !== undefined && verdict === 'accepted') receipts.push([slot, 'duplicate'])
  return { verdict, isRepeated: false, receipts }
}
