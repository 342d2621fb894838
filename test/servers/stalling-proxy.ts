import { connect, createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'

/** A proxy before a server that can stop answering, with all connections open: a host that is frozen, a network that drops everything. */
export interface StallingProxy {
  /** The server's URL, by way of the proxy. */
  readonly url: string
  stall(): void
  /** From now on a connection on which so many bytes come without an answer goes no further, as on a slow network. */
  holdAbove(bytes: number): void
  /** What was held goes on. @returns how many connections were */
  release(): number
  /** Ends all connections; new ones are let in. */
  cut(): void
  /** The same, as a host does that has just started again and knows of none. */
  reset(): void
  /** From now on, what the server answers on a connection on which this text was sent is kept back; undefined: on none more. */
  muteAfter(text: string | undefined): void
  /** On how many connections answers are kept back. */
  readonly muted: number
  stop(): Promise<void>
}

export async function startStallingProxy(serverUrl: string): Promise<StallingProxy> {
  const target = new URL(serverUrl)
  const sockets = new Set<Socket>()
  let isStalled = false
  let limit = Infinity
  let muting: string | undefined
  let muted = 0
  const held = new Set<() => void>()
  const server = createServer((incoming) => {
    const outgoing = connect(Number(target.port), target.hostname)
    for (const socket of [incoming, outgoing]) {
      sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => {
        sockets.delete(socket)
        if (isStalled) return
        incoming.destroy()
        outgoing.destroy()
      })
    }
    let unanswered = 0
    let kept: Buffer[] = []
    let isMuted = false
    const flush = (): void => {
      for (const data of kept) outgoing.write(data)
      kept = []
    }
    incoming.on('data', (data) => {
      if (isStalled) return
      if (!isMuted && muting !== undefined && data.includes(muting)) {
        isMuted = true
        muted++
      }
      kept.push(data)
      unanswered += data.length
      if (unanswered > limit) held.add(flush)
      else flush()
    })
    outgoing.on('data', (data) => {
      unanswered = 0
      if (!isStalled && !isMuted) incoming.write(data)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = new URL(serverUrl)
  url.hostname = '127.0.0.1'
  url.port = String((server.address() as AddressInfo).port)
  const destroyAll = (): void => {
    for (const socket of sockets) socket.destroy()
  }
  return {
    url: url.href,
    stall: () => void (isStalled = true),
    holdAbove: (bytes) => void (limit = bytes),
    release() {
      limit = Infinity
      const { size } = held
      for (const flush of held) flush()
      held.clear()
      return size
    },
    cut: () => destroyAll(),
    reset() {
      for (const socket of sockets) socket.resetAndDestroy()
    },
    muteAfter: (text) => void (muting = text),
    get muted() {
      return muted
    },
    async stop() {
      destroyAll()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
}
