import type { MigrateHook } from '../../src/durable/records/migrate-records.ts'
import type { Features } from './features.ts'
import type { RandomSource } from './random-source.ts'
import { isNeeded, leafName } from './simulated-step.ts'
import type { SimulatedGraph, SimulatedPort, SimulatedStep } from './simulated-step.ts'

/** What something is called before it is renamed for the first time is its name in all that is judged; each rename adds this. */
const mark = "'"

/** The name that something had at first. */
export function firstNameOf(name: string): string {
  return name.replaceAll(mark, '')
}

const nameOfType = (step: SimulatedStep): string =>
  // Steps that wait for something from outside are named by what they make.
  step.kind === 'signal' || step.kind === 'event' ? step.name : `${step.name}.Out`

/** What the steps, types and graphs of a program are called in one version of it, and what else of it differs. */
export class SimulatedVersion {
  readonly index: number
  /** How often each of them was renamed, by its kind and first name. */
  readonly #renamed: ReadonlyMap<string, number>
  /** Versions of types, by their first names. */
  readonly #shapes: ReadonlyMap<string, string>
  /** Steps that it has no more, or not yet. */
  readonly #absent: ReadonlySet<string>

  constructor(
    index: number,
    renamed: ReadonlyMap<string, number> = new Map(),
    shapes: ReadonlyMap<string, string> = new Map(),
    absent: ReadonlySet<string> = new Set(),
  ) {
    this.index = index
    this.#renamed = renamed
    this.#shapes = shapes
    this.#absent = absent
  }

  graph(name: string): string {
    return this.#now('graph', name)
  }

  step(name: string): string {
    return this.#now('step', name)
  }

  type(name: string): string {
    return this.#now('type', name)
  }

  /** What it was called before, the newest name first. */
  formerly(kind: 'graph' | 'step' | 'type', name: string): readonly string[] | undefined {
    const times = this.#times(kind, name)
    return times === 0 ? undefined : Array.from({ length: times }, (_, back) => name + mark.repeat(times - 1 - back))
  }

  /** What a data type has besides its name and schema. */
  optionsOf(type: string): { readonly formerly?: readonly string[]; readonly version?: string } {
    const formerly = this.formerly('type', type)
    const version = this.#shapes.get(type)
    return { ...(formerly !== undefined && { formerly }), ...(version !== undefined && { version }) }
  }

  /** The version of what a step makes. */
  shapeOf(step: SimulatedStep): string | undefined {
    return this.#shapes.get(nameOfType(step))
  }

  has(step: string): boolean {
    return !this.#absent.has(step)
  }

  /** A graph as this version has it. */
  planOf(graph: SimulatedGraph): SimulatedGraph {
    if (graph.steps.every(({ name }) => this.has(name))) return graph
    const steps = graph.steps.map((step) => ({
      ...step,
      ports: step.ports.filter(({ from }) => 'leaf' in from || this.has(graph.steps[from.step]!.name)),
    }))
    return { ...graph, steps }
  }

  /** Gives values of older shapes the present one. */
  migrationOf({ steps }: SimulatedGraph): MigrateHook | undefined {
    const shaped = steps.filter((step) => this.#shapes.has(nameOfType(step)))
    if (shaped.length === 0) return undefined
    return (execution) => {
      const migrated = { ...execution.steps }
      for (const step of shaped) {
        const version = this.#shapes.get(nameOfType(step))!
        const old = migrated[this.step(step.name)]
        if (old === undefined || old.typeVersion === version) continue
        const output = old.output === undefined ? undefined : migratedValue(String(old.output), version)
        migrated[this.step(step.name)] = { ...old, typeVersion: version, output }
      }
      return { ...execution, steps: migrated }
    }
  }

  #now(kind: string, name: string): string {
    return name + mark.repeat(this.#times(kind, name))
  }

  #times(kind: string, name: string): number {
    return this.#renamed.get(`${kind} ${name}`) ?? 0
  }
}

const shape = /\^\d+$/

/** What a migration makes of a value, whatever shape it had. */
export function migratedValue(value: string, version: string): string {
  return `${unmigrated(value)}^${version}`
}

/** What was made at first. */
export function unmigrated(value: string): string {
  return value.replace(shape, '')
}

/** Versions of a program, each made of the one before. */
export function randomVersions(
  random: RandomSource,
  graphs: readonly SimulatedGraph[],
  { hasOverrides, hasBatches, hasMachines }: Features,
): readonly SimulatedVersion[] {
  // What callers may give is there in all versions.
  const isGiven = ({ kind }: SimulatedStep): boolean => kind === 'signal' || (kind === undefined && hasOverrides)
  const renamed = new Map<string, number>()
  const shapes = new Map<string, string>()
  const rename = (kind: string, name: string): void =>
    void renamed.set(`${kind} ${name}`, (renamed.get(`${kind} ${name}`) ?? 0) + 1)
  const isRenamed = (kind: string, name: string, chance: number): boolean => {
    const is = random.chance(chance)
    if (is) rename(kind, name)
    return is
  }
  // What items share, and what a machine has come to, is another thing where steps are added.
  const mayChange = !hasBatches && !hasMachines
  const removed = mayChange ? graphs.flatMap((graph) => someOf(random, graph, isGiven)) : []
  const added = mayChange ? graphs.flatMap((graph) => someOf(random, graph, isGiven, removed)) : []
  const count = random.pick([2, 2, 3])
  return Array.from({ length: count }, (_, index) => {
    if (index > 0)
      for (const graph of graphs) {
        isRenamed('graph', graph.name, 0.25)
        for (let leaf = 0; leaf < graph.leaves; leaf++) isRenamed('type', leafName(graph, leaf), 0.2)
        for (const step of graph.steps) {
          if (step.kind !== 'function' && step.kind !== 'signal' && step.kind !== 'event')
            isRenamed('step', step.name, 0.3)
          // Functions are renamed with what they make.
          if (isRenamed('type', nameOfType(step), 0.2) && step.kind === 'function') rename('step', step.name)
          if (hasOwnShape(graph, step) && random.chance(0.2)) shapes.set(nameOfType(step), String(index))
        }
      }
    const absent = [...(index > 0 ? removed : []), ...(index === 0 ? added : [])].map(({ name }) => name)
    for (const step of graphs.flatMap(({ steps }) => steps))
      if (nameOfType(step) === step.name) renamed.set(`step ${step.name}`, renamed.get(`type ${step.name}`) ?? 0)
    return new SimulatedVersion(index, new Map(renamed), new Map(shapes), new Set(absent))
  })
}

/** Whether what a step makes is given to functions alone, and kept by the execution: a value of another shape is nothing else's. */
function hasOwnShape({ steps }: SimulatedGraph, { name, kind, scope }: SimulatedStep): boolean {
  const at = steps.findIndex((step) => step.name === name)
  return kind === undefined && scope === 'execution' && isOfFunctions(steps, at)
}

/** Steps without which a graph is one, too: what takes their values can do without, and nothing else is needed for them alone. */
function someOf(
  random: RandomSource,
  graph: SimulatedGraph,
  isGiven: (step: SimulatedStep) => boolean,
  others: readonly SimulatedStep[] = [],
): readonly SimulatedStep[] {
  const chosen: SimulatedStep[] = []
  for (const [at, step] of graph.steps.entries()) {
    if (at === graph.steps.length - 1 || others.includes(step) || isGiven(step)) continue
    if (isOfFunctions(graph.steps, at) && random.chance(0.25) && leavesNothing(graph, [...chosen, step]))
      chosen.push(step)
  }
  return chosen
}

function leavesNothing(graph: SimulatedGraph, without: readonly SimulatedStep[]): boolean {
  const { steps, leaves } = graph
  const rest = steps.filter((step) => !without.includes(step))
  const isMissed = Array.from({ length: leaves }, (_, leaf) => leaf).some(
    (leaf) => isNeeded(graph, leaf) && !isNeeded({ ...graph, steps: rest }, leaf),
  )
  const taken = new Set(rest.flatMap(({ ports }) => ports.map(({ from }) => ('step' in from ? from.step : -1))))
  const isTaken = ({ from }: SimulatedPort): boolean =>
    'leaf' in from || without.includes(steps[from.step]!) || taken.has(from.step)
  return !isMissed && without.every(({ ports }) => ports.every(isTaken))
}

function isOfFunctions(steps: readonly SimulatedStep[], at: number): boolean {
  return steps.every(
    ({ kind, ports }) =>
      kind === undefined || kind === 'function' || ports.every(({ from }) => 'leaf' in from || from.step !== at),
  )
}
