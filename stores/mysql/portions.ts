/** Rows of one transaction: what it has locked holds up others for a moment, and MariaDB makes a join of lists of a thousand and more. */
const mostNamed = 500

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
