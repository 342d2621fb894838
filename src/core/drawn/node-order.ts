import type { DrawnNode } from '../graph/drawing.ts'

/** Nodes in an order in which they can begin, or the names of some that wait for one another. */
export type NodeOrder =
  { readonly nodes: readonly DrawnNode[]; readonly cycle?: undefined } | { readonly cycle: readonly string[] }

/**
 * Puts nodes in order: each behind those that it depends on and, of those that can begin at the same time, that of the highest priority first, then as they were
 * added. Nodes that are named but not there count as done.
 */
export function orderOfNodes(nodes: readonly DrawnNode[], priorityOf: (node: DrawnNode) => number): NodeOrder {
  const byName = new Map(nodes.map((node, index) => [node.name, index]))
  const waits = nodes.map(() => 0)
  const dependants: number[][] = nodes.map(() => [])
  for (const [index, { dependsOn = [] }] of nodes.entries())
    for (const name of new Set(dependsOn)) {
      const before = byName.get(name)
      if (before === undefined) continue
      waits[index]!++
      dependants[before]!.push(index)
    }
  const priorities = nodes.map(priorityOf)
  /** Those that can begin, the next one last. */
  const ready: number[] = []
  const isBefore = (one: number, other: number): boolean =>
    priorities[one] === priorities[other] ? one < other : priorities[one]! > priorities[other]!
  const enter = (index: number): void => {
    let low = 0
    let high = ready.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (isBefore(index, ready[middle]!)) low = middle + 1
      else high = middle
    }
    ready.splice(low, 0, index)
  }
  for (const [index, count] of waits.entries()) if (count === 0) enter(index)
  const ordered: DrawnNode[] = []
  for (let index = ready.pop(); index !== undefined; index = ready.pop()) {
    ordered.push(nodes[index]!)
    for (const next of dependants[index]!) if (--waits[next]! === 0) enter(next)
  }
  return ordered.length === nodes.length ? { nodes: ordered } : { cycle: cycleIn(nodes, waits, byName) }
}

/** Of nodes that wait, some that wait for one another, in the direction of the data, from one of them to itself. */
function cycleIn(
  nodes: readonly DrawnNode[],
  waits: readonly number[],
  byName: ReadonlyMap<string, number>,
): readonly string[] {
  const places = new Map<number, number>()
  const way: number[] = []
  let index = waits.findIndex((count) => count > 0)
  while (!places.has(index)) {
    places.set(index, way.length)
    way.push(index)
    const before = (nodes[index]!.dependsOn ?? []).map((name) => byName.get(name))
    index = before.find((one) => one !== undefined && waits[one]! > 0)!
  }
  return [...way.slice(places.get(index)), index].map((one) => nodes[one]!.name).toReversed()
}
