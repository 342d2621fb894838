import type { FullClock } from '../runtime/environment/clock.ts'
import { turnOf } from '../runtime/environment/turn.ts'

const purgePortion = 250
// How much is deleted at once goes by how long it takes, so that the database holds up others only for a moment. A store that is part of the
// process deletes in portions of its own, since it holds up the event loop meanwhile.
const portions = { least: 250, most: 4_000, shortMs: 100, longMs: 200 } as const

/** Deletes until a portion brings nothing; gives how many. One that is not full says little: what others have locked at the moment is left out. */
export async function inPortions(clock: FullClock, purgeSome: (limit: number) => Promise<number>): Promise<number> {
  const turn = turnOf(clock)
  let limit = purgePortion
  let total = 0
  for (;;) {
    if (turn.mustYield(limit)) await turn.next()
    const since = clock.elapsed()
    const purged = await purgeSome(limit)
    total += purged
    if (purged === 0) return total
    const tookMs = clock.elapsed() - since
    if (tookMs < portions.shortMs) limit = Math.min(limit * 2, portions.most)
    else if (tookMs > portions.longMs) limit = Math.max(Math.floor(limit / 2), portions.least)
  }
}
