import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestProject } from 'vitest/node'
import { serverKinds, shareServer } from './server-kinds.ts'
import type { ServerName, SharedServer } from './server-kinds.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** Where test files ask for servers. */
    readonly serverDesk: string
  }
}

/**
 * Opens a desk where test files ask for servers: the first to ask for one has it started, and all share it. So the tests of a store
 * that needs no server start none. All are stopped at the end.
 */
export async function setup({ provide }: TestProject): Promise<() => Promise<void>> {
  const servers = new Map<string, Promise<SharedServer>>()
  const desk = createServer((request, response) => {
    const name = (request.url ?? '').slice(1)
    if (!isServerName(name)) {
      response.writeHead(404).end(`no test server is called ${name}`)
      return
    }
    const server = servers.get(name) ?? shareServer(name)
    servers.set(name, server)
    server.then(
      ({ urls }) => response.end(JSON.stringify(urls)),
      (error: unknown) => response.writeHead(500).end(error instanceof Error ? error.message : String(error)),
    )
  })
  desk.requestTimeout = 0
  await new Promise<void>((resolve) => desk.listen(0, '127.0.0.1', resolve))
  provide('serverDesk', `http://127.0.0.1:${(desk.address() as AddressInfo).port}`)
  return async () => {
    desk.close()
    desk.closeAllConnections()
    await Promise.allSettled([...servers.values()].map(async (server) => (await server).stop()))
  }
}

function isServerName(name: string): name is ServerName {
  return Object.hasOwn(serverKinds, name)
}
