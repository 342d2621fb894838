/**
 * Splits elements into rounds in which no key comes twice, in order: one statement can write a row once only. Mostly that is one
 * round, and then the very same list.
 */
export function roundsOf<T>(elements: readonly T[], keyOf: (element: T) => string): readonly (readonly T[])[] {
  const seen = new Map<string, number>()
  const rounds: T[][] = []
  for (const element of elements) {
    const key = keyOf(element)
    const round = seen.get(key) ?? 0
    seen.set(key, round + 1)
    const list = rounds[round]
    if (list === undefined) rounds.push([element])
    else list.push(element)
  }
  return rounds.length === 1 ? [elements] : rounds
}
