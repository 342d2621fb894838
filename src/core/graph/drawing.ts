import { canonicalize, digest } from '../values/keys.ts'
import type { BackoffShape } from '../language/backoff.ts'
import type { Duration } from '../duration.ts'
import type { ConcurrencyPolicy, RatePolicy } from '../language/policy.ts'

/** A graph drawn by name, as data: what is stored with its executions. Steps stand in it by their names, arguments beside it. */
export interface Drawing {
  /** Of this form of drawings. */
  readonly version: 1
  /** The workflow's name. */
  readonly name: string
  /** Its nodes, each behind those that it depends on. */
  readonly nodes: readonly DrawnNode[]
  /** How long an execution may take. @default no limit */
  readonly timeout?: Duration
  /** Policies of nodes that have none, neither of their step nor of their own. @default none */
  readonly defaults?: DrawnPolicies
  /** The queue in which its executions wait. @default 'default' */
  readonly queue?: string
  /** Of its executions, and of nodes that have none: the higher one goes first. @default 0 */
  readonly priority?: number
  /** When nodes that depend on none begin, in milliseconds since the epoch. @default at once */
  readonly startAt?: number
  /** The node alone that is meant, whose queue is another one: it is an execution of its own there. @default all of it */
  readonly part?: string
}

/** One node of a drawing. */
export interface DrawnNode extends DrawnPolicies {
  /** Its name: that of its step in the compiled graph, and of the data type that it makes. */
  readonly name: string
  /** The name of the step that it stands for. */
  readonly step: string
  /** Names of nodes that have to be done before. @default none */
  readonly dependsOn?: readonly string[]
  /** Which of these gives each result that the step declares, by the name that it declares it under. @default those of the same names */
  readonly reads?: Readonly<Record<string, string>>
  /** How many attempts of its step begin in a period. @default no limit */
  readonly rate?: DrawnRate
  /** The queue of its work. @default that of the execution */
  readonly queue?: string
  /** Of nodes that are ready at the same time, the higher one begins first. @default the workflow's */
  readonly priority?: number
  /** It begins then at the earliest, in milliseconds since the epoch. @default once its dependencies are done */
  readonly startAt?: number
}

/** Policies as data. */
export interface DrawnPolicies {
  /** How long one attempt may take. @default no limit */
  readonly timeout?: Duration
  /** How often it is tried. @default once */
  readonly retry?: { readonly maxAttempts?: number; readonly backoff?: BackoffShape }
  /** For how long and for whom results are remembered. @default the docket's policy, else the execution */
  readonly persist?: 'execution' | 'global' | DrawnPersist
  /** How many attempts of its step run at the same time. @default no limit */
  readonly concurrency?: number | DrawnConcurrency
}

/** How many attempts run at the same time, as data. */
export type DrawnConcurrency = Omit<ConcurrencyPolicy, 'key'>
/** How many attempts begin in a period, as data. */
export type DrawnRate = Omit<RatePolicy, 'key'>

/** What is remembered, as data. */
export interface DrawnPersist {
  /** For one execution, or for all with equal arguments. */
  readonly scope: 'execution' | 'global'
  /** How long a result holds. @default unlimited */
  readonly ttl?: Duration
  /** Takes the place of the workflow's name in the key. @default the workflow's name */
  readonly namespace?: string
  /** Results kept in this process. @default 10_000 */
  readonly capacity?: number
  /** What becomes of the step when the store fails. @default 'fail' */
  readonly onStoreError?: 'fail' | 'run'
}

const prefix = 'drawn '

const hashes = new WeakMap<Drawing, string>()

/** Takes the place of the hash of a graph's declaration: the same for all graphs of a drawing, and for no other. */
export function hashOfDrawing(drawing: Drawing): string {
  let hash = hashes.get(drawing)
  if (hash === undefined) hashes.set(drawing, (hash = prefix + digest(canonicalize(drawing))))
  return hash
}

/** Whether a stored hash is that of a drawing. */
export function isHashOfDrawing(hash: string): boolean {
  return hash.startsWith(prefix)
}

/** What the graph of one of its nodes is drawn by, which is stored with each execution of it: that node, and those that have to be done before. */
export function partOfDrawing(drawing: Drawing, part: string): Drawing {
  const byName = new Map(drawing.nodes.map((node) => [node.name, node]))
  const needed = new Set([part])
  for (const name of needed) for (const one of byName.get(name)?.dependsOn ?? []) needed.add(one)
  return { ...drawing, nodes: drawing.nodes.filter(({ name }) => needed.has(name)), part }
}

/** The data type of a node's arguments. */
export function argsTypeName(node: string): string {
  return `${node}.args`
}
