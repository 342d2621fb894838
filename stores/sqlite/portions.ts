import type { SqliteConnection } from './connection.ts'

// By how long the last one took.
const portions = { first: 100, least: 25, shortMs: 8, longMs: 20 } as const

/**
 * Deletes in transactions that are short: each holds up the event loop while it lasts, and whoever else writes to the file. `deleteSome` deletes up to
 * so many, and gives how many.
 */
export async function deleteInPortions(
  connection: SqliteConnection,
  limit: number,
  deleteSome: (limit: number) => number,
): Promise<number> {
  let deleted = 0
  for (let portion: number = portions.first; deleted < limit;) {
    const wanted = Math.min(portion, limit - deleted)
    const { count, ms } = await timed(connection, () => deleteSome(wanted))
    deleted += count
    if (count < wanted) break
    if (ms < portions.shortMs) portion *= 2
    else if (ms > portions.longMs) portion = Math.max(portions.least, Math.floor(portion / 2))
  }
  return deleted
}

/** The time that it takes from the moment in which it may write until that is on the disk: to wait for the right to write costs nobody anything. */
async function timed(
  connection: SqliteConnection,
  deleteSome: () => number,
): Promise<{ readonly count: number; readonly ms: number }> {
  let since = 0
  const count = await connection.transaction(() => {
    since = performance.now()
    return deleteSome()
  })
  return { count, ms: performance.now() - since }
}
