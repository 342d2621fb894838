import type { StoreSessions } from '../../core/contracts/store.ts'
import { outsideCalls } from '../environment/async-context.ts'
import type { FullClock } from '../environment/clock.ts'
import { unref } from '../environment/long-timeout.ts'

export interface HeartbeatParts {
  readonly sessions: StoreSessions
  readonly clock: FullClock
  readonly owner: () => string
  /** Until then nobody takes this process for dead because of its connection. */
  readonly onHeld: (owner: string, until: number) => void
  /** The connection is gone: the lease is to be renewed over another one. */
  readonly onLost: () => void
  readonly onOthersEnded: () => void
}

/** Looks, several times within the grace, whether the connection by which others see this process is there, and theirs are. */
export class Heartbeat {
  readonly #parts: HeartbeatParts
  #timer: unknown
  #isOn = false

  constructor(parts: HeartbeatParts) {
    this.#parts = parts
  }

  /** For how long an answer holds; less than the grace, since not all clocks go alike. */
  get freshMs(): number {
    return this.#parts.sessions.graceMs * 0.9
  }

  /** Until when others can't have ended this owner because of its connection, which was there at `askedAt` or later. */
  freshUntil(askedAt: number): number {
    const { sessions, owner } = this.#parts
    return sessions.isClaimed(owner()) ? askedAt + this.freshMs : Infinity
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
    const { clock, sessions } = this.#parts
    const pauseMs = sessions.graceMs * 0.3
    this.#timer = outsideCalls.run(() => clock.setTimeout(() => void this.#beat(), pauseMs))
    unref(this.#timer)
  }

  async #beat(): Promise<void> {
    const { clock, sessions, owner, onHeld, onLost, onOthersEnded } = this.#parts
    const askedAt = clock.elapsed()
    const asked = owner()
    try {
      const { state, ended } = await sessions.beat(asked)
      if (!this.#isOn) return
      if (state === 'held') onHeld(asked, askedAt + this.freshMs)
      if (state === 'lost') onLost()
      if (ended > 0) onOthersEnded()
    } catch {
      // The store is away, and says so to whoever needs it. Once it is back, the connection is another one.
    }
    this.#arm()
  }
}
