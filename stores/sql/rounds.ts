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

/** The last element of each key: what is written later in one commit replaces what was written before. */
export function lastOfEach<T>(elements: readonly T[], keyOf: (element: T) => string): readonly T[] {
  if (elements.length < 2) return elements
  const last = new Map(elements.map((element) => [keyOf(element), element]))
  return last.size === elements.length ? elements : [...last.values()]
}
