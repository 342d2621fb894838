import { describe } from '../../core/check-options.ts'
import { OptionError } from '../../core/errors.ts'
import { indexOf } from '../../core/graph/graph-index.ts'
import type { AnyGraph } from '../../core/graph/graph-index.ts'
import { withNestedGraphs } from '../../core/graph/nested-graph.ts'
import { requireIndex } from '../../core/graph/plan.ts'
import { missingAppText } from '../../core/graph/read-app.ts'
import { isRecord } from '../../core/is-record.ts'
import type { FullClock } from '../../runtime/environment/clock.ts'
import { problemsOfLengths } from './check-lengths.ts'
import type { DocketGraphs } from './docket-graphs.ts'
import type { DocketOptions } from './docket-options.ts'

// A name that is not known now may be known later.
const lookAgainMs = 5_000
/** Names may be made up without end: the one that was looked up longest ago is looked up again. */
const mostUnknown = 1_000

/** The graphs of a docket: those that it was given, and those that were added or that `unknownGraph` has given since. */
export class KnownGraphs {
  readonly #options: DocketOptions
  readonly #docketGraphs: DocketGraphs
  readonly #clock: FullClock
  readonly #onAdded: (graph: AnyGraph) => void
  readonly #onFailure: (name: string, error: unknown) => void
  /** By their names. */
  readonly byName = new Map<string, AnyGraph>()
  /** By present and former names. */
  readonly #byStoredName = new Map<string, AnyGraph>()
  /** Names that nobody knows, by when to try again. */
  readonly #unknown = new Map<string, number>()

  constructor(
    options: DocketOptions,
    docketGraphs: DocketGraphs,
    clock: FullClock,
    calls: { readonly onAdded: (graph: AnyGraph) => void; readonly onFailure: (name: string, error: unknown) => void },
  ) {
    this.#options = options
    this.#docketGraphs = docketGraphs
    this.#clock = clock
    this.#onAdded = calls.onAdded
    this.#onFailure = calls.onFailure
    for (const graph of options.graphs) this.#enter(graph)
  }

  /** All names under which executions of these graphs are stored. */
  get storedNames(): readonly string[] {
    return [...this.#byStoredName.keys()]
  }

  /** The graph whose executions are stored under a name; undefined where there is none. What `unknownGraph` does wrong is reported. */
  of(name: string): AnyGraph | undefined {
    const known = this.#byStoredName.get(name)
    if (known !== undefined || this.#options.unknownGraph === undefined) return known
    if ((this.#unknown.get(name) ?? -Infinity) > this.#clock.elapsed()) return undefined
    try {
      return this.find(name)
    } catch (error) {
      this.#noteUnknown(name)
      this.#onFailure(name, error)
      return undefined
    }
  }

  /** The same, for a caller that gives the name. @throws OptionError for what `unknownGraph` does wrong, and what it throws */
  find(name: string): AnyGraph | undefined {
    const known = this.#byStoredName.get(name)
    if (known !== undefined || this.#options.unknownGraph === undefined) return known
    const graph: unknown = this.#options.unknownGraph(name)
    if (graph === undefined) {
      this.#noteUnknown(name)
      return undefined
    }
    return this.#addUnknown(name, graph)
  }

  #noteUnknown(name: string): void {
    this.#unknown.delete(name)
    this.#unknown.set(name, this.#clock.elapsed() + lookAgainMs)
    if (this.#unknown.size > mostUnknown) this.#unknown.delete(this.#unknown.keys().next().value!)
  }

  #addUnknown(name: string, given: unknown): AnyGraph {
    const index = isRecord(given) ? indexOf(given as unknown as AnyGraph) : undefined
    if (index === undefined)
      throw new OptionError(`unknownGraph must give a graph made by graph(), or undefined, not ${describe(given)}`)
    const { graph } = index
    if (graph.name !== name && !graph.formerly.includes(name))
      throw new OptionError(
        `unknownGraph was called with "${name}", and gave graph "${graph.name}"; give that the name, or formerly: "${name}"`,
      )
    this.#add(graph, `unknownGraph("${name}")`)
    return this.#docketGraphs.of(graph)
  }

  /** Adds a graph that was not listed; one that is there already stays. @throws OptionError for a name that another one has, and GraphError */
  add(given: AnyGraph): void {
    const { graph } = requireIndex(given)
    if (this.byName.get(graph.name) !== this.#docketGraphs.of(graph)) this.#add(graph, 'addGraph')
  }

  #add(graph: AnyGraph, call: string): void {
    const added = withNestedGraphs([graph])
      .map((one) => this.#docketGraphs.of(one))
      .filter((one) => this.byName.get(one.name) !== one)
    const problems = [...problemsOfLengths({ ...this.#options, graphs: added })]
    for (const one of added) {
      const reader = indexOf(one)?.readsApp
      if (reader !== undefined && this.#options.app === undefined) problems.push(missingAppText(one.name, reader))
      for (const stored of [one.name, ...one.formerly])
        if (this.#byStoredName.has(stored))
          problems.push(`graph "${one.name}" has executions under "${stored}", as another graph of this docket has`)
    }
    const found = problems.filter((problem) => typeof problem === 'string')
    if (found.length > 0) throw new OptionError(`${call}: ${found.join('; ')}`)
    for (const one of added) this.#onAdded(one)
    for (const one of added) this.#enter(one)
  }

  #enter(graph: AnyGraph): void {
    this.byName.set(graph.name, graph)
    for (const name of [graph.name, ...graph.formerly]) {
      this.#byStoredName.set(name, graph)
      this.#unknown.delete(name)
    }
  }
}
