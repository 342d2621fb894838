import { ExecutionCancelledError, SerializationError } from '../../core/errors.ts'
import type { Parking } from '../../core/contracts/execution-record.ts'
import { outsideCalls } from '../../runtime/environment/async-context.ts'
import { latestEnd } from '../../runtime/environment/time-limit.ts'
import { fireAfter } from '../../runtime/environment/timers.ts'
import type { Timer } from '../../runtime/environment/timers.ts'
import type { Execution } from '../../runtime/execution/execution.ts'
import { statusOf } from '../../runtime/execution/step-status.ts'
import type { StoreConnection } from '../../runtime/store-access/store-connection.ts'
import { waitTexts } from '../records/lease-info.ts'
import { liveStepInfos, liveStepsOf } from '../records/open-steps.ts'
import type { ExecutionRecorder } from './execution-recorder.ts'
import type { Release } from './owned.ts'
import { parkedValues } from './parked-values.ts'
import type { SignalMail } from './signal-mail.ts'

/** What an execution is parked by. */
interface ParkingParts {
  readonly connection: StoreConnection
  /** For how long it has to wait first, in milliseconds. */
  readonly afterMs: number
  readonly execution: Execution
  readonly recorder: ExecutionRecorder
  readonly mail: SignalMail | undefined
  /** Whether somebody looks at it here as an actor, which is to stay. */
  readonly isLookedAt: () => boolean
  /** It is nobody's now. */
  readonly onParked: (release: Release) => void
  /** A message has come that was not read. */
  readonly onUnread: () => void
}

/**
 * Gives an execution up that has waited for a while: it keeps a row in its store, and no process has it until it is due or a message comes. The commit
 * holds only if no message has come since the last that was read.
 */
export class ExecutionParking {
  readonly #parts: ParkingParts
  #timer: Timer | undefined
  #isParking = false
  /** Something of it can't be stored: it stays here as long as it waits for this. */
  #isHopeless = false
  #isStopped = false
  #lastRead = 0

  constructor(parts: ParkingParts) {
    this.#parts = parts
  }

  /** All of it waits, or something goes on again. */
  waits(waits: boolean, rests: boolean): void {
    // A timeout counts backoffs: whoever parks them could not.
    const mayPark = waits && (rests || this.#parts.execution.options.timeoutMs === undefined)
    this.#disarm()
    this.#isHopeless = !mayPark
    this.#arm()
  }

  /** A message to it was read. */
  read(seq: number): void {
    this.#lastRead = Math.max(this.#lastRead, seq)
  }

  /** It ends, or is given up otherwise. */
  stop(): void {
    this.#disarm()
    this.#isStopped = true
  }

  #arm(): void {
    const { connection, afterMs } = this.#parts
    if (this.#isHopeless || this.#isStopped) return
    this.#timer = outsideCalls.run(() =>
      fireAfter(connection.clock, afterMs, () => {
        this.#timer = undefined
        void this.#park().catch((error: unknown) => this.#failed(error))
      }),
    )
  }

  /** It stays here, and tries again after the same while. */
  #failed(error: unknown): void {
    const { connection, execution } = this.#parts
    connection.failures.of(`parking execution "${execution.id}"`)(error)
    this.#armAgain()
  }

  /** It may have gone on meanwhile, and have been waiting again since. */
  #armAgain(): void {
    if (this.#timer === undefined && this.#waits) this.#arm()
  }

  #disarm(): void {
    this.#timer?.cancel()
    this.#timer = undefined
  }

  async #park(): Promise<void> {
    if (this.#isParking) return
    this.#isParking = true
    const answer = await this.#tryToPark().finally(() => (this.#isParking = false))
    const { onParked, onUnread, execution, recorder } = this.#parts
    if (answer === 'parked') {
      const reason = new ExecutionCancelledError(
        `execution "${execution.id}" is parked: it goes on when what it waits for comes`,
        execution.place,
      )
      onParked({ cause: 'park', reason })
    } else if (answer === 'lost') recorder.commits.lose()
    else {
      if (answer === 'unread') onUnread()
      this.#armAgain()
    }
  }

  async #tryToPark(): Promise<'parked' | 'unread' | 'lost' | 'not now'> {
    const { execution, connection, recorder, isLookedAt } = this.#parts
    const dueAt = this.#dueAt()
    if (isLookedAt() || !this.#isQuiet || this.#isDueSoon(dueAt)) return 'not now'
    let steps, waitsFor
    try {
      steps = await parkedValues(execution, connection.encoding)
      const infos = liveStepInfos(liveStepsOf(execution), [])
      waitsFor = await connection.encoding.encode(waitTexts(infos), ['execution', execution.id, 'waitsFor'])
    } catch (error) {
      if (!(error instanceof SerializationError)) throw error
      this.#isHopeless = true
      execution.emitter?.durable(connection.clock.now(), { type: 'parking.failed', error })
      return 'not now'
    }
    // A codec takes its time.
    if (!this.#isQuiet || isLookedAt()) return 'not now'
    const park: Parking = { lastSeq: this.#lastRead, dueAt, waitsFor }
    return recorder.commits.park(park, steps)
  }

  get #waits(): boolean {
    const { execution } = this.#parts
    return execution.isWaiting && !execution.isSettled
  }

  /** Whether nothing of it is under way, here or to the store. */
  get #isQuiet(): boolean {
    const { recorder, mail, execution } = this.#parts
    if (execution.losses?.areOpen === true) return false
    return this.#waits && !recorder.commits.isOff && recorder.isIdle && recorder.commits.isIdle && mail?.isBusy !== true
  }

  #isDueSoon(dueAt: number | undefined): boolean {
    const { connection, afterMs } = this.#parts
    return dueAt !== undefined && dueAt - connection.clock.now() < afterMs
  }

  /** When something of it is due first. */
  #dueAt(): number | undefined {
    const { runs, options } = this.#parts.execution
    let first = latestEnd(options) ?? Infinity
    for (const run of runs) {
      if (run === undefined || run.hasEnded || run.startedAt === undefined) continue
      const { kind, timeoutMs } = run.planStep.spec
      // The limit of a child is that of its attempt, and is its due time.
      const limit =
        timeoutMs === undefined || kind === 'subgraph' || statusOf(run) !== 'waiting'
          ? Infinity
          : run.startedAt + timeoutMs
      first = Math.min(first, run.dueAt ?? Infinity, limit)
    }
    return first === Infinity ? undefined : first
  }
}
