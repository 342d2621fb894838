/** Rows of one transaction: what it has locked holds up others for a moment, and MariaDB makes a join of lists of a thousand and more. */
const mostNamed = 500
// So few cost less at once than in two transactions.
const leastNamed = 250

/** Deletes up to `limit` in portions, each in a transaction of its own, until one finds nothing; `deleteSome` gives how many it has found and deleted. */
export async function deleteInPortions(
  limit: number,
  deleteSome: (limit: number) => Promise<{ readonly found: number; readonly deleted: number }>,
): Promise<number> {
  let total = 0
  for (let left = limit; left > 0;) {
    const wanted = Math.min(left, mostNamed)
    const { found, deleted } = await deleteSome(wanted)
    total += deleted
    left -= deleted
    // What it finds and can't delete, it would find again.
    if (found < wanted || deleted === 0) break
  }
  return total
}

/** Does something with portions of a list, two at a time: the server works on one while the next is put together here, or waits for its disk. */
export async function eachPortion<T>(all: readonly T[], work: (some: readonly T[]) => Promise<void>): Promise<void> {
  const size = Math.max(leastNamed, Math.min(mostNamed, Math.ceil(all.length / 2)))
  let next = 0
  const lane = async (): Promise<void> => {
    while (next < all.length) {
      const some = all.slice(next, next + size)
      next += size
      await work(some)
    }
  }
  const lanes = [lane(), lane()]
  // Where one fails, the other is not left to write on its own.
  await Promise.allSettled(lanes)
  await Promise.all(lanes)
}
