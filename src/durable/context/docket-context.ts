import type { AnyDataType } from '../../core/language/data-type.ts'
import { durationMs } from '../../core/duration.ts'
import type { ExecutionCancelledError } from '../../core/errors.ts'
import { ExecutionConflictError, LeaseLostError, OptionError, StoreError } from '../../core/errors.ts'
import type { AnyGraph } from '../../core/graph/graph-index.ts'
import { requireIndex } from '../../core/graph/plan.ts'
import type { Plan } from '../../core/graph/plan.ts'
import { isTerminal } from '../../core/contracts/statuses.ts'
import type { AcquiredExecution, ExecutionRecord, StepRecord, Store } from '../../core/contracts/store.ts'
import { createValueEncoding } from '../../core/values/value-encoding.ts'
import { fullClockOf } from '../../runtime/environment/clock.ts'
import type { FullClock } from '../../runtime/environment/clock.ts'
import { askedOf } from '../../runtime/results/execution-memory.ts'
import { randomId, resolveOptions, timeOrderedId } from '../../runtime/execution/execution-setup.ts'
import type { ExecutionSetup, ResolvedOptions } from '../../runtime/execution/execution-setup.ts'
import { givenInputs } from '../../runtime/inputs/given-inputs.ts'
import { ShortLivedMap } from '../../runtime/collections/short-lived-map.ts'
import { ExecutionTurns } from './execution-turns.ts'
import type { DocketOptions } from './docket-options.ts'
import { checkedLeaves, newRecordOf, requireSame, callerOptionsOf } from '../start/execution-request.ts'
import type { StartOptions, StartRequest, CallerOptions } from '../start/execution-request.ts'
import { droppedType } from '../records/migrate-records.ts'
import { IncompatibleExecutions } from './incompatible-executions.ts'
import { ownStoresOf } from './own-stores.ts'
import { patienceMs } from '../../runtime/store-access/store-patience.ts'
import { persistDefault } from './persist-default.ts'
import { Resumption } from '../recovery/resume.ts'
import { itemsOfBatch } from '../records/restore-batch.ts'
import { readInputs } from '../records/restore-execution.ts'
import { executionOf } from '../recovery/execution-from-records.ts'
import { StoreConnection } from '../../runtime/store-access/store-connection.ts'
import { StoreResults } from '../../runtime/results/store-results.ts'
import type { Live } from '../ownership/ownership.ts'
import { EphemeralExecutions } from '../start/ephemeral-executions.ts'

const reopenPauseMs = 100
const looksPerRequest = 50

/** The executions of one docket: how they begin, go on and are found. */
export class DurableRuntime {
  readonly connection: StoreConnection
  readonly clock: FullClock
  readonly graphs: ReadonlyMap<string, AnyGraph>
  readonly live = new ShortLivedMap<Live>()
  readonly arrivals: ExecutionTurns
  readonly incompatible: IncompatibleExecutions
  readonly setup: Pick<ExecutionSetup, 'shared' | 'persistOf'>
  readonly resumption: Resumption
  /** Stores that steps have of their own. */
  readonly ownStores: ReadonlySet<Store>
  readonly unwritten: EphemeralExecutions = new EphemeralExecutions(this)
  readonly options: DocketOptions
  isClosing = false
  /** The scan's last look for executions that nobody runs. */
  acquiring: Promise<unknown> | undefined

  constructor(options: DocketOptions) {
    const { store, codecs, maxValueBytes, random } = options
    this.options = options
    this.clock = fullClockOf(options.clock)
    this.arrivals = new ExecutionTurns(this.clock)
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
    this.ownStores = ownStoresOf(options)
    this.incompatible = new IncompatibleExecutions(this.clock)
    this.resumption = new Resumption(this)
    this.setup = { shared: new StoreResults(this.connection), persistOf: persistDefault(options) }
  }

  /** Prepares an execution. @throws GraphError, InputError, OptionError, SerializationError */
  request(graph: AnyGraph, target: AnyDataType, inputs: unknown, options: StartOptions): StartRequest {
    this.requireGraph(graph)
    const given = givenInputs(graph, target, inputs)
    const { encoding } = this.connection
    const asked = encoding.resultKey(askedOf(given.plan, given.leafValues))
    const id = options.id ?? this.newId()
    const startOptions = { ...options, id }
    let leafValues: readonly unknown[]
    return {
      id,
      graph: graph.name,
      target: target.name,
      asked,
      watch: callerOptionsOf(startOptions),
      newRecord: async (owner) => {
        const request = { graph, target, given, asked, options: startOptions }
        leafValues = await checkedLeaves(request)
        return newRecordOf(request, leafValues, owner, encoding, this.clock.now())
      },
      begin: async (created) => {
        const record = { ...created, epoch: 1, ownedMs: 0, recoveries: 0 }
        const entering = { plan: given.plan, leafValues }
        this.enter(
          executionOf(this, { given: entering, input: inputs, asked, startOptions, record, restored: undefined }),
        )
      },
    }
  }

  newId(): string {
    return timeOrderedId(this.clock.now(), this.options.random)
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

  /** @throws OptionError once it is about to close */
  requireOpen(): void {
    if (this.isClosing) throw new OptionError('this docket is closed; make another one')
  }

  /** Makes an execution exist, here or wherever it is already; it runs here only if nobody else runs it. */
  async start(request: StartRequest, transaction?: unknown): Promise<void> {
    this.requireOpen()
    if (transaction === undefined) {
      try {
        const asked = await this.arrivals.inTurn(request.id, () => this.#start(request))
        await this.#begunAgain(asked, request.watch)
        if (request.watch.batch !== undefined) await this.#untilWritten(request)
      } catch (error) {
        throw this.isClosing && error instanceof StoreError ? closedTooEarly(request.id, error) : error
      }
      return
    }
    await this.connection.opened()
    const [existing] = await this.connection.store.create([await request.newRecord(undefined)], transaction)
    if (existing === undefined) return
    requireSame(request, existing)
    if (isTerminal(existing.status) && existing.status !== 'completed')
      throw new ExecutionConflictError(
        `execution "${request.id}" is ${existing.status}; within a transaction it can't go on: retry it, or start it outside`,
        { executionId: request.id },
      )
  }

  /** Goes on with an execution that failed or was cancelled; if another process still has it, it goes on there. */
  async reopen(id: string): Promise<void> {
    this.requireOpen()
    await this.#begunAgain(await this.arrivals.inTurn(id, () => this.#reopen(id)))
  }

  /** Leaves a message for an execution's owner. False where there is no such execution. */
  async post(execution: string, kind: 'cancel' | 'retry' | 'delete', reason?: unknown): Promise<boolean> {
    const { store, encoding } = this.connection
    const payload = reason === undefined ? undefined : await encoding.encodeError(reason, ['message', execution])
    const [exists] = await store.post([{ execution, kind, payload, at: this.clock.now() }])
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

  async #start(request: StartRequest): Promise<ExecutionRecord | undefined> {
    const { id } = request
    const known = this.live.get(id)
    if (known !== undefined) {
      requireSame(request, known)
      if (!known.hasEnded) return undefined
    }
    await this.connection.readyBy(this.clock.now() + patienceMs)
    const { session, creations, store } = this.connection
    const { owner } = session
    const created = await request.newRecord(owner)
    let existing = await creations.add(created, this.clock.now() + patienceMs)
    if (existing === undefined) {
      // A function of an execution that was deleted or purged may still run under this id: what it brings is not wanted any more.
      this.live.get(id)?.lose()
      if (owner === session.owner && !this.arrivals.wasOvertaken(id)) {
        await request.begin(created)
        return undefined
      }
      // The answer took so long that this is no longer who owns it.
      ;[existing] = await store.get([id])
    }
    return existing === undefined ? undefined : this.#meet(request, existing)
  }

  /** Gives the record as it ended, where another process still has it: that one is asked to go on with it. */
  async #reopen(id: string, watch?: CallerOptions, hasAsked = false): Promise<ExecutionRecord | undefined> {
    const live = this.live.get(id)
    if (live !== undefined && !live.hasEnded) return undefined
    // What still runs of its last life would be run twice.
    await live?.gone
    await this.connection.ready()
    const { owner } = this.connection.session
    const [acquired] = await this.connection.store.acquire({ owner, ids: [id], andEnded: true, andOwn: true, limit: 1 })
    if (acquired === undefined) {
      if (this.live.has(id)) return undefined
      const [record] = await this.connection.store.get([id])
      if (record === undefined || !isTerminal(record.status) || record.status === 'completed') return undefined
      if (!hasAsked) await this.post(id, 'retry')
      return record
    }
    // Somebody else may have reopened it meanwhile.
    const { status } = acquired.execution
    if (status === 'completed') await this.change(acquired.execution, { isReleased: true })
    else await this.resumption.resumeOne(acquired, isTerminal(status) ? 'end' : causeOf(acquired), watch)
    return undefined
  }

  /** Whoever else writes a batch's items may die before all of them are there: until then they are kept at hand here. */
  async #untilWritten(request: StartRequest): Promise<void> {
    const { id, watch } = request
    for (;;) {
      const live = this.live.get(id)
      if (live !== undefined) {
        await live.written
        if (!live.hasEnded || (await live.departure).type !== 'moved') return
      }
      const [record] = await this.connection.store.get([id])
      if (record === undefined || isTerminal(record.status)) return
      const steps = (await this.readSteps([id])).get(id) ?? []
      const written = await itemsOfBatch(id, steps, watch.batch!.items.length, this.connection.encoding)
      if (typeof written !== 'number') return
      await this.arrivals.inTurn(id, () => this.#start(request))
      await new Promise<void>((resolve) => void this.clock.setTimeout(resolve, reopenPauseMs))
      this.requireOpen()
    }
  }

  /** Until it has begun again, there is nothing to see of an execution but how it ended before. */
  async #begunAgain(ended: ExecutionRecord | undefined, watch?: CallerOptions): Promise<void> {
    let asked = ended
    for (let looks = 1; asked !== undefined; looks++) {
      const { id, endedAt } = asked
      await new Promise<void>((resolve) => void this.clock.setTimeout(resolve, reopenPauseMs))
      this.requireOpen()
      const [now] = await this.connection.store.get([id])
      if (now === undefined || now.endedAt !== endedAt) return
      // Who has it may have lost the message, or what it read of the execution.
      const hasAsked = looks % looksPerRequest !== 0
      asked = await this.arrivals.inTurn(id, () => this.#reopen(id, watch, hasAsked))
    }
  }

  async #meet(request: StartRequest, existing: ExecutionRecord): Promise<ExecutionRecord | undefined> {
    // Under another key everything looks different: what is wrong then is the key.
    if (request.asked !== existing.asked) await readInputs(existing, this.connection.encoding)
    requireSame(request, existing)
    const { id, status, owner } = existing
    if (status === 'completed') return undefined
    const live = this.live.get(id)
    if (live !== undefined && !live.hasEnded) return undefined
    if (isTerminal(status)) return this.#reopen(id, request.watch)
    const self = this.connection.session.owner
    const ids = [id]
    if (owner === self) {
      // The scan may just have taken it over, and knows what became of its last owner.
      await this.acquiring?.catch(() => {})
      if (this.arrivals.wasOvertaken(id)) return undefined
    }
    const [acquired] = await this.connection.store.acquire({ owner: self, ids, andOwn: owner === self, limit: 1 })
    if (acquired !== undefined) await this.resumption.resumeOne(acquired, causeOf(acquired), request.watch)
    return undefined
  }

  /** Lets an execution or a batch live here. False where the right to it is an old one: answers of the store may come late. */
  enter(live: Live & { start(): void }, onEnter?: () => void): boolean {
    const known = this.live.get(live.id)
    if (this.isClosing || live.owner !== this.connection.session.owner) return false
    if (known !== undefined && known.epoch >= live.epoch) return false
    known?.lose()
    this.live.set(live.id, live)
    // What did not fit was an earlier life, or has been completed since.
    this.incompatible.delete(live.id)
    onEnter?.()
    live.start()
    return true
  }

  /** Nothing of it is left here. */
  leave(live: Live): void {
    if (this.live.get(live.id) === live) this.live.delete(live.id)
  }

  /** Ends an execution that nobody runs. False if somebody does. */
  cancelUnowned(id: string, error: ExecutionCancelledError): Promise<boolean> {
    return this.arrivals.inTurn(id, async () => {
      await this.connection.ready()
      const { owner } = this.connection.session
      const [acquired] = await this.connection.store.acquire({ owner, ids: [id], limit: 1 })
      if (acquired === undefined) return false
      await this.end(acquired.execution, 'cancelled', error)
      return true
    })
  }

  /** Ends an execution that this process owns but does not run. */
  async end(record: ExecutionRecord, status: 'failed' | 'cancelled', error: Error): Promise<void> {
    const stored = await this.connection.encoding.encodeError(error, ['execution', record.id, 'error'])
    await this.change(record, { status, error: stored, endedAt: this.clock.now(), isReleased: true })
  }

  /** Deletes an execution that nobody runs. False if somebody does. */
  deleteUnowned(id: string): Promise<boolean> {
    return this.arrivals.inTurn(id, async () => {
      await this.connection.ready()
      const { store, session } = this.connection
      const { owner } = session
      const [acquired] = await store.acquire({ owner, ids: [id], andEnded: true, andOwn: true, limit: 1 })
      if (acquired === undefined) return false
      const { epoch } = acquired.execution
      const live = this.live.get(id)
      if (live !== undefined) {
        // A function that does not listen to its signal may still run: what it brings is not wanted any more. And what is on
        // its way already must not meet an execution that is started anew under this id, and in this epoch.
        live.lose()
        await this.change(acquired.execution, {})
      }
      await store.delete([{ id, owner, epoch }])
      return true
    })
  }

  /** Writes what changes of an execution that this process owns but does not run. @throws LeaseLostError */
  async change(
    { id, owner, epoch }: ExecutionRecord,
    head: Parameters<StoreConnection['commits']['add']>[0]['head'],
    consumed?: number,
    steps: readonly StepRecord[] = [],
  ): Promise<void> {
    const at = this.clock.now()
    const commit = { id, owner: owner!, epoch, at, steps, head, consumed }
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
        if (step.type === droppedType) continue
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
    for (const live of this.live.values())
      live.emitter?.durable(at, { type: 'loop.blocked', durationMs, suspect: live.suspect(durationMs) })
  }
}

function closedTooEarly(id: string, cause: StoreError): OptionError {
  const message = `this docket was closed before execution "${id}" was written down: is an await missing before it was started?`
  const error = new OptionError(message, { executionId: id })
  error.cause = cause
  return error
}

/** Why an execution that has not ended goes on here. */
function causeOf({ wasLost }: AcquiredExecution): 'death' | 'release' {
  return wasLost ? 'death' : 'release'
}
