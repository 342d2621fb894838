import { didYouMean } from '../../core/closest-name.ts'
import { describe } from '../../core/check-options.ts'
import { OptionError } from '../../core/errors.ts'
import { isRecord } from '../../core/is-record.ts'
import { createGraph } from '../../core/graph/create-graph.ts'
import { isWorkflow } from '../../core/graph/any-workflow.ts'
import { indexOf } from '../../core/graph/graph-index.ts'
import type { AnyGraph } from '../../core/graph/graph-index.ts'
import type { GivenOf, TypedDataType, ValueOf } from '../../core/language/data-type.ts'
import type { Compensate } from '../../core/language/compensation.ts'
import type { AnyStep, DeclaredPorts, MaybePromise, ReceivedBy, StepContext } from '../../core/language/step.ts'

/** What takes the place of a step's function: a function of the same inputs, or that with what undoes it. */
export type StepReplacement<Inputs, Output extends TypedDataType, App = unknown> =
  | ((inputs: Inputs, context: StepContext<App>) => MaybePromise<GivenOf<Output>>)
  | {
      readonly run: (inputs: Inputs, context: StepContext<App>) => MaybePromise<GivenOf<Output>>
      /** @default what the step has */
      readonly compensate?: Compensate<ValueOf<Output>, Inputs, App> | undefined
    }

/** For each step of a graph, what may take its place. */
export type StepReplacements<G> = G extends { readonly steps: infer Steps extends readonly AnyStep[] }
  ? {
      readonly [One in Steps[number] as One['name']]?: One extends {
        readonly output: infer Output extends TypedDataType
      }
        ? StepReplacement<InputsOfStep<One>, Output, AppOfStep<One>>
        : never
    }
  : never

/** What the step's function gets. A subgraph's ports are leaves of its graph, which its type knows by their values. */
type InputsOfStep<Step> = Step extends { readonly inputs: infer Inputs extends DeclaredPorts }
  ? ReceivedBy<Inputs>
  : Step extends { readonly '~types': { readonly receives: infer Inputs } }
    ? Inputs
    : never

/** What the step's functions read as `ctx.app`. */
type AppOfStep<Step> = Step extends { readonly '~app': (app: infer App) => void } ? App : unknown

type Replacement =
  ((inputs: never, context: StepContext) => unknown) | { readonly run: unknown; readonly compensate?: unknown }

/**
 * The same graph with other functions in its steps, for tests: what calls a service returns what the test wants. Inputs, outputs, schemas and policies
 * stay as they are. A timer, a signal, a subgraph or an operation of another service becomes a step that calls the function, and does not wait.
 *
 * @example
 * const docket = createTestDocket({ graphs: [replaceSteps(users, { FetchProfile: async () => ({ name: 'Ada' }) })] })
 * @throws OptionError for what is no graph, a name that no step has, for a race, for what is no function, and for a workflow
 */
export function replaceSteps<G extends AnyGraph>(graph: G, replacements: StepReplacements<G>): G {
  if (isWorkflow(graph))
    throw new OptionError(
      `replaceSteps: "${graph.name}" is a workflow, which is drawn with its steps; draw it with others, and give createTestDocket those in steps`,
    )
  if (!isRecord(graph) || indexOf(graph) === undefined)
    throw new OptionError(`replaceSteps: graph must be made by graph(), not ${describe(graph)}`)
  if (!isRecord(replacements))
    throw new OptionError(`replaceSteps: replacements must be an object of functions, not ${describe(replacements)}`)
  const { name, steps, inputs, timeout, defaults, observers, formerly, queries } = graph
  const byName = new Map(Object.entries(replacements as Readonly<Record<string, Replacement | undefined>>))
  for (const [step, replacement] of byName) checkReplacement(graph, step, replacement)
  return createGraph({
    name,
    steps: steps.map((step) => replaced(step, byName.get(step.name))),
    inputs,
    timeout,
    defaults,
    observers,
    formerly,
    queries,
  }) as G
}

function checkReplacement(graph: AnyGraph, name: string, replacement: Replacement | undefined): void {
  const step = graph.steps.find((one) => one.name === name)
  if (step === undefined) {
    const names = graph.steps.map((one) => one.name)
    throw new OptionError(`replaceSteps: graph "${graph.name}" has no step "${name}"${didYouMean(name, names)}`)
  }
  if (step.kind === 'race')
    throw new OptionError(
      `replaceSteps: "${name}" is a race, which takes whichever input comes first; replace the steps that make its inputs`,
    )
  const run: unknown = typeof replacement === 'object' ? replacement.run : replacement
  if (replacement !== undefined && typeof run !== 'function')
    throw new OptionError(`replaceSteps: "${name}" must be a function of the step's inputs, or { run, compensate }`)
}

/** Limits of the others are about their waits. */
function worksItself({ kind }: AnyStep): boolean {
  return kind === 'durable' || kind === 'machine'
}

function replaced(step: AnyStep, replacement: Replacement | undefined): AnyStep {
  if (replacement === undefined) return step
  const given = typeof replacement === 'function' ? { run: replacement } : replacement
  const { name, inputs, output, when, formerly, fallback } = step
  const same = { name, inputs, output, when, formerly, ...('fallback' in step && { fallback }) }
  const compensate = given.compensate ?? step.compensate
  const policies =
    step.kind === 'step'
      ? {
          timeout: step.timeout,
          retry: step.retry,
          persist: step.persist,
          version: step.version,
          concurrency: step.concurrency,
          rate: step.rate,
        }
      : // What waits is always on record: so is what takes its place.
        { persist: 'execution' as const, ...(worksItself(step) && { timeout: step.timeout, retry: step.retry }) }
  return Object.freeze({ kind: 'step', ...same, ...policies, run: given.run, compensate }) as unknown as AnyStep
}
