import type { AnyStep } from '../language/step.ts'

/** One step of an explained plan. */
export interface ExplainedStep {
  /** The step's name. */
  readonly name: string
  /** How it gets its value: from a function, from its declaration, from whichever of its inputs comes first. */
  readonly kind: AnyStep['kind']
  /** What makes its value, where that is another graph; absent otherwise. */
  readonly subgraph?: { readonly graph: string; readonly target: string } | undefined
  /** The event that it waits for, if it waits for one; absent otherwise. */
  readonly event?: { readonly event: string; readonly scope: string } | undefined
  /** Whether it runs depends on its inputs: it has a `when`. */
  readonly isConditional: boolean
  /** The type that it makes. */
  readonly output: string
  /** The types that it takes, in the order of its ports. */
  readonly inputs: readonly {
    readonly port: string
    readonly type: string
    readonly kind: 'plain' | 'optional' | 'all'
  }[]
  /** Steps of one level can run at the same time; a level needs nothing of a later one. From 0. */
  readonly level: number
  /**
   * `run`: it will run. `cached`: its result is remembered and will be taken. `unknown`: its result may be remembered, but
   * the key depends on what steps before it will make. `blocked`: an input is missing.
   */
  readonly will: 'run' | 'cached' | 'unknown' | 'blocked'
  /** Whether what it does is undone when the execution fails or is cancelled. */
  readonly isUndoable: boolean
  /** Whether what it makes is never shown, logged or exported. */
  readonly isSensitive: boolean
}

/** A type that the caller gives. */
export interface ExplainedLeaf {
  /** The data type's name. */
  readonly type: string
  /** Whether the inputs have a value for it. */
  readonly isGiven: boolean
  /** False when everything that takes it can do without. */
  readonly isRequired: boolean
  /** The step whose work the given value makes unnecessary, if there is one. */
  readonly overrides: string | undefined
  /** Whether values of it are never shown, logged or exported. */
  readonly isSensitive: boolean
}

/** What would happen, without doing it: like `make -n`. */
export interface ExplainedPlan {
  /** The graph's name. */
  readonly graph: string
  /** The target type's name. */
  readonly target: string
  /** In topological order. */
  readonly steps: readonly ExplainedStep[]
  /** Names of the steps of each level. */
  readonly levels: readonly (readonly string[])[]
  /** From the maker of a type (a step, or the leaf itself) to the step that takes it. */
  readonly edges: readonly { readonly from: string; readonly to: string; readonly type: string }[]
  /** What the caller gives, or has to give. */
  readonly leaves: readonly ExplainedLeaf[]
  /** Required leaves that are not given. */
  readonly missing: readonly string[]
  /** Given keys that the target does not need. */
  readonly unknown: readonly string[]
  /** The plan for a terminal. */
  toString(): string
  /** The plan as Mermaid flowchart text. */
  toMermaid(): string
}

type PlanData = Omit<ExplainedPlan, 'toString' | 'toMermaid'>

/** Adds the texts to a plan's data. */
export function printable(data: PlanData): ExplainedPlan {
  return {
    ...data,
    toString: () => textOf(data),
    // What console.log and the REPL show.
    [Symbol.for('nodejs.util.inspect.custom')]: () => textOf(data),
    toMermaid: () => mermaidOf(data),
  }
}

function textOf({ graph, target, steps, levels, leaves, missing, unknown }: PlanData): string {
  const byName = new Map(steps.map((step) => [step.name, step]))
  const width = steps.reduce((most, { name }) => Math.max(most, name.length), 0)
  const lines = [
    `${target} of graph ${graph}: ${steps.length} ${steps.length === 1 ? 'step' : 'steps'}, ${levels.length} ${levels.length === 1 ? 'level' : 'levels'}`,
  ]
  for (const leaf of leaves) {
    const state = leaf.isGiven ? 'given' : leaf.isRequired ? 'MISSING' : 'not given, optional'
    const instead = leaf.overrides === undefined ? '' : `, instead of ${leaf.overrides}`
    lines.push(`  in  ${leaf.type} (${state}${instead}${leaf.isSensitive ? ', sensitive' : ''})`)
  }
  for (const [level, names] of levels.entries()) {
    for (const name of names) {
      const step = byName.get(name)!
      const inputs = inputsText(step)
      lines.push(
        `  ${String(level).padStart(2)}  ${name.padEnd(width)}  ${willOf(step).padEnd(7)}  ${inputs === '' ? '' : `${inputs} `}→ ${step.output}${step.isUndoable ? ', undoable' : ''}${step.isSensitive ? ', sensitive' : ''}`,
      )
    }
  }
  if (missing.length > 0) lines.push(`  missing: ${missing.join(', ')}`)
  if (unknown.length > 0) lines.push(`  given but not needed: ${unknown.join(', ')}`)
  return lines.join('\n')
}

function mermaidOf({ target, steps, edges, leaves }: PlanData): string {
  // Apart from each other: a step may be named like a type.
  const leafIds = new Map(leaves.map((leaf, index) => [leaf.type, `leaf${index}`]))
  const stepIds = new Map(steps.map((step, index) => [step.name, `step${index}`]))
  const kinds = new Map(
    steps.flatMap((step) => step.inputs.map(({ type, kind }) => [`${step.name}\n${type}`, kind] as const)),
  )
  const maker = steps.findIndex((step) => step.output === target)
  const lines = ['flowchart TD']
  for (const leaf of leaves)
    lines.push(
      `  ${leafIds.get(leaf.type)}([${quoted(leaf.type)}])${leaf.isGiven || !leaf.isRequired ? '' : ':::missing'}`,
    )
  for (const step of steps)
    lines.push(`  ${stepIds.get(step.name)}${shaped(step)}${step.will === 'cached' ? ':::cached' : ''}`)
  for (const { from, to, type } of edges) {
    const kind = kinds.get(`${to}\n${type}`)
    const label = kind === 'plain' ? type : `${kind}(${type})`
    lines.push(
      `  ${leafIds.get(type) ?? stepIds.get(from)} ${kind === 'optional' ? '-.->' : '-->'}|${quoted(label)}| ${stepIds.get(to)}`,
    )
  }
  lines.push(`  ${maker === -1 ? leafIds.get(target) : `step${maker}`} --> target((${quoted(target)}))`)
  lines.push('  classDef cached stroke-dasharray: 4', '  classDef missing stroke:#c00,color:#c00')
  return lines.join('\n')
}

const namedKinds: ReadonlySet<AnyStep['kind']> = new Set(['race', 'timer', 'signal', 'durable', 'remote'] as const)

/** What a step takes, and what it is where it is no function of that. */
function inputsText({ name, kind, subgraph, event, inputs }: ExplainedStep): string {
  const ports = inputs.map((one) => (one.kind === 'plain' ? one.type : `${one.kind}(${one.type})`)).join(', ')
  if (subgraph !== undefined) return `subgraph ${subgraph.graph}(${ports})`
  if (event !== undefined) return `event${event.event === name ? '' : ` ${event.event}`}(${ports})`
  return namedKinds.has(kind) ? `${kind}(${ports})` : ports
}

/** What it will do, in the text. */
function willOf({ will, isConditional }: ExplainedStep): string {
  return will === 'run' && isConditional ? 'run if' : will
}

/** A step's node; races have six corners, what waits has round ends, other graphs and other services have double sides, durable functions slanted ones. */
function shaped({ name, kind, subgraph, event, isUndoable }: ExplainedStep): string {
  const graph = subgraph === undefined || subgraph.graph === name ? '' : `: ${subgraph.graph}`
  const renamed = event === undefined || event.event === name ? '' : `: ${event.event}`
  const label = quoted(`${name}${graph}${renamed}${isUndoable ? ' (undoable)' : ''}`)
  if (kind === 'subgraph') return `[[${label}]]`
  if (kind === 'timer' || kind === 'signal' || kind === 'event') return `([${label}])`
  if (kind === 'durable') return `[/${label}/]`
  if (kind === 'remote') return `[[${label}]]`
  return kind === 'race' ? `{{${label}}}` : `[${label}]`
}

/** A Mermaid label: whatever the name holds, it can't end the label or start markup. */
function quoted(text: string): string {
  const safe = text
    .replaceAll('&', '&amp;')
    .replaceAll('"', '&quot;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('\n', ' ')
  return `"${safe}"`
}
