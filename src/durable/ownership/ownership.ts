import { ExecutionCancelledError, LeaseLostError } from '../../core/errors.ts'
import type { ErrorPlace } from '../../core/errors.ts'
import type { HeadChange } from '../../core/contracts/execution-record.ts'
import { isTerminal } from '../../core/contracts/statuses.ts'
import { sleep } from '../../runtime/environment/clock.ts'
import type { Emitter } from '../../runtime/execution/emitter.ts'
import type { CancelReason } from '../../runtime/execution/end-reason.ts'
import type { StoreConnection } from '../../runtime/store-access/store-connection.ts'
import type { ExecutionRecorder } from './execution-recorder.ts'
import type { Departure, Release } from './owned.ts'

/** What an ownership needs of the work that it is about. */
export interface OwnedWork {
  readonly id: string
  readonly place: ErrorPlace
  readonly emitter: Emitter | undefined
  /** Ends what runs here. */
  end(reason: CancelReason): void
  /** Nothing of it is left here. */
  onGone(): void
}

/** The time for which an execution is this process's: how it ends is written, and then reported. */
export class Ownership {
  readonly departure: Promise<Departure>
  readonly gone: Promise<void>
  hasDeparted = false
  readonly #owned: OwnedWork
  readonly #connection: StoreConnection
  readonly #recorder: ExecutionRecorder
  #depart!: (departure: Departure) => void
  #isGone!: () => void
  #moved: CancelReason | undefined
  /** Whether its failure is written, and it is still owned: because of functions that did not listen to their signal. */
  #isHeld = false

  constructor(owned: OwnedWork, connection: StoreConnection, recorder: ExecutionRecorder) {
    this.#owned = owned
    this.#connection = connection
    this.#recorder = recorder
    this.departure = new Promise((resolve) => (this.#depart = resolve))
    this.gone = new Promise((resolve) => (this.#isGone = resolve))
  }

  lose(): void {
    this.#recorder.turnOff()
    if (this.hasDeparted) {
      this.#finish()
      return
    }
    this.#owned.emitter?.durable(this.#connection.clock.now(), { type: 'lease.lost' })
    const { id, place } = this.#owned
    const what = `execution "${id}" is not this process’s any more: it was paused or cut off from its store for longer than its lease`
    this.#move({ cause: 'lease-lost', reason: new LeaseLostError(what, place) })
  }

  async handOver(release: Release): Promise<void> {
    if (this.hasDeparted) return
    const head: HeadChange = { ...release.head, isReleased: true, ownedMs: this.#recorder.ownedMs }
    const isEnd = head.status !== undefined && isTerminal(head.status)
    const released = this.#recorder.write(isEnd ? [] : this.#recorder.givenUp(), head)
    // The next owner finds its steps as they are now.
    this.#recorder.stopNotes()
    this.#move(release)
    await released
  }

  /** It has made its output, which is written. */
  completed(output: unknown): void {
    this.#leave({ type: 'output', output })
  }

  /** It has ended with an error, which is still to be written. */
  async failed(failure: unknown): Promise<void> {
    if (this.#moved !== undefined) {
      this.#recorder.turnOff()
      this.#leave({ type: 'moved', error: this.#moved })
      return
    }
    // The caller gets the outcome even if the store stays away; this process goes on trying to write it.
    const { clock, session } = this.#connection
    const written = this.#writeFailure(failure)
    const wasRefused = await Promise.race([written, sleep(clock, session.leaseMs, { unref: true })])
    if (wasRefused === true && this.#moved !== undefined) {
      // Others have it, and what they make of it holds: this failure is dropped.
      this.#leave({ type: 'moved', error: this.#moved })
      return
    }
    this.hasDeparted = true
    this.#depart({ type: 'error', error: failure })
    await written
    if (this.#recorder.hasStragglers) this.#recorder.onLastStraggler = () => void this.#release()
    // The last of them may have ended while the failure was on its way.
    else if (this.#isHeld) await this.#release()
    else this.#finish()
  }

  #move({ cause, reason }: Release): void {
    this.#moved ??= reason
    this.#owned.emitter?.releasedBy(cause)
    this.#owned.end(this.#moved)
  }

  /**
   * Whether the store says that it is not this process's any more. Never rejects: where it can't be written, the lease is lost, or the
   * store refuses even this.
   */
  async #writeFailure(error: unknown): Promise<boolean> {
    const { clock, encoding, session } = this.#connection
    const { owner } = session
    const status = error instanceof ExecutionCancelledError ? 'cancelled' : 'failed'
    try {
      const stored = await encoding.encodeError(error, ['execution', this.#owned.id, 'error'])
      // What is given up can't be written to any more.
      await this.#recorder.idle()
      const head: HeadChange = { status, error: stored, endedAt: clock.now(), ownedMs: this.#recorder.ownedMs }
      const isHeld = this.#recorder.hasStragglers
      await this.#recorder.change(isHeld ? head : { ...head, isReleased: true })
      this.#isHeld = isHeld
      return false
    } catch (refusal) {
      // The next owner finds it as it was. A lease that ended while the store stayed away says nothing of others.
      return refusal instanceof LeaseLostError && session.owner === owner
    }
  }

  async #release(): Promise<void> {
    await this.#recorder.change({ isReleased: true }).catch(() => {})
    this.#finish()
  }

  #leave(departure: Departure): void {
    this.hasDeparted = true
    this.#depart(departure)
    this.#finish()
  }

  #finish(): void {
    // What is still on its way must not meet an execution that is started anew under this id.
    this.#recorder.turnOff()
    this.#owned.onGone()
    this.#isGone()
  }
}
