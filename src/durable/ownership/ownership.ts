import { ExecutionCancelledError, LeaseLostError, StoreError } from '../../core/errors.ts'
import type { ErrorPlace } from '../../core/docket-error.ts'
import type { HeadChange } from '../../core/contracts/execution-record.ts'
import { isTerminal } from '../../core/contracts/statuses.ts'
import type { StoredValue } from '../../core/contracts/stored-value.ts'
import { atMost, sleep } from '../../runtime/environment/clock.ts'
import type { Emitter } from '../../runtime/execution/emitter.ts'
import type { CancelReason } from '../../runtime/execution/end-reason.ts'
import type { EndReport } from '../../runtime/execution/end-report.ts'
import type { StoreConnection } from '../../runtime/store-access/store-connection.ts'
import { pauseAfter } from '../../runtime/store-access/store-patience.ts'
import { isDeletedOnRequest } from './deleted-on-request.ts'
import type { ExecutionCommits } from './execution-commits.ts'
import type { ExecutionRecorder } from './execution-recorder.ts'
import type { Departure, Release, UnwrittenEnd } from './owned.ts'
import { errorCodeOf } from '../records/error-code.ts'

/** What an ownership needs of the work that it is about. */
export interface OwnedWork {
  readonly id: string
  readonly place: ErrorPlace
  readonly emitter: Emitter | undefined
  /** Stops what runs here, since it goes on elsewhere. */
  release(reason: CancelReason, cause: Release['cause']): void
  /** Nothing of it is left here. */
  onGone(): void
}

/** The time for which an execution is this process's: how it ends is written, and then reported. */
export class Ownership {
  readonly departure: Promise<Departure>
  readonly gone: Promise<void>
  hasDeparted = false
  unwrittenEnd: UnwrittenEnd | undefined
  readonly #owned: OwnedWork
  readonly #connection: StoreConnection
  readonly #recorder: ExecutionRecorder
  readonly #commits: ExecutionCommits
  #depart!: (departure: Departure) => void
  #isGone!: () => void
  #moved: Release | undefined
  /** Whether its failure is written, and it is still owned: because of functions that did not listen to their signal. */
  #isHeld = false
  #report: EndReport | undefined
  /** Whether its output is written and reported, and its record still open. */
  #isLeftOpen = false

  constructor(owned: OwnedWork, connection: StoreConnection, recorder: ExecutionRecorder) {
    this.#owned = owned
    this.#connection = connection
    this.#recorder = recorder
    this.#commits = recorder.commits
    this.departure = new Promise((resolve) => (this.#depart = resolve))
    this.gone = new Promise((resolve) => (this.#isGone = resolve))
  }

  /** `cause`: what kept the process from renewing its lease, where that is known. */
  lose(cause?: unknown): void {
    this.#commits.turnOff()
    const { id, place, emitter } = this.#owned
    const what = `execution "${id}" is not this process’s any more: it was paused or cut off from its store for longer than its lease`
    const options = cause === undefined ? undefined : { cause }
    const release = { cause: 'lease-lost', reason: new LeaseLostError(what, place, options) } as const
    if (this.hasDeparted) {
      this.#owned.release(release.reason, release.cause)
      this.#finish()
      return
    }
    emitter?.durable(this.#connection.clock.now(), { type: 'lease.lost' })
    this.#move(release)
  }

  async handOver(release: Release): Promise<void> {
    if (this.hasDeparted) return this.#handOverRest(release)
    const head: HeadChange = { ...release.head, isReleased: true, ownedMs: this.#commits.ownedMs }
    const isEnd = head.status !== undefined && isTerminal(head.status)
    const givenUp = this.#commits.givenUp()
    const steps = isEnd ? [] : [...givenUp, ...this.#recorder.undoNotes.givenUp(givenUp)]
    const released = this.#commits.write({ steps, head, areGivenUp: true })
    // The next owner finds its steps as they are now.
    this.#recorder.notes.stop()
    this.#move(release)
    await released
  }

  /** What the losers of its races did is undone elsewhere. */
  async #handOverRest({ reason, cause }: Release): Promise<void> {
    if (!this.#isLeftOpen) return
    this.#isLeftOpen = false
    const givenUp = this.#commits.givenUp()
    const steps = [...givenUp, ...this.#recorder.undoNotes.givenUp(givenUp)]
    const released = this.#commits.write({ steps, head: { isReleased: true }, areGivenUp: true })
    this.#recorder.notes.stop()
    this.#owned.release(reason, cause)
    await released.finally(() => this.#finish())
  }

  /** It is given up already, by a commit that parks it. */
  parked(release: Release): void {
    if (this.hasDeparted) return
    this.#recorder.notes.stop()
    this.#commits.turnOff()
    this.#move(release)
  }

  /** It has ended, and that is on its way to the store: what is not written within a lease is left to others. */
  async finishOr(release: Release): Promise<void> {
    await atMost(this.#connection.clock, this.#connection.session.leaseMs, this.departure)
    if (!this.hasDeparted) this.#move(release)
  }

  /** How it has ended is still to be written: until then nobody is shown that. */
  ending(report: EndReport): void {
    this.#report = report
    if (this.#moved !== undefined) this.#leaveUnwritten(this.#moved)
  }

  /** It has made its output, which is written. `rest`: its record stays open until then. */
  completed(output: unknown, rest?: Promise<void>): void {
    if (this.hasDeparted) return
    this.#report?.()
    if (rest === undefined) {
      this.#leave({ type: 'output', output })
      return
    }
    this.#isLeftOpen = true
    this.hasDeparted = true
    this.#depart({ type: 'output', output })
    void rest.then(() => this.#complete())
  }

  /** Tries for as long as it takes: until then this process is its owner. */
  async #complete(): Promise<void> {
    const { clock } = this.#connection
    for (let tries = 0; this.#isLeftOpen; tries++) {
      try {
        await this.#recorder.complete()
        this.#isLeftOpen = false
        this.#finish()
      } catch (refusal) {
        // Whoever has it now completes it.
        if (refusal instanceof LeaseLostError) return
        await sleep(clock, pauseAfter(tries), { unref: true })
      }
    }
  }

  /**
   * It has ended with an error, which is reported once it is written. Where the right to write it is lost before, nobody here knows how it
   * ends: whoever has it then may bring it to another end.
   */
  async failed(failure: unknown, report: EndReport): Promise<void> {
    this.ending(report)
    if (!this.hasDeparted) await this.#writeFailure(failure)
    this.unwrittenEnd = undefined
    if (this.hasDeparted) return
    this.hasDeparted = true
    report()
    this.#depart({ type: 'error', error: failure })
    if (this.#recorder.hasStragglers) this.#recorder.onLastStraggler = () => void this.#release()
    // The last of them may have ended while the failure was on its way.
    else if (this.#isHeld) await this.#release()
    else this.#finish()
  }

  #move(release: Release): void {
    this.#moved ??= release
    this.#owned.release(this.#moved.reason, this.#moved.cause)
    if (this.#report !== undefined) this.#leaveUnwritten(this.#moved)
  }

  /**
   * Writes how it failed, for as long as it takes. Never rejects. A store that refuses the error may take the bare fact; one that refuses
   * that as well can't write at the moment, whatever the value is.
   */
  async #writeFailure(error: unknown): Promise<void> {
    const { clock } = this.#connection
    const status = error instanceof ExecutionCancelledError ? 'cancelled' : 'failed'
    const isDeletion = isDeletedOnRequest(error, this.#owned.id)
    this.unwrittenEnd = { status, refusal: undefined }
    let stored = await this.#encoded(error)
    for (let tries = 0; this.#moved === undefined; tries++) {
      // What is given up can't be written to any more.
      await this.#recorder.idle()
      const errorCode = errorCodeOf(error)
      const head: HeadChange = {
        status,
        error: stored,
        errorCode,
        endedAt: clock.now(),
        ownedMs: this.#commits.ownedMs,
      }
      const isHeld = this.#recorder.hasStragglers
      try {
        const end: HeadChange = isHeld ? head : { ...head, isReleased: true }
        await this.#recorder.followEnd(end, this.#commits.change(end, isDeletion))
        this.#isHeld = isHeld
        return
      } catch (refusal) {
        // The next owner finds it as it was.
        if (refusal instanceof LeaseLostError) return
        const isFull = tries % 2 === 0
        if (!isFull) this.#refused(status, refusal)
        stored = await this.#encoded(isFull ? this.#bareFailure(status, refusal) : error)
        if (!isFull) await sleep(clock, pauseAfter(tries), { unref: true })
      }
    }
  }

  /** The bare fact is refused as well. Whoever wonders what keeps the execution can see it, and whoever reads the log. */
  #refused(status: UnwrittenEnd['status'], refusal: unknown): void {
    this.unwrittenEnd = { status, refusal }
    this.#connection.failures.reportRefusal(`writing that execution "${this.#owned.id}" is ${status}`, refusal)
  }

  #bareFailure(status: string, refusal: unknown): StoreError {
    const { id, place } = this.#owned
    const { name } = this.#connection.store
    const what = `execution "${id}" is ${status}; the store refused what it ended with`
    return new StoreError(name, what, false, { cause: refusal }, place)
  }

  /** Undefined where a codec fails: that it has ended is written all the same. */
  async #encoded(error: unknown): Promise<StoredValue | undefined> {
    try {
      return await this.#connection.encoding.encodeError(error, ['execution', this.#owned.id, 'error'])
    } catch {
      return undefined
    }
  }

  async #release(): Promise<void> {
    const { failures } = this.#connection
    await this.#commits.change({ isReleased: true }).catch(failures.of(`releasing execution "${this.#owned.id}"`))
    this.#finish()
  }

  #leaveUnwritten({ reason, cause }: Release): void {
    if (this.hasDeparted) return
    this.#commits.turnOff()
    this.#report!({ type: 'RELEASE', error: reason, cause })
    this.#leave({ type: 'moved', error: reason })
  }

  #leave(departure: Departure): void {
    this.hasDeparted = true
    this.#depart(departure)
    this.#finish()
  }

  #finish(): void {
    // What is still on its way must not meet an execution that is started anew under this id.
    this.#commits.turnOff()
    this.#owned.onGone()
    this.#isGone()
  }
}
