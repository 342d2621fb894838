import { isName, requireName } from '../core/check-name.ts'
import { checkOptions, describe } from '../core/check-options.ts'
import type { Observer } from '../core/contracts/observer.ts'
import { durationMs } from '../core/duration.ts'
import type { AnyGraph } from '../core/graph/graph-index.ts'
import { inspectKey } from '../core/inspect-key.ts'
import { problemsOfObservers } from '../runtime/execution/execution-options.ts'
import { Acts } from './acts.ts'
import { checkCountQuery, checkHealth, checkListQuery } from './check-calls.ts'
import { orClosed } from './context/closed-while-waiting.ts'
import { countExecutions } from './count-executions.ts'
import type { CountQuery, ExecutionCounts } from './count-executions.ts'
import type { DocketContext } from './context/docket-context.ts'
import type { DocketOptions } from './context/docket-options.ts'
import type { DocketHealth, HealthOptions } from './docket-health.ts'
import type { DocketParts } from './docket-parts.ts'
import { ExecutionHandle } from './execution-handle.ts'
import { planByName, planOfExecution } from './execution-plan.ts'
import type { ExecutionPlan } from './execution-plan.ts'
import { checkIncompatible, findIncompatible } from './find-incompatible.ts'
import type { IncompatiblePage, IncompatibleQuery } from './find-incompatible.ts'
import { attachObservers } from './observed-docket.ts'
import { listExecutions } from './list-executions.ts'
import type { ExecutionPage, ListQuery } from './list-executions.ts'
import { checkMailboxQuery, listMailbox } from './list-mailbox.ts'
import type { MailboxPage, MailboxQuery } from './list-mailbox.ts'
import { listQueues } from './list-queues.ts'
import { listWorkers } from './list-workers.ts'
import { QueueHandle } from './queue-handle.ts'
import type { WorkerInfo } from './records/worker-info.ts'
import type { Schedules } from './schedules/schedules.ts'
import { checkExport, exportExecution } from './transfer/export-execution.ts'
import type { ExportedExecution, ExportOptions } from './transfer/exported-execution.ts'
import { checkWhy, whyOf } from './why-of.ts'
import type { Why, WhyOptions } from './why/why.ts'

/** What an observer that comes late gets. */
export interface ObserveOptions {
  /** The id of the execution whose events it gets. @default all executions */
  readonly execution?: string | undefined
}

/** What a docket says of itself. */
export interface DocketAbout {
  /** The `name` that it was given. */
  readonly name: string
  /** The `version` that it was given; undefined where it was given none. */
  readonly version: string | undefined
  /** Name of its store. */
  readonly store: string
  /** The graphs that it knows, those among them that run within others. */
  readonly graphs: readonly AnyGraph[]
  /** Whether executions may run in this process: it serves a queue. */
  readonly runsExecutions: boolean
}

/** What there is to see of a docket: its executions, workers, queues and schedules. The other half of it begins and ends executions. */
export class DocketView {
  readonly #context: DocketContext
  readonly #parts: DocketParts

  constructor(context: DocketContext, parts: DocketParts) {
    this.#context = context
    this.#parts = parts
  }

  /** What it was made with, the graphs within listed ones among `graphs`: for programs that get a docket of somebody else's, as pages and command lines do. */
  get options(): DocketOptions {
    return this.#context.options
  }

  /** The execution of an id; undefined where there is none. @throws (as rejection) OptionError for what can't be an id, DocketClosedError, StoreError */
  async get(id: string): Promise<ExecutionHandle<unknown> | undefined> {
    requireName('get: id', id)
    const context = this.#context
    return orClosed(context, 'get', id, async () => {
      await context.connection.readyBy()
      const record = await context.recordOf(id)
      return record === undefined ? undefined : new ExecutionHandle(context, id, record)
    })
  }

  /** Executions, the newest first, a page at a time. One whose record can't be read is listed with the reason in `incompatible`. @throws (as rejection) OptionError, DocketClosedError, StoreError */
  async list(query: ListQuery = {}): Promise<ExecutionPage> {
    checkListQuery(query)
    return orClosed(this.#context, 'list', undefined, () => listExecutions(this.#context, query))
  }

  /**
   * How many executions there are in each status that has any, of those that a query for `list` would find. Counting stops at 10,000 in each, so that it costs no more the more
   * there are. @throws (as rejection) OptionError, DocketClosedError, StoreError
   */
  async count(query: CountQuery = {}): Promise<ExecutionCounts> {
    checkCountQuery(query)
    return orClosed(this.#context, 'count', undefined, () => countExecutions(this.#context, query))
  }

  /** What people did, as it was written down before it was done: records and lists it. */
  get acts(): Acts {
    return new Acts(this.#context)
  }

  /**
   * The processes that have a docket on this store and live, those that came first before others: with the slots that they have, and their last sign of
   * life. One that died is there until its lease has run out.
   * @throws (as rejection) DocketClosedError, StoreError
   */
  async workers(): Promise<readonly WorkerInfo[]> {
    return orClosed(this.#context, 'workers', undefined, () => listWorkers(this.#context))
  }

  /**
   * Names of all queues that anything is known of, in order: those that this docket declares or serves, those that processes serve which live, and in the store, those that are paused or limited,
   * and those that have something unfinished; `docket.queue(name)` says more of each. Queues that nobody serves are among them. Of the store, up to a thousand.
   * @throws (as rejection) DocketClosedError, StoreError
   */
  async queues(): Promise<readonly string[]> {
    return orClosed(this.#context, 'queues', undefined, () => listQueues(this.#context))
  }

  /**
   * Whether this process should be left alone, and whether it should be given work: for liveness and readiness probes. It answers within the deadline, whatever the
   * store does. @throws (as rejection) OptionError, and nothing else
   */
  async health(options: HealthOptions = {}): Promise<DocketHealth> {
    checkHealth(options)
    return this.#parts.health.look(durationMs(options.deadline ?? '500ms')!)
  }

  /**
   * Why an execution, or one of its steps, is where it is: cached, skipped, queued, waiting, failed, or why nobody runs it; from its records, its queue, the limits and the processes that
   * live. Nothing is changed by it, unless `live` asks another process.
   * @throws (as rejection) ExecutionConflictError where there is no such execution; OptionError for a step that its graph does not have, for an item that is
   * wrong, and for what can't be an id; DocketClosedError, StoreError
   */
  async why(id: string, step?: string, options: WhyOptions = {}): Promise<Why> {
    requireName('why: id', id)
    checkWhy(step, options)
    return orClosed(this.#context, 'why', id, () => whyOf(this.#context, id, step, options))
  }

  /**
   * What was sent to an execution and is not taken yet, whoever has it, or nobody: signals, updates and what is to become of it, in the order in which they came, a page at a time. What
   * messages bring is read with `values` alone; what is of a sensitive type never.
   * @throws (as rejection) ExecutionConflictError where there is no such execution; OptionError; DocketClosedError, StoreError
   */
  async mailbox(id: string, query: MailboxQuery = {}): Promise<MailboxPage> {
    requireName('mailbox: id', id)
    checkMailboxQuery(query)
    return orClosed(this.#context, 'mailbox', id, () => listMailbox(this.#context, id, query))
  }

  /**
   * An execution with all its records, as a plain document that `JSON.stringify` takes: for a bug report, or for `createTestDocket({ from })`, which replays it. Values of sensitive types are closed
   * by a marker, and so are values that have no type where there are any; what went through codecs stays as it is, unless `decode` says otherwise.
   * @throws (as rejection) ExecutionConflictError where there is no such execution; OptionError; SerializationError for damaged records; DocketClosedError, StoreError
   */
  async export(id: string, options: ExportOptions = {}): Promise<ExportedExecution> {
    requireName('export: id', id)
    checkExport(options)
    return orClosed(this.#context, 'export', id, () => exportExecution(this.#context, id, options))
  }

  /**
   * Which executions could not go on with the graphs of this docket, and why, of those that have not ended: found out from their records, whether anybody has tried or not. Nothing is taken,
   * or written. A page at a time. @throws (as rejection) OptionError, DocketClosedError, StoreError
   */
  async findIncompatible(query: IncompatibleQuery = {}): Promise<IncompatiblePage> {
    checkIncompatible(query)
    return orClosed(this.#context, 'findIncompatible', undefined, () => findIncompatible(this.#context, query))
  }

  /** A queue, to be paused, limited or counted. @throws OptionError for what can't be a queue's name */
  queue(name: string): QueueHandle {
    return new QueueHandle(this.#context, this.#parts.scan.states, name)
  }

  /** What there is to be done with schedules: lists, pauses, resumes, triggers, backfills and deletes them. */
  get schedules(): Schedules {
    return this.#parts.schedules
  }

  /** Its name, its store and its graphs, for tools. */
  about(): DocketAbout {
    const { connection, graphs, options } = this.#context
    return {
      name: options.name ?? 'docket',
      version: options.version,
      store: connection.store.name,
      graphs: [...graphs.values()],
      runsExecutions: options.work !== false && (options.takeOver !== false || graphs.size > 0),
    }
  }

  /**
   * The plan of an execution: its steps in order, and what each of them depends on, also where it has ended, or runs elsewhere. Undefined where its graph is not known here.
   * @throws (as rejection) ExecutionConflictError where there is no such execution, OptionError, StoreError
   */
  plan(id: string): Promise<ExecutionPlan | undefined>
  /** The plan that an execution of this graph and target would have. @throws (as rejection) OptionError for names that nobody knows */
  plan(names: { readonly graph: string; readonly target: string }): Promise<ExecutionPlan>
  /** @throws OptionError */
  async plan(of: string | { readonly graph: string; readonly target: string }): Promise<ExecutionPlan | undefined> {
    if (typeof of === 'object' && of !== null) {
      requireName('plan: graph', of.graph)
      requireName('plan: target', of.target)
      return planByName(this.#context, of.graph, of.target)
    }
    requireName('plan: id', of)
    return orClosed(this.#context, 'plan', of, () => planOfExecution(this.#context, of))
  }

  /**
   * Lets one more observer get the events of what begins, or goes on, in this process from now on, beside those of `createDocket({ observers })`: for tools that come and go. One
   * that has `attach` is shown the docket, and one that has `nextOfProcess` gets events of the process too; but calls of the store are measured only where an observer of `createDocket` has
   * wanted that. With `execution`, it gets the events of one execution alone: the others are then as fast as if nobody observed.
   * @returns what takes it off @throws OptionError
   */
  observe(observer: Observer, options: ObserveOptions = {}): () => void {
    checkOptions('observe', options, ['execution'], ({ execution }) => [
      ...problemsOfObservers([observer]),
      execution !== undefined &&
        !isName(execution) &&
        `execution must be an execution's id, not ${describe(execution)}`,
    ])
    if (options.execution === undefined) attachObservers(this.#context, [observer])
    return this.#context.observers.add(observer, options.execution)
  }

  /** Name, store, graphs, and how many executions live here: what `console.log` shows, and a template literal. */
  toString(): string {
    const { connection, graphs, options, owned, isClosing } = this.#context
    const state = isClosing ? 'closed' : `executions here: ${[...owned.values()].length}`
    return `Docket ${JSON.stringify(options.name ?? 'docket')} (${connection.store.name} store; graphs: ${[...graphs.keys()].join(', ') || 'none'}; ${state})`
  }

  /** What `console.log` shows. */
  [inspectKey](): string {
    return this.toString()
  }
}
