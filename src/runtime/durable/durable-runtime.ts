import type { AnyDataType } from '../../core/data-type.ts'
import { durationMs } from '../../core/duration.ts'
import type { ExecutionCancelledError } from '../../core/errors.ts'
import { LeaseLostError, OptionError } from '../../core/errors.ts'
import type { AnyGraph } from '../../core/graph-index.ts'
import { requireIndex } from '../../core/plan.ts'
import type { Plan } from '../../core/plan.ts'
import { isTerminal } from '../../core/statuses.ts'
import type { ExecutionRecord, StepRecord } from '../../core/store.ts'
import { createValueEncoding } from '../../core/value-encoding.ts'
import { fullClockOf } from '../clock.ts'
import type { FullClock } from '../clock.ts'
import { askedOf } from '../execution-memory.ts'
import { randomId, resolveOptions } from '../execution-setup.ts'
import type { ExecutionSetup, ResolvedOptions } from '../execution-setup.ts'
import { givenInputs } from '../leaf-values.ts'
import type { DocketOptions } from './docket-options.ts'
import { checkedLeaves, newRecordOf, requireSame } from './execution-request.ts'
import type { StartOptions, StartRequest } from './execution-request.ts'
import { persistDefault } from './persist-default.ts'
import { Resumption } from './resumption.ts'
import { executionOf } from './revive-execution.ts'
import { StoreConnection } from './store-connection.ts'
import { StoreResults } from './store-results.ts'
import type { Live } from './tenure.ts'

const patienceMs = 30_000

/** The executions of one docket: how they begin, go on and are found. */
export class DurableRuntime {
  readonly connection: StoreConnection
  readonly clock: FullClock
  readonly graphs: ReadonlyMap<string, AnyGraph>
  readonly live = new Map<string, Live>()
  /** Executions whose records don't fit this process's graphs, and why. */
  readonly incompatible = new Map<string, readonly string[]>()
  readonly setup: Pick<ExecutionSetup, 'shared' | 'persistOf'>
  readonly resumption: Resumption
  readonly options: DocketOptions
  isClosing = false

  constructor(options: DocketOptions) {
    const { store, codecs, maxValueBytes, random } = options
    this.options = options
    this.clock = fullClockOf(options.clock)
    this.graphs = new Map(options.graphs.map((graph) => [graph.name, graph]))
    this.connection = new StoreConnection({
      store,
      clock: this.clock,
      encoding: createValueEncoding({ format: store.format, codecs, maxBytes: maxValueBytes }),
      leaseMs: durationMs(options.lease ?? 5_000)!,
      name: options.name ?? 'docket',
      randomId: () => randomId(random),
      onLost: () => this.#loseAll(),
      onBlocked: (durationMs) => this.#tellBlocked(durationMs),
    })
    this.resumption = new Resumption(this)
    this.setup = { shared: new StoreResults(this.connection), persistOf: persistDefault(options) }
  }

  /** Prepares an execution. @throws GraphError, InputError, OptionError, SerializationError */
  request(graph: AnyGraph, target: AnyDataType, inputs: unknown, options: StartOptions): StartRequest {
    this.requireGraph(graph)
    const given = givenInputs(graph, target, inputs)
    const { encoding } = this.connection
    const asked = encoding.resultKey(askedOf(given.plan, given.leafValues))
    const id = options.id ?? randomId(this.options.random)
    const startOptions = { ...options, id }
    let leafValues: readonly unknown[]
    return {
      id,
      graph: graph.name,
      target: target.name,
      asked,
      newRecord: async (owner) => {
        const request = { graph, target, given, asked, options: startOptions }
        leafValues = await checkedLeaves(request)
        return newRecordOf(request, leafValues, owner, encoding, this.clock.now())
      },
      begin: async (created) => {
        const record = { ...created, epoch: 1, ownedMs: 0, recoveries: 0, startedAt: undefined }
        const entering = { plan: given.plan, leafValues }
        this.enter(
          executionOf(this, { given: entering, input: inputs, asked, startOptions, record, restored: undefined }),
        )
      },
    }
  }

  requireGraph(graph: AnyGraph): void {
    requireIndex(graph)
    if (this.graphs.get(graph.name) === graph) return
    const known = [...this.graphs.keys()].join(', ')
    throw new OptionError(
      this.graphs.has(graph.name)
        ? `this docket has another graph named "${graph.name}"; give createDocket the one that executions are started of`
        : `this docket does not know graph "${graph.name}"; give it to createDocket({ graphs }), which has: ${known}`,
    )
  }

  /** Makes an execution exist, here or wherever it is already; it runs here only if nobody else runs it. */
  async start(request: StartRequest, transaction?: unknown): Promise<void> {
    if (this.isClosing) throw new OptionError('this docket is closed; make another one')
    const known = this.live.get(request.id)
    if (known !== undefined) {
      requireSame(request, known)
      if (!known.hasEnded) return
    }
    await this.connection.ready()
    const owner = transaction === undefined ? this.connection.session.owner : undefined
    const created = await request.newRecord(owner)
    if (owner === undefined) {
      const [existing] = await this.connection.store.create([created], transaction)
      if (existing !== undefined) requireSame(request, existing)
      return
    }
    const existing = await this.connection.creations.add(created, this.clock.now() + patienceMs)
    if (existing === undefined) await request.begin(created)
    else await this.#meet(request, existing)
  }

  /** Goes on with an execution that failed or was cancelled. */
  async reopen(record: ExecutionRecord): Promise<void> {
    const { id } = record
    // What still runs of its last life would be run twice.
    await this.live.get(id)?.gone
    await this.connection.ready()
    const { owner } = this.connection.session
    const [acquired] = await this.connection.store.acquire({ owner, ids: [id], andEnded: true, andOwn: true, limit: 1 })
    if (acquired !== undefined) await this.resumption.resumeOne(acquired, 'end')
    else if (!this.live.has(id)) await this.post(id, 'retry')
  }

  /** Leaves a message for an execution's owner. False where there is no such execution. */
  async post(execution: string, kind: 'cancel' | 'retry' | 'delete'): Promise<boolean> {
    const [exists] = await this.connection.store.post([{ execution, kind, payload: undefined, at: this.clock.now() }])
    return exists!
  }

  optionsOf(plan: Plan, options: StartOptions & { readonly id: string }): ResolvedOptions & { readonly id: string } {
    const { observers = [], logger, random } = this.options
    const resolved = resolveOptions(
      plan.index,
      plan.target.name,
      {
        ...options,
        random,
        logger: options.logger ?? logger,
        observers: [...observers, ...(options.observers ?? [])],
      },
      this.clock,
    )
    return { ...resolved, id: options.id }
  }

  async #meet(request: StartRequest, existing: ExecutionRecord): Promise<void> {
    requireSame(request, existing)
    const { id, status, owner } = existing
    if (status === 'completed') return
    const live = this.live.get(id)
    if (live !== undefined && !live.hasEnded) return
    if (isTerminal(status)) {
      await this.reopen(existing)
      return
    }
    const self = this.connection.session.owner
    const ids = [id]
    const acquired = await this.connection.store.acquire({ owner: self, ids, andOwn: owner === self, limit: 1 })
    if (acquired.length > 0) await this.resumption.resumeOne(acquired[0]!, acquired[0]!.wasLost ? 'death' : 'release')
  }

  /** Lets an execution or a batch live here. */
  enter(live: Live & { start(): void }): void {
    this.live.set(live.id, live)
    live.start()
  }

  /** Nothing of it is left here. */
  leave(live: Live): void {
    if (this.live.get(live.id) === live) this.live.delete(live.id)
  }

  /** Ends an execution that nobody runs. False if somebody does. */
  async cancelUnowned(id: string, error: ExecutionCancelledError): Promise<boolean> {
    await this.connection.ready()
    const { owner } = this.connection.session
    const [acquired] = await this.connection.store.acquire({ owner, ids: [id], limit: 1 })
    if (acquired === undefined) return false
    await this.end(acquired.execution, 'cancelled', error)
    return true
  }

  /** Ends an execution that this process owns but does not run. */
  async end(record: ExecutionRecord, status: 'failed' | 'cancelled', error: Error): Promise<void> {
    const stored = await this.connection.encoding.encodeError(error, ['execution', record.id, 'error'])
    await this.change(record, { status, error: stored, endedAt: this.clock.now(), isReleased: true })
  }

  /** Deletes an execution that nobody runs. False if somebody does. */
  async deleteUnowned(id: string): Promise<boolean> {
    await this.connection.ready()
    const { owner } = this.connection.session
    const [acquired] = await this.connection.store.acquire({ owner, ids: [id], andEnded: true, andOwn: true, limit: 1 })
    if (acquired === undefined) return false
    const { epoch } = acquired.execution
    await this.connection.store.delete([{ id, owner, epoch }])
    return true
  }

  /** Writes what changes of an execution that this process owns but does not run. @throws LeaseLostError */
  async change(
    { id, owner, epoch }: ExecutionRecord,
    head: Parameters<StoreConnection['commits']['add']>[0]['head'],
    consumed?: number,
  ): Promise<void> {
    const at = this.clock.now()
    const commit = { id, owner: owner!, epoch, at, steps: [], head, consumed }
    if (!(await this.connection.commits.add(commit, at + patienceMs)))
      throw new LeaseLostError(`execution "${id}" is not this process's any more`, { executionId: id })
  }

  /** All step records of some executions. */
  async readSteps(ids: readonly string[]): Promise<ReadonlyMap<string, readonly StepRecord[]>> {
    const byExecution = new Map<string, StepRecord[]>()
    let next: string | undefined
    do {
      const page = await this.connection.store.readSteps(ids, next)
      for (const step of page.steps) {
        const known = byExecution.get(step.execution)
        if (known === undefined) byExecution.set(step.execution, [step])
        else known.push(step)
      }
      ;({ next } = page)
    } while (next !== undefined)
    return byExecution
  }

  #loseAll(): void {
    for (const live of this.live.values()) live.lose()
  }

  #tellBlocked(durationMs: number): void {
    const at = this.clock.now()
    for (const { emitter, suspect } of this.live.values())
      emitter?.durable(at, { type: 'loop.blocked', durationMs, suspect })
  }
}
