import type { Interceptor } from '../../core/contracts/interceptor.ts'
import { problemsOfInterceptors } from '../../core/interceptor-chains.ts'
import { missingAppText } from '../../core/graph/read-app.ts'
import { append } from '../../core/append.ts'
import { checkOptions, describe, reportUnknownKeys } from '../../core/check-options.ts'
import type { Problem } from '../../core/check-options.ts'
import { problemsOfLengths } from './check-lengths.ts'
import { reportQueues, reportWork } from './queue-options.ts'
import type { QueueDeclaration, QueueReport } from './queue-options.ts'
import { checkDefaults, checkPersist } from '../../core/graph/check-step.ts'
import { problemsOfSteps } from './check-steps.ts'
import type { Codec } from '../../core/contracts/codec.ts'
import { durationHint, durationMs } from '../../core/duration.ts'
import type { Duration } from '../../core/duration.ts'
import { neededCheckpoints } from '../../core/graph/needed-checkpoints.ts'
import { withNestedGraphs } from '../../core/graph/nested-graph.ts'
import { indexOf } from '../../core/graph/graph-index.ts'
import type { AnyGraph, StepDefaults } from '../../core/graph/graph-index.ts'
import type { AnySchedule } from '../../core/graph/any-schedule.ts'
import { missingAbilitiesOf } from '../../core/contracts/missing-abilities.ts'
import { isRecord } from '../../core/is-record.ts'
import type { Logger } from '../../core/contracts/logger.ts'
import type { Observer } from '../../core/contracts/observer.ts'
import type { PersistPolicy } from '../../core/language/policy.ts'
import type { AnyStep } from '../../core/language/step.ts'
import type { Engine } from '../../core/contracts/engine.ts'
import type { Store } from '../../core/contracts/store.ts'
import type { Inspector } from '../../runtime/actors/inspector.ts'
import type { Clock } from '../../runtime/environment/clock.ts'
import { hasFunctions, problemsOfInjected, problemsOfObservers } from '../../runtime/execution/execution-options.ts'
import { problemsOfRetain } from './retain-options.ts'
import type { RetainOptions } from './retain-options.ts'
import { problemsOfLifetime } from '../records/stored-limits.ts'
import type { MigrateHook } from '../records/migrate-records.ts'

/** What `createDocket` takes. */
export interface DocketOptions {
  /**
   * The graphs whose executions this process runs, and takes over from processes that died. Empty, with `takeOver: false`, for a docket that only
   * lists, shows, cancels and deletes executions.
   */
  readonly graphs: readonly AnyGraph[]
  /**
   * What is started by the clock, as `schedule()` declares it: written down when the docket begins. One that was declared so and is not listed any more goes on, and is
   * reported by the event `schedule.vanished`. @default none
   */
  readonly schedules?: readonly AnySchedule[] | undefined
  /**
   * The steps of graphs drawn by name, which stand by their names in the drawings that are stored with executions: whichever workflow these are of, this process
   * goes on with them. Those of workflows in `graphs` need not be listed. @default []
   */
  readonly steps?: readonly AnyStep[] | undefined
  /** Where executions and results are kept. */
  readonly store: Store
  /**
   * Gives the graph for a name that is not listed: of a call of `startByName`, or of an execution that is found in the store. It is the docket's from then on; a graph
   * that has the name as a former one will do. Undefined where it knows none either. @default none
   */
  readonly unknownGraph?: ((name: string) => AnyGraph | undefined) | undefined
  /** Applied to every value before it is stored, in this order: compress, then encrypt. @default none */
  readonly codecs?: readonly Codec[] | undefined
  /** Policy of steps that have none, neither of their own nor from their graph. @default none */
  readonly persist?: 'execution' | 'global' | PersistPolicy | undefined
  /**
   * Policies of steps that state none, where their graph's `defaults` say nothing either: `timeout`, `retry` and `concurrency` of functions, and `persist`, which may stand
   * here as well as beside. @default none
   */
  readonly defaults?: StepDefaults | undefined
  /** For how long this process owns its executions without renewing: after a crash, others go on when it is over. @default '5s' */
  readonly lease?: Duration | undefined
  /** Whether this process goes on with executions whose owner died. What it has begun itself it runs in any case. @default true */
  readonly takeOver?: boolean | undefined
  /**
   * The queues whose executions this process runs, and how many of each at the same time. One that only waits, or retries later, does not count. `false` for a process
   * that starts executions, asks for them and ends them, and runs none. @default { default: 100 }
   */
  readonly work?: Readonly<Record<string, number | undefined>> | false | undefined
  /**
   * Brings a worker with a free slot to look into the store as soon as something is ready: `bullmqEngine` of `docket/engines/bullmq`, or one of your own. With an engine,
   * `work` says what this process serves. @default none: each process looks for itself
   */
  readonly engine?: Engine | undefined
  /**
   * What limits queues, in all processes together. Every process that serves a queue, or names it here, declares what holds: of different declarations the one with
   * the higher `version` does, of equal versions the last one; and what an operator sets with `docket.queue(name).limits()` stands above them. @default none
   */
  readonly queues?: Readonly<Record<string, QueueDeclaration>> | undefined
  /** Is called when processes declare different things of a queue. @default a process warning */
  readonly onQueue?: ((report: QueueReport) => void) | undefined
  /**
   * For how long an execution has to wait before it is parked: it gives up its place in this process, and any process goes on with it when what it waits
   * for comes. @default '10s'
   */
  readonly park?: Duration | undefined
  /** `maxPending` of executions and batches that are started without one. @default none */
  readonly maxPending?: Duration | undefined
  /** `maxRunning` of executions and batches that are started without one, children among them. @default none */
  readonly maxRunning?: Duration | undefined
  /**
   * For how long executions are kept once they have ended, by how they ended: then one of the processes deletes them, as `purge` does. Those in a status that is not named stay.
   * @default for ever
   */
  readonly retain?: RetainOptions | undefined
  /** Owners that may die one after another without completing a step, before the execution counts as what kills them. @default 10 */
  readonly maxRecoveries?: number | undefined
  /** The largest value that is stored, in bytes as encoded. @default 16 MiB */
  readonly maxValueBytes?: number | undefined
  /** Makes records of an older version of a graph fit, by the graph's name. @default none */
  readonly migrate?: Readonly<Record<string, MigrateHook>> | undefined
  /** Get the events of all executions, besides the graphs' own observers. @default [] */
  readonly observers?: readonly Observer[] | undefined
  /**
   * Sees every execution and step that runs here as an XState actor, from its first event on: the function or observer that XState's own
   * `inspect` takes, as of `createWebSocketInspector()`. @default none
   */
  readonly inspect?: Inspector | undefined
  /** What `ctx.log` is made from. @default the first observer's logger, else silence */
  readonly logger?: Logger | undefined
  /** What steps see as `ctx.app`: connections, clients, configuration. It is handed on as it is, and never stored. @default undefined */
  readonly app?: unknown
  /** Stand around what this docket does, the first outermost: starts, steps, signals, events, queries and so on. @default [] */
  readonly interceptors?: readonly Interceptor[] | undefined
  /** What this process is called: it begins the owner's id in the records, and is shown by `docket.workers()`. @default 'docket' */
  readonly name?: string | undefined
  /** Version of the program, as `docket.workers()` shows it: a release, a commit. @default none */
  readonly version?: string | undefined
  /** Time, for tests. @default the system's */
  readonly clock?: Clock | undefined
  /** Randomness of ids and backoffs, for tests. @default Math.random */
  readonly random?: (() => number) | undefined
}

const optionNames: readonly string[] = [
  'graphs',
  'schedules',
  'steps',
  'store',
  'unknownGraph',
  'codecs',
  'persist',
  'defaults',
  'lease',
  'takeOver',
  'work',
  'engine',
  'queues',
  'onQueue',
  'park',
  'maxPending',
  'maxRunning',
  'retain',
  'maxRecoveries',
  'maxValueBytes',
  'migrate',
  'observers',
  'inspect',
  'logger',
  'app',
  'interceptors',
  'name',
  'version',
  'clock',
  'random',
]

/** The same options, with the graphs that run within the listed ones: they are the docket's too. */
export function withAllGraphs(options: DocketOptions): DocketOptions {
  const graphs: unknown = isRecord(options) ? options.graphs : undefined
  if (!Array.isArray(graphs) || !graphs.every(isGraph)) return options
  return { ...options, graphs: withNestedGraphs(graphs) }
}

function isGraph(value: unknown): value is AnyGraph {
  return isRecord(value) && indexOf(value as unknown as AnyGraph) !== undefined
}

/** @throws OptionError with all problems */
export function checkDocketOptions(options: unknown): asserts options is DocketOptions {
  checkOptions('createDocket', options, optionNames, problemsOfDocket)
}

function problemsOfDocket(options: Readonly<Record<string, unknown>>): readonly Problem[] {
  const problems: Problem[] = []
  const report = (problem: string): void => void problems.push(problem)
  const { graphs, store, lease, persist, maxRecoveries, maxValueBytes, takeOver, migrate, observers, name } = options
  const { codecs, inspect, logger, clock, random, work, park } = options
  const names = new Set<string>()
  if (!Array.isArray(graphs)) report(`graphs must be an array of graphs, not ${describe(graphs)}`)
  else if (graphs.length === 0 && takeOver !== false && !canFindGraphs(options))
    report(
      'graphs is empty, so that this docket can run nothing; list the graphs whose executions it runs, steps for graphs that are drawn by name, or add takeOver: false for a docket that only lists, cancels and deletes',
    )
  else {
    for (const graph of graphs as readonly unknown[]) {
      const index = isRecord(graph) ? indexOf(graph as unknown as AnyGraph) : undefined
      if (index === undefined) report(`graphs must be made by graph(), not ${describe(graph)}`)
      else if (names.size === names.add(index.graph.name).size)
        report(
          graphs.indexOf(graph) < graphs.lastIndexOf(graph)
            ? `graph "${index.graph.name}" is listed twice`
            : `two graphs are named "${index.graph.name}"; nothing would distinguish their executions; give each a name of its own`,
        )
    }
  }
  append(problems, problemsOfSteps(options['steps'], options['app'] !== undefined))
  if (problems.length === 0) {
    reportFormerNames(graphs as readonly AnyGraph[], report)
    if (options['app'] === undefined) reportMissingApp(graphs as readonly AnyGraph[], report)
  }
  if (!isRecord(store) || typeof store['claimResults'] !== 'function')
    report(`store must be a store, like sqliteStore('docket.db'), not ${describe(store)}`)
  else {
    const missing = missingAbilitiesOf(store)
    if (missing.length > 0)
      report(
        `store lacks ${missing.join(', ')}, which this version of docket calls; a store of your own has every method of the contract, as storeConformance of docket/testing checks`,
      )
    const needing = problems.length === 0 ? neededCheckpoints(graphs as readonly AnyGraph[]) : undefined
    if (needing !== undefined && typeof store['readCheckpoints'] !== 'function')
      report(
        `store lacks readCheckpoints, without which step "${needing.step}" of graph "${needing.graph}" can’t remember what it has done; add it to a store of your own, as storeConformance of docket/testing checks`,
      )
  }
  if (lease !== undefined && !(durationMs(lease as Duration)! >= 100))
    report(`lease ${describe(lease)} is not a duration of at least 100 ms; ${durationHint}`)
  if (park !== undefined && durationMs(park as Duration) === undefined)
    report(`park ${describe(park)} is not a duration; ${durationHint}`)
  for (const problem of problemsOfLifetime(options)) report(problem)
  for (const problem of problemsOfRetain(options['retain'])) report(problem)
  const { defaults } = options
  if (checkDefaults(defaults, report) && defaults?.persist !== undefined && defaults.persist !== persist)
    report('persist is given twice, beside defaults and in it; leave one of them out')
  if (persist !== undefined) checkPersist('docket', persist, report)
  for (const [key, value] of Object.entries({ maxRecoveries, maxValueBytes }))
    if (value !== undefined && !(Number.isInteger(value) && (value as number) >= 1))
      report(`${key} must be a whole number of at least 1, not ${describe(value)}`)
  reportWork(work, report)
  reportEngine(options, report)
  reportQueues(options['queues'], report)
  if (options['onQueue'] !== undefined && typeof options['onQueue'] !== 'function')
    report(`onQueue must be a function of a report, not ${describe(options['onQueue'])}`)
  if (takeOver !== undefined && typeof takeOver !== 'boolean')
    report(`takeOver must be true or false, not ${describe(takeOver)}`)
  if (
    migrate !== undefined &&
    !(isRecord(migrate) && Object.values(migrate).every((hook) => typeof hook === 'function'))
  )
    report('migrate must be an object of functions by graph name')
  else if (migrate !== undefined && options['unknownGraph'] === undefined)
    reportUnknownKeys('migrate: graph ', migrate as object, [...names], report)
  if (options['unknownGraph'] !== undefined && typeof options['unknownGraph'] !== 'function')
    report(`unknownGraph must be a function of a graph's name, not ${describe(options['unknownGraph'])}`)
  append(problems, problemsOfObservers(observers))
  append(problems, problemsOfInterceptors(options['interceptors']))
  if (inspect !== undefined && typeof inspect !== 'function' && !hasFunctions(inspect, ['next']))
    report(`inspect must be a function of an inspection event, or an object with next, not ${describe(inspect)}`)
  if (
    codecs !== undefined &&
    !(Array.isArray(codecs) && codecs.every((one) => hasFunctions(one, ['encode', 'decode'])))
  )
    report('codecs must be an array of codecs, like encryption({ keys, current })')
  append(problems, problemsOfInjected({ logger, clock, random }))
  for (const [key, value] of Object.entries({ name, version: options['version'] }))
    if (value !== undefined && (typeof value !== 'string' || value === ''))
      report(`${key} must be a non-empty string, not ${describe(value)}`)
  if (problems.length === 0) append(problems, problemsOfLengths(options as unknown as DocketOptions))
  return problems
}

function canFindGraphs({ steps, unknownGraph }: Readonly<Record<string, unknown>>): boolean {
  return typeof unknownGraph === 'function' || (Array.isArray(steps) && steps.length > 0)
}

function reportEngine({ engine, work }: Readonly<Record<string, unknown>>, report: (problem: string) => void): void {
  if (engine === undefined) return
  if (!hasFunctions(engine, ['open', 'wake', 'consume', 'close']))
    report(`engine must be an engine, like bullmqEngine({ connection }), not ${describe(engine)}`)
  if (work === undefined)
    report('work is missing: with an engine, say what this process serves, as { default: 50 }, or false for nothing')
}

function reportMissingApp(graphs: readonly AnyGraph[], report: (problem: string) => void): void {
  for (const graph of graphs) {
    const reader = indexOf(graph)?.readsApp
    if (reader !== undefined) report(missingAppText(graph.name, reader))
  }
}

/** Executions stored under a name must be those of one graph. */
function reportFormerNames(graphs: readonly AnyGraph[], report: (problem: string) => void): void {
  const owners = new Map(graphs.map(({ name }) => [name, name]))
  for (const { name, formerly } of graphs) {
    for (const former of formerly) {
      const owner = owners.get(former)
      if (owner === undefined) owners.set(former, name)
      else
        report(
          owner === former
            ? `graph "${name}" was formerly "${former}", but another graph is named so, whose executions they are`
            : `graphs "${owner}" and "${name}" were both formerly "${former}"; only one of them can have its executions`,
        )
    }
  }
}
