import { Redis } from 'ioredis'
import { findPrograms, programsOf } from './binaries.ts'
import type { ServerSource } from './binaries.ts'
import type { Certificate } from './certificates.ts'
import { freePort } from './free-port.ts'
import { startServer } from './test-server.ts'
import type { TestServer } from './test-server.ts'

export interface RedisOptions {
  /** What reaches the disk when: `'no'` keeps all in memory. @default 'no' */
  readonly appendonly?: 'no' | 'everysec' | 'always'
  /** @default a free one */
  readonly port?: number
  /** More settings, by name. */
  readonly settings?: Readonly<Record<string, string>>
}

const source: ServerSource = {
  title: 'Redis',
  variable: 'DOCKET_TEST_REDIS_URL (and DOCKET_TEST_REDIS_CLUSTER_URLS, comma-separated, for a cluster)',
  debianPackage: 'redis-server',
  find: async () => findPrograms('redis-server'),
}

/** The program of a server, which is that of a Sentinel as well. */
export async function redisProgram(): Promise<string> {
  return (await programsOf(source))['redis-server']!
}

/** Starts a Redis of one's own, empty. */
export async function startRedis(options: RedisOptions = {}): Promise<TestServer> {
  const program = await redisProgram()
  const port = options.port ?? (await freePort())
  const url = `redis://127.0.0.1:${port}`
  const settings: Record<string, string> = {
    port: String(port),
    bind: '127.0.0.1',
    daemonize: 'no',
    save: '',
    appendonly: options.appendonly === undefined || options.appendonly === 'no' ? 'no' : 'yes',
    appendfsync: options.appendonly ?? 'no',
    ...options.settings,
  }
  return startServer({
    name: 'redis',
    port,
    url,
    goodSignal: 'SIGTERM',
    command: (folder) => ({
      command: program,
      args: Object.entries({ ...settings, dir: folder }).flatMap(([name, to]) => [`--${name}`, to]),
      lastSignal: 'SIGKILL',
    }),
    check: () => withRedis(port, async (client) => void (await client.ping())),
  })
}

/** The same, with TLS on another port, where it has a certificate. */
export async function startTlsRedis({
  cert,
  key,
}: Pick<Certificate, 'cert' | 'key'>): Promise<{ readonly server: TestServer; readonly tlsUrl: string }> {
  const port = await freePort()
  const tls = { 'tls-port': String(port), 'tls-cert-file': cert, 'tls-key-file': key, 'tls-auth-clients': 'no' }
  return { server: await startRedis({ settings: tls }), tlsUrl: `rediss://127.0.0.1:${port}` }
}

/** Does something on a connection that is closed afterwards and never tries twice. */
export async function withRedis<Result>(port: number, act: (client: Redis) => Promise<Result>): Promise<Result> {
  const client = new Redis({
    host: '127.0.0.1',
    port,
    lazyConnect: true,
    retryStrategy: () => null,
    connectTimeout: 2_000,
  })
  client.on('error', () => {})
  try {
    await client.connect()
    return await act(client)
  } finally {
    client.disconnect()
  }
}
