import type { AnyDataType } from '../language/data-type.ts'
import { GraphError } from '../errors.ts'
import { shorten } from '../shorten.ts'
import { isRecord } from '../is-record.ts'
import { indexOf } from './graph-index.ts'
import type { AnyGraph, GraphIndex, StepSpec } from './graph-index.ts'

/** One step of a plan: its spec, and where its inputs and its output live in an execution's array of values. */
export interface PlanStep {
  readonly spec: StepSpec
  /** Its place in the plan's order. */
  readonly position: number
  readonly outputSlot: number
  readonly portNames: readonly string[]
  readonly portSlots: readonly number[]
  /** The record of inputs with all its names and no values: to copy it is faster than to add one name after the other. */
  readonly inputsTemplate: Readonly<Record<string, undefined>>
  /** Longest way from a step that needs no other step, from 0. */
  readonly level: number
}

/** A type that the caller (or, in a batch, another part of it) gives. */
export interface PlanLeaf {
  readonly type: AnyDataType
  readonly slot: number
  /** False when everything that takes it takes it as `optional`. */
  readonly isRequired: boolean
}

/** What is needed to make the wanted types: steps in topological order, as integers for the hot path. Shared by all executions. */
export interface Plan {
  readonly index: GraphIndex
  readonly target: AnyDataType
  readonly types: readonly AnyDataType[]
  readonly slots: ReadonlyMap<string, number>
  readonly leaves: readonly PlanLeaf[]
  /** Whether a leaf has a schema that its value must fit. */
  readonly checksLeaves: boolean
  readonly steps: readonly PlanStep[]
  /** Names of leaves that a step of the graph makes: their values take its place. */
  readonly overridden: readonly string[]
  /** Slots of the target; the execution has succeeded when all are filled. */
  readonly wanted: readonly number[]
  /** The same by slot. */
  readonly isWanted: readonly boolean[]
  /** -1 in a part of a batch that does not make the target. */
  readonly targetSlot: number
  /** For each step, how many distinct slots it waits for: those that steps fill, or that come late. */
  readonly waitsFor: readonly number[]
  /** For each slot, whether the execution fails without it: what is wanted needs it by inputs none of which is optional. */
  readonly isVital: readonly boolean[]
  /** Wanted slots that are not there from the start. */
  readonly wantedLater: number
  /** For each slot, the steps that wait for it, but for races: these wait for one of several. */
  readonly dependants: readonly (readonly number[])[]
  /** For each slot, of each of its dependants, whether it takes the slot as optional only. */
  readonly canDoWithout: readonly (readonly boolean[])[]
  /** For each slot, the races that it is a port of; undefined where the plan has no race. */
  readonly racers: readonly (readonly number[])[] | undefined
  /** For each slot, whether it is there from the start. */
  readonly isLeaf: readonly boolean[]
  /** For each slot, the step that fills it; -1 where none of this plan does. */
  readonly producers: readonly number[]
  /** Steps that wait for nothing but the leaves. */
  readonly initial: readonly number[]
  /** Whether a step remembers its result for this execution only. */
  readonly hasExecutionScope: boolean
  /** Whether what a step did may have to be undone. */
  readonly compensates: boolean
  /** Whether a step waits for a time, or for something from outside. */
  readonly waits: boolean
  /** The steps that wait for something from outside. */
  readonly signalSteps: readonly PlanStep[]
  /** The steps that take any number of values from outside. */
  readonly receivers: readonly PlanStep[]
  /** The steps that wait for an event. */
  readonly eventSteps: readonly PlanStep[]
  /** Whether a step is a durable function. */
  readonly hasFunctions: boolean
  /** Whether a step has limits that all processes share. */
  readonly sharesLimits: boolean
  /** Whether a step lets another graph make its value. */
  readonly nests: boolean
  /** Whether the slots of `all` ports hold arrays already; otherwise the execution is a batch of one. */
  readonly gathers: boolean
}

/** Which types to stop at (given from outside), which to make, and which steps belong. */
export interface PlanRequest {
  readonly index: GraphIndex
  readonly target: AnyDataType
  readonly wanted: readonly string[]
  /** Types whose producer is not part of this plan: overridden, or made by another part of a batch. */
  readonly given: ReadonlySet<string>
  /** Those of the given types (and gathered slots) whose value comes while the execution runs. */
  readonly late?: ReadonlySet<string> | undefined
  /** Types whose values the caller gives in the place of their steps. @default what is given and not late */
  readonly overridden?: ReadonlySet<string> | undefined
  /** Types whose failure ends the execution. @default what is wanted, and what that needs by inputs that are not optional */
  readonly vital?: ReadonlySet<string> | undefined
  /** For ports of kind `all` in a batch: the name of the slot that holds the gathered array. */
  readonly gathered?: ((type: string) => string) | undefined
}

const nothingGiven: ReadonlySet<string> = new Set()

/** Compiles a plan. */
export function compilePlan({
  index,
  target,
  wanted,
  given,
  gathered,
  late = nothingGiven,
  overridden: overriddenTypes,
  vital: vitalGiven,
}: PlanRequest): Plan {
  const slots = new Map<string, number>()
  const types: AnyDataType[] = []
  const slotOf = (name: string, type: AnyDataType): number => {
    let slot = slots.get(name)
    if (slot === undefined) {
      slot = types.length
      slots.set(name, slot)
      types.push(type)
    }
    return slot
  }
  const sourceOf = (port: StepSpec['ports'][number]): string =>
    port.kind === 'all' && gathered !== undefined ? gathered(port.type) : port.type
  const producerOf = (type: string): StepSpec | undefined => (given.has(type) ? undefined : index.producers.get(type))
  const isThere = (type: string): boolean => overriddenTypes?.has(type) ?? (given.has(type) && !late.has(type))
  const portsOf = (spec: StepSpec): StepSpec['ports'] => racingPorts(spec, isThere)
  const ordered = topologicalOrder(wanted, producerOf, (spec) => portsOf(spec).map(sourceOf))
  const levels = new Map<string, number>()
  const vital = vitalGiven ?? vitalTypes(wanted, producerOf, sourceOf)
  const steps: PlanStep[] = []
  for (const spec of ordered) {
    const ports = portsOf(spec)
    const portSlots = ports.map((port) => slotOf(sourceOf(port), index.types.get(port.type)!))
    const level = ports.reduce((most, port) => Math.max(most, (levels.get(sourceOf(port)) ?? -1) + 1), 0)
    levels.set(spec.output.name, level)
    steps.push({
      spec,
      position: steps.length,
      outputSlot: slotOf(spec.output.name, spec.output),
      portNames: ports.map((port) => port.name),
      portSlots,
      inputsTemplate: Object.fromEntries(ports.map((port) => [port.name, undefined])),
      level,
    })
  }
  const wantedSlots = wanted.map((name) => slotOf(name, index.types.get(name)!))
  const targetSlot = slots.get(target.name) ?? -1
  const names = [...slots.keys()]
  const dependants: number[][] = types.map(() => [])
  const canDoWithout: boolean[][] = types.map(() => [])
  const racers: number[][] | undefined = steps.some(isRace) ? types.map(() => []) : undefined
  const producers = types.map(() => -1)
  for (const [position, step] of steps.entries()) producers[step.outputSlot] = position
  const isLater = (slot: number): boolean => producers[slot] !== -1 || late.has(names[slot]!)
  const waitsFor: number[] = []
  const required = new Set<number>(wantedSlots)
  for (const [position, step] of steps.entries()) {
    const needed = new Set<number>()
    for (const [port, slot] of step.portSlots.entries())
      if (step.spec.ports[port]!.kind !== 'optional') needed.add(slot)
    for (const slot of needed) required.add(slot)
    const waited = [...new Set(step.portSlots)].filter(isLater)
    if (isRace(step)) {
      waitsFor.push(Math.min(waited.length, 1))
      for (const slot of waited) racers![slot]!.push(position)
      continue
    }
    waitsFor.push(waited.length)
    for (const slot of waited) {
      dependants[slot]!.push(position)
      canDoWithout[slot]!.push(!needed.has(slot))
    }
  }
  const leaves = types.flatMap((type, slot) => (isLater(slot) ? [] : [{ type, slot, isRequired: required.has(slot) }]))
  const overridden = leaves.map(({ type }) => type.name).filter((name) => index.producers.has(name))
  const initial = waitsFor.flatMap((count, position) => (count === 0 ? [position] : []))
  const isLeaf = types.map((_, slot) => !isLater(slot))
  const isVital = names.map((name) => vital.has(name))
  const hasExecutionScope = steps.some((step) => step.spec.persist?.scope === 'execution')
  const wantedSet = new Set(wantedSlots)
  const isWanted = types.map((_, slot) => wantedSet.has(slot))
  const wantedLater = wantedSlots.filter(isLater).length
  return {
    index,
    target,
    types,
    slots,
    leaves,
    overridden,
    checksLeaves: leaves.some(({ type }) => type.schema !== undefined),
    steps,
    wanted: wantedSlots,
    isWanted,
    wantedLater,
    targetSlot,
    waitsFor,
    isVital,
    canDoWithout,
    isLeaf,
    dependants,
    racers,
    producers,
    initial,
    gathers: gathered !== undefined,
    hasExecutionScope,
    compensates: steps.some((step) => step.spec.compensate !== undefined),
    waits: steps.some(
      ({ spec }) => spec.isWait || spec.kind === 'subgraph' || spec.kind === 'durable' || spec.sharesLimits,
    ),
    signalSteps: steps.filter((step) => step.spec.kind === 'signal'),
    receivers: steps.filter((step) => step.spec.receives.length > 0),
    eventSteps: steps.filter((step) => step.spec.kind === 'event'),
    hasFunctions: steps.some((step) => step.spec.kind === 'durable'),
    sharesLimits: steps.some(({ spec }) => spec.sharesLimits),
    nests: steps.some((step) => step.spec.kind === 'subgraph'),
  }
}

/** Whether a step begins as soon as one of its inputs is there. */
export function isRace({ spec }: PlanStep): boolean {
  return spec.kind === 'race'
}

/** The steps that take a slot's value, races too: what one of them does depends on it. */
export function takersOf({ dependants, racers }: Pick<Plan, 'dependants' | 'racers'>, slot: number): readonly number[] {
  return racers === undefined ? dependants[slot]! : [...dependants[slot]!, ...racers[slot]!]
}

/** The ports that a step takes its values from: of a race of which one is given from the start, that one alone. */
function racingPorts(spec: StepSpec, isGiven: (type: string) => boolean): StepSpec['ports'] {
  if (spec.kind !== 'race') return spec.ports
  const first = spec.ports.find(({ type }) => isGiven(type))
  return first === undefined ? spec.ports : [first]
}

/** Steps that lead to the wanted types, inputs before users, in the order in which the types are first named. No recursion: plans may be thousands deep. */
function topologicalOrder(
  wanted: readonly string[],
  producerOf: (type: string) => StepSpec | undefined,
  needsOf: (spec: StepSpec) => readonly string[],
): readonly StepSpec[] {
  const ordered: StepSpec[] = []
  const seen = new Set<string>()
  const open: { readonly spec: StepSpec; readonly needs: readonly string[]; next: number }[] = []
  const enter = (type: string): void => {
    const spec = producerOf(type)
    if (spec === undefined || seen.has(type)) return
    seen.add(type)
    open.push({ spec, needs: needsOf(spec), next: 0 })
  }
  for (const type of wanted) {
    enter(type)
    while (open.length > 0) {
      const top = open[open.length - 1]!
      const need = top.needs[top.next++]
      if (need !== undefined) {
        enter(need)
        continue
      }
      ordered.push(top.spec)
      open.pop()
    }
  }
  return ordered
}

function vitalTypes(
  wanted: readonly string[],
  producerOf: (type: string) => StepSpec | undefined,
  sourceOf: (port: StepSpec['ports'][number]) => string,
): ReadonlySet<string> {
  const vital = new Set(wanted)
  for (const type of vital) {
    const producer = producerOf(type)
    if (producer === undefined || producer.kind === 'race') continue
    for (const port of producer.ports) if (port.kind !== 'optional') vital.add(sourceOf(port))
  }
  return vital
}

const plainPlans = new WeakMap<AnyGraph, Map<string, Plan>>()
const overridingPlans = new WeakMap<AnyGraph, Map<string, Plan>>()
const maxKeptPlans = 1_000

/**
 * The plan that makes `target`, compiled once per graph, target and set of overridden types.
 * @throws GraphError when the graph was not made by `graph()`, or doesn't know the target
 */
export function planOf(graph: AnyGraph, target: AnyDataType, given: ReadonlySet<string> = nothingGiven): Plan {
  const plans = given.size === 0 ? plainPlans : overridingPlans
  let kept = plans.get(graph)
  const key = given.size === 0 ? target?.name : JSON.stringify([target?.name, ...[...given].sort()])
  const known = kept?.get(key)
  if (known !== undefined) return known
  const index = requireIndex(graph)
  requireTarget(index, target)
  if (kept === undefined) plans.set(graph, (kept = new Map()))
  const plan = compilePlan({ index, target, wanted: [target.name], given })
  // Overrides come from the caller's data: a bound keeps endless combinations from growing without end.
  if (kept.size >= maxKeptPlans) kept.clear()
  kept.set(key, plan)
  return plan
}

/** The index of a graph. @throws GraphError for anything that `graph()` did not make */
export function requireIndex(graph: AnyGraph): GraphIndex {
  const index = typeof graph === 'object' && graph !== null ? indexOf(graph) : undefined
  if (index !== undefined) return index
  const message = isForeign(graph)
    ? `graph "${String(graph.name)}" was made by another version of docket; both places must import the same version of the package`
    : typeof graph === 'string'
      ? `${JSON.stringify(shorten(graph))} is a text, not a graph; give the graph itself, or call docket.startByName, which takes a name`
      : 'this is not a graph; make one with graph({ name, steps })'
  throw new GraphError('?', [{ kind: 'bad-declaration', message }])
}

/** Whether something looks like a graph, though this version can't read it. */
function isForeign(graph: unknown): graph is AnyGraph {
  return isRecord(graph) && graph['kind'] === 'graph' && typeof graph['leaves'] === 'function'
}

/** Makes sure that the graph knows the target type. @throws GraphError */
export function requireTarget(index: GraphIndex, target: AnyDataType): void {
  const name = target?.name
  if (typeof name === 'string' && index.types.has(name)) return
  const made = [...index.producers.keys()]
  const shown = made.length > 20 ? `${made.slice(0, 20).join(', ')} … (${made.length})` : made.join(', ')
  throw new GraphError(index.graph.name, [
    {
      kind: 'unknown-target',
      message: `${typeof name === 'string' ? `no step produces "${name}"` : 'the target is not a data type'}; the graph makes: ${shown}`,
    },
  ])
}

/** Type names from the target down to `slot`: how it is needed. Looked for when something failed. */
export function pathTo(plan: Plan, slot: number): readonly string[] {
  let cameFrom = ways.get(plan)
  if (cameFrom === undefined) ways.set(plan, (cameFrom = waysOf(plan)))
  const path: string[] = []
  for (let current: number | undefined = slot; current !== undefined; current = cameFrom.get(current))
    path.push(plan.types[current]!.name)
  return path.toReversed()
}

// Once a plan, not once a failure: where thousands of optional steps fail, each error has its path.
const ways = new WeakMap<Plan, ReadonlyMap<number, number>>()

/** For each slot, the slot that needs it on the shortest way from the target. */
function waysOf(plan: Plan): ReadonlyMap<number, number> {
  const cameFrom = new Map<number, number>()
  const seen = new Set(plan.wanted)
  for (const current of seen) {
    const producer = plan.producers[current]!
    if (producer === -1) continue
    for (const need of plan.steps[producer]!.portSlots) {
      if (seen.has(need)) continue
      cameFrom.set(need, current)
      seen.add(need)
    }
  }
  return cameFrom
}
