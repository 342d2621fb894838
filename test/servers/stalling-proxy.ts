import { connect, createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'

/** A proxy before a server that can stop answering, with all connections open: a host that is frozen, a network that drops everything. */
export interface StallingProxy {
  /** The server's URL, by way of the proxy. */
  readonly url: string
  stall(): void
  stop(): Promise<void>
}

export async function startStallingProxy(serverUrl: string): Promise<StallingProxy> {
  const target = new URL(serverUrl)
  const sockets = new Set<Socket>()
  let isStalled = false
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
    incoming.on('data', (data) => void (isStalled || outgoing.write(data)))
    outgoing.on('data', (data) => void (isStalled || incoming.write(data)))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = new URL(serverUrl)
  url.hostname = '127.0.0.1'
  url.port = String((server.address() as AddressInfo).port)
  return {
    url: url.href,
    stall: () => void (isStalled = true),
    async stop() {
      for (const socket of sockets) socket.destroy()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
}
