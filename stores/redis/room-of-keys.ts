import type { QueueRoom } from '../../src/core/contracts/queue-order.ts'
import type { Connection } from './connection.ts'
import { keysOf } from './queues.ts'
import type { ReadyCandidate } from './ready-looks.ts'

// Past so many of full keys it looks no further for one that goes on.
const mostPassed = 1_000

/** Of what goes on, whose members don't say of which key it is: those of keys that have room, with their keys. Full keys take nobody's place. */
export async function withRoom(
  connection: Connection,
  next: () => Promise<readonly ReadyCandidate[]>,
  { room, limit }: { readonly room: QueueRoom; readonly limit: number },
): Promise<ReadyCandidate[]> {
  const found: ReadyCandidate[] = []
  const left = new Map<string, number>()
  for (let passed = 0; found.length < limit && passed < mostPassed;) {
    const some = await next()
    const keys = await keysOf(
      connection,
      some.map(({ id }) => id),
    )
    for (const [index, candidate] of some.entries()) {
      const key = keys[index]!
      const hasRoom = left.get(key) ?? room.ofKey(key)
      left.set(key, hasRoom - 1)
      // What has become due is to have its turn first.
      if (found.length < limit && (hasRoom > 0 || candidate.member.startsWith('a'))) found.push({ ...candidate, key })
    }
    if (some.length < limit) break
    passed += some.length
  }
  return found
}
