import type { Client } from 'pg'
import type { StoreFinding } from '../../src/core/contracts/store-finding.ts'
import { poolFindings } from '../sql/pool-findings.ts'
import type { PostgresConnection } from './connection.ts'

const notificationMs = 1_000

/** Settings of a PostgreSQL that cost executions. @throws StoreError */
export async function diagnosePostgres(
  connection: PostgresConnection,
  schema: string,
): Promise<readonly StoreFinding[]> {
  const [[row], tables, pooler] = await Promise.all([
    connection.query({
      text: `select current_setting('autovacuum') as autovacuum, current_setting('max_connections')::int as allows,
        (select count(*)::int from pg_stat_activity where backend_type = 'client backend') as used,
        current_setting('fsync') as fsync, current_setting('synchronous_commit') as commit, current_user::text as role, current_setting('server_version') as version,
        current_setting('client_connection_check_interval', true) as check_interval`,
      parameters: [],
    }),
    connection.query({
      text: `select c.relname as name, coalesce(array_to_string(c.reloptions, ',') like '%autovacuum_enabled=false%', false) as unkept,
          has_table_privilege(c.oid, 'select') and has_table_privilege(c.oid, 'insert') and has_table_privilege(c.oid, 'update')
            and has_table_privilege(c.oid, 'delete') as allowed
        from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where n.nspname = $1 and c.relname like 'docket\\_%' and c.relkind = 'r'`,
      parameters: [schema],
    }),
    poolerFinding(connection),
  ])
  const { autovacuum, allows, used, fsync, commit, role, version, check_interval: checkInterval } = row!
  const unkept = tables.flatMap((table) => (table['unkept'] === true ? [String(table['name'])] : []))
  const refused = tables.flatMap((table) => (table['allowed'] === true ? [] : [String(table['name'])]))
  return [
    { check: 'server', level: 'good', text: `PostgreSQL ${String(version)}, with the tables of this version` },
    autovacuum === 'on' && unkept.length === 0
      ? { check: 'autovacuum', level: 'good', text: 'autovacuum is on' }
      : {
          check: 'autovacuum',
          level: 'problem',
          text: `autovacuum is off${unkept.length === 0 ? '' : ` for ${unkept.join(', ')}`}: steps are rewritten while they are tried, and tables grow without end; turn it on`,
        },
    ...(fsync === 'on'
      ? []
      : [
          {
            check: 'fsync',
            level: 'problem',
            text: 'fsync is off: when the machine dies, commits are lost and the database may be damaged; turn it on',
          } as const,
        ]),
    ...(commit === 'off'
      ? [
          {
            check: 'synchronous_commit',
            level: 'problem',
            text: 'synchronous_commit is off: the last commits are lost when the server or its machine dies; turn it on, for the database or for the user',
          } as const,
        ]
      : []),
    ...(refused.length === 0
      ? []
      : [
          {
            check: 'rights',
            level: 'problem',
            text: `the user ${String(role)} may not write (or read, or delete from) ${refused.join(', ')}: grant select, insert, update and delete`,
          } as const,
        ]),
    ...(pooler === undefined ? [] : [pooler]),
    ...(checkInterval === '0'
      ? [
          {
            check: 'client_connection_check_interval',
            level: 'warning',
            text: `client_connection_check_interval is 0: the server goes on with a statement whose connection was given up, beside the one that was begun anew; alter role "${String(role)}" set client_connection_check_interval = '10s' (on Linux)`,
          } as const,
        ]
      : []),
    ...(connection.connectsForever
      ? [
          {
            check: 'connectionTimeoutMillis',
            level: 'warning',
            text: 'your pool has no connectionTimeoutMillis: a connection that is never made, as where the network drops packets, keeps its place there; give it 10_000',
          } as const,
        ]
      : []),
    ...poolFindings(connection.max, { allows: Number(allows), used: Number(used) }),
  ]
}

/** A pooler is another process than the one that it says it is; one that gives a connection for each transaction passes no notification on. */
async function poolerFinding(connection: PostgresConnection): Promise<StoreFinding | undefined> {
  return connection.withClient(async (lent) => {
    const client = lent as Client & { readonly processID?: number }
    // The pool may have parsers of its own, of which some give texts for numbers.
    const { rows } = await client.query<{ pid: unknown }>('select pg_backend_pid() as pid')
    if (client.processID === undefined || Number(rows[0]!.pid) === client.processID) return undefined
    const channel = `docket_doctor_${process.pid}`
    let isHeard = false
    try {
      await client.query(`listen ${channel}`)
      isHeard = await new Promise<boolean>((resolve, reject) => {
        setTimeout(() => resolve(false), notificationMs)
        client.once('notification', () => resolve(true))
        connection.query({ text: 'select pg_notify($1, $2)', parameters: [channel, ''] }).catch(reject)
      })
    } finally {
      await client.query(`unlisten ${channel}`).catch(() => {})
    }
    return isHeard
      ? { check: 'pooler', level: 'good', text: 'a pooler stands between, which keeps a session for each client' }
      : {
          check: 'pooler',
          level: 'warning',
          text: 'a pooler stands between that gives a connection for each transaction: processes look for news every 0.25 to 0.5 s instead of being notified, and judge others by the lease alone; connect Docket to the server itself, or use pool_mode = session',
        }
  })
}
