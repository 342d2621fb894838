import { createServer } from 'node:net'

const reserved = new Set<number>()

/** A port of 127.0.0.1 that nobody listens on, nor on the one 10,000 above, which a Redis Cluster's nodes talk to each other on. */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < 200; attempt++) {
    // Below the ports that systems give to outgoing connections, so that none takes it while a server is restarted.
    const port = 10_000 + Math.floor(Math.random() * 12_000)
    if (reserved.has(port)) continue
    if ((await isFree(port)) && (await isFree(port + 10_000))) {
      reserved.add(port)
      return port
    }
  }
  throw new Error('found no free port between 10000 and 22000')
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}
