import type { StoreFinding } from '../../src/core/contracts/store-finding.ts'
import type { Row } from '../sql/cells.ts'
import { poolFindings } from '../sql/pool-findings.ts'
import type { MysqlConnection } from './connection.ts'

/** As large as a value may be that is stored, unless `maxValueBytes` says otherwise. */
const usualValueBytes = 16 * 1024 * 1024

/** For how long what a process has locked that is gone without a word may stay so, in seconds. */
const longestSilence = 600

/** Settings of a MySQL or MariaDB that cost executions. @throws StoreError */
export async function diagnoseMysql(connection: MysqlConnection): Promise<readonly StoreFinding[]> {
  const [[row], variables] = await Promise.all([
    connection.query({
      text: `select version() as version, @@innodb_lock_wait_timeout as wait, @@max_allowed_packet as packet, @@max_connections as allows,
      (select count(*) from information_schema.processlist) as used, @@global.read_only as readonly,
      @@innodb_flush_log_at_trx_commit as flush`,
      parameters: [],
    }),
    // MariaDB alone has the second one.
    connection.query({
      text: `show session variables where variable_name in ('wait_timeout', 'idle_transaction_timeout')`,
      parameters: [],
    }),
  ])
  const { version, wait, packet, allows, used, readonly, flush } = row!
  const isMariaDb = String(version).includes('MariaDB')
  return [
    {
      check: 'server',
      level: 'good',
      text: `${isMariaDb ? 'MariaDB' : 'MySQL'} ${String(version)}, with the tables of this version`,
    },
    Number(packet) < usualValueBytes
      ? {
          check: 'max_allowed_packet',
          level: 'warning',
          text: `max_allowed_packet is ${Number(packet).toLocaleString('en')} bytes: larger values are refused, whatever maxValueBytes says; raise it to 32 MiB, or lower maxValueBytes`,
        }
      : {
          check: 'max_allowed_packet',
          level: 'good',
          text: `values may have ${Number(packet).toLocaleString('en')} bytes with their statement`,
        },
    ...(isMariaDb || Number(wait) <= 1
      ? []
      : [
          {
            check: 'innodb_lock_wait_timeout',
            level: 'warning',
            text: `a connection waits ${String(wait)} s for what somebody else has locked, and others for it; set innodb_lock_wait_timeout to 1 for this pool`,
          } as const,
        ]),
    ...silentFindings(secondsOf(variables)),
    ...(Number(flush) === 1
      ? []
      : [
          {
            check: 'innodb_flush_log_at_trx_commit',
            level: 'problem',
            text: `innodb_flush_log_at_trx_commit is ${String(flush)}: the last second of commits is lost when the machine dies; set it to 1`,
          } as const,
        ]),
    ...(Number(readonly) === 0
      ? []
      : [{ check: 'read_only', level: 'problem', text: 'the server is read-only, as replicas are' } as const]),
    ...poolFindings(connection.max, { allows: Number(allows), used: Number(used) }),
  ]
}

/** After how many seconds a server ends a connection over which nothing comes, within a transaction or at all. */
function secondsOf(rows: readonly Row[]): number {
  const limits = rows.map((row) => Number(row['Value'])).filter((seconds) => seconds > 0)
  return limits.reduce((least, seconds) => Math.min(least, seconds), Infinity)
}

function silentFindings(seconds: number): readonly StoreFinding[] {
  if (seconds <= longestSilence) return []
  return [
    {
      check: 'wait_timeout',
      level: 'warning',
      text: `what a process that is gone without a word has locked stays so for ${seconds} s; set wait_timeout (or idle_transaction_timeout, on MariaDB) to 300 for the connections of this pool`,
    },
  ]
}
