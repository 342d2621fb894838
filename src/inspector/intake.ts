import type { PacerClock } from './pacer.ts'
import { machineClock } from './pacer.ts'
import type { WebSocket } from './web-packages.ts'

/** How long the messages of programs may take, all in milliseconds but the last two. */
const allowance = {
  /** At once, for what a program has to say when it connects. */
  burst: 1_000,
  /** In one go: then others have their turn. */
  turn: 10,
  /** In each millisecond, of all programs together; and as much again for what is left out. */
  share: 0.1,
  /** Estimated of a message that is left out: it was received all the same. */
  leftOut: 0.002,
  leftOutPerByte: 0.000_002,
  /** A message of more bytes is left out: a single one would take too long. */
  mostBytes: 1024 * 1024,
} as const

/** What a socket's messages are taken with. */
export interface IntakeOptions {
  readonly take: (text: string) => void
  /** A message was left out: it was too large, or came too fast. */
  readonly leaveOut: () => void
  /** How many programs are connected. */
  readonly programs: () => number
}

/**
 * Takes the messages of one program in no more than a share of this process's time: one that sends faster has the rest of them left out, and is not
 * even read from where that alone takes too long.
 */
export class Intake {
  readonly #socket: Pick<WebSocket, 'pause' | 'resume'>
  readonly #options: IntakeOptions
  readonly #clock: PacerClock
  /** What may still be taken, and what has been, and was left out, since it was read from again. */
  #left: number = allowance.burst
  #taken = 0
  #leftOut = 0
  #at: number
  #timer: unknown

  constructor(socket: Pick<WebSocket, 'pause' | 'resume'>, options: IntakeOptions, clock: PacerClock = machineClock) {
    this.#socket = socket
    this.#options = options
    this.#clock = clock
    this.#at = clock.elapsed()
  }

  receive(data: Buffer): void {
    const beganAt = this.#clock.elapsed()
    this.#left = Math.min(allowance.burst, this.#left + (beganAt - this.#at) * this.#share())
    this.#at = beganAt
    if (this.#left > 0 && data.length <= allowance.mostBytes) {
      this.#options.take(data.toString())
      const tookMs = this.#clock.elapsed() - beganAt
      this.#left -= tookMs
      this.#taken += tookMs
      if (this.#taken >= allowance.turn) this.#pause(allowance.turn)
    } else {
      this.#options.leaveOut()
      this.#leftOut += allowance.leftOut + allowance.leftOutPerByte * data.length
      if (this.#leftOut >= allowance.turn) this.#pause(allowance.turn / this.#share())
    }
  }

  /** The socket is closed. */
  stop(): void {
    this.#clock.clearTimeout(this.#timer as never)
  }

  #share(): number {
    return allowance.share / Math.max(1, this.#options.programs())
  }

  #pause(ms: number): void {
    if (this.#timer !== undefined) return
    this.#socket.pause()
    this.#timer = this.#clock.setTimeout(() => {
      this.#timer = undefined
      this.#taken = 0
      this.#leftOut = 0
      this.#socket.resume()
    }, ms)
  }
}
