import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { createConnection } from 'mysql2/promise'
import { findPrograms, isRoot, programsOf } from './binaries.ts'
import type { ServerSource } from './binaries.ts'
import { freePort } from './free-port.ts'
import { startServer } from './test-server.ts'
import type { TestServer } from './test-server.ts'

const run = promisify(execFile)

export interface MysqlOptions {
  /** Whether a commit waits for the disk. Without, it survives the end of the server, but not of the machine. @default false */
  readonly fsync?: boolean
  /** @default a free one */
  readonly port?: number
  /** More settings, by name. */
  readonly settings?: Readonly<Record<string, string>>
}

const source: ServerSource = {
  title: 'MariaDB (or MySQL)',
  variable: 'DOCKET_TEST_MYSQL_URL',
  debianPackage: 'mariadb-server',
  find: async () => findPrograms('mariadbd', 'mariadb-install-db'),
}

const safe = {
  'innodb-flush-log-at-trx-commit': '1',
  'innodb-flush-method': 'O_DIRECT',
  'innodb-doublewrite': 'ON',
}

/** Tests make tables all the time: of each that has a file, and is waited for until the disk has it, that costs three times as much. */
const fast = {
  'innodb-flush-log-at-trx-commit': '2',
  'innodb-flush-method': 'nosync',
  'innodb-doublewrite': 'OFF',
  'innodb-file-per-table': 'OFF',
  'innodb-stats-persistent': 'OFF',
  'sync-frm': 'OFF',
  'debug-no-sync': 'ON',
}

/** Starts a MariaDB of one's own, with an empty database `docket`; its user may do everything. */
export async function startMysql(options: MysqlOptions = {}): Promise<TestServer> {
  const programs = await programsOf(source)
  const port = options.port ?? (await freePort())
  const url = `mysql://docket:docket@127.0.0.1:${port}/docket`
  // It wants to be told, as root, that it is to run as root.
  const user = isRoot ? ['--user=root'] : []
  const settings: Record<string, string> = {
    port: String(port),
    'bind-address': '127.0.0.1',
    'skip-name-resolve': 'ON',
    'skip-log-bin': 'ON',
    'max-connections': '300',
    'innodb-buffer-pool-size': '64M',
    'innodb-log-file-size': '32M',
    ...(options.fsync === true ? safe : fast),
    ...options.settings,
  }
  return startServer({
    name: 'mysql',
    port,
    url,
    goodSignal: 'SIGTERM',
    async prepare(folder) {
      const data = join(folder, 'data')
      await run(programs['mariadb-install-db']!, [
        '--no-defaults',
        `--datadir=${data}`,
        `--tmpdir=${folder}`,
        '--auth-root-authentication-method=normal',
        '--skip-test-db',
        '--innodb-flush-method=nosync',
        ...user,
      ])
      writeFileSync(
        join(folder, 'first.sql'),
        "CREATE USER IF NOT EXISTS docket@'%' IDENTIFIED BY 'docket';\n" +
          "GRANT ALL ON *.* TO docket@'%' WITH GRANT OPTION;\nCREATE DATABASE IF NOT EXISTS docket;\n",
      )
    },
    command: (folder) => ({
      command: programs['mariadbd']!,
      args: [
        '--no-defaults',
        `--datadir=${join(folder, 'data')}`,
        `--tmpdir=${folder}`,
        `--socket=${join(folder, 'socket')}`,
        `--pid-file=${join(folder, 'pid')}`,
        `--init-file=${join(folder, 'first.sql')}`,
        ...user,
        ...Object.entries(settings).map(([name, to]) => `--${name}=${to}`),
      ],
      lastSignal: 'SIGKILL',
    }),
    async check() {
      const client = await createConnection({ uri: url, connectTimeout: 2_000 })
      try {
        await client.query('SELECT 1')
      } finally {
        client.destroy()
      }
    },
  })
}
