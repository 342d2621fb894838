import type { GivenOf, TypedDataType } from '../language/data-type.ts'
import { event } from '../language/event.ts'
import { machineStep } from '../language/machine-step.ts'
import { race } from '../language/race.ts'
import type { DeclaredRacePorts, KnownRaceOptions, RaceDeclaration, RacePortsOf, RaceStep } from '../language/race.ts'
import { signal } from '../language/signal.ts'
import { step } from '../language/step.ts'
import type {
  DeclaredPorts,
  DeclaredResults,
  PortsHint,
  PortsOf,
  Step,
  StepBesides,
  StepDeclaration,
  TakesApp,
} from '../language/step.ts'
import { timer } from '../language/timer.ts'
import { value } from '../language/value.ts'
import type { AppOfNested } from './app-types.ts'
import { durableStep } from './durable-step.ts'
import type { DurableStep, DurableStepDeclaration } from './durable-step.ts'
import type { AnyGraph } from './graph-index.ts'
import type { TargetOf } from './graph.ts'
import { subgraph } from './subgraph.ts'
import type {
  CheckedOutput,
  CheckedRenames,
  LeavesOf,
  SubgraphOptions,
  SubgraphStep,
  SubgraphTypes,
} from './subgraph.ts'

/** What declares steps whose functions read `ctx.app` with its type. Made by `defineSteps`. */
export interface StepDeclarers<App> {
  /** As `step`; `ctx.app` of `run` and `compensate` is typed. */
  step<
    Output extends TypedDataType,
    const Inputs extends DeclaredPorts | PortsHint,
    const Name extends string,
    const Results extends DeclaredResults | undefined,
  >(
    declaration: StepDeclaration<Output, Inputs, Name, App, Results>,
  ): Step<PortsOf<Inputs>, Output, Name> & StepBesides<Results> & TakesApp<App>
  /** As `durableStep`; `ctx.app` of `run` and `compensate` is typed. */
  durableStep<
    Output extends TypedDataType,
    const Inputs extends DeclaredPorts | PortsHint = Record<never, never>,
    const Name extends string = string,
    Received extends TypedDataType = never,
    Published extends TypedDataType = never,
  >(
    declaration: DurableStepDeclaration<Output, Inputs, Name, App, Received, Published>,
  ): DurableStep<PortsOf<Inputs>, Output, Name, Received, Published> & TakesApp<App>
  /** As `race`; `ctx.app` of `run` is typed. */
  race<
    Output extends TypedDataType,
    const Inputs extends DeclaredRacePorts,
    const Name extends string = string,
    Keys extends PropertyKey = never,
  >(
    declaration: RaceDeclaration<Output, Inputs, Name, Keys, App> & KnownRaceOptions<Keys>,
  ): RaceStep<RacePortsOf<Inputs>, Output, Name> & TakesApp<App>
  /** As `subgraph`; `ctx.app` of `compensate` is typed. */
  subgraph<
    G extends AnyGraph,
    T extends TypedDataType,
    Output extends TypedDataType = T,
    const Renames extends Readonly<Record<string, TypedDataType>> = Record<never, never>,
    const Name extends string = G['name'],
  >(
    graph: G,
    target: TargetOf<G, T>,
    options?: SubgraphOptions<
      Name,
      CheckedOutput<T, Output>,
      CheckedRenames<G, T, Renames>,
      LeavesOf<G, T>,
      GivenOf<Output>,
      App
    >,
  ): SubgraphStep<Name, Output, SubgraphTypes<G, T, Renames, Output>> & AppOfNested<G> & TakesApp<App>
  /** The same function as `timer`: nothing of a timer reads `ctx.app`. */
  readonly timer: typeof timer
  /** The same function as `machineStep`. */
  readonly machineStep: typeof machineStep
  /** The same function as `signal`. */
  readonly signal: typeof signal
  /** The same function as `event`. */
  readonly event: typeof event
  /** The same function as `value`. */
  readonly value: typeof value
}

/**
 * Gives `step`, `race` and the others, whose functions find what the call or the docket was given as `app` in `ctx.app`, with this type: connections,
 * clients, configuration. A graph with such a step does not compile, and does not run, without one. It is handed on as it is; it is part of no key, and
 * never stored.
 *
 * @example
 * const { step } = defineSteps<{ readonly db: Database }>()
 * const loadUser = step({ name: 'LoadUser', inputs: { id: UserID }, output: User, run: ({ id }, { app }) => app.db.user(id) })
 * const docket = createDocket({ graphs: [users], store, app: { db } })
 */
export function defineSteps<App>(): StepDeclarers<App> {
  return declarers as unknown as StepDeclarers<App>
}

const declarers = Object.freeze({
  step: (declaration: never) => reading(step(declaration)),
  durableStep: (declaration: never) => reading(durableStep(declaration)),
  race: (declaration: never) => reading(race(declaration)),
  subgraph: (graph: never, target: never, options: never) => reading(subgraph(graph, target, options)),
  timer,
  machineStep,
  signal,
  event,
  value,
})

function reading(declared: object): object {
  return Object.freeze({ ...declared, needsApp: true })
}
