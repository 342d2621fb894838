/** Puts all of one list at the end of another. `push(...more)` would fail where there are more of them than a call can have arguments: some 120,000. */
export function append<Item>(list: Item[], more: Iterable<Item>): void {
  for (const item of more) list.push(item)
}
