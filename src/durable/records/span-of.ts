const units = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1_000],
] as const

/** A length of time in its two largest units. */
export function spanOf(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1)} s`
  const first = units.findIndex(([, size]) => ms >= size)
  const [unit, size] = units[first]!
  const [next, nextSize] = units[first + 1]!
  const rest = Math.floor((ms % size) / nextSize)
  return `${Math.floor(ms / size)} ${unit}${rest === 0 ? '' : ` ${rest} ${next}`}`
}
