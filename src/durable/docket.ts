import { describe } from '../core/graph/check-step.ts'
import type { AnyDataType, TypedDataType, ValueOf } from '../core/language/data-type.ts'
import { durationMs } from '../core/duration.ts'
import type { Duration } from '../core/duration.ts'
import { ExecutionConflictError, OptionError } from '../core/errors.ts'
import type { Collected, InputsOf, OnError, SharedValue, TargetOf } from '../core/graph/graph.ts'
import type { AnyGraph } from '../core/graph/graph-index.ts'
import { isTerminal } from '../core/contracts/statuses.ts'
import type { ExecutionStatus } from '../core/contracts/statuses.ts'
import { checkExecuteOptions } from '../runtime/execution/execution-options.ts'
import { Execution } from '../runtime/execution/execution.ts'
import type { GraphLogic } from '../runtime/from-graph.ts'
import { givenInputs } from '../runtime/inputs/given-inputs.ts'
import { batchRequest } from './start/batch-request.ts'
import type { StartBatchOptions } from './start/batch-request.ts'
import { checkClose, checkFork, checkListQuery, checkPurge, endStatuses } from './check-calls.ts'
import { checkDocketOptions } from './context/docket-options.ts'
import type { DocketOptions } from './context/docket-options.ts'
import { durableLogic } from './durable-logic.ts'
import { DurableRuntime } from './context/docket-context.ts'
import type { StartOptions } from './start/execution-request.ts'
import { ExecutionHandle } from './execution-handle.ts'
import { infoOf } from './records/execution-info.ts'
import type { ExecutionInfo } from './records/execution-info.ts'
import { forkExecution } from './start/fork-execution.ts'
import { BackgroundLoop } from './recovery/scan.ts'

const logicOptionNames = ['headers', 'timeout', 'deadline', 'observers', 'logger']
const startOptionNames = ['id', 'headers', 'timeout', 'deadline', 'signal', 'observers', 'logger']
const startBatchOptionNames = [...startOptionNames, 'shared', 'concurrency', 'onError', 'key']

/** Which executions `list` tells. */
export interface ListQuery {
  readonly status?: ExecutionStatus | readonly ExecutionStatus[] | undefined
  readonly graph?: string | undefined
  /** Created at this time or later. */
  readonly from?: Date | undefined
  /** Created before this time. */
  readonly before?: Date | undefined
  /** How many at most. @default 100 */
  readonly limit?: number | undefined
  /** `next` of the page before. */
  readonly after?: string | undefined
}

/** How a durable batch runs. */
export type StartBatch<G extends AnyGraph, T extends TypedDataType, Shared extends string, Mode extends OnError> = Omit<
  StartBatchOptions,
  'shared' | 'onError' | 'key'
> & {
  /** Leaf inputs (or overrides) given once for all items; the items then leave them out. @default {} */
  readonly shared?: { readonly [Name in Shared]: SharedValue<G, T, Name> }
  /** Whether the first failure ends the batch, or each item has its own outcome. @default 'fail' */
  readonly onError?: Mode
  /** Names an item in the records: what it is found by after a restart. @default its index */
  readonly key?: (item: InputsOf<G, T, Shared>, index: number) => string
}

/** A page of executions, the newest first. */
export interface ExecutionPage {
  readonly executions: readonly ExecutionInfo[]
  /** Asks for the next page; undefined on the last. */
  readonly next: string | undefined
}

const deletePauseMs = 250

/** The durable runtime: executions that survive the process. Made by `createDocket`. */
export class Docket implements AsyncDisposable {
  readonly #runtime: DurableRuntime
  readonly #takeover: BackgroundLoop
  #closing: Promise<void> | undefined

  constructor(options: DocketOptions) {
    this.#runtime = new DurableRuntime(options)
    this.#takeover = new BackgroundLoop(this.#runtime, options.takeOver ?? true)
    this.#takeover.start()
  }

  /**
   * Starts an execution, and returns as soon as it is written down: from then on it runs to its end, here or in another
   * process. An id that is there already, for the same graph, target and inputs: while it runs, the handle is of that
   * execution; when it is completed, its result is there; when it failed or was cancelled, it goes on from its records.
   *
   * @throws (as rejection) InputError, OptionError, GraphError before anything is written; SerializationError for inputs that
   * can't be stored; ExecutionConflictError when the id stands for another target or other inputs; StoreError
   */
  async start<G extends AnyGraph, T extends TypedDataType>(
    graph: G,
    target: TargetOf<G, T>,
    inputs: InputsOf<G, T>,
    options: StartOptions & {
      /** The client on which the caller has begun a transaction: the execution exists if and only if that commits. */
      readonly transaction?: unknown
    } = {},
  ): Promise<ExecutionHandle<ValueOf<T>>> {
    const { transaction, ...startOptions } = options
    checkExecuteOptions('start', startOptions, startOptionNames)
    if (transaction !== undefined && !this.#runtime.connection.store.capabilities.transactions)
      throw new OptionError(`start: the ${this.#runtime.connection.store.name} store has no transactions`)
    const request = this.#runtime.request(graph, target as AnyDataType, inputs, startOptions)
    await this.#runtime.start(request, transaction)
    return new ExecutionHandle(this.#runtime, request.id)
  }

  /**
   * Starts an execution and waits for its value. One that persists nothing and has no `id` is not written down: nobody could ask for it.
   * @throws (as rejection) what `start` throws, and what the execution fails with
   */
  execute<G extends AnyGraph, T extends TypedDataType>(
    graph: G,
    target: TargetOf<G, T>,
    inputs: InputsOf<G, T>,
    options?: StartOptions,
  ): Promise<ValueOf<T>> {
    // What is thrown inside rejects the promise.
    return new Promise((resolve, reject) => {
      const runtime = this.#runtime
      runtime.requireOpen()
      if (options?.id === undefined) {
        runtime.requireGraph(graph)
        if (options !== undefined) checkExecuteOptions('execute', options, startOptionNames)
        const { plan, leafValues } = givenInputs(graph, target as AnyDataType, inputs)
        if (runtime.unwritten.has(plan)) {
          const { shared, persistOf } = runtime.setup
          const onCompleted = resolve as (value: unknown) => void
          const resolved = runtime.unwritten.optionsOf(plan, options)
          const setup = { plan, options: resolved, cache: undefined, shared, persistOf, onCompleted, onFailed: reject }
          new Execution(setup).start(leafValues)
          return
        }
      }
      this.start(graph, target, inputs, options)
        .then((handle) => handle.result())
        .then(resolve, reject)
    })
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
    Mode extends OnError = 'fail',
  >(
    graph: G,
    target: TargetOf<G, T>,
    items: readonly InputsOf<G, T, Shared>[],
    options: StartBatch<G, T, Shared, Mode> = {},
  ): Promise<ExecutionHandle<Collected<Mode, ValueOf<T>>[]>> {
    checkExecuteOptions('startBatch', options, startBatchOptionNames)
    const batchOptions = options as StartBatchOptions
    const request = await batchRequest(this.#runtime, graph, target as AnyDataType, items, batchOptions)
    await this.#runtime.start(request)
    return new ExecutionHandle(this.#runtime, request.id)
  }

  /**
   * Durable actor logic, for `createActor` and for machines that invoke it: the actor is an execution that is written down before it
   * begins. Stopping the actor cancels it.
   * @throws OptionError, GraphError
   */
  logic<G extends AnyGraph, T extends TypedDataType>(
    graph: G,
    target: TargetOf<G, T>,
    options: Omit<StartOptions, 'id' | 'signal'> & {
      /** Names the execution, by its input: an actor with the same id goes on with the same execution. @default a random UUID */
      readonly id?: string | ((input: InputsOf<G, T>) => string)
    } = {},
  ): GraphLogic<InputsOf<G, T>, ValueOf<T>> {
    const { id, ...rest } = options
    checkExecuteOptions('logic', rest, logicOptionNames)
    if (id !== undefined && typeof id !== 'function' && (typeof id !== 'string' || id === ''))
      throw new OptionError(
        `logic: id must be a text that is not empty or a function of the input, not ${describe(id)}`,
      )
    this.#runtime.requireGraph(graph)
    const idOf = typeof id === 'function' ? (id as (input: unknown) => string) : () => id
    return durableLogic(this.#runtime, graph, target as AnyDataType, idOf, rest) as unknown as GraphLogic<
      InputsOf<G, T>,
      ValueOf<T>
    >
  }

  /** The execution of an id; undefined where there is none. @throws (as rejection) StoreError */
  async get(id: string): Promise<ExecutionHandle<unknown> | undefined> {
    await this.#runtime.connection.ready()
    const [record] = await this.#runtime.connection.store.get([id])
    return record === undefined ? undefined : new ExecutionHandle(this.#runtime, id)
  }

  /** Executions, the newest first, a page at a time. One whose record can't be read is told with the reason in `incompatible`. */
  async list(query: ListQuery = {}): Promise<ExecutionPage> {
    checkListQuery(query)
    const { status, graph, from, before, limit = 100, after } = query
    const { connection, incompatible } = this.#runtime
    await connection.ready()
    const records = await connection.store.list({
      statuses: status === undefined || typeof status !== 'string' ? status : [status as ExecutionStatus],
      graph,
      createdFrom: from?.getTime(),
      createdBefore: before?.getTime(),
      after: after === undefined ? undefined : placeOf(after),
      // One more than asked for tells whether there is another page.
      limit: limit + 1,
    })
    const page = records.slice(0, limit)
    const executions = await Promise.all(
      page.map((record) => infoOf(record, connection.encoding, incompatible.toldOf(record))),
    )
    const last = page.at(-1)
    const next = last === undefined || records.length === page.length ? undefined : `${last.createdAt}:${last.id}`
    return { executions, next }
  }

  /** Looks for executions that nobody runs, now rather than in a moment; tells how many went on here. */
  async resume(): Promise<number> {
    this.#runtime.requireOpen()
    return this.#takeover.scan()
  }

  /** Goes on with an execution that failed or was cancelled: finished steps stay finished, the failed ones are tried again. */
  async retry(id: string): Promise<ExecutionHandle<unknown>> {
    await this.#runtime.connection.ready()
    const [record] = await this.#runtime.connection.store.get([id])
    if (record === undefined) throw noSuch(id)
    if (!isTerminal(record.status) || record.status === 'completed')
      throw new ExecutionConflictError(
        `execution "${id}" is ${record.status}: only one that failed or was cancelled can be retried`,
        { executionId: id },
      )
    await this.#runtime.reopen(id)
    return new ExecutionHandle(this.#runtime, id)
  }

  /**
   * Starts a new execution with what another one has: the same target and inputs, and the results of all persisted steps but
   * `from` and what depends on it.
   */
  async fork(id: string, options: { readonly from: string; readonly id?: string }): Promise<ExecutionHandle<unknown>> {
    checkFork(options)
    const newId = await forkExecution(this.#runtime, id, options)
    return new ExecutionHandle(this.#runtime, newId)
  }

  /** Ends an execution wherever it runs. @throws (as rejection) ExecutionConflictError where there is none */
  async cancel(id: string, reason?: unknown): Promise<void> {
    await new ExecutionHandle(this.#runtime, id).cancel(reason)
  }

  /** Deletes an execution with all its records; one that runs is cancelled first. False where there is none. */
  async delete(id: string): Promise<boolean> {
    await this.#runtime.connection.ready()
    if (this.#runtime.live.has(id)) await new ExecutionHandle(this.#runtime, id).cancel()
    if (await this.#runtime.deleteUnowned(id)) return true
    if (!(await this.#runtime.post(id, 'delete'))) return false
    // Its owner does it in a moment; should it die or be done meanwhile, this process does.
    for (;;) {
      await new Promise<void>((resolve) => void this.#runtime.clock.setTimeout(resolve, deletePauseMs))
      this.#runtime.requireOpen()
      const [record] = await this.#runtime.connection.store.get([id])
      if (record === undefined || (await this.#runtime.deleteUnowned(id))) return true
    }
  }

  /** Deletes executions that ended before a while ago, and results that have expired; tells how many executions. */
  async purge(options: {
    readonly olderThan: Duration
    /** @default completed, failed and cancelled ones */
    readonly status?: 'completed' | 'failed' | 'cancelled' | readonly ('completed' | 'failed' | 'cancelled')[]
  }): Promise<number> {
    checkPurge(options)
    const ended = options.status ?? endStatuses
    const { connection, clock } = this.#runtime
    await connection.ready()
    const filter = {
      statuses: typeof ended === 'string' ? [ended] : ended,
      endedBefore: clock.now() - durationMs(options.olderThan)!,
      limit: 1_000,
    }
    let total = 0
    for (;;) {
      const purged = await connection.store.purge(filter)
      total += purged
      if (purged < filter.limit) break
    }
    while ((await connection.store.purgeResults(1_000)) === 1_000);
    return total
  }

  /**
   * Stops taking work, lets running steps end for up to `deadline`, hands what is left over to other processes, and closes the
   * store (not a client that was given to it).
   */
  async close(options: { /** @default '10s' */ readonly deadline?: Duration } = {}): Promise<void> {
    checkClose(options)
    await (this.#closing ??= this.#close(durationMs(options.deadline ?? '10s')!))
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #close(deadlineMs: number): Promise<void> {
    const { clock, live, connection } = this.#runtime
    this.#runtime.isClosing = true
    await this.#takeover.stop()
    for (const one of live.values()) one.pause()
    const until = clock.now() + deadlineMs
    while ([...live.values()].some((one) => !one.isQuiet) && clock.now() < until)
      await new Promise<void>((resolve) => void clock.setTimeout(resolve, 10))
    const handedOver = Promise.all([...live.values()].map((one) => one.handOver().catch(() => {})))
    await new Promise<void>((resolve) => {
      // If the store stays away for a lease, the executions are free without being handed over.
      const timer = clock.setTimeout(resolve, connection.session.leaseMs)
      void handedOver.then(() => {
        clock.clearTimeout(timer)
        resolve()
      })
    })
    await connection.close()
  }
}

/**
 * Makes the durable runtime: it keeps executions in the store, goes on with those whose process died, and runs until `close()`.
 *
 * @example
 * await using docket = createDocket({ graphs: [orders], store: sqliteStore('orders.db') })
 * const order = await docket.start(orders, Receipt, { Order: { id: 'o-1' } }, { id: 'order:o-1' })
 * const receipt = await order.result()
 * @throws OptionError telling all problems
 */
export function createDocket(options: DocketOptions): Docket {
  checkDocketOptions(options)
  return new Docket(options)
}

function placeOf(after: string): { readonly createdAt: number; readonly id: string } {
  const colon = after.indexOf(':')
  return { createdAt: Number(after.slice(0, colon)), id: after.slice(colon + 1) }
}

function noSuch(id: string): ExecutionConflictError {
  return new ExecutionConflictError(`there is no execution "${id}": it was deleted, or never started`, {
    executionId: id,
  })
}
