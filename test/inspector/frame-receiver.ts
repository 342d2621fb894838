import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { WebSocketServer } from 'ws'

/** One frame of the inspector's protocol, as far as the tests read it. */
export interface Frame {
  readonly type: '@xstate.actor' | '@xstate.event' | '@xstate.snapshot'
  readonly sessionId: string
  readonly rootId?: string
  readonly parentId?: string
  readonly name?: string
  readonly definition?: string
  readonly event?: { readonly type: string }
  readonly snapshot?: {
    readonly status: string
    readonly value?: unknown
    readonly context?: Readonly<Record<string, unknown>>
  } | null
}

/** A WebSocket server on a free port that keeps every frame that an inspector sends to it. */
export class FrameReceiver {
  readonly frames: Frame[] = []
  /** Size of each frame, in the order of `frames`. */
  readonly bytes: number[] = []
  readonly url: string
  readonly #server: WebSocketServer

  private constructor(server: WebSocketServer) {
    this.#server = server
    this.url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}`
    server.on('connection', (socket) => {
      socket.on('message', (data: Buffer) => {
        this.bytes.push(data.byteLength)
        this.frames.push(JSON.parse(data.toString()) as Frame)
      })
    })
  }

  static async listen(): Promise<FrameReceiver> {
    const server = new WebSocketServer({ host: '127.0.0.1', port: 0 })
    await once(server, 'listening')
    return new FrameReceiver(server)
  }

  get totalBytes(): number {
    return this.bytes.reduce((sum, bytes) => sum + bytes, 0)
  }

  /** Waits until as many inspectors have connected, so that none of their frames is dropped. */
  async connected(inspectors = 1): Promise<void> {
    while (this.#server.clients.size < inspectors) await once(this.#server, 'connection')
    // The other side hears of it a moment later.
    await new Promise((resolve) => setTimeout(resolve, 20))
  }

  /** Waits for a frame. The inspector sends each in a timer of its own. */
  async until(isThere: (frame: Frame) => boolean): Promise<void> {
    while (!this.frames.some(isThere)) await new Promise((resolve) => setTimeout(resolve, 5))
  }

  /** Waits until no frame has come for a while. */
  async quiet(): Promise<void> {
    for (let seen = -1; seen !== this.frames.length;) {
      seen = this.frames.length
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  }

  async close(): Promise<void> {
    for (const client of this.#server.clients) client.terminate()
    await new Promise((resolve) => this.#server.close(resolve))
  }
}
