import { append } from '../../core/append.ts'
import { DocketClosedError, ExecutionConflictError, LeaseLostError, StoreError } from '../../core/errors.ts'
import { requireIndex } from '../../core/graph/plan.ts'
import { isTerminal } from '../../core/contracts/statuses.ts'
import type { ExecutionRecord, NewExecution } from '../../core/contracts/execution-record.ts'
import type { NewMessage } from '../../core/contracts/message.ts'
import { AsyncContext } from '../../runtime/environment/async-context.ts'
import { callingStep } from '../../runtime/environment/current-step.ts'
import { sleep } from '../../runtime/environment/clock.ts'
import { turnOf } from '../../runtime/environment/turn.ts'
import { allAnswers } from '../../runtime/store-access/all-answers.ts'
import { patienceMs } from '../../runtime/store-access/store-patience.ts'
import { acquireOne } from '../context/acquire-one.ts'
import type { DocketContext } from '../context/docket-context.ts'
import { endedBySignal, requireNotAborted } from '../context/ended-by-signal.ts'
import { writtenItemsOf } from '../records/batch-items.ts'
import { hasCompleted } from '../records/known-outcome.ts'
import { presentDigestOfBatch } from '../records/present-batch.ts'
import { presentRecord, underPresentNames } from '../records/present-names.ts'
import { readInputs } from '../records/stored-inputs.ts'
import { reopenPauseMs } from '../recovery/reopen.ts'
import type { Reopening } from '../recovery/reopen.ts'
import { cannotGoOn, causeOf } from '../recovery/resume.ts'
import type { Resumption } from '../recovery/resume.ts'
import type { Scan } from '../recovery/scan.ts'
import type { Seat } from '../recovery/slots.ts'
import { requireSame } from './execution-request.ts'
import type { StartRequest } from './execution-request.ts'
import type { PlaceInQueue } from './place-in-queue.ts'

/** Parts of a docket that may have, or get, what is to be started. */
export interface Predecessors {
  readonly resumption: Resumption
  readonly reopening: Reopening
  readonly scan: Scan
}

/** Makes executions and batches exist, here or wherever they are already. */
export class ExecutionStarter {
  readonly #context: DocketContext
  readonly #predecessors: Predecessors

  constructor(context: DocketContext, predecessors: Predecessors) {
    this.#context = context
    this.#predecessors = predecessors
  }

  /** Makes an execution exist; it runs here only if no other process runs it. @throws as `Docket.start` does */
  start(request: StartRequest): Promise<void> {
    const { id, caller } = request
    const { signals } = request
    return endedBySignal(this.#context, id, caller.signal, () =>
      signals === undefined ? this.#startOrFind(request) : this.#startWithSignals(request, signals),
    )
  }

  /** Makes an execution exist where there is none of its id; one that is there is left alone, whatever it was started with and has become. */
  async startNew(request: StartRequest): Promise<void> {
    this.#context.requireOpen()
    await this.#context.turns.inTurn(request.id, () => this.#start(request, true))
  }

  /** Where it is new, it has them already, and their places are taken; where it was there, they come now. */
  async #startWithSignals(request: StartRequest, messagesOf: () => Promise<readonly NewMessage[]>): Promise<void> {
    const { connection } = this.#context
    await this.#startOrFind(request)
    const messages = await messagesOf()
    // Those that it had already, or that came too late, change nothing: what they were is for its records to say.
    await connection.post(messages)
    this.#context.lookSoon(request.id)
  }

  async #startOrFind(request: StartRequest): Promise<void> {
    const { turns } = this.#context
    const { id, caller } = request
    this.#context.requireOpen()
    try {
      const ended = await turns.inTurn(id, () => this.#start(request))
      // Not awaited without need: whatever has begun goes on meanwhile, and the caller may have stopped it already.
      if (turns.has(id)) await this.#requireFitting(id)
      await this.#predecessors.reopening.untilRestarted(ended, caller)
      if (caller.batch !== undefined) await this.#untilWritten(request)
    } catch (error) {
      throw this.#context.isClosing && isOfClosedStore(error) ? closedTooEarly(id, error) : error
    }
  }

  /** Writes an execution within the caller's transaction: any process begins it, once that is committed. */
  async startWithin(transaction: unknown, request: StartRequest): Promise<void> {
    const [failure] = await this.startAllWithin(transaction, [request])
    if (failure !== undefined) throw failure.error
  }

  /** Writes many, in few calls; gives for each why it was not written, if it was not. @throws StoreError */
  async startAllWithin(
    transaction: unknown,
    requests: readonly StartRequest[],
  ): Promise<readonly ({ readonly error: unknown } | undefined)[]> {
    const { connection } = this.#context
    const { store } = connection
    this.#context.requireOpen()
    await connection.patiently(() => connection.opened())
    const failures = new Array<{ readonly error: unknown } | undefined>(requests.length)
    const seen = new Set<string>()
    // Of two that have one id the later one finds the earlier one.
    const later: number[] = []
    const first: number[] = []
    for (const [index, { id }] of requests.entries()) (seen.size === seen.add(id).size ? later : first).push(index)
    for (const group of [first, ...later.map((index) => [index])]) {
      const created: { readonly index: number; readonly record: NewExecution }[] = []
      for (const index of group)
        try {
          created.push({ index, record: await requests[index]!.newRecord(undefined) })
        } catch (error) {
          failures[index] = { error }
        }
      if (created.length === 0) continue
      const records = created.map(({ record }) => record)
      const answers = await connection.writes.create(records, transaction)
      const messages: NewMessage[] = []
      for (const [place, { index }] of created.entries()) {
        const request = requests[index]!
        const existing = answers[place]
        // It is new, and so are they: all of them are accepted.
        if (existing === undefined) {
          request.isNew = true
          append(messages, (await request.signals?.()) ?? [])
        } else
          try {
            await this.#requireGoingOn(request, existing)
          } catch (error) {
            failures[index] = { error }
          }
      }
      if (messages.length > 0) allAnswers(store, 'post', messages, await store.post(messages, transaction))
    }
    return failures
  }

  /** Within a transaction nothing can begin again. */
  async #requireGoingOn(request: StartRequest, existing: ExecutionRecord | 'locked'): Promise<void> {
    if (existing === 'locked') throw this.#context.connection.lockedError(`execution "${request.id}"`)
    requireSame(request, await this.#underPresentNames(existing))
    if (isTerminal(existing.status) && existing.status !== 'completed')
      throw new ExecutionConflictError(
        `execution "${request.id}" is ${existing.status}; within a transaction it can't go on: retry it, or start it outside`,
        { executionId: request.id },
      )
  }

  /** Gives the record as it ended, where another process still has it. */
  async #start(request: StartRequest, isOnlyNew = false): Promise<ExecutionRecord | undefined> {
    const { clock, connection, owned, turns, survived } = this.#context
    const { id } = request
    const known = owned.get(id)
    if (known !== undefined) {
      if (isOnlyNew) return undefined
      requireSame(request, known)
      if (!known.hasEnded) return undefined
      // What it comes to is on its way to the store.
      await known.departure
    }
    await connection.readyBy(clock.elapsed() + patienceMs)
    const { session } = connection
    const { scan } = this.#predecessors
    if (!scan.isKnown) await connection.patiently(() => scan.known())
    const seat = this.#seatFor(request)
    const owner = seat === undefined ? undefined : session.owner
    let existing: ExecutionRecord | undefined
    let created: NewExecution
    // One that has to wait for a transaction of somebody else keeps no other one from its slot, and is one more when it comes.
    let hasLeft = false
    const leave = (): void => {
      if (!hasLeft) seat?.leave()
      hasLeft = true
    }
    try {
      created = await request.newRecord(owner)
      if (seat !== undefined) connection.whenLocked(created, leave)
      existing = await connection.create(created)
    } catch (error) {
      leave()
      throw error
    }
    if (existing === undefined && owner === undefined) {
      request.isNew = true
      this.#queued(request, 0)
      return undefined
    }
    if (existing === undefined) {
      request.isNew = true
      // A function of an execution that was deleted or purged may still run under this id: what it brings is not wanted any more.
      owned.get(id)?.lose()
      // Lost before it begins, it has had no death of its owner.
      const through = survived.goOnWith([{ id, owner }], session.owner)
      if (owner === session.owner && !turns.wasOvertaken(id)) {
        // No turn of the microtask queue more than it takes: whoever has stopped it meanwhile is still in time.
        try {
          await request.begin(created)
        } finally {
          through()
        }
        if (hasLeft) scan.take(request.place.queue, id)
        else seat?.take(id)
        return undefined
      }
      through()
      // The answer took so long that this process owns it no more.
      existing = await this.#context.recordOf(id)
    }
    leave()
    return existing === undefined || isOnlyNew ? undefined : this.#joinExisting(request, existing)
  }

  /** A slot, where it may begin here at once. */
  #seatFor({ place, isEager }: StartRequest): Seat | undefined {
    const { options, clock, queues } = this.#context
    const { scan } = this.#predecessors
    if (!isEager || !queues.serves(place.queue)) return undefined
    if (place.startAt !== undefined && place.startAt > clock.now()) return undefined
    // A step waits for it, and holds a slot until it has ended: it would wait for its own.
    const isAwaited = callingStep() !== undefined
    // Where this process goes on with nothing, nobody here would come back to it.
    const isAlone = options.takeOver === false
    if ((isAwaited || isAlone) && !scan.states.isRestricted(place.queue))
      return { take: (id) => scan.take(place.queue, id), leave: () => {} }
    return scan.reserve(place.queue)
  }

  /** It waits in its queue, for this process or another one; whoever follows it here goes on to do so. */
  #queued(
    { id, graph, place, caller }: Pick<StartRequest, 'id' | 'graph' | 'caller'> & { readonly place: PlaceInQueue },
    epoch: number,
  ): void {
    const { parkedCallers, clock, queues, wakes } = this.#context
    parkedCallers.keep({ id, graph }, caller, new AsyncContext())
    if ((place.startAt ?? -Infinity) > clock.now()) return
    // Its engine finds a process with a free slot.
    if (wakes !== undefined) return wakes.send([{ id, epoch, queue: place.queue }])
    if (!queues.serves(place.queue)) return
    this.#predecessors.scan.waits(place.queue)
    this.#context.lookSoon(id)
  }

  /** What a record stands for, as its graph names things now. */
  async #underPresentNames(record: ExecutionRecord): Promise<ExecutionRecord> {
    const { connection, clock } = this.#context
    const graph = this.#context.graphOf(record)
    if (graph === undefined || requireIndex(graph).former === undefined) return record
    const { encoding } = connection
    if (record.kind !== 'batch') return (await underPresentNames({ record, steps: [] }, graph, encoding, clock)).record
    const present = await presentRecord(record, graph, encoding)
    const stored = { record: present, pages: this.#context.pagesOf(record.id) }
    const digest = (): Promise<string> => presentDigestOfBatch(stored, graph, encoding, turnOf(clock))
    return { ...present, requestDigest: await connection.patiently(digest) }
  }

  async #joinExisting(request: StartRequest, existing: ExecutionRecord): Promise<ExecutionRecord | undefined> {
    const { connection, owned, turns, clock, queues } = this.#context
    const { resumption, reopening, scan } = this.#predecessors
    // Under another key everything looks different: what is wrong then is the key.
    if (request.requestDigest !== existing.requestDigest) await readInputs(existing, connection.encoding)
    requireSame(request, await this.#underPresentNames(existing))
    const { id, status, owner } = existing
    if (hasCompleted(existing)) return undefined
    const known = owned.get(id)
    if (known !== undefined && !known.hasEnded) return undefined
    if (isTerminal(status)) return request.reopens === false ? undefined : reopening.reopenInTurn(id, request.caller)
    // It has its turn where it stands. One that has had an owner is gone on with, unless that is to be judged first.
    const { queue, startAt, epoch, startedAt } = existing
    const isEarly = startedAt === undefined && (epoch === 0 || (startAt ?? -Infinity) > clock.now())
    if (owner === undefined && (isEarly || !queues.serves(queue) || scan.states.isRestricted(queue))) {
      this.#queued({ ...request, place: existing }, existing.epoch)
      return undefined
    }
    const self = connection.session.owner
    // What another process had that has died waits for its turn where there are limits: the look for work takes it then.
    if (owner !== self && scan.states.isRestricted(queue)) return undefined
    if (owner === self) {
      // The scan may just have acquired it, and knows what became of its last owner.
      await scan.lookDone()
      if (turns.wasOvertaken(id)) return undefined
      if (scan.states.isRestricted(queue)) return this.#giveBack(request, existing)
    }
    const acquired = await acquireOne(connection, id, { andOwn: owner === self })
    if (acquired === undefined) await scan.lookDone()
    else if (!(await resumption.resumeOne(acquired, causeOf(acquired), request.caller))) {
      // The right to it was lost before it began: it is as it was, or what others have made of it since.
      const now = await this.#context.recordOf(id)
      if (now !== undefined) return this.#joinExisting(request, now)
    }
    return undefined
  }

  /**
   * What this process has by an answer that was lost waits for its turn where there are limits: looks for what it has leave that out of what they count, and may
   * have given its place to another one.
   */
  async #giveBack(request: StartRequest, existing: ExecutionRecord): Promise<undefined> {
    const { connection } = this.#context
    try {
      await connection.patiently(() => this.#context.change(existing, { isReleased: true }))
    } catch (error) {
      // Others have made something of it meanwhile.
      if (!(error instanceof LeaseLostError)) throw error
    }
    this.#queued({ ...request, place: existing }, existing.epoch)
  }

  /**
   * Where the scan was given the execution at this moment, what it finds is known once its turn is over.
   * @throws ExecutionConflictError where the records don't fit, and no other process has it
   */
  async #requireFitting(id: string): Promise<void> {
    const { incompatible, owned, turns } = this.#context
    await turns.inTurn(id, () => Promise.resolve())
    const reasons = owned.has(id) ? undefined : incompatible.reasonsOf(id)
    const record = reasons === undefined ? undefined : await this.#context.recordOf(id)
    if (record === undefined || isTerminal(record.status) || record.owner !== undefined) return
    throw cannotGoOn(id, record.graph, reasons!)
  }

  /** Another process that writes a batch's items may die before all of them are there: until then they are kept at hand here. */
  async #untilWritten(request: StartRequest): Promise<void> {
    const { clock, connection, owned, turns } = this.#context
    const { id, caller } = request
    for (;;) {
      const known = owned.get(id)
      if (known !== undefined) {
        await known.written
        if (!known.hasEnded || (await known.departure).type !== 'moved') return
      }
      const record = await this.#context.recordOf(id)
      if (record === undefined || isTerminal(record.status)) return
      const count = caller.batch!.items.length
      const written = await connection.patiently(() =>
        writtenItemsOf(id, this.#context.pagesOf(id), count, connection.encoding, turnOf(clock)),
      )
      if (typeof written !== 'number') return
      await turns.inTurn(id, () => this.#start(request))
      await sleep(clock, reopenPauseMs)
      this.#context.requireWaiting(id)
      requireNotAborted(id, caller.signal)
    }
  }
}

function isOfClosedStore(error: unknown): boolean {
  return error instanceof StoreError || (error instanceof DocketClosedError && error.executionId === undefined)
}

function closedTooEarly(id: string, cause: unknown): DocketClosedError {
  return new DocketClosedError(
    `this docket was closed before execution "${id}" was written down: is an await missing before it was started?`,
    { executionId: id },
    { cause },
  )
}
