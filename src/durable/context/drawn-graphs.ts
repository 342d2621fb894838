import type { ExecutionRecord } from '../../core/contracts/execution-record.ts'
import { OptionError, StoreError } from '../../core/errors.ts'
import { graphOfDrawing } from '../../core/drawn/drawn-graph.ts'
import { hashOfDrawing, isHashOfDrawing } from '../../core/graph/drawing.ts'
import type { Drawing } from '../../core/graph/drawing.ts'
import { indexOf } from '../../core/graph/graph-index.ts'
import type { AnyGraph, GraphIndex } from '../../core/graph/graph-index.ts'
import { withNestedGraphs } from '../../core/graph/nested-graph.ts'
import { isRecord } from '../../core/is-record.ts'
import { formerNamesOf } from '../../core/graph/former-names.ts'
import type { AnyStep } from '../../core/language/step.ts'
import { describeThrown } from '../../core/thrown.ts'
import type { ValueEncoding } from '../../core/values/value-encoding.ts'
import { LruMap } from '../../runtime/collections/lru-map.ts'
import { problemsOfLengths } from './check-lengths.ts'
import type { DocketGraphs } from './docket-graphs.ts'
import type { DocketOptions } from './docket-options.ts'
import { NotedNames } from './noted-names.ts'

const mostKept = 1_000

/** What a drawn graph is to a docket: known by the hash of its drawing, since many may have one name. */
type Known = { readonly graph: AnyGraph } | { readonly reasons: readonly string[] }

/**
 * The graphs of a docket that were drawn by name: those whose executions are started here, and those that were made of drawings which stand in the records of others.
 */
export class DrawnGraphs {
  readonly #options: DocketOptions
  readonly #docketGraphs: DocketGraphs
  readonly #steps: ReadonlyMap<string, AnyStep>
  readonly #onAdded: (graph: AnyGraph) => void
  readonly #onName: (name: string) => void
  readonly #byHash = new LruMap<Known>()
  /** Names of workflows of which executions are, or may be, in the store. */
  readonly names = new NotedNames()

  constructor(
    options: DocketOptions,
    docketGraphs: DocketGraphs,
    calls: { readonly onAdded: (graph: AnyGraph) => void; readonly onName: (name: string) => void },
  ) {
    this.#options = options
    this.#docketGraphs = docketGraphs
    this.#onAdded = calls.onAdded
    this.#onName = calls.onName
    this.#steps = stepsByName({ ...options, graphs: options.graphs.map((graph) => docketGraphs.declared(graph)) })
    for (const graph of options.graphs) {
      const index = indexOf(graph)
      if (index?.drawing === undefined) continue
      this.keep(index.graph.name)
      this.#byHash.set(hashOfDrawing(index.drawing), { graph: index.graph }, mostKept)
    }
  }

  /** Whether this docket can make graphs of drawings at all. */
  get canDraw(): boolean {
    return this.#steps.size > 0
  }

  /** The graph of a record; undefined where it was not made here, or can't be. */
  of({ graphHash }: Pick<ExecutionRecord, 'graphHash'>): AnyGraph | undefined {
    const known = this.#byHash.get(graphHash)
    return known !== undefined && 'graph' in known ? known.graph : undefined
  }

  /** A workflow of which an execution is started here, as this docket runs it. @throws OptionError where this docket does not have its steps, so that nobody could go on with it */
  admit({ graph, drawing, drawnWith }: GraphIndex): AnyGraph {
    const hash = hashOfDrawing(drawing!)
    const known = this.#byHash.get(hash)
    const own = this.#docketGraphs.of(graph)
    if (known !== undefined && 'graph' in known && known.graph === own) {
      this.#noteBegun(own.name)
      return own
    }
    const missing = [...drawnWith!].filter(([name, step]) => this.#steps.get(name) !== step)
    const problems = missing.map(([name]) =>
      this.#steps.has(name)
        ? `this docket has another step named "${name}"; give createDocket the one that workflow "${graph.name}" is drawn with`
        : `this docket does not know step "${name}" of workflow "${graph.name}", so that nobody could go on with it after a crash; list it in createDocket({ steps })`,
    )
    if (problems.length > 0) throw new OptionError(problems.join('; '))
    const graphs = withNestedGraphs([graph])
    const wrong = problemsOfLengths({ ...this.#options, graphs }).filter((one) => typeof one === 'string')
    if (wrong.length > 0) throw new OptionError(`workflow "${graph.name}": ${wrong.join('; ')}`)
    return this.#add(hash, own)
  }

  /** Executions of workflows of this name are looked for for good: schedules begin them, or the program lists one. */
  keep(name: string): void {
    this.names.keep(name)
    this.#note(name)
  }

  /**
   * Makes the graph of a record of its drawing, where that is not done yet. @returns why it can't be made here; undefined where it is there, or the record is of no
   * workflow. @throws StoreError
   */
  async learn(record: ExecutionRecord, encoding: ValueEncoding): Promise<readonly string[] | undefined> {
    const { graphHash } = record
    if (!isHashOfDrawing(graphHash)) return undefined
    const known = this.#byHash.get(graphHash)
    if (known !== undefined) return 'graph' in known ? undefined : known.reasons
    let stored: unknown
    try {
      stored = await encoding.decode(record.inputs, ['execution', record.id, 'inputs'])
    } catch (error) {
      if (error instanceof StoreError) throw error
      // It says nothing of other records that have the same drawing.
      return [describeThrown(error)]
    }
    const drawing = isRecord(stored) ? stored['$drawing'] : undefined
    if (drawing === undefined) return ['the drawing of its workflow is not on record']
    try {
      this.draw(drawing, record.graph, graphHash)
      return undefined
    } catch (error) {
      const reasons = [describeThrown(error)]
      // A drawing that somebody has changed says nothing of those that have the hash rightly.
      if (isOfHash(drawing, graphHash)) this.#byHash.set(graphHash, { reasons }, mostKept)
      return reasons
    }
  }

  /** The graph of a drawing of a workflow of this name and, where one is given, of this hash. @throws GraphError, OptionError */
  draw(drawing: unknown, name: string, hash?: string): AnyGraph {
    const graph = graphOfDrawing(drawing, { names: this.#steps.keys(), of: (step) => this.#steps.get(step) })
    const found = hashOfDrawing(indexOf(graph)!.drawing!)
    if (graph.name !== name || (hash !== undefined && found !== hash))
      throw new OptionError(`the drawing on record is not the one of workflow "${name}" that was stored`)
    // It may have been made meanwhile.
    return this.of({ graphHash: found }) ?? this.#add(found, this.#docketGraphs.of(graph))
  }

  #add(hash: string, graph: AnyGraph): AnyGraph {
    this.#onAdded(graph)
    this.#noteBegun(graph.name)
    this.#byHash.set(hash, { graph }, mostKept)
    return graph
  }

  #noteBegun(name: string): void {
    // A docket that takes nothing over looks for nothing, and so forgets nothing.
    if (this.#options.takeOver !== false) this.#note(name)
  }

  #note(name: string): void {
    if (this.names.note(name)) this.#onName(name)
  }
}

function isOfHash(drawing: unknown, hash: string): boolean {
  try {
    return hashOfDrawing(drawing as Drawing) === hash
  } catch {
    return false
  }
}

/** Steps by present and former names: those that are listed, and those of workflows that are. */
function stepsByName({ steps = [], graphs }: DocketOptions): ReadonlyMap<string, AnyStep> {
  const drawn = graphs.flatMap((graph) => {
    const index = indexOf(graph)
    return [...(index?.drawnWith?.values() ?? [])]
  })
  const byName = new Map<string, AnyStep>()
  const all = new Set([...steps, ...drawn])
  for (const step of all) for (const name of formerNamesOf(step)) byName.set(name, step)
  for (const step of all) byName.set(step.name, step)
  return byName
}
