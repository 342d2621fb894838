import { ExecutionConflictError, LeaseLostError, StoreError } from '../../core/errors.ts'
import { describeThrown } from '../../core/thrown.ts'
import type { AnyGraph } from '../../core/graph/graph-index.ts'
import type { AcquiredExecution, ExecutionRecord, StepRecord } from '../../core/contracts/execution-record.ts'
import type { Message } from '../../core/contracts/message.ts'
import { updateKind } from '../../core/contracts/update-message.ts'
import { turnOf } from '../../runtime/environment/turn.ts'
import { Emitter } from '../../runtime/execution/emitter.ts'
import type { DocketContext } from '../context/docket-context.ts'
import { passCancel } from '../context/intercepted-cancel.ts'
import { keptOf } from '../context/begin-life.ts'
import type { Misfit } from '../context/incompatible-executions.ts'
import type { CallerOptions } from '../context/start-options.ts'
import { isArriving, requireAttached, unwrittenFork } from '../records/graph-hash.ts'
import { deathsOfUndos } from '../records/undo-records.ts'
import type { ResumeCause } from '../records/restore-execution.ts'
import { acquiredRecords } from './acquired-child.ts'
import { beginAgain } from './begin-again.ts'
import { batchFromRecords } from './batch-from-records.ts'
import { executionFromRecords } from './execution-from-records.ts'
import type { FromRecords } from './execution-from-records.ts'
import { fittedRecords } from './fitting-records.ts'
import { beginElsewhere, givenBack, whereToBegin } from './given-back.ts'
import { orphanedBy } from './child-cascade.ts'
import { bytesOf } from './portion.ts'
import { readStepsOfMany, requireReadable } from './steps-of-many.ts'
import { deleteOnceUndone, endedByMail, unreadMail } from './unread-mail.ts'
import type { UnreadMail } from './unread-mail.ts'
import { endUnowned } from './unowned.ts'

const defaultMaxRecoveries = 10

/** What became of several. */
export interface Resumed {
  /** How many run here now. */
  readonly count: number
  /** Of the values that were read for them. */
  readonly bytes: number
}

/**
 * What came of going on with one: it runs here because of it (`begun`); it is seen to in another way, having begun here before or ended
 * (`settled`); its records don't fit, and it was given up for others (`misfit`); or the right to it was lost while they were read, and nothing
 * has changed here (`outdated`).
 */
type ResumeOutcome = 'begun' | 'settled' | 'misfit' | 'outdated'

/** Goes on with executions that this process has just acquired. */
export class Resumption {
  readonly #context: DocketContext

  constructor(context: DocketContext) {
    this.#context = context
  }

  /**
   * Goes on with several; gives how many run here now, and calls back for each as soon as it does: others may fail. `mayBeGone` where this
   * process has deleted some since the store was called for them.
   */
  async resume(
    acquired: readonly AcquiredExecution[],
    mayBeGone: boolean,
    onResumed: (id: string) => void,
  ): Promise<Resumed> {
    if (acquired.length === 0) return { count: 0, bytes: 0 }
    const { turns, survived, connection } = this.#context
    const through = survived.goOnWith(
      acquired.map(({ execution }) => execution),
      connection.session.owner,
    )
    const uncertain = new Set(acquired.flatMap(({ execution: { id } }) => (mayBeGone || turns.has(id) ? [id] : [])))
    for (const { execution } of acquired) turns.overtake(execution.id)
    // A batch reads its own, page by page.
    const begun = acquired.filter(({ execution }) => execution.kind !== 'batch' && !isUntouched(execution))
    const reading = readStepsOfMany(
      this.#context,
      begun.map(({ execution }) => execution.id),
    )
    const addressed = acquired.filter(({ hasMail }) => hasMail !== false)
    const mail = unreadMail(
      this.#context,
      addressed.map(({ execution }) => execution.id),
    )
    // They reject where they are awaited, which may be later.
    for (const read of [reading, mail]) read.catch(() => {})
    // In turn with whoever starts one of them here at this moment: acquired a second time, it would lose what it has just begun.
    let bytes = 0
    const outcomes = await Promise.allSettled(
      acquired.map(({ execution, wasLost }) =>
        turns.inTurn(execution.id, async () => {
          if (uncertain.has(execution.id) && !(await this.#isAsFound(execution))) return false
          const steps = execution.kind === 'batch' ? undefined : await (await reading)(execution.id)
          bytes += bytesOf(execution, steps instanceof StoreError ? undefined : steps)
          const messages = (await mail).get(execution.id)
          if ((await this.#endedBy(messages?.control, execution)) !== 'none') return false
          if (steps instanceof StoreError) return this.#leaveUnreadable(execution, steps)
          const outcome = await this.#resumeOrRefused(execution, steps, causeOf({ execution, wasLost }), messages)
          if (outcome instanceof StoreError) return this.#leaveUnreadable(execution, outcome)
          if (outcome === 'begun') onResumed(execution.id)
          return outcome === 'begun'
        }),
      ),
    )
    // Not before all are through: what is still on its way would run without anybody knowing.
    through()
    for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason
    return { count: outcomes.filter((outcome) => outcome.status === 'fulfilled' && outcome.value).length, bytes }
  }

  /** Whether it is not gone, or another one under its id: this process may have deleted it before it knew that it has it. */
  async #isAsFound({ id, epoch, owner }: ExecutionRecord): Promise<boolean> {
    if ((this.#context.owned.get(id)?.epoch ?? 0) >= epoch) return true
    const record = await this.#context.recordNow(id)
    return record?.epoch === epoch && record.owner === owner
  }

  /** Those of a batch are read on the way: a StoreError where they can't be, not even once more. */
  async #resumeOrRefused(
    execution: ExecutionRecord,
    steps: readonly StepRecord[] | undefined,
    cause: ResumeCause,
    mail: UnreadMail | undefined,
  ): Promise<ResumeOutcome | StoreError> {
    for (let isLast = false; ; isLast = true) {
      try {
        return await this.#resume(execution, steps, cause, mail)
      } catch (error) {
        if (steps !== undefined || !(error instanceof StoreError) || error.isTransient) throw error
        if (isLast) return error
        await requireReadable(this.#context)
      }
    }
  }

  async #leaveUnreadable(execution: ExecutionRecord, { message }: StoreError): Promise<false> {
    this.#leave(execution, { reasons: [message], mayFitElsewhere: false })
    await this.#context.change(execution, { isReleased: true })
    return false
  }

  /**
   * Goes on with one. False where the right to it was lost before anything of it began: then it is as it was.
   * @throws ExecutionConflictError when its records don't fit
   */
  async resumeOne({ execution }: AcquiredExecution, cause: ResumeCause, caller?: CallerOptions): Promise<boolean> {
    const { id, graph } = execution
    const { session } = this.#context.connection
    const through = this.#context.survived.goOnWith([execution], session.owner)
    const { connection, owned } = this.#context
    try {
      // A caller waits: nothing of it begins before all is read, so that it may be read again.
      const outcome = await connection.patiently(() => this.#resumeUnlessEnded(execution, cause, caller))
      if (outcome !== 'misfit') return outcome !== 'outdated'
    } catch (error) {
      if (error instanceof LeaseLostError && !owned.has(id)) return false
      // The caller gets the error; others must not wait for a process that has it and does not run it.
      const onFailure = connection.failures.of(`releasing execution "${id}"`)
      if (!owned.has(id)) this.#context.change(execution, { isReleased: true }).catch(onFailure)
      throw error
    } finally {
      through()
    }
    const reasons = this.#context.incompatible.reasonsOf(id) ?? [`this docket does not know graph "${graph}"`]
    throw cannotGoOn(id, graph, reasons)
  }

  async #resumeUnlessEnded(
    execution: ExecutionRecord,
    cause: ResumeCause,
    caller: CallerOptions | undefined,
  ): Promise<ResumeOutcome> {
    const { id } = execution
    const mail = (await unreadMail(this.#context, [id])).get(id)
    if (cause !== 'end') {
      const ended = await this.#endedBy(mail?.control, execution)
      if (ended !== 'none') return ended === 'ended' ? 'settled' : ended
    }
    const steps = execution.kind === 'batch' ? undefined : ((await this.#context.readSteps([id])).get(id) ?? [])
    return this.#resume(execution, steps, cause, mail, caller)
  }

  /** What its last owner was sent and did not do any more comes before anything else of it. */
  async #endedBy(messages: readonly Message[] | undefined, execution: ExecutionRecord): ReturnType<typeof endedByMail> {
    const { connection, owned } = this.#context
    // One that is not whole yet is nobody's to end.
    if (isArriving(execution)) return 'none'
    if (messages === undefined || execution.owner !== connection.session.owner || owned.has(execution.id)) return 'none'
    return endedByMail(this.#context, execution, messages)
  }

  /** The steps of a batch are read on the way. */
  async #resume(
    found: ExecutionRecord,
    steps: readonly StepRecord[] | undefined,
    cause: ResumeCause,
    mail: UnreadMail | undefined,
    caller?: CallerOptions,
  ): Promise<ResumeOutcome> {
    const { incompatible, clock, options, connection, owned, observers } = this.#context
    if (found.owner !== connection.session.owner) return 'outdated'
    // It has begun here by another way while its records were read.
    if ((owned.get(found.id)?.epoch ?? 0) >= found.epoch) return 'settled'
    // A call that goes on with one that has ended may give it more time: the old deadline may be what it ended by.
    const deadline = cause === 'end' ? caller?.deadlineAt?.() : undefined
    const record = deadline === undefined ? found : { ...found, deadline }
    requireAttached(record)
    if (isArriving(record)) {
      const reason = 'a process is moving it here from another store, or died of it: move it again'
      this.#leave(record, { reasons: [reason], mayFitElsewhere: false })
      await this.#context.change(record, { isReleased: true })
      return 'misfit'
    }
    if (record.graphHash === unwrittenFork) {
      const message = `the process that forked "${record.forkedFrom}" died before "${record.id}" had its records; fork again`
      await endUnowned(this.#context, record, 'failed', new ExecutionConflictError(message, { executionId: record.id }))
      return 'settled'
    }
    const orphaned = cause === 'end' ? undefined : await orphanedBy(this.#context, record)
    if (orphaned !== undefined && record.status !== 'compensating') {
      await passCancel(this.#context, { executionId: record.id, reason: orphaned, by: 'parent' }, () =>
        endUnowned(this.#context, record, 'cancelled', orphaned),
      )
      return 'settled'
    }
    if (cause !== 'end' && (await givenBack(this.#context, record, mail))) return 'settled'
    const reasons = await this.#context.learn(record)
    const graph = this.#context.graphOf(record)
    const unknown = reasons === undefined ? unknownGraph(this.#context, record) : { reasons, mayFitElsewhere: true }
    const left = await acquiredRecords(this.#context, record, steps, graph, cause)
    if (left === undefined) return 'settled'
    const fitting =
      graph === undefined ? unknown : await this.#fromRecords(left.record, left.steps, graph, cause, caller)
    // To read it takes long where it is large: what was read after it was lost is not the whole, and says nothing of it.
    if (record.owner !== connection.session.owner) return 'outdated'
    if (fitting === undefined || 'reasons' in fitting) {
      if (fitting !== undefined) this.#leave(record, fitting)
      // Nobody has what has ended, so nobody reads who requested to retry it: those that wait for it look by themselves.
      const consumed = mail?.control.filter(({ kind }) => cause === 'end' && kind === 'retry').map(({ seq }) => seq)
      await this.#context.change(record, { isReleased: true }, { consumed })
      return 'misfit'
    }
    const where = whereToBegin(this.#context, record, cause, fitting)
    if (cause === 'end') await beginAgain(this.#context, record, deadline, fitting, mail)
    incompatible.delete(record.id)
    if (where === 'elsewhere') {
      await beginElsewhere(this.#context, record, steps, fitting.reopened)
      return 'settled'
    }
    const recoveries = cause === 'death' ? await this.#countDeaths(record) : record.recoveries
    const mostDeaths =
      (options.maxRecoveries ?? defaultMaxRecoveries) + deathsOfUndos(record, steps, fitting.undosUnderWay)
    if (cause === 'death' && recoveries > mostDeaths) {
      await this.#giveUp({ ...record, recoveries })
      return 'settled'
    }
    const anew = { ownedMs: 0, recoveries: 0, startedAt: clock.now() }
    const kept = await keptOf(connection, record, [...(graph?.observers ?? []), ...observers.of(record.id)])
    // Where it was parked here, whoever followed it goes on to do so.
    const parked = this.#context.parkedCallers.take(record.id)
    const owning = { ...record, recoveries, ...(cause === 'end' && anew) }
    const moves = cause === 'end' ? [] : mail?.moves // Timers that it begins anew have their own times.
    // Updates to its last life were answered with its end.
    const data = cause === 'end' ? mail?.data.filter(({ kind }) => kind !== updateKind) : mail?.data
    const own = (): ReturnType<typeof fitting.own> => fitting.own(owning, caller ?? parked?.options, data, moves)
    const resumed = parked === undefined ? own() : parked.context.run(own)
    const { restored } = fitting
    if (cause !== 'end' && mail?.control.some(({ kind }) => kind === 'delete')) deleteOnceUndone(this.#context, resumed)
    // What begins may hold the event loop for a while: the lease must be renewed between many of them.
    const turn = turnOf(clock)
    if (turn.mustYield()) await turn.next()
    // What was merely created, or is a fork, begins here.
    const life = found.startedAt === undefined ? undefined : { after: cause, restored, kept }
    const enter = (): boolean => this.#context.enter(resumed, life)
    const isHere = parked === undefined ? enter() : parked.context.run(enter)
    if (isHere) await resumed.written
    else await this.#context.releaseIfClosing(record)
    return isHere ? 'begun' : 'settled'
  }

  async #fromRecords(
    record: ExecutionRecord,
    known: readonly StepRecord[] | undefined,
    graph: AnyGraph,
    cause: ResumeCause,
    caller: CallerOptions | undefined,
  ): Promise<Exclude<FromRecords, { reasons: unknown }> | Misfit> {
    try {
      if (record.kind === 'batch') {
        const made = await batchFromRecords(this.#context, record, graph, cause, caller)
        return 'reasons' in made ? { mayFitElsewhere: true, ...made } : made
      }
      const fitted = await fittedRecords(this.#context, record, known ?? [], graph)
      const made = await executionFromRecords(this.#context, fitted.stored, graph, cause, caller)
      if ('reasons' in made) return { mayFitElsewhere: true, ...made }
      await fitted.write()
      return made
    } catch (error) {
      if (error instanceof StoreError || error instanceof LeaseLostError) throw error
      return { reasons: [describeThrown(error)], mayFitElsewhere: false }
    }
  }

  /** Remembers that an execution can't go on here, and reports why. */
  #leave(record: ExecutionRecord, misfit: Misfit): void {
    const { incompatible, clock, observers: given } = this.#context
    incompatible.add(record, misfit)
    const graph = this.#context.graphOf(record)
    const observers = [...(graph?.observers ?? []), ...given.of(record.id)]
    if (observers.length > 0)
      new Emitter(record.id, graph?.name ?? record.graph, record.target, observers).durable(clock.now(), {
        type: 'execution.incompatible',
        reasons: misfit.reasons,
      })
  }

  /** How many owners have died: what this process lost and survived is taken back. */
  async #countDeaths(record: ExecutionRecord): Promise<number> {
    const { survived } = this.#context
    const recoveries = survived.deathsOf(record)
    if (recoveries < record.recoveries) await this.#context.change(record, { recoveries })
    survived.forget(record.id)
    return recoveries
  }

  async #giveUp(record: ExecutionRecord): Promise<void> {
    const { id, graph, recoveries } = record
    const error = new LeaseLostError(
      `execution "${id}" was given up: ${recoveries} processes that ran it died one after another without completing a step (maxRecoveries is ${this.#context.options.maxRecoveries ?? defaultMaxRecoveries})`,
      { graph, executionId: id },
    )
    await endUnowned(this.#context, record, 'failed', error)
  }
}

/** Why an execution is left for a while that is looked for here, by the name of a workflow, and is of another graph of this name. */
function unknownGraph(context: DocketContext, { graph }: ExecutionRecord): Misfit | undefined {
  if (!context.storedGraphNames.includes(graph)) return undefined
  return {
    reasons: [`this docket knows a workflow named "${graph}", and not the graph of this name`],
    mayFitElsewhere: true,
  }
}

/** What a caller gets whose execution has records that don't fit. */
export function cannotGoOn(id: string, graph: string, reasons: readonly string[]): ExecutionConflictError {
  return new ExecutionConflictError(`execution "${id}" can't go on in this process: ${reasons.join('; ')}`, {
    graph,
    executionId: id,
  })
}

/** Whether nobody had it before: only an owner writes steps. */
function isUntouched({ epoch }: ExecutionRecord): boolean {
  return epoch === 1
}

/** Why an execution that has not ended goes on here. */
export function causeOf({ wasLost }: AcquiredExecution): 'death' | 'release' {
  return wasLost ? 'death' : 'release'
}
