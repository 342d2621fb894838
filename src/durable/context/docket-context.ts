import { durationMs } from '../../core/duration.ts'
import { DocketClosedError, LeaseLostError, OptionError } from '../../core/errors.ts'
import type { AnyGraph } from '../../core/graph/graph-index.ts'
import { isHashOfDrawing } from '../../core/graph/drawing.ts'
import { indexOf } from '../../core/graph/graph-index.ts'
import { requireIndex } from '../../core/graph/plan.ts'
import type { Plan } from '../../core/graph/plan.ts'
import type { OutboxEntry, OutgoingMessage } from '../../core/contracts/outbox.ts'
import { isTerminal } from '../../core/contracts/statuses.ts'
import type { OwnerState } from '../../core/contracts/owner-state.ts'
import type { Store } from '../../core/contracts/store.ts'
import type { ExecutionCommit, ExecutionRecord, HeadChange, StepRecord } from '../../core/contracts/execution-record.ts'
import type { InterceptorChains } from '../../core/contracts/interceptor.ts'
import { interceptorChains } from '../../core/interceptor-chains.ts'
import type { StepInterceptors } from '../../runtime/steps/step-work.ts'
import { createValueEncoding } from '../../core/values/value-encoding.ts'
import { harmlessInspector } from '../../runtime/actors/inspector.ts'
import type { HarmlessInspector } from '../../runtime/actors/inspector.ts'
import { fullClockOf } from '../../runtime/environment/clock.ts'
import type { FullClock } from '../../runtime/environment/clock.ts'
import { randomId, timeOrderedId } from '../../runtime/environment/ids.ts'
import { resolveOptions } from '../../runtime/execution/execution-setup.ts'
import type { DurableChildren, ExecutionSetup, ResolvedOptions } from '../../runtime/execution/execution-setup.ts'
import { KeyedListeners } from '../../runtime/collections/keyed-listeners.ts'
import { ShortLivedMap } from '../../runtime/collections/short-lived-map.ts'
import { StoreResults } from '../../runtime/results/store-results.ts'
import { allAnswers } from '../../runtime/store-access/all-answers.ts'
import { StoreConnection } from '../../runtime/store-access/store-connection.ts'
import { patienceMs } from '../../runtime/store-access/store-patience.ts'
import { DocketLimits } from '../limits/docket-limits.ts'
import type { Owned } from '../ownership/owned.ts'
import { endedMessage } from '../records/child-digest.ts'
import { presentRecord } from '../records/present-names.ts'
import type { StepPages } from '../records/step-pages.ts'
import { closedWhileWaiting } from './closed-while-waiting.ts'
import { DocketGraphs } from './docket-graphs.ts'
import { DocketObservers } from './docket-observers.ts'
import { CallOrder } from './call-order.ts'
import type { DocketOptions } from './docket-options.ts'
import { HandOver } from './hand-over.ts'
import { KeepAlive } from './keep-alive.ts'
import { loseAll, reportBlocked } from './lost-turns.ts'
import { ExecutionTurns } from './execution-turns.ts'
import { Overruled } from './overruled.ts'
import { ParkedCallers } from './parked-callers.ts'
import { SurvivedLosses } from './survived-losses.ts'
import { beginLife } from './begin-life.ts'
import { IncompatibleExecutions } from './incompatible-executions.ts'
import { ownStoresOf } from './own-stores.ts'
import { KnownGraphs } from './known-graphs.ts'
import { StepReader } from './step-reader.ts'
import type { WakesOfDocket } from './wakes-of-docket.ts'
import { DrawnGraphs } from './drawn-graphs.ts'
import { PersistDefaults } from './persist-default.ts'
import { noQueues } from './served-queues.ts'
import type { StartOptions } from './start-options.ts'
import { workerDescription } from './worker-description.ts'

/** What is written together with a change of an execution itself. */
type Beside = 'steps' | 'consumed' | 'closedSlots' | 'openedSlots' | 'outgoing' | 'checkpoints' | 'droppedCheckpoints'

/** What all parts of one docket share: data, and small verbs over it. How executions begin, go on and end is not decided here. */
export class DocketContext {
  readonly options: DocketOptions
  /** With the store's time of day: whatever is written is in it. */
  readonly clock: FullClock
  /** This process's own. */
  readonly hostClock: FullClock
  readonly graphs: ReadonlyMap<string, AnyGraph>
  /** Those that were drawn by name. */
  readonly drawn: DrawnGraphs
  readonly connection: StoreConnection
  readonly observers: DocketObservers
  /** The executions and batches that live in this process, by id. */
  readonly owned = new ShortLivedMap<Owned>()
  readonly turns: ExecutionTurns
  /** What stands around what this docket does. */
  readonly interceptors: InterceptorChains
  readonly parkedCallers = new ParkedCallers()
  readonly keepAlive = new KeepAlive()
  /** Messages that calls are about to send. */
  readonly calls = new CallOrder()
  readonly incompatible: IncompatibleExecutions
  readonly survived: SurvivedLosses
  /** What this process declares, and others have declared otherwise. */
  readonly overruled: Overruled
  readonly inspect: HarmlessInspector | undefined
  readonly setup: Pick<ExecutionSetup, 'shared' | 'inspect'> & {
    persistOf: ExecutionSetup['persistOf']
    children: DurableChildren | undefined
    emit: ExecutionSetup['emit']
    limits: DocketLimits
  }
  /** Stores that steps have of their own. */
  readonly ownStores: Set<Store>
  /** No execution begins here, or goes on here, that is not here already. */
  isClosing = false
  readonly handOver = new HandOver()
  /** Lets the background loop look at once: mail has come, as this process knows, to this execution, or to any; a message of this id. */
  lookSoon: (id?: string, messageId?: string) => void = () => {}
  /** The queues that this process serves. */
  queues = noQueues
  /** What hands wakes to the engine; undefined where there is none. */
  wakes: WakesOfDocket | undefined
  /** There is a graph that was not known: executions that are stored under this name are looked for from now on. */
  onGraph: (name: string) => void = () => {}
  /** These were lost with the lease. */
  onLost: (ones: Iterable<Owned>) => void = () => {}
  /** Wakes what waits for events that have come. */
  deliverEvents: () => void = () => {}
  /** Delivers messages that commits have just caused to other executions. */
  deliver: (entries: readonly OutboxEntry[]) => void = () => {}
  /** Ends an execution wherever it is. */
  cancel: (id: string, reason: unknown) => Promise<void> = async () => {}
  /** Wakes the step that waits for a child, by the id of the message which says that one has ended. */
  childEnded: (parent: string, message: string) => void = () => {}
  /** Whether an execution that lives here has on record what a message to it is about. */
  hasOnRecord: (message: OutgoingMessage) => boolean = () => false
  readonly knownGraphs: KnownGraphs
  readonly #docketGraphs: DocketGraphs
  readonly #stepReader: StepReader
  readonly #stepInterceptors: StepInterceptors | undefined
  readonly #expected = new KeyedListeners<Owned>()

  constructor(given: DocketOptions) {
    const docketGraphs = new DocketGraphs(given.defaults)
    const options = { ...given, graphs: given.graphs.map((graph) => docketGraphs.of(graph)) }
    const { store, codecs, maxValueBytes, random, inspect } = options
    const randomness = { random: random ?? Math.random, randomId: () => randomId(random) }
    this.options = options
    this.#docketGraphs = docketGraphs
    this.observers = new DocketObservers(options.observers)
    this.interceptors = interceptorChains(options.interceptors)
    const { step, compensate } = this.interceptors
    this.#stepInterceptors = (step ?? compensate) === undefined ? undefined : { step, compensate }
    this.hostClock = fullClockOf(options.clock)
    this.connection = new StoreConnection({
      store,
      clock: this.hostClock,
      encoding: createValueEncoding({ format: store.format, codecs, maxBytes: maxValueBytes }),
      leaseMs: durationMs(options.lease ?? 5_000)!,
      name: options.name ?? 'docket',
      ...randomness,
      describe: (owner) => describe(owner),
      onLost: (cause) => loseAll(this, cause),
      onBlocked: (durationMs) => reportBlocked(this, durationMs),
      // Calls are measured where somebody wants that from the beginning.
      onCalled: this.observers.onProcess && ((call) => this.observers.onProcess?.(call)),
      onOutgoing: (entries) => this.deliver(entries),
      onAccepted: options.engine && ((ids) => this.wakes?.accepted(ids)),
    })
    this.handOver.onBegin(() => this.parkedCallers.clear())
    this.clock = this.connection.clock
    this.turns = new ExecutionTurns(this.clock)
    this.#stepReader = new StepReader(this.connection.store, this.clock)
    this.incompatible = new IncompatibleExecutions(this.clock)
    this.survived = new SurvivedLosses(this.hostClock)
    this.overruled = new Overruled(this.hostClock)
    this.inspect = inspect === undefined ? undefined : harmlessInspector(inspect)
    const persists = new PersistDefaults(options)
    this.setup = {
      shared: new StoreResults(this.connection),
      persistOf: persists.of,
      inspect: this.inspect,
      children: undefined,
      emit: undefined,
      limits: new DocketLimits(this.connection, randomness, (about, text) => void this.overruled.note(about, text)),
    }
    this.ownStores = new Set(ownStoresOf(options))
    const added = (graph: AnyGraph): void => {
      for (const own of ownStoresOf({ ...options, graphs: [graph] })) this.ownStores.add(own)
      this.setup.persistOf = persists.with(graph)
    }
    this.drawn = new DrawnGraphs(options, docketGraphs, { onAdded: added, onName: (name) => this.onGraph(name) })
    this.knownGraphs = new KnownGraphs(options, docketGraphs, this.hostClock, {
      onAdded: (graph) => {
        added(graph)
        for (const name of [graph.name, ...graph.formerly]) this.onGraph(name)
      },
      onFailure: (name, error) => this.connection.failures.report(`unknownGraph("${name}")`, error),
    })
    this.graphs = this.knownGraphs.byName
    const describe = workerDescription(options, this.graphs, () => this.clock.now())
  }

  newId(): string {
    return timeOrderedId(this.clock.now(), this.options.random)
  }

  /** The graph of a record, or that whose executions are stored under a name, which may be a former one; undefined where this docket has none. */
  graphOf(of: string | Pick<ExecutionRecord, 'graph' | 'graphHash'>): AnyGraph | undefined {
    if (typeof of === 'string') return this.knownGraphs.of(of)
    return isHashOfDrawing(of.graphHash) ? this.drawn.of(of) : this.knownGraphs.of(of.graph)
  }

  /** Makes the graph of a record of a workflow that this process has not met. @returns why it can't be made here, if it can't @throws StoreError */
  learn(record: ExecutionRecord): Promise<readonly string[] | undefined> {
    return this.drawn.learn(record, this.connection.encoding)
  }

  /** The same, for a caller that gives the name. @throws OptionError for what `unknownGraph` does wrong, and what that throws */
  graphNamed(name: string): AnyGraph | undefined {
    return this.knownGraphs.find(name)
  }

  /** A graph of this docket, as the program has declared it. */
  declared(graph: AnyGraph): AnyGraph {
    return this.#docketGraphs.declared(graph)
  }

  /** All names under which executions of this docket's graphs are stored. */
  get storedGraphNames(): readonly string[] {
    return [...new Set([...this.knownGraphs.storedNames, ...this.drawn.names.all])]
  }

  /** A record as its graph names things now, where this docket has that. */
  presentRecord(record: ExecutionRecord): Promise<ExecutionRecord> {
    return presentRecord(record, this.graphOf(record), this.connection.encoding)
  }

  /** The graph as this docket runs it. @throws GraphError for one that is not valid, OptionError for one that this docket does not have */
  requireGraph(graph: AnyGraph): AnyGraph {
    const index = requireIndex(graph)
    if (index.drawing !== undefined) {
      const other = this.graphs.get(graph.name)
      if (other !== undefined && indexOf(other)?.drawing === undefined)
        throw new OptionError(`this docket has a graph named "${graph.name}"; give the workflow another name`)
      return this.drawn.admit(index)
    }
    const own = this.graphs.get(graph.name) ?? this.graphNamed(graph.name)
    if (own !== undefined && (own === graph || this.#docketGraphs.declared(own) === graph)) return own
    const known = [...this.graphs.keys()].join(', ') || 'none'
    throw new OptionError(
      this.graphs.has(graph.name)
        ? `this docket has another graph named "${graph.name}"; give createDocket the one that executions are started of`
        : `this docket does not know graph "${graph.name}"; give it to createDocket({ graphs }), which has: ${known}`,
    )
  }

  /** @throws DocketClosedError once it is about to close */
  requireOpen(): void {
    if (this.isClosing) throw new DocketClosedError()
  }

  /** @throws DocketClosedError where nobody can wait for the execution any more */
  requireWaiting(id: string): void {
    if (this.handOver.hasBegun) throw this.closedWhileWaiting({ id })
  }

  closedWhileWaiting(one: { readonly id: string; readonly graph?: string }): DocketClosedError {
    return closedWhileWaiting(one, this.incompatible.reasonsOf(one.id))
  }

  /** Gives the deadline that a caller says now in the store's time, once the store is open: whatever this process's clock is set to meanwhile. */
  deadlineOf({ deadline }: Pick<StartOptions, 'deadline'>): () => number | undefined {
    const given = deadline === undefined ? undefined : this.connection.time.given(Number(deadline))
    let at: number | undefined
    return () => (at ??= given?.())
  }

  /** The options that an execution runs with: the call's, the docket's and the graph's. */
  optionsOf(
    plan: Plan,
    options: StartOptions & { readonly id: string },
    clock: FullClock = this.clock,
  ): ResolvedOptions & { readonly id: string } {
    const { logger, random } = this.options
    const resolved = resolveOptions(
      plan.index,
      plan.target.name,
      {
        ...options,
        random,
        app: this.options.app,
        logger: options.logger ?? logger,
        observers: [...this.observers.of(options.id), ...(options.observers ?? [])],
      },
      clock,
    )
    // Children get the docket's anyway.
    return { ...resolved, id: options.id, observers: options.observers ?? [], interceptors: this.#stepInterceptors }
  }

  /** Lets an execution or a batch live here. False where the right to it is an old one: answers of the store may come late. */
  enter(owned: Owned & { start(): void }, resumed?: Parameters<typeof beginLife>[3]): boolean {
    const known = this.owned.get(owned.id)
    if (this.isClosing || owned.owner !== this.connection.session.owner) return false
    if (known !== undefined && known.epoch >= owned.epoch) return false
    known?.lose()
    this.owned.set(owned.id, owned)
    this.newcomers?.add(owned.id)
    // What did not fit was an earlier life, or has been completed since.
    this.incompatible.delete(owned.id)
    if (owned.emitter !== undefined) beginLife(this, owned, owned.emitter, resumed)
    this.#expected.call(owned.id, owned)
    owned.start()
    return true
  }

  /** Ids of what has begun to live here since this was set, while an answer of the store is on its way that is about what lived here before. */
  newcomers: Set<string> | undefined

  /** Calls back whenever an execution of this id begins to live here, before anything of it happens. Gives a function that takes the listener off. */
  onEnter(id: string, listener: (owned: Owned) => void): () => void {
    return this.#expected.add(id, listener)
  }

  /** The store refused a write of it: others have it, though this process lives. */
  refused(id: string): void {
    this.turns.markUncertain()
    this.survived.add(id)
  }

  /** Nothing of it is left here. */
  leave(owned: Owned): void {
    if (this.owned.get(owned.id) === owned) this.owned.delete(owned.id)
  }

  /** The record of one execution, for a caller that waits. @throws StoreError, DocketClosedError */
  recordOf(id: string): Promise<ExecutionRecord | undefined> {
    return this.connection.patiently(() => this.recordNow(id))
  }

  /** The same, for what is tried again anyway: it fails at once where the store can't be reached. @throws StoreError */
  async recordNow(id: string): Promise<ExecutionRecord | undefined> {
    const { store } = this.connection
    const [record] = allAnswers(store, 'get', [id], await store.get([id]))
    if (record !== undefined && isHashOfDrawing(record.graphHash)) await this.learn(record)
    return record
  }

  /** The step records of one execution, for a caller that waits. @throws StoreError, DocketClosedError */
  stepsOf(id: string): Promise<readonly StepRecord[]> {
    return this.connection.patiently(async () => (await this.readSteps([id])).get(id) ?? [])
  }

  /** What is known of an owner, for a caller that waits; undefined where it was never registered, or is forgotten. @throws StoreError, DocketClosedError */
  ownerState(owner: string): Promise<OwnerState | undefined> {
    const { store } = this.connection
    return this.connection.patiently(
      async () => allAnswers(store, 'readOwners', [owner], await store.readOwners([owner]))[0],
    )
  }

  /** All step records of some executions. @throws StoreError */
  readSteps(ids: readonly string[]): Promise<ReadonlyMap<string, readonly StepRecord[]>> {
    return this.#stepReader.readSteps(ids)
  }

  /** The step records of one execution, page by page. Whoever takes them may rely on no order. They end early where they are not wanted any more. */
  pagesOf(id: string, areWanted?: () => boolean): StepPages {
    return this.#stepReader.pagesOf(id, areWanted)
  }

  /** Writes what changes of an execution that this process owns but does not run. @throws LeaseLostError, StoreError */
  async change(
    record: Pick<ExecutionRecord, 'id' | 'owner' | 'epoch' | 'parent'>,
    head: HeadChange | undefined,
    { steps = [], ...besides }: Partial<Pick<ExecutionCommit, Beside>> = {},
  ): Promise<void> {
    const { id, owner, epoch } = record
    const at = this.clock.now()
    const parent = head?.status !== undefined && isTerminal(head.status) ? record.parent : undefined
    const mail = parent === undefined ? besides : { ...besides, outgoing: [endedMessage(parent, record, at)] }
    const commit = { id, owner: owner!, epoch, at, steps, head, ...mail }
    let isWritten = false
    try {
      isWritten = await this.connection.commits.add(commit, this.clock.elapsed() + patienceMs)
      if (!isWritten && head?.isReleased === true) isWritten = await this.#isGivenUp(id, epoch, head)
    } finally {
      // It may be this process's all the same, in an epoch that it does not know: a driver that repeats a call by itself may acquire twice.
      if (!isWritten) this.connection.uncertainAcquisitions.set(id, this.clock.elapsed())
    }
    if (!isWritten) throw new LeaseLostError(`execution "${id}" is not this process's any more`, { executionId: id })
  }

  /** Whether a commit that gives an execution up stands there: where its answer was lost, it is refused when it is repeated. */
  async #isGivenUp(id: string, epoch: number, { status }: HeadChange): Promise<boolean> {
    const record = await this.recordOf(id)
    return record?.epoch === epoch && record.owner === undefined && (status ?? record.status) === record.status
  }

  /** Lets others have at once what was acquired, or created, for this process just before it was closed. */
  async releaseIfClosing(record: Parameters<DocketContext['change']>[0]): Promise<void> {
    if (this.isClosing) await this.change(record, { isReleased: true })
  }
}
