import { problemOfLength } from '../../core/check-length.ts'
import type { Receipt } from '../../core/contracts/message.ts'
import { idReceipt, namedBy, slotReceipt } from '../../core/contracts/receipts.ts'
import type { StoreBesideWrites } from '../../runtime/store-access/numbered-writes.ts'
import { unreadMessages } from './unread-messages.ts'

/**
 * What the store remembers of messages that somebody has read, so that one which is sent again is the same one in the other store too. What is unread is remembered
 * there when it is forwarded: known before, it would be taken for one that is there already. An id that is too long for the other store is no matter: nobody can
 * send it there.
 */
export async function carriedReceipts(
  from: StoreBesideWrites,
  to: StoreBesideWrites,
  id: string,
): Promise<readonly Receipt[]> {
  const receipts: Receipt[] = []
  let next: string | undefined
  do {
    const page = await from.readReceipts(id, next)
    for (const receipt of page.receipts) receipts.push(receipt)
    next = page.next
  } while (next !== undefined)
  // Read after those: what has come in between is unknown to them.
  const unread = await receiptsOfUnread(from, id)
  return receipts.filter(
    ({ name }) => !unread.has(name) && problemOfLength(to, 'message', 'a message', namedBy(name)) === undefined,
  )
}

async function receiptsOfUnread(store: StoreBesideWrites, execution: string): Promise<ReadonlySet<string>> {
  const names = new Set<string>()
  for await (const page of unreadMessages(store, execution))
    for (const message of page) {
      const { slot } = message
      for (const name of [idReceipt(message), slot === undefined ? undefined : slotReceipt(slot)])
        if (name !== undefined) names.add(name)
    }
  return names
}
