import type { ExecutionFilter, LiveFrame, PageFrame } from '../../protocol.ts'
import { Notifier } from './notifier.ts'

/** What the connection for live changes is at. */
export type LiveState = 'connecting' | 'live' | 'waiting'

/** Waits between tries, in milliseconds: the last one for all that follow. */
const waits = [250, 500, 1_000, 2_000, 5_000, 10_000]

/** The server says every 20 s that it is there: a connection over which nothing comes for so long has died without a word, as those through a tunnel may. */
const longestSilenceMs = 50_000

/** What gets the frames. */
export interface LiveReceiver {
  readonly onFrame: (frame: LiveFrame) => void
  /** Frames may be missing: everything is requested again. */
  readonly onGap: () => void
}

/** What is looked at. */
export type Watched = { readonly execution: string } | { readonly filter: ExecutionFilter }

/** The connection for live changes: made anew when it is lost, and after the page was asleep. */
export class LiveConnection extends Notifier {
  readonly #token: string
  readonly #onBack: () => void
  readonly #url: string
  #socket: WebSocket | undefined
  #receiver: LiveReceiver | undefined
  #watched: PageFrame = { type: 'watch' }
  #tries = 0
  #timer: ReturnType<typeof setTimeout> | undefined
  #silence: ReturnType<typeof setTimeout> | undefined
  #hiddenAt: number | undefined
  #isOver = false
  state: LiveState = 'connecting'
  /** Whether the server says that its store does not answer. */
  isStoreAway = false
  /** Changes with the actors of other programs. */
  readonly foreign = new Notifier()

  /** @param onBack the server is there again: it may be another process, which has other graphs, or lets other acts through */
  constructor(token: string, onBack: () => void) {
    super()
    this.#token = token
    this.#onBack = onBack
    this.#url = `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/api/live`
    document.addEventListener('visibilitychange', () => this.#visibilityChanged())
    addEventListener('online', () => this.#retryNow())
    this.#connect()
  }

  /** From now on, frames of one execution, or of what a filter finds, come to this receiver alone. */
  watch(receiver: LiveReceiver, watched: Watched): () => void {
    this.#receiver = receiver
    this.#watched = { type: 'watch', ...watched }
    this.#say(this.#watched)
    return () => {
      if (this.#receiver === receiver) this.#receiver = undefined
    }
  }

  /** Once the token is refused: it is not tried again. */
  close(): void {
    this.#isOver = true
    clearTimeout(this.#timer)
    clearTimeout(this.#silence)
    this.#socket?.close()
  }

  #connect(): void {
    if (this.#isOver) return
    this.#set('connecting')
    const socket = new WebSocket(this.#url)
    this.#socket = socket
    this.#awaitFrame(socket)
    socket.addEventListener('open', () => {
      socket.send(JSON.stringify({ type: 'token', token: this.#token } satisfies PageFrame))
    })
    socket.addEventListener('message', ({ data }) => this.#received(socket, data))
    socket.addEventListener('close', ({ code }) => this.#closed(socket, code))
  }

  #received(socket: WebSocket, data: unknown): void {
    if (socket !== this.#socket || typeof data !== 'string') return
    this.#awaitFrame(socket)
    const frame = JSON.parse(data) as LiveFrame
    if (frame.type === 'alive') return
    if (frame.type === 'ready') {
      const isAgain = this.#tries > 0
      this.#tries = 0
      this.isStoreAway = false
      this.#set('live')
      this.#say(this.#watched)
      if (!isAgain) return
      this.#onBack()
      this.#receiver?.onGap()
    } else if (frame.type === 'gap') this.#receiver?.onGap()
    else if (frame.type === 'foreign') this.foreign.changed()
    else if (frame.type === 'store') this.#storeIs(frame.isAway)
    else this.#receiver?.onFrame(frame)
  }

  /** Whoever closes such a connection waits for it as well. */
  #awaitFrame(socket: WebSocket): void {
    clearTimeout(this.#silence)
    this.#silence = setTimeout(() => {
      socket.close()
      this.#closed(socket, 1006)
    }, longestSilenceMs)
  }

  #closed(socket: WebSocket, code: number): void {
    if (socket !== this.#socket || this.#isOver) return
    this.#socket = undefined
    clearTimeout(this.#silence)
    this.#set('waiting')
    // The token may be an old one: what is requested now says so.
    if (code === 1008) this.#receiver?.onGap()
    const wait = waits[Math.min(this.#tries++, waits.length - 1)]!
    clearTimeout(this.#timer)
    // Many pages of one server that comes back don't connect at the same moment.
    this.#timer = setTimeout(() => this.#connect(), wait * (0.75 + Math.random() / 2))
  }

  #retryNow(): void {
    if (this.#socket !== undefined) return
    clearTimeout(this.#timer)
    this.#connect()
  }

  #visibilityChanged(): void {
    if (document.visibilityState === 'hidden') {
      this.#hiddenAt = Date.now()
      return
    }
    const asleep = this.#hiddenAt === undefined ? 0 : Date.now() - this.#hiddenAt
    this.#hiddenAt = undefined
    this.#retryNow()
    if (asleep > 10_000) this.#receiver?.onGap()
  }

  #say(frame: PageFrame): void {
    if (this.state === 'live' && this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(frame))
  }

  #storeIs(isAway: boolean): void {
    this.isStoreAway = isAway
    this.changed()
  }

  #set(state: LiveState): void {
    if (this.state === state) return
    this.state = state
    this.changed()
  }
}
