import { observedDocket } from '../core/contracts/observed-docket.ts'
import type { ObservableDocket, ObservedDocket } from '../core/contracts/observed-docket.ts'
import { OptionError } from '../core/errors.ts'
import { requireName } from '../core/check-name.ts'
import type { EmitVerdict } from '../core/contracts/event-record.ts'
import type { AnyDataType, GivenOf, TypedDataType, ValueOf } from '../core/language/data-type.ts'
import type { TypedEventType } from '../core/language/event-type.ts'
import { durationMs } from '../core/duration.ts'
import type { Collected, ResultsOf, WorkflowAlone } from '../core/graph/calls.ts'
import type { InputsOf, OverriddenIn, TargetOf } from '../core/graph/graph.ts'
import type { SignalTypeOf } from '../core/graph/signal-types.ts'
import type { AppFor } from '../core/graph/app-types.ts'
import type { QueriesOf } from '../core/graph/queries.ts'
import type { AnyGraph } from '../core/graph/graph-index.ts'
import type { TimerNameOf } from '../core/graph/timer-names.ts'
import { beginWithoutWaiting } from '../runtime/environment/current-step.ts'
import { checkExecuteOptions } from '../runtime/execution/execution-options.ts'
import type { GraphLogic } from '../runtime/from-graph.ts'
import { wholeCall } from '../runtime/inputs/drawn-args.ts'
import { provideEveryKind } from '../runtime/kinds/every-kind.ts'
import { problemsOfKeys } from './context/start-options.ts'
import type { OverridingOptions, StartOptions } from './context/start-options.ts'
import { beginBatch, passStart, storedStart } from './start/begin-execution.ts'
import { startMany } from './start/start-many.ts'
import type { StartBatchOptions } from './start/batch-request.ts'
import { requireTransactions } from './context/require-transactions.ts'
import {
  checkClose,
  checkFork,
  checkMoved,
  checkPurge,
  checkRetry,
  checkDelete,
  checkStartMany,
} from './check-calls.ts'
import { orClosed } from './context/closed-while-waiting.ts'
import { problemsOfCall, startBatchOptionNames } from './context/call-options.ts'
import { checkDocketOptions, withAllGraphs } from './context/docket-options.ts'
import type { DocketOptions } from './context/docket-options.ts'
import { deleteExecution } from './delete-execution.ts'
import type { DeleteOptions } from './delete-execution.ts'
import { attachObservers, observedOf } from './observed-docket.ts'
import { docketParts } from './docket-parts.ts'
import type { DocketParts } from './docket-parts.ts'
import { checkedLogic } from './checked-logic.ts'
import { withDefaultPersist } from './context/docket-graphs.ts'
import { DocketContext } from './context/docket-context.ts'
import { DocketView } from './docket-view.ts'
import { ExecutionHandle } from './execution-handle.ts'
import { handleOf, handleOfBatch } from './handle-of.ts'
import { noSuchExecution } from './records/execution-info.ts'
import { checkEmit, emitEvent } from './mail/emit-event.ts'
import type { EmitOptions } from './mail/emit-event.ts'
import { retriedOf } from './recovery/retried-items.ts'
import { checkSchedules } from './schedules/check-schedules.ts'
import type { ScheduleInfo } from './schedules/schedule-info.ts'
import type { DateLeafNames, ScheduleDeclaration } from './schedules/schedule-declaration.ts'
import { graphAndTarget } from './start/graph-and-target.ts'
import { forkExecution } from './start/fork-execution.ts'
import type { ForkOptions } from './start/fork-execution.ts'
import { executeDurably } from './execute-durably.ts'
import { startDurably } from './start-durably.ts'
import type {
  AnyHandle,
  AnyStart,
  ExecuteCall,
  ForkCall,
  HandleOfWorkflow,
  LogicCall,
  StartBatch,
  StartCall,
  StartOfMany,
  StartOutcome,
  WorkflowCall,
} from './start-calls.ts'
import { closeDocket } from './close-docket.ts'
import type { CloseOptions } from './close-docket.ts'
import { checkRetryAll, retryAll } from './retry-all.ts'
import type { RetryPage, RetryQuery } from './retry-all.ts'
import { moveEach } from './transfer/move-execution.ts'
import type { MoveOutcome } from './transfer/move-execution.ts'
import { purge } from './upkeep.ts'
import type { PurgeFilter } from './upkeep.ts'

/** The durable runtime: executions that survive the process. Made by `createDocket`. */
export class Docket extends DocketView implements AsyncDisposable, ObservableDocket {
  readonly #context: DocketContext
  readonly #parts: DocketParts
  #closing: Promise<void> | undefined

  constructor(context: DocketContext, parts: DocketParts) {
    super(context, parts)
    this.#context = context
    this.#parts = parts
  }

  /** The docket as observers see it: for those that are not among its own. */
  get [observedDocket](): ObservedDocket {
    return observedOf(this.#context)
  }

  /**
   * Starts an execution, and returns as soon as it is written down: from then on it runs to its end, here or in another process. An id that is there already, for the same graph, target
   * and inputs: while it runs, the handle is of that execution; when it is completed, its result is there; when it failed or was cancelled, it goes on from its records.
   * @throws (as rejection) InputError, OptionError, GraphError before anything is written; SerializationError for inputs that can't be stored; ExecutionConflictError for another target; StoreError
   */
  start<F extends AnyGraph>(workflow: WorkflowAlone<F>, options?: WorkflowCall): Promise<HandleOfWorkflow<F>>
  /** As above, of any graph: with the target, and its inputs. @throws (as rejection) as above */
  start<G extends AnyGraph, T extends TypedDataType, Given extends object = Record<never, never>>(
    graph: G,
    target: TargetOf<G, T>,
    inputs: InputsOf<G, T, never, OverriddenIn<Given>>,
    options?: StartCall<G, T, Given>,
  ): Promise<ExecutionHandle<ValueOf<T>, SignalTypeOf<G>, TimerNameOf<G>, QueriesOf<G>>>
  /** Both of the above. @throws (as rejection) as above */
  start(graph: AnyGraph, ...call: readonly unknown[]): Promise<AnyHandle> {
    return startDurably(this.#context, this.#parts.starter, graph, ...wholeCall<AnyStart>(graph, call))
  }

  /**
   * As `start`, for names that are known only at run time, from a queue or a form: of a graph among those of the docket or what `unknownGraph` gives, and of a target. Everything is checked at run
   * time. @throws (as rejection) OptionError for a name that nobody knows, and what `start` throws
   */
  async startByName(
    graphName: string,
    targetName: string,
    inputs: Readonly<Record<string, unknown>>,
    options: AnyStart = {},
  ): Promise<ExecutionHandle<unknown>> {
    const { graph, target } = graphAndTarget(this.#context, graphName, targetName)
    return startDurably(this.#context, this.#parts.starter, graph, target, inputs, options)
  }

  /**
   * Starts many executions of one graph, in few calls of the store, and returns as soon as they are written down. What is wrong with the call (inputs that don't fit, unknown
   * options) is refused with all problems before anything is written. What becomes of each then is its own, in the order of the call: a handle, or why there is none.
   * @throws (as rejection) InputError, OptionError, GraphError, DocketClosedError; StoreError within a transaction
   */
  async startMany<G extends AnyGraph, T extends TypedDataType, Given extends object = Record<never, never>>(
    graph: G,
    target: TargetOf<G, T>,
    starts: readonly StartOfMany<G, T, Given>[],
    options: { readonly transaction?: unknown } = {},
  ): Promise<readonly StartOutcome<ExecutionHandle<ValueOf<T>, SignalTypeOf<G>, TimerNameOf<G>, QueriesOf<G>>>[]> {
    checkStartMany(options)
    const { transaction } = options
    requireTransactions(this.#context, 'startMany', transaction)
    const wanted = { graph, target: target as AnyDataType, starts, transaction }
    const context = this.#context
    const started = await beginWithoutWaiting(() => startMany(context, this.#parts.starter, wanted))
    return started.map((one, index) => {
      if ('error' in one) return { error: one.error }
      return { handle: handleOf(context, one, graph, wanted.target, starts[index], transaction !== undefined) }
    })
  }

  /** Adds a graph, as if it had been listed in `createDocket`; one that is there already stays. @throws OptionError for a name that another one has; GraphError */
  addGraph(graph: AnyGraph): void {
    this.#context.requireOpen()
    this.#context.knownGraphs.add(graph)
  }

  /**
   * Starts an execution and waits for its value. One that persists nothing and has no `id` is not written down: without an id it could not be found again.
   * @throws (as rejection) what `start` throws, and what the execution fails with
   */
  execute<F extends AnyGraph>(workflow: WorkflowAlone<F>, options?: StartOptions): Promise<ResultsOf<F>>
  /** As above, of any graph: with the target, and its inputs. @throws (as rejection) as above */
  execute<G extends AnyGraph, T extends TypedDataType, Given extends object = Record<never, never>>(
    graph: G,
    target: TargetOf<G, T>,
    inputs: InputsOf<G, T, never, OverriddenIn<Given>>,
    options?: ExecuteCall<G, T, Given>,
  ): Promise<ValueOf<T>>
  /** Both of the above. @throws (as rejection) as above */
  execute(graph: AnyGraph, ...call: readonly unknown[]): Promise<unknown> {
    return executeDurably(this.#context, this.#parts, graph, ...wholeCall<OverridingOptions>(graph, call))
  }

  /**
   * Starts a batch, and returns as soon as all its items are written down: what is made of each is remembered by the item's key, and
   * a batch that a crash interrupts goes on where it stopped. Otherwise as `executeBatch` and `start`.
   * @throws (as rejection) what `start` throws
   */
  async startBatch<
    G extends AnyGraph,
    T extends TypedDataType,
    Shared extends string = never,
    Mode extends 'fail' | 'collect' = 'fail',
    Given extends object = Record<never, never>,
  >(
    graph: G,
    target: TargetOf<G, T>,
    items: readonly InputsOf<G, T, Shared, OverriddenIn<Given>>[],
    options: StartBatch<G, T, Shared, Mode, Given> = {},
  ): Promise<ExecutionHandle<Collected<Mode, ValueOf<T>>[], SignalTypeOf<G>>> {
    const problems = [...problemsOfCall(options, 'queueKey'), ...problemsOfKeys(options, 'queueKey')]
    checkExecuteOptions('startBatch', options, startBatchOptionNames, problems)
    const batchOptions = options as StartBatchOptions
    const { starter } = this.#parts
    const begun = await beginWithoutWaiting(() =>
      beginBatch(this.#context, starter, graph, target as AnyDataType, items, batchOptions),
    )
    return handleOfBatch(this.#context, begun, graph, target as AnyDataType, batchOptions)
  }

  /**
   * Durable actor logic, for `createActor` and for machines that invoke it: the actor is an execution that is written down before it
   * begins. Stopping the actor cancels it.
   * @throws OptionError, GraphError
   */
  logic<G extends AnyGraph, T extends TypedDataType, Given extends object = Record<never, never>>(
    graph: G,
    target: TargetOf<G, T>,
    options: LogicCall<G, T, Given> = {},
  ): GraphLogic<InputsOf<G, T, never, OverriddenIn<Given>>, ValueOf<T>> {
    return checkedLogic(this.#context, this.#parts.starter, graph, target as AnyDataType, options) as never
  }

  /** Looks for executions that no process runs, now rather than in a moment. @returns how many went on here @throws (as rejection) DocketClosedError, StoreError */
  async resume(): Promise<number> {
    this.#context.requireOpen()
    return orClosed(this.#context, 'resume', undefined, () => this.#parts.scan.run())
  }

  /**
   * Makes sure that a schedule is there, which starts executions by the clock, whatever process is there then: the one of the nominal time T has the id
   * `<name>/<T in UTC, as an ISO text>`. One that is there, and unchanged, goes on as it was; an unchanged time keeps the run that comes next.
   * @throws (as rejection) OptionError with all problems; InputError, GraphError; SerializationError; DocketClosedError; StoreError
   */
  schedule<G extends AnyGraph, T extends TypedDataType, const Nominal extends DateLeafNames<G, T> = never>(
    name: string,
    declaration: ScheduleDeclaration<G, T, Nominal>,
  ): Promise<ScheduleInfo> {
    return this.#parts.schedules.declare(name, declaration)
  }

  /**
   * Goes on with an execution that failed or was cancelled: finished steps stay finished, the failed ones are tried again. In a batch with
   * `onError: 'collect'`, a completed one too, the items that failed are tried again; `items` names some of them by their keys.
   * @throws (as rejection) ExecutionConflictError where there is none, it runs, or nothing of it has failed; OptionError; StoreError
   */
  async retry(id: string, options: { readonly items?: readonly string[] } = {}): Promise<ExecutionHandle<unknown>> {
    requireName('retry: id', id)
    checkRetry(options)
    const context = this.#context
    return orClosed(context, 'retry', id, async () => {
      await context.connection.readyBy()
      const record = await context.recordOf(id)
      if (record === undefined) throw noSuchExecution(id)
      const retried = await retriedOf(context, record, options.items)
      const reopen = (): Promise<void> => beginWithoutWaiting(() => this.#parts.reopening.reopen(id, retried))
      await passStart(context, storedStart('retry', id, record), reopen)
      return new ExecutionHandle(context, id)
    })
  }

  /**
   * Tries again what a query finds, a portion at a time, with an outcome for each: after an outage. `limit` is the size of the portion; `after`, given `next` of the one before, goes on behind it. In a process
   * that serves their queue they begin at once, all of a portion; where the queue is paused or has limits, and in one with `work: false`, each waits for its turn.
   * @throws (as rejection) OptionError with all problems; DocketClosedError, StoreError
   */
  async retryAll(query: RetryQuery = {}): Promise<RetryPage> {
    checkRetryAll(query)
    return retryAll(
      query,
      (page) => this.list(page),
      (id) => this.retry(id),
    )
  }

  /**
   * Emits an event under a key: the first one counts until the event type's ttl is over. Every execution that waits for it goes on, parked or not, in whatever
   * process, and so do those that will wait for it. @returns `accepted`, or `duplicate` where there is one already
   * @throws (as rejection) InputError for a value that does not fit; OptionError; DocketClosedError; StoreError
   */
  async emit<E extends TypedEventType>(
    type: E,
    key: string,
    value: GivenOf<E>,
    options: EmitOptions = {},
  ): Promise<EmitVerdict> {
    checkEmit(type, key, options)
    return orClosed(this.#context, 'emit', undefined, () => emitEvent(this.#context, type, key, value, options))
  }

  /**
   * Starts a new execution with what another one has: the same target and inputs, and the results of all persisted steps but
   * `from` and what depends on it. With `overrides`, it has other values for some types, leaf inputs among them, and what is made of these begins anew: so a failed
   * execution goes on with an edited input, and the original stays as it was.
   * @throws (as rejection) ExecutionConflictError where there is no such execution, where the id of the new one is taken, or where the records
   * don't fit the graph; InputError for overrides that don't fit; OptionError for an unknown graph or step, and for a batch; SerializationError for a damaged record; DocketClosedError;
   * StoreError
   */
  fork<G extends AnyGraph, T extends TypedDataType, Given extends object = Record<never, never>>(
    id: string,
    options: ForkCall<G, T, Given>,
  ): Promise<ExecutionHandle<ValueOf<T>, SignalTypeOf<G>, TimerNameOf<G>, QueriesOf<G>>>
  /** As above, of an execution whose graph the caller does not name. @throws (as rejection) as above */
  fork(id: string, options: ForkOptions): Promise<ExecutionHandle<unknown>>
  /** Both of the above. @throws (as rejection) as above */
  async fork(
    id: string,
    options: ForkOptions & { readonly graph?: AnyGraph; readonly target?: AnyDataType },
  ): Promise<AnyHandle> {
    requireName('fork: id', id)
    checkFork(options)
    const { graph, target, ...more } = options
    const expected = graph === undefined ? undefined : { graph, target: target!.name }
    const fork = (): Promise<string> =>
      beginWithoutWaiting(() => forkExecution(this.#context, this.#parts.resumption, id, more, expected))
    return new ExecutionHandle(this.#context, await orClosed(this.#context, 'fork', id, fork)) as AnyHandle
  }

  /**
   * Ends an execution wherever it runs, as `handle.cancel` does.
   * @throws (as rejection) ExecutionConflictError where there is none; OptionError for what can't be an id; LeaseLostError, StoreError
   */
  async cancel(id: string, reason?: unknown): Promise<void> {
    requireName('cancel: id', id)
    await new ExecutionHandle(this.#context, id).cancel(reason)
  }

  /**
   * Deletes an execution with all its records; one that has not ended is cancelled first, and undone, wherever it is. False where there is none.
   * @throws (as rejection) OptionError for what can't be an id; ExecutionConflictError where nobody runs it, and it has something to undo that this
   * docket can't undo, since it lacks the graph or the records don't fit; DocketClosedError where the docket is closed before its owner has let it
   * go; StoreError
   */
  async delete(id: string, options?: DeleteOptions): Promise<boolean> {
    requireName('delete: id', id)
    if (options !== undefined) checkDelete(options)
    return orClosed(this.#context, 'delete', id, () =>
      deleteExecution(this.#context, this.#parts.resumption, id, options),
    )
  }

  /**
   * Takes executions to the store of another docket, one after the other, with an outcome for each. One that has not ended is detached here before it may go on there, so that never two stores run it; no process may have it: pause its
   * queue, or let workers close. One that has ended is copied. What went through codecs is decoded, and encoded as the other docket does. A call that is repeated after a crash goes on where the one before stopped.
   * Executions of a family that has not ended are not moved, nor are results that are remembered for all executions.
   * @throws (as rejection) OptionError, DocketClosedError
   */
  async moveTo(other: Docket, ids: readonly string[]): Promise<readonly MoveOutcome[]> {
    if (typeof other !== 'object' || other === null || !(#context in other) || other.#context === this.#context)
      throw new OptionError('moveTo takes another docket, made by createDocket of the same copy of the package')
    checkMoved(ids)
    for (const id of ids) requireName('moveTo: id', id)
    return orClosed(this.#context, 'moveTo', undefined, () => moveEach(this.#context, other.#context, ids))
  }

  /**
   * Deletes executions that ended before a while ago, and results that have expired. @returns how many executions
   * @throws (as rejection) OptionError, StoreError
   */
  async purge(options: PurgeFilter): Promise<number> {
    checkPurge(options)
    return orClosed(this.#context, 'purge', undefined, () => purge(this.#context, options))
  }

  /**
   * Starts nothing new, lets executions of this process go on to their end for up to `deadline`, hands over to other processes what is
   * left, and closes the store with the last docket that uses it (not a client that was given to it). A caller that still waits for an execution
   * gets a `DocketClosedError`. A second call waits for the first one.
   * @throws OptionError
   */
  async close(options: CloseOptions = {}): Promise<void> {
    checkClose(options)
    const { deadline = '10s', drain = true } = options
    this.#closing ??= closeDocket(this.#context, this.#parts, { deadlineMs: durationMs(deadline)!, drain })
    await this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}

/**
 * Makes the durable runtime: it keeps executions in the store, goes on with those whose process died, and runs until `close()`.
 *
 * @example
 * await using docket = createDocket({ graphs: [orders], store: sqliteStore('orders.db') })
 * const order = await docket.start(orders, Receipt, { Order: { id: 'o-1' } }, { id: 'order:o-1' })
 * const receipt = await order.result()
 * @throws OptionError with all problems
 */
export function createDocket<Graphs extends readonly AnyGraph[]>(
  options: DocketOptions & { readonly graphs: Graphs } & AppFor<Graphs[number]>,
): Docket {
  provideEveryKind()
  const whole = withDefaultPersist(withAllGraphs(options))
  checkDocketOptions(whole)
  const schedules = checkSchedules(whole)
  const context = new DocketContext(whole)
  attachObservers(context, context.options.observers ?? [])
  return new Docket(context, docketParts(context, schedules))
}
