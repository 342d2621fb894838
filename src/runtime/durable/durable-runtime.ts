import type { AnyDataType } from '../../core/data-type.ts'
import { durationMs } from '../../core/duration.ts'
import type { ExecutionCancelledError } from '../../core/errors.ts'
import { ExecutionConflictError, LeaseLostError, OptionError, StoreError } from '../../core/errors.ts'
import type { AnyGraph } from '../../core/graph-index.ts'
import { requireIndex } from '../../core/plan.ts'
import type { Plan } from '../../core/plan.ts'
import { isTerminal } from '../../core/statuses.ts'
import type { AcquiredExecution, ExecutionRecord, NewExecution, StepRecord } from '../../core/store.ts'
import { createValueEncoding } from '../../core/value-encoding.ts'
import { fullClockOf } from '../clock.ts'
import type { FullClock } from '../clock.ts'
import { Emitter } from '../emitter.ts'
import { askedOf } from '../execution-memory.ts'
import { randomId, resolveOptions } from '../execution-setup.ts'
import type { ExecutionSetup, ResolvedOptions } from '../execution-setup.ts'
import { givenInputs } from '../leaf-values.ts'
import type { GivenInputs } from '../leaf-values.ts'
import type { DocketOptions } from './docket-options.ts'
import { checkedLeaves, newRecordOf, requireSame } from './execution-request.ts'
import type { ExecutionRequest, StartOptions } from './execution-request.ts'
import { graphHashOf } from './graph-hash.ts'
import { LiveExecution } from './live-execution.ts'
import { migrateRecords } from './migrate-records.ts'
import { persistDefault } from './persist-default.ts'
import { restoreExecution } from './restored-execution.ts'
import type { RestoredExecution, ResumeCause } from './restored-execution.ts'
import { StoreConnection } from './store-connection.ts'
import { StoreResults } from './store-results.ts'

const patienceMs = 30_000
const maxIncompatible = 1_000

/** The executions of one docket: how they begin, go on and are found. */
export class DurableRuntime {
  readonly connection: StoreConnection
  readonly clock: FullClock
  readonly graphs: ReadonlyMap<string, AnyGraph>
  readonly live = new Map<string, LiveExecution>()
  /** Executions whose records don't fit this process's graphs, and why. */
  readonly incompatible = new Map<string, readonly string[]>()
  readonly setup: Pick<ExecutionSetup, 'shared' | 'persistOf'>
  readonly #options: DocketOptions
  readonly #maxRecoveries: number
  isClosing = false

  constructor(options: DocketOptions) {
    const { store, codecs, maxValueBytes, random } = options
    this.#options = options
    this.clock = fullClockOf(options.clock)
    this.graphs = new Map(options.graphs.map((graph) => [graph.name, graph]))
    this.#maxRecoveries = options.maxRecoveries ?? 10
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
    this.setup = { shared: new StoreResults(this.connection), persistOf: persistDefault(options) }
  }

  /** Refuses what can't be durable. @throws GraphError, InputError, OptionError, SerializationError */
  async request(
    graph: AnyGraph,
    target: AnyDataType,
    inputs: unknown,
    options: StartOptions,
  ): Promise<ExecutionRequest> {
    if (this.isClosing) throw new OptionError('this docket is closed; make another one')
    this.requireGraph(graph)
    const given = givenInputs(graph, target, inputs)
    const asked = this.connection.encoding.resultKey(askedOf(given.plan, given.leafValues))
    const id = options.id ?? randomId(this.#options.random)
    return { graph, target, given, inputs, asked, options: { ...options, id } }
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
  async start(request: ExecutionRequest, transaction?: unknown): Promise<void> {
    const { id } = request.options
    const known = this.live.get(id)
    if (known !== undefined) {
      requireSame(request, known)
      if (!known.hasEnded) return
    }
    const values = await checkedLeaves(request)
    await this.connection.ready()
    const { encoding, session } = this.connection
    const owner = transaction === undefined ? session.owner : undefined
    const created = await newRecordOf(request, values, owner, encoding, this.clock.now())
    if (owner === undefined) {
      const [existing] = await this.connection.store.create([created], transaction)
      if (existing !== undefined) requireSame(request, existing)
      return
    }
    const existing = await this.connection.creations.add(created, this.clock.now() + patienceMs)
    if (existing !== undefined) {
      await this.#meet(request, existing)
      return
    }
    this.#enter({
      given: { plan: request.given.plan, leafValues: values },
      input: request.inputs,
      asked: request.asked,
      startOptions: request.options,
      record: { ...created, epoch: 1, ownedMs: 0, recoveries: 0, startedAt: undefined },
      restored: undefined,
    })
  }

  /** Goes on with an execution that failed or was cancelled. */
  async reopen(record: ExecutionRecord): Promise<void> {
    const { id } = record
    // What still runs of its last life would be run twice.
    await this.live.get(id)?.gone
    await this.connection.ready()
    const { owner } = this.connection.session
    const [acquired] = await this.connection.store.acquire({ owner, ids: [id], andEnded: true, andOwn: true, limit: 1 })
    if (acquired !== undefined) await this.#resumeOne(acquired, 'end')
    else if (!this.live.has(id)) await this.post(id, 'retry')
  }

  /** Takes over executions that were acquired. Gives those that run here now. */
  async resume(acquired: readonly AcquiredExecution[]): Promise<readonly string[]> {
    const steps = await this.#readSteps(acquired.map(({ execution }) => execution.id))
    const resumed: string[] = []
    for (const { execution, wasLost } of acquired) {
      const cause = wasLost ? 'death' : 'release'
      if (await this.#resumeWith(execution, steps.get(execution.id) ?? [], cause)) resumed.push(execution.id)
    }
    return resumed
  }

  /** Leaves a message for an execution's owner. False where there is no such execution. */
  async post(execution: string, kind: 'cancel' | 'retry' | 'delete'): Promise<boolean> {
    const [exists] = await this.connection.store.post([{ execution, kind, payload: undefined, at: this.clock.now() }])
    return exists!
  }

  /** All step records of some executions. */
  readSteps(ids: readonly string[]): Promise<ReadonlyMap<string, readonly StepRecord[]>> {
    return this.#readSteps(ids)
  }

  optionsOf(plan: Plan, options: StartOptions & { readonly id: string }): ResolvedOptions & { readonly id: string } {
    const { observers = [], logger, random } = this.#options
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

  async #meet(request: ExecutionRequest, existing: ExecutionRecord): Promise<void> {
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
    if (acquired.length > 0) await this.#resumeOne(acquired[0]!, acquired[0]!.wasLost ? 'death' : 'release')
  }

  async #resumeOne(acquired: AcquiredExecution, cause: ResumeCause): Promise<void> {
    const { id, graph } = acquired.execution
    const steps = await this.#readSteps([id])
    if (await this.#resumeWith(acquired.execution, steps.get(id) ?? [], cause)) return
    const reasons = this.incompatible.get(id) ?? ['it is not known here']
    throw new ExecutionConflictError(`execution "${id}" can't go on in this process: ${reasons.join('; ')}`, {
      graph,
      executionId: id,
    })
  }

  /** Goes on with an execution that this process owns now; false if its records don't fit. */
  async #resumeWith(record: ExecutionRecord, steps: readonly StepRecord[], cause: ResumeCause): Promise<boolean> {
    const graph = this.graphs.get(record.graph)
    const restored = graph === undefined ? undefined : await this.#restore(record, steps, graph, cause)
    if (restored === undefined) {
      await this.#change(record, { isReleased: true })
      return false
    }
    if (cause === 'end') await this.#reopened(record)
    const isHopeless = cause === 'death' && record.recoveries > this.#maxRecoveries
    if (isHopeless) {
      await this.#giveUp(record)
      return true
    }
    this.incompatible.delete(record.id)
    const { plan, leafValues, inputs, persisted } = restored
    const live = this.#enter({
      given: { plan, leafValues },
      input: inputs,
      asked: record.asked,
      startOptions: { id: record.id, headers: record.headers, timeout: record.timeoutMs },
      record: cause === 'end' ? { ...record, ownedMs: 0, startedAt: this.clock.now() } : record,
      restored,
    })
    const found = [...persisted.steps.values()].filter(({ endedAt }) => endedAt !== undefined).length
    const target = live.target
    live.execution.emitter?.durable(this.clock.now(), {
      type: 'execution.resumed',
      target,
      after: cause,
      restored: found,
    })
    return true
  }

  #enter(parts: {
    readonly given: GivenInputs
    readonly input: unknown
    readonly asked: string
    readonly startOptions: StartOptions & { readonly id: string }
    readonly record: Pick<NewExecution, 'id' | 'owner' | 'timeoutMs'> &
      Pick<ExecutionRecord, 'epoch' | 'ownedMs' | 'recoveries' | 'startedAt'>
    readonly restored: RestoredExecution | undefined
  }): LiveExecution {
    const { given, input, asked, startOptions, record, restored } = parts
    const options = this.optionsOf(given.plan, startOptions)
    const { timeoutMs } = options
    const left = timeoutMs === undefined ? undefined : Math.max(1, timeoutMs - record.ownedMs)
    const live = new LiveExecution({
      connection: this.connection,
      given,
      input,
      asked,
      options: { ...options, timeoutMs: left },
      setup: this.setup,
      holding: {
        id: record.id,
        owner: record.owner!,
        epoch: record.epoch,
        ownedMs: record.ownedMs,
        recoveries: record.recoveries,
        timeoutMs,
        inputHashes: restored?.inputHashes ?? new Map(),
      },
      startedAt: record.startedAt,
      restored,
      onGone: (gone) => {
        if (this.live.get(gone.id) === gone) this.live.delete(gone.id)
      },
    })
    this.live.set(record.id, live)
    live.start()
    return live
  }

  async #restore(
    record: ExecutionRecord,
    steps: readonly StepRecord[],
    graph: AnyGraph,
    cause: ResumeCause,
  ): Promise<RestoredExecution | undefined> {
    const { encoding } = this.connection
    let reasons: readonly string[]
    try {
      const index = requireIndex(graph)
      const hook = this.#options.migrate?.[graph.name]
      const hash = graphHashOf(index)
      const migrated =
        hook === undefined || hash === record.graphHash
          ? { execution: record, steps }
          : ((await migrateRecords(hook, record, steps, encoding)) ?? { execution: record, steps })
      const restored = await restoreExecution(migrated.execution, migrated.steps, graph, encoding, cause)
      if (!('reasons' in restored)) return restored
      reasons = restored.reasons
    } catch (error) {
      if (error instanceof StoreError) throw error
      reasons = [error instanceof Error ? error.message : String(error)]
    }
    if (this.incompatible.size >= maxIncompatible) this.incompatible.delete(this.incompatible.keys().next().value!)
    this.incompatible.set(record.id, reasons)
    const observers = [...graph.observers, ...(this.#options.observers ?? [])]
    if (observers.length > 0)
      new Emitter(record.id, graph.name, record.target, observers).durable(this.clock.now(), {
        type: 'execution.incompatible',
        reasons,
      })
    return undefined
  }

  /** An execution that had ended begins again; what was said to its last life is not meant for this one. */
  async #reopened(record: ExecutionRecord): Promise<void> {
    const mail = await this.connection.store.readMail(record.owner!, 1_000)
    const old = mail.filter(({ execution }) => execution === record.id).map(({ seq }) => seq)
    const now = this.clock.now()
    const head = {
      status: 'running',
      error: undefined,
      endedAt: undefined,
      startedAt: now,
      ownedMs: 0,
      recoveries: 0,
    } as const
    await this.#change(record, head, old.length === 0 ? undefined : Math.max(...old))
  }

  async #giveUp(record: ExecutionRecord): Promise<void> {
    const { id, graph, recoveries } = record
    const error = new LeaseLostError(
      `execution "${id}" was given up: ${recoveries} processes that ran it died one after another without completing a step (maxRecoveries is ${this.#maxRecoveries})`,
      { graph, executionId: id },
    )
    await this.#end(record, 'failed', error)
  }

  /** Ends an execution that nobody runs. False if somebody does. */
  async cancelUnowned(id: string, error: ExecutionCancelledError): Promise<boolean> {
    await this.connection.ready()
    const { owner } = this.connection.session
    const [acquired] = await this.connection.store.acquire({ owner, ids: [id], limit: 1 })
    if (acquired === undefined) return false
    await this.#end(acquired.execution, 'cancelled', error)
    return true
  }

  async #end(record: ExecutionRecord, status: 'failed' | 'cancelled', error: Error): Promise<void> {
    const stored = await this.connection.encoding.encodeError(error, ['execution', record.id, 'error'])
    await this.#change(record, { status, error: stored, endedAt: this.clock.now(), isReleased: true })
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

  async #change(
    { id, owner, epoch }: ExecutionRecord,
    head: Parameters<StoreConnection['commits']['add']>[0]['head'],
    consumed?: number,
  ): Promise<void> {
    const at = this.clock.now()
    const commit = { id, owner: owner!, epoch, at, steps: [], head, consumed }
    if (!(await this.connection.commits.add(commit, at + patienceMs)))
      throw new LeaseLostError(`execution "${id}" is not this process's any more`, { executionId: id })
  }

  async #readSteps(ids: readonly string[]): Promise<ReadonlyMap<string, StepRecord[]>> {
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
    for (const { execution } of this.live.values()) {
      const running = execution.runs.filter((run) => run?.current !== undefined)
      const suspect = running.toSorted((one, other) => other!.attemptStartedAt - one!.attemptStartedAt)[0]?.step
      execution.emitter?.durable(this.clock.now(), { type: 'loop.blocked', durationMs, suspect })
    }
  }
}
