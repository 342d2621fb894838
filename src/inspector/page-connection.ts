import type { LiveFrame } from './protocol.ts'
import type { WebSocket } from './web-packages.ts'

/** From here on a page counts as one that does not read. */
const mostBuffered = 256 * 1024
const opened = 1
const alive = JSON.stringify({ type: 'alive' } satisfies LiveFrame)

/** One page that is open. What it does not read in time is left out, and once it reads again it gets a `gap`: nothing is kept for it. */
export class PageConnection {
  readonly #socket: WebSocket
  readonly #seq: () => number
  #isBehind = false
  #answers = true
  /** What it was shown of the store last. */
  isStoreAway = false

  constructor(socket: WebSocket, seq: () => number) {
    this.#socket = socket
    this.#seq = seq
    socket.on('pong', () => (this.#answers = true))
  }

  /** Gives whether it was sent. */
  send(text: string): boolean {
    if (this.#socket.readyState !== opened) return false
    if (this.#isBehind || this.#socket.bufferedAmount > mostBuffered) {
      this.#isBehind = true
      return false
    }
    this.#socket.send(text, () => this.#catchUp())
    return true
  }

  /** Looks whether somebody is there; one that has not answered since the last time is cut off. Browsers answer by themselves: the page gets a frame besides. */
  ping(): void {
    if (!this.#answers) return this.#socket.terminate()
    this.#answers = false
    if (this.#socket.readyState === opened) this.#socket.ping()
    this.send(alive)
  }

  close(code: number, reason: string): void {
    this.#socket.close(code, reason)
  }

  #catchUp(): void {
    if (!this.#isBehind || this.#socket.bufferedAmount > 0 || this.#socket.readyState !== opened) return
    this.#isBehind = false
    const gap: LiveFrame = { type: 'gap', seq: this.#seq() }
    this.#socket.send(JSON.stringify(gap))
  }
}
