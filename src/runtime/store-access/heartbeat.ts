import type { SessionLook, StoreSessions } from '../../core/contracts/store.ts'
import { outsideCalls } from '../environment/async-context.ts'
import type { FullClock } from '../environment/clock.ts'
import { unref } from '../environment/long-timeout.ts'
import { graceMs, MissingSessions } from './missing-sessions.ts'

export interface HeartbeatParts {
  readonly sessions: StoreSessions
  readonly clock: FullClock
  readonly random: () => number
  readonly owner: () => string
  /** The connection was there at this moment or later, in steady time and as a time of day. */
  readonly onHeld: (owner: string, askedAt: number, askedAtByDay: number) => void
  /** The connection is gone: the lease is to be renewed over another one. */
  readonly onLost: () => void
  readonly onOthersEnded: () => void
  readonly onFailure: (error: unknown) => void
}

/** For how long an answer holds, that is, for how long nobody ends its owner; less than the grace, since not all clocks go alike. */
export const freshMs = graceMs * 0.9
/** Two looks within what an answer holds for. */
const pauseMs = graceMs * 0.4
/**
 * So many of all processes, on average, look at the others at a time: however many there are, they are as many looks. With eight, a time at
 * which none does comes once in three thousand.
 */
const watchersAtATime = 8

/** Looks, several times within the grace, whether the connection by which others see this process is there, and theirs are. */
export class Heartbeat {
  readonly #parts: HeartbeatParts
  readonly #missing = new MissingSessions()
  /** How many owners are watched, when that was seen last. */
  #watched = 0
  #timer: unknown
  #isOn = false

  constructor(parts: HeartbeatParts) {
    this.#parts = parts
  }

  /** Whether others may watch this owner's connection. */
  isClaimed(owner: string): boolean {
    return this.#parts.sessions.isClaimed(owner)
  }

  start(): void {
    if (this.#isOn) return
    this.#isOn = true
    this.#arm()
  }

  stop(): void {
    this.#isOn = false
    this.#parts.clock.clearTimeout(this.#timer)
  }

  #arm(): void {
    if (!this.#isOn) return
    const { clock } = this.#parts
    // An owner that has been missing for long enough is ended then, not at the next look after.
    const ms = Math.min(pauseMs, Math.max(0, this.#missing.nextDueAt - clock.elapsed()))
    this.#timer = outsideCalls.run(() => clock.setTimeout(() => void this.#beat(), ms))
    unref(this.#timer)
  }

  async #beat(): Promise<void> {
    const { clock, sessions, owner, onHeld, onLost, onOthersEnded, onFailure } = this.#parts
    const askedAt = clock.elapsed()
    const askedAtByDay = clock.now()
    const asked = owner()
    try {
      const look = await sessions.look(asked, this.#looksAtOthers(askedAt))
      if (!this.#isOn) return
      if (look.state === 'held') onHeld(asked, askedAt, askedAtByDay)
      if (look.state === 'lost') onLost()
      this.#watched = look.others?.watched ?? this.#watched
      if (await this.#endMissing(look)) onOthersEnded()
    } catch (error) {
      // Where the store is away, it says so to whoever needs it. Once it is back, the connection is another one.
      this.#missing.blind()
      onFailure(error)
    }
    this.#arm()
  }

  #looksAtOthers(now: number): boolean {
    if (this.#missing.nextDueAt <= now || this.#watched <= watchersAtATime) return true
    return this.#parts.random() * this.#watched < watchersAtATime
  }

  /** Whether owners were ended. */
  async #endMissing(look: SessionLook): Promise<boolean> {
    let isAny = false
    for (const missing of this.#missing.seen(look, this.#parts.clock.elapsed()))
      if (await this.#parts.sessions.end(missing, look.connection)) isAny = true
    return isAny
  }
}
