/** `; did you mean "x"?` for a name that is nearly one of the known ones, else nothing. */
export function didYouMean(name: string, known: Iterable<string>): string {
  let best: string | undefined
  // Of very short names everything is near.
  let least = name.length < 3 ? 0 : 1 + Math.floor(name.length / 3)
  for (const candidate of known) {
    if (candidate.toLowerCase() === name.toLowerCase()) return `; did you mean "${candidate}"?`
    const distance = distanceOf(name, candidate, least)
    if (distance > least || (distance === least && best !== undefined)) continue
    least = distance
    best = candidate
  }
  return best === undefined ? '' : `; did you mean "${best}"?`
}

/** Levenshtein's distance: the least number of characters to add, drop or change; anything above `limit` counts as more. */
function distanceOf(from: string, to: string, limit: number): number {
  if (Math.abs(from.length - to.length) > limit) return limit + 1
  let row = Array.from({ length: to.length + 1 }, (_, column) => column)
  for (let i = 1; i <= from.length; i++) {
    const next = [i]
    for (let j = 1; j <= to.length; j++) {
      const change = row[j - 1]! + (from[i - 1] === to[j - 1] ? 0 : 1)
      next.push(Math.min(change, row[j]! + 1, next[j - 1]! + 1))
    }
    row = next
  }
  return row[to.length]!
}
