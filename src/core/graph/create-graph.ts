import type { AnyDataType } from '../language/data-type.ts'
import { checkLeavesOfRaces } from './check-kind.ts'
import { checkPublishers, checkReceivers } from './check-receives.ts'
import { checkDefaults, checkStep, checkTimeout, problemOfDataType, typeOfPort } from './check-step.ts'
import { describe, reportUnknownKeys } from '../check-options.ts'
import { didYouMean } from '../closest-name.ts'
import { isRecord } from '../is-record.ts'
import { findCycles } from './cycles.ts'
import { drawnPart, elsewhereOf } from './elsewhere.ts'
import { durationMs } from '../duration.ts'
import { GraphError } from '../errors.ts'
import type { GraphProblem } from '../errors.ts'
import { checkFormerNames, firstNameOf, formerNamesIn, formerNamesOf } from './former-names.ts'
import type { Formerly } from './former-names.ts'
import { keepIndex } from './graph-index.ts'
import type { AnyGraph, GraphIndex, StepDefaults, StepSpec } from './graph-index.ts'
import { checkNesting } from './nested-graph.ts'
import { withOtherwise } from './otherwise.ts'
import { checkQueries } from './queries.ts'
import { readerOfApp } from './read-app.ts'
import { problemsInOwnStore } from './names-of-results.ts'
import type { Observer } from '../contracts/observer.ts'
import type { AnyStep } from '../language/step.ts'
import { specOf } from './step-spec.ts'

const graphKeys = ['name', 'steps', 'inputs', 'timeout', 'defaults', 'observers', 'formerly', 'queries', 'otherwise']

/**
 * Checks a graph's whole declaration and makes the graph. Reports all problems at once.
 * @throws GraphError
 */
export function createGraph(
  declaration: unknown,
  drawn?: Pick<GraphIndex, 'drawing' | 'drawnWith' | 'isUntyped'>,
): AnyGraph {
  const problems: GraphProblem[] = []
  const report = (kind: GraphProblem['kind'], message: string, step?: string): void => {
    problems.push({ kind, message, step })
  }
  if (!isRecord(declaration)) {
    throw new GraphError('?', [
      {
        kind: 'bad-declaration',
        message: `a graph is declared with an object { name, steps }, not ${describe(declaration)}`,
      },
    ])
  }
  const name = typeof declaration['name'] === 'string' && declaration['name'] !== '' ? declaration['name'] : '?'
  checkGraphOptions(declaration, report)
  const declared = checkSteps(declaration['steps'], report)
  const steps = withOtherwise(declaration['otherwise'], declared, declaration['inputs'], report)
  const types = collectTypes(steps, report)
  const producers = collectProducers(steps, report)
  checkInputs(declaration['inputs'], name, steps, producers, report)
  checkLeavesOfRaces(steps, producers, (message, step) => report('bad-declaration', message, step))
  checkPublishers(steps, types, (message, step) => report('bad-declaration', message, step))
  checkReceivers(steps, producers, (message, step) => report('bad-declaration', message, step))
  checkNesting(name, steps, (message, step) => report('bad-declaration', message, step))
  checkFormerNames(declaration, steps, types.values(), report)
  for (const cycle of findCycles(steps, producers))
    report('cycle', `the types form a cycle: ${cycle.join(' → ')}; one of these steps must do without its input`)
  if (problems.length > 0) throw new GraphError(name, problems)
  const graph = new CheckedGraph(name, declaration, steps)
  const specs = steps.map((step) =>
    specOf(
      elsewhereOf(step, graph, (nested) => createGraph(nested, drawnPart(drawn, step))),
      graph,
    ),
  )
  const index: GraphIndex = {
    graph,
    specs,
    producers: new Map(specs.map((spec) => [spec.output.name, spec])),
    types,
    former: formerNamesIn(graph, steps, types.values()),
    readsApp: readerOfApp(steps),
    firstName: firstNameOf(graph),
    timeoutMs: graph.timeout === undefined ? undefined : durationMs(graph.timeout),
    drawing: drawn?.drawing,
    drawnWith: drawn?.drawnWith,
    isUntyped: drawn?.isUntyped,
  }
  refuseLongNames(name, specs)
  graph.attach(index)
  keepIndex(index)
  return Object.freeze(graph)
}

/** Stores that steps have of their own are known here already. @throws GraphError */
function refuseLongNames(graph: string, specs: readonly StepSpec[]): void {
  const problems = specs.flatMap((spec) =>
    problemsInOwnStore(spec).flatMap((problem): readonly GraphProblem[] =>
      typeof problem === 'string' ? [{ kind: 'bad-option', message: problem, step: spec.name }] : [],
    ),
  )
  if (problems.length > 0) throw new GraphError(graph, problems)
}

class CheckedGraph implements AnyGraph {
  readonly kind = 'graph'
  readonly name: string
  readonly steps: readonly AnyStep[]
  readonly inputs: readonly AnyDataType[] | undefined
  readonly timeout: AnyGraph['timeout']
  readonly defaults: StepDefaults
  readonly observers: readonly Observer[]
  readonly formerly: readonly string[]
  readonly queries: AnyGraph['queries']
  #index!: GraphIndex

  constructor(name: string, declaration: Record<string, unknown>, steps: readonly AnyStep[]) {
    this.name = name
    this.steps = Object.freeze([...steps])
    this.inputs = declaration['inputs'] as readonly AnyDataType[] | undefined
    this.timeout = declaration['timeout'] as AnyGraph['timeout']
    this.defaults = Object.freeze({ ...(declaration['defaults'] as StepDefaults | undefined) })
    this.formerly = Object.freeze([...formerNamesOf(declaration as { readonly formerly?: Formerly })])
    this.queries = Object.freeze({ ...(declaration['queries'] as AnyGraph['queries'] | undefined) })
    this.observers = Object.freeze([...((declaration['observers'] as readonly Observer[] | undefined) ?? [])])
  }

  attach(index: GraphIndex): void {
    this.#index = index
  }

  leaves(target?: AnyDataType): readonly AnyDataType[] {
    const { types, producers } = this.#index
    const needed = target === undefined ? undefined : this.#upstream(target.name)
    return [...types.values()].filter(
      (type) => !producers.has(type.name) && (needed === undefined || needed.has(type.name)),
    )
  }

  types(): readonly AnyDataType[] {
    return [...this.#index.types.values()]
  }

  #upstream(target: string): ReadonlySet<string> {
    if (!this.#index.types.has(target)) {
      throw new GraphError(this.name, [
        {
          kind: 'unknown-target',
          message: `no step makes or takes "${target}"${didYouMean(target, this.#index.types.keys()) || '; types() lists all that there are'}`,
        },
      ])
    }
    const needed = new Set([target])
    for (const type of needed) for (const port of this.#index.producers.get(type)?.ports ?? []) needed.add(port.type)
    return needed
  }
}

type Report = (kind: GraphProblem['kind'], message: string, step?: string) => void

function checkGraphOptions(declaration: Record<string, unknown>, report: Report): void {
  const { name, timeout, defaults, observers } = declaration
  const badOption = (message: string): void => report('bad-option', message)
  if (typeof name !== 'string' || name === '')
    report('bad-declaration', `the graph has no name; a name is a non-empty string, not ${describe(name)}`)
  reportUnknownKeys('the graph', declaration, graphKeys, badOption)
  if (timeout !== undefined) checkTimeout('the graph: timeout', timeout, badOption)
  checkDefaults(defaults, badOption)
  checkQueries(declaration['queries'], badOption)
  if (observers === undefined) return
  if (!Array.isArray(observers)) {
    badOption(`observers must be an array, not ${describe(observers)}`)
    return
  }
  for (const problem of observers.map(problemOfObserver)) if (problem !== undefined) badOption(problem)
}

/** What is wrong with one entry of `observers`. */
export function problemOfObserver(observer: unknown, index: number): string | undefined {
  if (typeof observer === 'function' || (isRecord(observer) && typeof observer['next'] === 'function')) return undefined
  return `observers[${index}] must be a function or an object with next(event), not ${describe(observer)}`
}

function checkSteps(steps: unknown, report: Report): readonly AnyStep[] {
  if (!Array.isArray(steps)) {
    report('bad-declaration', `steps must be an array of steps, not ${describe(steps)}`)
    return []
  }
  if (steps.length === 0) report('empty', 'the graph has no steps; give it at least one')
  const good: AnyStep[] = []
  const named = new Map<string, number>()
  for (const [index, step] of steps.entries()) {
    if (!checkStep(step, index, report)) continue
    const earlier = named.get(step.name)
    if (earlier === undefined) named.set(step.name, index)
    else if (steps[earlier] === step)
      report('duplicate-step', `step "${step.name}" is listed twice: steps[${earlier}] and steps[${index}]`, step.name)
    else
      report(
        'duplicate-step',
        `two steps are named "${step.name}": steps[${earlier}] and steps[${index}]; names are part of keys and must differ`,
        step.name,
      )
    good.push(step)
  }
  return good
}

function collectTypes(steps: readonly AnyStep[], report: Report): ReadonlyMap<string, AnyDataType> {
  const types = new Map<string, AnyDataType>()
  const declared = new Map<string, AnyDataType>()
  const users = new Map<string, string>()
  const reported = new Set<string>()
  for (const step of steps) {
    const named = [...Object.values(step.inputs).map(typeOfPort), step.output]
    for (const type of named) if (!types.has(type.name)) types.set(type.name, type)
    // What a step receives is no value of the graph, but of the same name it is the same type.
    for (const type of [...named, ...(step.receives ?? []), ...(step.publishes ?? [])]) {
      const known = declared.get(type.name)
      if (known === undefined) {
        declared.set(type.name, type)
        users.set(type.name, step.name)
        continue
      }
      const what = differenceOf(known, type)
      if (what !== undefined && !reported.has(type.name)) {
        reported.add(type.name)
        report(
          'type-conflict',
          `two data types are named "${type.name}" but have different ${what} (in steps "${users.get(type.name)}" and "${step.name}"); types match by name, so share one declaration`,
          step.name,
        )
      }
    }
  }
  return types
}

/** In what two declarations of one name differ. */
function differenceOf(one: AnyDataType, other: AnyDataType): string | undefined {
  if (!isSameSchema(one.schema, other.schema)) return 'schemas'
  if (one.version !== other.version) return 'versions'
  if ((one.isSensitive ?? false) !== (other.isSensitive ?? false)) return 'options: only one is sensitive'
  return isSameList(one.formerly, other.formerly) ? undefined : 'former names'
}

function isSameList(one: unknown, other: unknown): boolean {
  const [names, others] = [one, other].map((list): readonly unknown[] => (Array.isArray(list) ? list : [list]))
  return names!.length === others!.length && names!.every((name, index) => name === others![index])
}

/** Two copies of the package make a schema each of one protobuf message. */
function isSameSchema(one: AnyDataType['schema'], other: AnyDataType['schema']): boolean {
  if (one === other) return true
  if (one === undefined || other === undefined || !('descriptor' in one && 'descriptor' in other)) return false
  return one.descriptor === other.descriptor
}

function collectProducers(steps: readonly AnyStep[], report: Report): ReadonlyMap<string, AnyStep> {
  const producers = new Map<string, AnyStep>()
  for (const step of steps) {
    const earlier = producers.get(step.output.name)
    if (earlier === undefined) producers.set(step.output.name, step)
    else if (earlier !== step)
      report(
        'duplicate-producer',
        `two steps produce "${step.output.name}": "${earlier.name}" and "${step.name}"; a type has one producer`,
        step.name,
      )
  }
  return producers
}

function checkInputs(
  inputs: unknown,
  graph: string,
  steps: readonly AnyStep[],
  producers: ReadonlyMap<string, AnyStep>,
  report: Report,
): void {
  if (inputs === undefined) return
  if (!Array.isArray(inputs)) {
    report('bad-declaration', `inputs must be an array of data types, not ${describe(inputs)}`)
    return
  }
  const given = new Set<string>()
  for (const [index, type] of inputs.entries()) {
    const problem = problemOfDataType(type)
    if (problem !== undefined) report('bad-declaration', `inputs[${index}] ${problem}`)
    else given.add((type as AnyDataType).name)
  }
  const needed = new Map<string, AnyStep>()
  for (const step of steps)
    for (const port of Object.values(step.inputs))
      needed.set(typeOfPort(port).name, needed.get(typeOfPort(port).name) ?? step)
  for (const name of given) {
    const producer = producers.get(name)
    if (producer !== undefined)
      report(
        'unneeded-input',
        `inputs names "${name}", but step "${producer.name}" produces it; leave it out of inputs`,
      )
    else if (!needed.has(name))
      report('unneeded-input', `inputs names "${name}", but no step needs it; leave it out of inputs`)
  }
  for (const step of steps) {
    for (const [port, value] of Object.entries(step.inputs)) {
      const type = typeOfPort(value).name
      if (given.has(type) || producers.has(type) || value.kind === 'optional') continue
      report(
        'missing-producer',
        `no step of graph "${graph}" produces "${type}", which step "${step.name}" needs as "${port}"; add a step that does, or name it in inputs`,
        step.name,
      )
    }
  }
}
