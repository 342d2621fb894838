import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { Socket } from 'node:net'

/** The connections that this process makes from now on. */
export interface ClientSockets extends Disposable {
  /** How many of them, to some servers, are open. */
  openTo(urls: readonly string[]): number
}

export function watchClientSockets(): ClientSockets {
  const sockets = new Set<Socket>()
  const onSocket = (message: unknown): void => {
    const { socket } = message as { readonly socket: unknown }
    if (socket instanceof Socket) sockets.add(socket.once('close', () => sockets.delete(socket)))
  }
  subscribe('net.client.socket', onSocket)
  return {
    openTo(urls) {
      const ports = new Set(urls.map((url) => Number(new URL(url).port)))
      return [...sockets].filter(({ remotePort = 0 }) => ports.has(remotePort)).length
    },
    [Symbol.dispose]: () => unsubscribe('net.client.socket', onSocket),
  }
}
