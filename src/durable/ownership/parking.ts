import { ExecutionCancelledError, SerializationError } from '../../core/errors.ts'
import type { ErrorPlace } from '../../core/docket-error.ts'
import type { Parking, StepRecord } from '../../core/contracts/execution-record.ts'
import { outsideCalls } from '../../runtime/environment/async-context.ts'
import { fireAfter } from '../../runtime/environment/timers.ts'
import type { Timer } from '../../runtime/environment/timers.ts'
import type { Emitter } from '../../runtime/execution/emitter.ts'
import type { StoreConnection } from '../../runtime/store-access/store-connection.ts'
import type { ExecutionRecorder } from './execution-recorder.ts'
import type { Release } from './owned.ts'

// Of ten seconds, some ten minutes.
const mostDoublings = 6
// What can't be parked yet is looked at again after a pause, also where it is to be parked at once: a codec may take long, and a line for a limit hours.
const longestPauseMs = 1_000

/** An execution or a batch, as far as its parking goes. */
export interface Parkable {
  readonly id: string
  readonly place: ErrorPlace
  readonly timeoutMs: number | undefined
  readonly emitter: Emitter | undefined
  /** Whether all that has begun of it waits, and it has not ended. */
  readonly waits: boolean
  /** Whether something that came is still to be read or checked, or something else is on its way. */
  readonly isBusy: boolean
  /** When something of it is due first. */
  dueAt(): number | undefined
  /**
   * What is to be written with the parking; what does not fit into one commit is written before. Ends early where it is not wanted any more.
   * @throws SerializationError for what can't be stored
   */
  values(isWanted: () => boolean): Promise<ParkedState>
}

/** What of an execution is not on record yet, and is needed to go on, and what it waits for. */
export interface ParkedState {
  readonly steps: readonly StepRecord[]
  readonly waitsFor: readonly string[]
}

/** What an execution is parked by. */
interface ParkingParts {
  readonly connection: StoreConnection
  /** For how long it has to wait first, in milliseconds. */
  readonly afterMs: number
  readonly parkable: Parkable
  readonly recorder: ExecutionRecorder
  /** Whether it is to stay here: somebody looks at it as an actor, or it is being detached. */
  readonly isToStay: () => boolean
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
  /** How often in succession the store refused to park it: each time it waits for twice as long. */
  #refusals = 0
  /** How often in succession it could not be parked, for whatever reason. */
  #tries = 0

  constructor(parts: ParkingParts) {
    this.#parts = parts
  }

  /** Whether the store is deciding on it: what comes to it here meanwhile may be lost with it. */
  get isUnderWay(): boolean {
    return this.#isParking
  }

  /** All of it waits, or something goes on again. */
  waits(waits: boolean, rests: boolean): void {
    // A timeout counts backoffs: whoever parks them could not.
    const mayPark = waits && (rests || this.#parts.parkable.timeoutMs === undefined)
    this.#disarm()
    this.#isHopeless = !mayPark
    if (!waits) this.#refusals = this.#tries = 0
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
    if (this.#isHopeless || this.#isStopped) return
    this.#timer = outsideCalls.run(() =>
      fireAfter(this.#parts.connection.clock, this.#delayMs(), () => {
        this.#timer = undefined
        void this.#park().catch((error: unknown) => this.#failed(error))
      }),
    )
  }

  #delayMs(): number {
    const waitMs = this.#parts.afterMs * 2 ** Math.min(Math.max(0, this.#refusals - 1), mostDoublings)
    const pauseMs = this.#tries === 0 ? 0 : Math.min(2 ** (this.#tries - 1), longestPauseMs)
    return Math.max(waitMs, pauseMs)
  }

  /** It stays here, and tries again after the same while. */
  #failed(error: unknown): void {
    const { connection, parkable } = this.#parts
    connection.failures.of(`parking execution "${parkable.id}"`)(error)
    this.#refusals++
    this.#armAgain()
  }

  /** It may have gone on meanwhile, and have been waiting again since. */
  #armAgain(): void {
    this.#tries++
    if (this.#timer === undefined && this.#parts.parkable.waits) this.#arm()
  }

  #disarm(): void {
    this.#timer?.cancel()
    this.#timer = undefined
  }

  async #park(): Promise<void> {
    if (this.#isParking) return
    this.#isParking = true
    const answer = await this.#tryToPark().finally(() => (this.#isParking = false))
    const { onParked, onUnread, parkable, recorder } = this.#parts
    if (answer === 'parked') {
      const reason = new ExecutionCancelledError(
        `execution "${parkable.id}" is parked: it goes on when what it waits for comes`,
        parkable.place,
      )
      onParked({ cause: 'park', reason })
    } else if (answer === 'lost') recorder.commits.lose()
    else {
      if (answer === 'unread') onUnread()
      this.#armAgain()
    }
  }

  async #tryToPark(): Promise<'parked' | 'unread' | 'lost' | 'not now'> {
    const { parkable, connection, recorder } = this.#parts
    const dueAt = parkable.dueAt()
    if (!this.#mayPark || this.#isDueSoon(dueAt)) return 'not now'
    let state, waitsFor
    try {
      state = await parkable.values(() => this.#isWanted)
      waitsFor = await connection.encoding.encode(state.waitsFor, ['execution', parkable.id, 'waitsFor'])
    } catch (error) {
      if (!(error instanceof SerializationError)) throw error
      this.#isHopeless = true
      parkable.emitter?.durable(connection.clock.now(), { type: 'parking.failed', error })
      return 'not now'
    }
    // A codec takes its time.
    if (!this.#mayPark) return 'not now'
    const park: Parking = { lastSeq: this.#lastRead, dueAt, waitsFor }
    return recorder.commits.park(park, state.steps)
  }

  /** Whether it is still to be parked, whatever is on its way to the store. */
  get #isWanted(): boolean {
    const { parkable, recorder, isToStay } = this.#parts
    return parkable.waits && !recorder.commits.isOff && !this.#isStopped && !isToStay()
  }

  /** Whether nothing of it is under way, here or to the store. */
  get #mayPark(): boolean {
    const { recorder, parkable } = this.#parts
    return this.#isWanted && recorder.isIdle && recorder.commits.isIdle && !parkable.isBusy
  }

  #isDueSoon(dueAt: number | undefined): boolean {
    const { connection, afterMs } = this.#parts
    return dueAt !== undefined && dueAt - connection.clock.now() < afterMs
  }
}
