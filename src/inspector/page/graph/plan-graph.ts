import type { StepView } from '../../protocol.ts'

/** A box of the graph: one step, the same step of all items of a batch, or steps that are alike. */
export interface PlanNode {
  /** Stable as long as the plan is the same. */
  readonly id: string
  readonly label: string
  readonly kind: string | undefined
  /** Places of its steps in the list of steps. */
  readonly steps: readonly number[]
  /** Whether it stands for several different steps. */
  readonly isFolded: boolean
}

/** The plan as boxes and arrows. */
export interface PlanGraph {
  readonly nodes: readonly PlanNode[]
  readonly from: readonly number[]
  readonly to: readonly number[]
  /** The box of each step, by its place in the list of steps. */
  readonly nodeOfStep: Int32Array
  /** How many boxes could be folded, or are. */
  readonly foldable: number
}

/** So many steps that are alike are shown as one. */
const alikeFrom = 5

/**
 * The graph of a plan. Items of a batch share the boxes of their steps; steps of one kind with the same neighbours, and names that differ in numbers alone,
 * are one box, unless their group is named in `unfolded`, or `isFolding` is off.
 */
export function planGraph(
  steps: readonly StepView[],
  unfolded: ReadonlySet<string> = new Set(),
  isFolding = true,
): PlanGraph {
  const byName = new Map<string, number[]>()
  steps.forEach(({ step }, index) => {
    const own = byName.get(step)
    if (own === undefined) byName.set(step, [index])
    else own.push(index)
  })
  const groups = groupsOf(steps, byName)
  const nodes: PlanNode[] = []
  const nodeOfName = new Map<string, number>()
  let foldable = 0
  for (const [id, names] of groups) {
    const isGroup = names.length >= alikeFrom
    if (isGroup) foldable++
    if (isGroup && isFolding && !unfolded.has(id)) {
      const own = names.flatMap((name) => byName.get(name)!)
      const node: PlanNode = {
        id,
        label: numbersHidden(names[0]!, '…'),
        kind: steps[own[0]!]!.kind,
        steps: own,
        isFolded: true,
      }
      nodes.push(node)
      for (const name of names) nodeOfName.set(name, nodes.length - 1)
      continue
    }
    for (const name of names) {
      const own = byName.get(name)!
      nodes.push({ id: name, label: name, kind: steps[own[0]!]!.kind, steps: own, isFolded: false })
      nodeOfName.set(name, nodes.length - 1)
    }
  }
  return { nodes, foldable, nodeOfStep: nodesOf(steps, nodeOfName), ...arrowsOf(steps, byName, nodeOfName) }
}

/** The names in groups of steps that are alike, in the order of the plan. */
function groupsOf(
  steps: readonly StepView[],
  byName: ReadonlyMap<string, readonly number[]>,
): ReadonlyMap<string, readonly string[]> {
  const dependants = new Map<string, string[]>()
  for (const [name, [first]] of byName)
    for (const other of steps[first!]!.dependsOn) {
      const own = dependants.get(other)
      if (own === undefined) dependants.set(other, [name])
      else own.push(name)
    }
  const groups = new Map<string, string[]>()
  for (const [name, [first]] of byName) {
    const { kind, dependsOn } = steps[first!]!
    const hidden = numbersHidden(name, '\u0000')
    const id =
      hidden === name
        ? `= ${name}`
        : JSON.stringify([kind ?? '', hidden, dependsOn.toSorted(), (dependants.get(name) ?? []).toSorted()])
    const own = groups.get(id)
    if (own === undefined) groups.set(id, [name])
    else own.push(name)
  }
  return groups
}

function numbersHidden(name: string, sign: string): string {
  return name.replaceAll(/\d+/g, sign)
}

function nodesOf(steps: readonly StepView[], nodeOfName: ReadonlyMap<string, number>): Int32Array {
  return Int32Array.from(steps, ({ step }) => nodeOfName.get(step)!)
}

function arrowsOf(
  steps: readonly StepView[],
  byName: ReadonlyMap<string, readonly number[]>,
  nodeOfName: ReadonlyMap<string, number>,
): { readonly from: readonly number[]; readonly to: readonly number[] } {
  const from: number[] = []
  const to: number[] = []
  const known = new Set<number>()
  for (const [name, [first]] of byName)
    for (const other of steps[first!]!.dependsOn) {
      const [start, end] = [nodeOfName.get(other), nodeOfName.get(name)!]
      if (start === undefined || start === end) continue
      const key = start * 0x100_0000 + end
      if (known.has(key)) continue
      known.add(key)
      from.push(start)
      to.push(end)
    }
  return { from, to }
}

const priority = [
  'failed',
  'retrying',
  'running',
  'waiting',
  'queued',
  'claiming',
  'pending',
  'cancelled',
  'skipped',
  'cached',
  'completed',
]

/** What a box shows: of several steps, the status that people look for first, and how many are in which. */
export interface NodeState {
  readonly status: string
  readonly counts: ReadonlyMap<string, number>
}

/** The state of each box. */
export function statesOf({ nodes }: PlanGraph, steps: readonly StepView[]): readonly NodeState[] {
  return nodes.map(({ steps: own }) => {
    const counts = new Map<string, number>()
    for (const place of own) {
      const { status } = steps[place]!
      counts.set(status, (counts.get(status) ?? 0) + 1)
    }
    if (counts.size === 1) return { status: steps[own[0]!]!.status, counts }
    const status = priority.find((each) => counts.has(each)) ?? steps[own[0]!]!.status
    return { status, counts }
  })
}
