import type { StoreCalled } from '../../core/contracts/observed-docket.ts'
import type { Store, StoreHint } from '../../core/contracts/store.ts'
import type { NewMessage, PostVerdict } from '../../core/contracts/message.ts'
import type { OutboxEntry } from '../../core/contracts/outbox.ts'
import type { EmittedEvent, NewEventWait } from '../../core/contracts/event-record.ts'
import type { ResultCommit, ResultState } from '../../core/contracts/result-record.ts'
import type { ExecutionCommit, ExecutionRecord, NewExecution } from '../../core/contracts/execution-record.ts'
import type { StoredValue } from '../../core/contracts/stored-value.ts'
import { DocketClosedError, StoreError } from '../../core/errors.ts'
import { canonicalize, digest } from '../../core/values/keys.ts'
import type { ValueEncoding } from '../../core/values/value-encoding.ts'
import { KeyedListeners } from '../collections/keyed-listeners.ts'
import { atMost, sleep } from '../environment/clock.ts'
import type { FullClock } from '../environment/clock.ts'
import { allAnswers } from './all-answers.ts'
import { AwaitedAnswers } from './awaited-answers.ts'
import { measuredStore } from './measured-store.ts'
import { mergedCommits } from './merged-commits.ts'
import { NumberedWrites } from './numbered-writes.ts'
import type { StoreBesideWrites } from './numbered-writes.ts'
import { CallBatcher } from './call-batcher.ts'
import type { BatchingOptions } from './call-batcher.ts'
import { OwnerSession } from './owner-session.ts'
import { SlowCalls } from './slow-calls.ts'
import { patienceMs, pauseAfter } from './store-patience.ts'
import { StoreTime } from './store-time.ts'
import { UnheardFailures } from './unheard-failures.ts'

/** What a connection is made of. */
export interface ConnectionOptions {
  readonly store: Store
  readonly encoding: ValueEncoding
  readonly clock: FullClock
  readonly leaseMs: number
  readonly name: string
  readonly randomId: () => string
  /** What this process says of itself to others, as an owner. @default nothing */
  readonly describe?: ((owner: string) => string) | undefined
  readonly random: () => number
  readonly onLost: (cause: unknown) => void
  readonly onBlocked: (durationMs: number) => void
  /** Commits have written messages to other executions, which are to be delivered. @default somebody else finds them */
  readonly onOutgoing?: (entries: readonly OutboxEntry[]) => void
  /** Is called with the executions to which messages were accepted. @default nothing is done */
  readonly onAccepted?: ((ids: readonly string[]) => void) | undefined
  /** Is called when a call of the store has come to its end. @default nothing is measured */
  readonly onCalled?: ((call: StoreCalled) => void) | undefined
}

/** The connections that use one store, from when they are made: the last one closes it, if one of them has opened it. */
interface StoreUse {
  count: number
  opened: Promise<void> | undefined
  readonly slowCalls: SlowCalls
}

const uses = new WeakMap<Store, StoreUse>()

/** A store as this process uses it: opened once, its calls gathered, with the owner that this process is to it. */
export class StoreConnection {
  readonly store: StoreBesideWrites
  /** What the store is called for instead, to write to executions. */
  readonly writes: NumberedWrites
  readonly encoding: ValueEncoding
  readonly time: StoreTime
  /** With the store's time of day. */
  readonly clock: FullClock
  readonly session: OwnerSession
  /** Reports failures of what nobody waits for. */
  readonly failures = new UnheardFailures(() => this.#isClosed)
  /** How calls are gathered that need no order. */
  readonly batching: Pick<BatchingOptions<never>, 'clock' | 'slowCalls' | 'maxInFlight'>
  readonly creations: CallBatcher<NewExecution, ExecutionRecord | undefined>
  readonly commits: CallBatcher<ExecutionCommit, boolean>
  readonly lookups: CallBatcher<string, ResultState | undefined>
  readonly resultCommits: CallBatcher<ResultCommit, boolean>
  readonly gets: CallBatcher<string, ExecutionRecord | undefined>
  /** Messages, those to one execution in their order. */
  readonly posts: CallBatcher<NewMessage, PostVerdict>
  /** Executions of which an acquisition, or a creation, was given up, and when, in steady time: this process may have them, or get them late. */
  readonly uncertainAcquisitions = new Map<string, number>()
  readonly eventWaits: CallBatcher<NewEventWait, EmittedEvent | undefined>
  readonly waitEnds: CallBatcher<NewEventWait, void>
  readonly awaitedAnswers = new AwaitedAnswers()
  readonly #awaitedEnds = new KeyedListeners<undefined>()
  readonly #listeners = new Set<(hint: StoreHint) => void>()
  /** As it was given: this process's connections to it are known by that. */
  readonly #given: Store
  readonly #use: StoreUse
  #opening: Promise<void> | undefined
  #unsubscribe: (() => Promise<void>) | undefined
  #isClosed = false
  #hasWarned = false
  #messages = 0
  /** What is called back when a creation is locked. */
  readonly #onLocked = new WeakMap<NewExecution, () => void>()

  constructor({ store: given, encoding, clock, onOutgoing, onAccepted, onCalled, ...session }: ConnectionOptions) {
    const store = onCalled === undefined ? given : measuredStore(given, clock, onCalled)
    this.store = store
    const writes = (this.writes = new NumberedWrites(store))
    this.#given = given
    this.#use = useOf(given)
    this.encoding = encoding
    this.time = new StoreTime(store, clock)
    this.clock = this.time.clock
    const { failures } = this
    const onRenewed = (): void => void this.time.look().catch(failures.of('reading the time of the store'))
    const onOthersEnded = (): void => {
      for (const listener of this.#listeners) listener({ type: 'work' })
    }
    this.session = new OwnerSession({ store, clock, ...session, failures, onRenewed, onOthersEnded })
    const { slowCalls } = this.#use
    const ofExecution = (id: string): StoreError => this.lockedError(`execution "${id}"`)
    const ofResult = (key: string): StoreError => this.lockedError(`result "${key}"`)
    this.batching = { clock, slowCalls, maxInFlight: 4 }
    this.creations = new CallBatcher((items) => writes.create(items), {
      ...this.batching,
      sizeOf: ({ inputs }) => inputs.length,
      keyOf: ({ id }) => id,
      lockedError: ({ id }) => ofExecution(id),
      onLocked: (item) => this.#onLocked.get(item)?.(),
    })
    // One at a time, and of what is set aside one for each execution: what is written of it must arrive in its order.
    this.commits = new CallBatcher(
      async (items, patience) => {
        const { merged, indexes } = mergedCommits(items)
        // None of these parks anything: what does goes alone, past the others.
        const answers = (await writes.commit(merged, patience)) as readonly (boolean | 'locked')[]
        // Whoever slept while the answer was on its way learns here that the lease is over, before anything begins that others may be doing.
        const isHeld = this.session.holds()
        if (isHeld !== true) await isHeld
        const outgoing = outgoingOf(merged, answers)
        if (outgoing !== undefined) onOutgoing?.(outgoing)
        return indexes?.map((index) => index !== undefined && answers[index]!) ?? answers
      },
      {
        ...this.batching,
        maxInFlight: 1,
        sizeOf: sizeOfCommit,
        keyOf: ({ id }) => id,
        lockedError: ({ id }) => ofExecution(id),
      },
    )
    this.lookups = new CallBatcher(
      async (keys) => allAnswers(store, 'getResults', keys, await store.getResults(keys)),
      { ...this.batching, lockedError: ofResult },
    )
    this.gets = new CallBatcher(async (ids) => allAnswers(store, 'get', ids, await store.get(ids)), {
      ...this.batching,
      lockedError: ofExecution,
    })
    const post = async (messages: readonly NewMessage[]): Promise<readonly PostVerdict[]> => {
      const verdicts = allAnswers(store, 'post', messages, await store.post(messages))
      onAccepted?.(messages.flatMap(({ execution }, index) => (verdicts[index] === 'accepted' ? [execution] : [])))
      return verdicts
    }
    this.posts = new CallBatcher(post, {
      ...this.batching,
      maxInFlight: 1,
      sizeOf: ({ payload }) => sizeOf(payload),
      keyOf: ({ execution }) => execution,
      lockedError: ({ execution }) => ofExecution(execution),
    })
    const ofEvent = ({ event }: Pick<NewEventWait, 'event'>): StoreError => this.lockedError(`event "${event}"`)
    this.eventWaits = new CallBatcher(
      async (waits: readonly NewEventWait[]) => allAnswers(store, 'awaitEvents', waits, await store.awaitEvents(waits)),
      { ...this.batching, lockedError: ofEvent },
    )
    this.waitEnds = new CallBatcher(
      async (waits: readonly NewEventWait[]) => {
        await store.endWaits(waits)
        return waits.map(() => {})
      },
      { ...this.batching, lockedError: ofEvent },
    )
    const commitResults = async (commits: readonly ResultCommit[]) =>
      allAnswers(store, 'commitResults', commits, await store.commitResults(commits))
    this.resultCommits = new CallBatcher(commitResults, {
      ...this.batching,
      sizeOf: ({ outcome }) => (outcome.status === 'completed' ? outcome.output.length : 0),
      keyOf: ({ key }) => key,
      lockedError: ({ key }) => ofResult(key),
    })
  }

  get isOpen(): boolean {
    return this.#opening !== undefined && !this.#isClosed
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  /** Whether the store notifies it of what others do; else it has to poll. */
  get hasHints(): boolean {
    return this.#unsubscribe !== undefined
  }

  /** Opens the store and registers the owner; to be awaited before anything else. @throws StoreError */
  async ready(): Promise<void> {
    await this.opened()
    await this.session.ready()
  }

  /** Opens the store, for what needs no owner: within the caller's transaction none can be registered. @throws StoreError */
  async opened(): Promise<void> {
    this.requireOpen()
    await (this.#opening ??= this.#open().catch((error: unknown) => {
      this.#opening = undefined
      this.failures.opening(error)
      throw error
    }))
  }

  /** The same, for a caller that waits: again for as long as the store can't be reached and the time is not over. @throws StoreError */
  readyBy(until = this.clock.elapsed() + patienceMs): Promise<void> {
    return this.#untilReached(
      () => this.ready(),
      until,
      (error) => this.#warn(error, until - this.clock.elapsed()),
    )
  }

  /**
   * Calls the store for a caller that waits: again for as long as it can't be reached. So the call must be one that may be repeated.
   * @throws StoreError, DocketClosedError
   */
  patiently<Answer>(call: () => Promise<Answer>, until = this.clock.elapsed() + patienceMs): Promise<Answer> {
    return this.#untilReached(() => {
      this.requireOpen()
      return call()
    }, until)
  }

  /** An id for a message that nobody has given one: sent again it is the same one, whenever each of both arrives. */
  newMessageId(): string {
    return digest(canonicalize([this.session.owner, ++this.#messages]))
  }

  /** Posts messages for a caller that waits, in the calls of a turn with all others. They must be such that may be posted twice. @throws StoreError, DocketClosedError */
  post(messages: readonly NewMessage[]): Promise<readonly PostVerdict[]> {
    this.requireOpen()
    const until = this.clock.elapsed() + patienceMs
    return Promise.all(messages.map((message) => this.posts.add(message, until)))
  }

  async #untilReached<Answer>(
    call: () => Promise<Answer>,
    until: number,
    onFailure?: (error: StoreError) => void,
  ): Promise<Answer> {
    for (let tries = 0; ; tries++) {
      const pauseMs = pauseAfter(tries)
      try {
        return await call()
      } catch (error) {
        if (!(error instanceof StoreError && error.isTransient) || this.clock.elapsed() + pauseMs > until) throw error
        // It fails because it was closed meanwhile: nobody waits for a server.
        this.requireOpen()
        onFailure?.(error)
      }
      await sleep(this.clock, pauseMs)
    }
  }

  /** A program that seems to hang at its start says at once what it waits for. */
  #warn({ message }: StoreError, leftMs: number): void {
    if (this.#hasWarned) return
    this.#hasWarned = true
    const left = `asking again for up to ${Math.ceil(leftMs / 1_000)} s`
    process.emitWarning(`${message}; ${left}`, 'DocketStoreWarning')
  }

  /** Creates one for a caller that waits; gives the one that is there already. @throws StoreError */
  async create(execution: NewExecution): Promise<ExecutionRecord | undefined> {
    try {
      return await this.creations.add(execution, this.clock.elapsed() + patienceMs)
    } catch (error) {
      if (execution.owner !== undefined) this.uncertainAcquisitions.set(execution.id, this.clock.elapsed())
      throw error
    }
  }

  /** Calls back when a creation meets an open transaction of somebody else that creates the same: it may take long. */
  whenLocked(creation: NewExecution, callback: () => void): void {
    this.#onLocked.set(creation, callback)
  }

  /** What a call fails with that waited in vain for somebody else's lock. */
  lockedError(what: string): StoreError {
    const message = `${what} is locked by a transaction that does not end; look for one that was left open`
    return new StoreError(this.store.name, message, true, { isLocked: true })
  }

  /** @throws DocketClosedError once it is closed */
  requireOpen(): void {
    if (this.#isClosed) throw new DocketClosedError()
  }

  /** Reports what others do, but for answers, which `awaitedAnswers` has; a hint may be missing. */
  listen(listener: (hint: StoreHint) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Calls back when the store says that an execution has ended, until the returned function is called; that may be missing. */
  onEnded(execution: string, listener: () => void): () => void {
    return this.#awaitedEnds.add(execution, listener)
  }

  /** Lets go of the store. Each half of it takes a lease at most, whatever the store does: by then the lease has run out anyway. */
  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    try {
      await atMost(this.clock, this.session.leaseMs, this.#end())
    } catch (error) {
      ignoreOutage(error)
    } finally {
      await this.#leaveStore().catch(ignoreOutage)
    }
  }

  async #end(): Promise<void> {
    if (this.#opening === undefined) return
    try {
      await this.#opening
    } catch {
      // It was never opened, which the call that opened it has reported.
      return
    }
    await this.#unsubscribe?.()
    await this.session.close()
  }

  /** Closes the store where nobody else uses it. */
  async #leaveStore(): Promise<void> {
    if (--this.#use.count > 0) return
    const { opened } = this.#use
    uses.delete(this.#given)
    if (opened !== undefined) await atMost(this.clock, this.session.leaseMs, this.store.close())
  }

  async #open(): Promise<void> {
    const use = this.#use
    const opened = (use.opened ??= this.store.open())
    try {
      await opened
    } catch (error) {
      if (use.opened === opened) use.opened = undefined
      throw error
    }
    await this.time.look()
    this.#unsubscribe = await this.store.subscribe?.((hint) => {
      if (hint.type === 'answered') return this.awaitedAnswers.announced(hint)
      for (const listener of this.#listeners) listener(hint)
      if (hint.type === 'ended') this.#awaitedEnds.call(hint.execution, undefined)
    })
  }
}

/** A store that can't be reached finds out by itself that this process is gone. */
function ignoreOutage(error: unknown): void {
  if (!(error instanceof StoreError && error.isTransient)) throw error
}

function useOf(store: Store): StoreUse {
  let use = uses.get(store)
  if (use === undefined)
    uses.set(store, (use = { count: 0, opened: undefined, slowCalls: new SlowCalls(store.connections) }))
  use.count++
  return use
}

/** What has been written with these commits, to be delivered; undefined where there is nothing, as almost always. */
function outgoingOf(
  commits: readonly ExecutionCommit[],
  answers: readonly (boolean | 'locked')[],
): readonly OutboxEntry[] | undefined {
  let entries: OutboxEntry[] | undefined
  for (const [index, { id, outgoing }] of commits.entries())
    if (outgoing !== undefined && answers[index] === true)
      for (const message of outgoing) (entries ??= []).push({ ...message, source: id })
  return entries
}

function sizeOfCommit({ steps, head, checkpoints = [] }: ExecutionCommit): number {
  let size = sizeOf(head?.output) + sizeOf(head?.inputs)
  for (const { value, error } of checkpoints) size += 200 + sizeOf(value) + sizeOf(error)
  for (const { output, error } of steps) size += 200 + sizeOf(output) + sizeOf(error)
  return size
}

function sizeOf(value: StoredValue | undefined): number {
  return value?.length ?? 0
}
