import { chownSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import pg from 'pg'
import { findPrograms, programsOf } from './binaries.ts'
import type { ServerSource } from './binaries.ts'
import { freePort } from './free-port.ts'
import { serverUser } from './postgres.ts'
import { startServer } from './test-server.ts'
import type { TestServer } from './test-server.ts'

const source: ServerSource = {
  title: 'PgBouncer',
  variable: 'PATH',
  debianPackage: 'pgbouncer',
  find: async () => findPrograms('pgbouncer'),
}

/** Starts a pooler before a PostgreSQL, with few connections to it, which each transaction gets anew. */
export async function startPgbouncer(postgresUrl: string): Promise<TestServer> {
  const programs = await programsOf(source)
  const port = await freePort()
  const target = new URL(postgresUrl)
  const url = new URL(postgresUrl)
  url.hostname = '127.0.0.1'
  url.port = String(port)
  const user = await serverUser()
  return startServer({
    name: 'pgbouncer',
    port,
    url: url.href,
    goodSignal: 'SIGINT',
    async prepare(folder) {
      const password = target.password === '' ? '' : ` password=${decodeURIComponent(target.password)}`
      const settings = {
        listen_addr: '127.0.0.1',
        listen_port: port,
        unix_socket_dir: '',
        auth_type: 'any',
        pool_mode: 'transaction',
        default_pool_size: 3,
        max_client_conn: 200,
        ignore_startup_parameters: 'extra_float_digits',
      }
      const server = `* = host=${target.hostname} port=${target.port} user=${decodeURIComponent(target.username)}${password}`
      const lines = Object.entries(settings).map(([name, to]) => `${name} = ${to}`)
      writeFileSync(settingsIn(folder), ['[databases]', server, '[pgbouncer]', ...lines, ''].join('\n'))
      if (user.uid !== undefined) chownSync(settingsIn(folder), user.uid, user.gid!)
    },
    command: (folder) => ({
      command: programs['pgbouncer']!,
      args: [settingsIn(folder)],
      ...user,
      lastSignal: 'SIGKILL',
    }),
    async check() {
      const client = new pg.Client({ connectionString: url.href, connectionTimeoutMillis: 2_000 })
      client.on('error', () => {})
      try {
        await client.connect()
        await client.query('select 1')
      } finally {
        await client.end().catch(() => {})
      }
    },
  })
}

function settingsIn(folder: string): string {
  return join(folder, 'pgbouncer.ini')
}
