import { createServer } from 'node:http2'
import type { Http2Server, Http2ServerRequest, Http2ServerResponse } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { createRequire } from 'node:module'
import { arch, platform } from 'node:os'
import { join } from 'node:path'
import { freePort } from '../../servers/free-port.ts'
import { startServer } from '../../servers/test-server.ts'
import type { TestServer } from '../../servers/test-server.ts'

export async function post(url: string, body: unknown): Promise<unknown> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  if (!response.ok) throw new Error(`${url} answered ${response.status}: ${await response.text()}`)
  return response.json()
}

/** Its server, as npm has it, with four partitions. */
export async function startRestate(): Promise<TestServer & { readonly admin: string }> {
  const own = createRequire(join(import.meta.dirname, '../package.json'))
  const inside = createRequire(own.resolve('@restatedev/restate-server/package.json'))
  const command = inside.resolve(`@restatedev/restate-server-${platform()}-${arch()}/bin/restate-server`)
  const [ingress, admin, node] = await Promise.all([freePort(), freePort(), freePort()])
  const settings = {
    RESTATE_NODE_NAME: 'bench',
    RESTATE_LISTEN_MODE: 'tcp',
    RESTATE_BIND_IP: '127.0.0.1',
    RESTATE_BIND_PORT: String(node),
    RESTATE_INGRESS__BIND_PORT: String(ingress),
    RESTATE_ADMIN__BIND_PORT: String(admin),
    RESTATE_DEFAULT_NUM_PARTITIONS: '4',
    RESTATE_DISABLE_TELEMETRY: 'true',
    RESTATE_LOG_FILTER: 'error',
  }
  const server = await startServer({
    name: 'restate',
    port: ingress!,
    url: `http://127.0.0.1:${ingress}`,
    goodSignal: 'SIGTERM',
    command: (folder) => ({
      // What guards it gives it no environment of its own.
      command: '/usr/bin/env',
      args: [...Object.entries({ ...settings, RESTATE_BASE_DIR: folder }).map((pair) => pair.join('=')), command],
      lastSignal: 'SIGKILL',
    }),
    async check() {
      const answers = await Promise.all([
        fetch(`http://127.0.0.1:${ingress}/restate/health`),
        fetch(`http://127.0.0.1:${admin}/health`),
      ])
      if (!answers.every(({ ok }) => ok)) throw new Error('restate-server is not ready')
    },
  })
  return Object.assign(Object.create(server) as TestServer, { admin: `http://127.0.0.1:${admin}` })
}

/** The part of Restate's SDK that makes services. */
export interface RestateEndpoints {
  createEndpointHandler(options: {
    services: readonly unknown[]
    logger: () => void
  }): (request: Http2ServerRequest, response: Http2ServerResponse) => void
}

/** Serves services over HTTP/2 in this process, and registers them. */
export async function serve(
  { createEndpointHandler }: RestateEndpoints,
  admin: string,
  services: readonly unknown[],
): Promise<Http2Server> {
  const endpoint = createServer(createEndpointHandler({ services, logger: () => {} }))
  await new Promise<void>((resolve) => endpoint.listen(0, '127.0.0.1', resolve))
  const { port } = endpoint.address() as AddressInfo
  await post(`${admin}/deployments`, { uri: `http://127.0.0.1:${port}`, force: true })
  return endpoint
}
