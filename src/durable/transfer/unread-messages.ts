import type { ListedMessage } from '../../core/contracts/message.ts'
import type { StoreBesideWrites } from '../../runtime/store-access/numbered-writes.ts'

const pageSize = 1_000
/** Of what messages bring, so much at once, as the store keeps it: one may have twenty megabytes. */
const mostBytes = 4_000_000

/** What lies in the mailbox of an execution, in pages, by the numbers of the messages; without what they bring, which may be large. @throws StoreError */
export async function* unreadMessages(
  store: StoreBesideWrites,
  execution: string,
  behind = 0,
): AsyncGenerator<readonly ListedMessage[], void, undefined> {
  for (let after = behind; ;) {
    const page = await store.listMail({ execution, after, limit: pageSize })
    if (page.length > 0) yield page
    if (page.length < pageSize) return
    after = page.at(-1)!.seq
  }
}

/** The same with what they bring, in pages that are small enough for the memory. @throws StoreError */
export async function* wholeMessages(
  store: StoreBesideWrites,
  execution: string,
  behind: number,
): AsyncGenerator<readonly ListedMessage[], void, undefined> {
  let after = behind
  for await (const page of unreadMessages(store, execution, behind))
    for (const limit of countsWithin(page)) {
      const messages = await store.listMail({ execution, after, limit, payloads: true })
      if (messages.length === 0) break
      yield messages
      after = messages.at(-1)!.seq
    }
}

/** How many of them, one after the other, bring so much together, and at least one. */
function countsWithin(messages: readonly ListedMessage[]): readonly number[] {
  const counts: number[] = []
  let sum = Infinity
  for (const { bytes } of messages) {
    sum += bytes
    if (sum > mostBytes) {
      counts.push(0)
      sum = bytes
    }
    counts[counts.length - 1]!++
  }
  return counts
}
