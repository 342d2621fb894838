import { hash } from 'node:crypto'
import type { MissingSession } from '../../src/core/contracts/store.ts'
import { fromName, toName } from '../sql/names.ts'
import type { Dialect } from '../sql/dialect.ts'
import type { LocksSeen, SessionLocks } from '../sql/sessions.ts'
import type { PostgresConnection } from './connection.ts'

const limitMs = 10_000

/** The advisory locks of this database with keys of 64 bits, and whose they are. */
const advisoryLocks = `select (l.classid::bigint << 32) | l.objid::bigint as key, l.pid from pg_locks l
  where l.locktype = 'advisory' and l.objsubid = 1 and l.granted
    and l.database = (select d.oid from pg_database d where d.datname = current_database())`

const isLocked = (key: string, condition: string): string =>
  `exists (select 1 from (${advisoryLocks}) k where k.key = ${key}${condition})`

/** SQL that takes the lock of this key for this connection, or says that it has it. */
export const lockOwn = (key: string): string =>
  `case when ${isLocked(key, ' and k.pid = pg_backend_pid()')} then true else pg_try_advisory_lock(${key}) end`

/** SQL that names a connection: the server may have been started again meanwhile, or be another one. */
const thisConnection = `pg_backend_pid() || ' ' || extract(epoch from pg_postmaster_start_time())`

/** SQL of what a renewal wrote: the lock's key, and when it was. */
const sessionOf = (row: string): string =>
  `${row}.session_key || ' ' || (extract(epoch from ${row}.seen_at) * 1000)::bigint`

/**
 * Advisory locks by which others see that a process is there: one for each owner, on its connection apart from the pool. Others look into
 * the list of locks rather than try them: behind a pooler they may share the owner's connection to the server, which would get it again.
 */
export class PostgresSessionLocks implements SessionLocks {
  readonly #connection: PostgresConnection
  readonly #schema: string
  readonly #look: string
  readonly #end: string

  constructor(connection: PostgresConnection, dialect: Dialect, schema: string) {
    this.#connection = connection
    this.#schema = schema
    const owners = dialect.table('owners')
    this.#look = `with locks as materialized (${advisoryLocks}),
      watched as materialized (
        select o.owner, ${sessionOf('o')} as session,
          exists (select 1 from locks k where k.key = o.session_key) as is_there,
          exists (select 1 from locks k where k.key = o.session_key and k.pid = pg_backend_pid()) as is_held
        from ${owners} o
        where o.session_key is not null and o.expires_at > clock_timestamp() and ($2::int = 1 or o.owner = $1)
      )
      select ${thisConnection} as connection, (select count(*) from watched) as watched, w.owner, w.session, w.is_held
      from (select 1) this_row left join watched w on w.owner = $1 or not w.is_there`
    this.#end = `update ${owners} o set expires_at = date_trunc('milliseconds', clock_timestamp())
      where o.owner = $1 and ${sessionOf('o')} = $2 and ${thisConnection} = $3
        and o.expires_at > clock_timestamp() and not ${isLocked('o.session_key', '')} returning o.owner`
  }

  /** The key of an owner's lock. */
  keyOf(owner: string): string {
    return Buffer.from(hash('sha256', `docket ${this.#schema} ${owner}`, 'buffer'))
      .readBigInt64BE()
      .toString()
  }

  async look(owner: string, ofOthers: boolean): Promise<LocksSeen> {
    const own = toName(owner)
    const look = { text: this.#look, parameters: [own, ofOthers ? 1 : 0] }
    const rows = await this.#connection.queryOwn(look, limitMs)
    return {
      connection: rows[0]!['connection'] as string,
      isHeld: rows.some((row) => row['owner'] === own && row['is_held'] === true),
      missing: rows
        .filter((row) => row['owner'] !== null && row['owner'] !== own)
        .map((row) => ({ owner: fromName(row['owner'] as string), session: row['session'] as string })),
      watched: rows[0]!['watched'] as number,
    }
  }

  async end({ owner, session }: MissingSession, through: string): Promise<boolean> {
    const end = { text: this.#end, parameters: [toName(owner), session, through] }
    return (await this.#connection.queryOwn(end, limitMs)).length > 0
  }
}
