import { Socket } from 'node:net'

/** So long a statement may take in which nothing comes, and nothing can be sent: longer than any waits for locks. */
const mostSilentMs = 20_000
/** The same for what has answered nothing since another one fell silent. */
const mostSilentOfSuspectMs = 2_000
// What has come while the event loop stood still is read only after the timers.
const readingMs = 100

/**
 * Finds connections that have died without a word: a network that drops everything, a host that was frozen, a firewall that has forgotten them. Drivers wait for such a
 * connection for as long as the system does, which is a quarter of an hour, or for ever.
 */
export class SilentConnections {
  readonly #answeredAt = new WeakMap<Socket, number>()
  /** When the one that fell silent last was lent. */
  #silentSince = -Infinity

  /** Calls back when nothing comes over a connection any more, until the returned function is called, with whether it has answered. */
  watch(socket: unknown, onSilent: () => void): (hasAnswered: boolean) => void {
    if (!(socket instanceof Socket)) return () => {}
    const lentAt = performance.now()
    const isSuspect = (this.#answeredAt.get(socket) ?? Infinity) < this.#silentSince
    let reading: NodeJS.Timeout | undefined
    const onTimeout = (): void => {
      const { bytesRead } = socket
      clearTimeout(reading)
      reading = setTimeout(() => {
        if (socket.bytesRead !== bytesRead) return
        this.#silentSince = lentAt
        onSilent()
      }, readingMs)
    }
    // A pool of the user's may have set it.
    const { timeout = 0 } = socket
    socket.setTimeout(isSuspect ? mostSilentOfSuspectMs : mostSilentMs)
    socket.on('timeout', onTimeout)
    return (hasAnswered) => {
      clearTimeout(reading)
      socket.removeListener('timeout', onTimeout)
      socket.setTimeout(timeout)
      if (hasAnswered) this.#answeredAt.set(socket, performance.now())
    }
  }
}
