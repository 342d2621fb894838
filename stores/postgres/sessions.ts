import { hash } from 'node:crypto'
import type { SessionState, StoreSessions } from '../../src/core/contracts/store.ts'
import { fromName, toName } from '../sql/names.ts'
import type { Dialect } from '../sql/dialect.ts'
import { VanishedOwners } from '../sql/vanished-owners.ts'
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

const ms = (time: string): string => `(extract(epoch from ${time}) * 1000)::bigint`

/**
 * Advisory locks by which others see that a process is there: one for each owner, on its connection apart from the pool. Others look into
 * the list of locks rather than try them: behind a pooler they may share the owner's connection to the server, which would get it again.
 */
export class PostgresSessions implements StoreSessions {
  readonly graceMs = 500
  readonly #connection: PostgresConnection
  readonly #schema: string
  readonly #claimed = new Set<string>()
  readonly #vanished = new VanishedOwners(this.graceMs)
  readonly #look: string
  readonly #end: string

  constructor(connection: PostgresConnection, dialect: Dialect, schema: string) {
    this.#connection = connection
    this.#schema = schema
    const owners = dialect.table('owners')
    this.#look = `with locks as materialized (${advisoryLocks})
      select o.owner, o.session_key::text as session, ${ms('o.seen_at')}::text as seen,
        exists (select 1 from locks k where k.key = o.session_key and k.pid = pg_backend_pid()) as is_held
      from ${owners} o
      where o.session_key is not null and o.expires_at > clock_timestamp()
        and (o.owner = $1 or not exists (select 1 from locks k where k.key = o.session_key))`
    this.#end = `update ${owners} o set expires_at = date_trunc('milliseconds', clock_timestamp())
      where o.owner = $1 and o.session_key = $2::bigint and ${ms('o.seen_at')} = $3::bigint
        and o.expires_at > clock_timestamp() and not ${isLocked('o.session_key', '')} returning o.owner`
  }

  /** The key of an owner's lock. */
  keyOf(owner: string): string {
    return Buffer.from(hash('sha256', `docket ${this.#schema} ${owner}`, 'buffer'))
      .readBigInt64BE()
      .toString()
  }

  isClaimed(owner: string): boolean {
    return this.#claimed.has(owner)
  }

  /** Whether its connection is watched from now on. */
  claim(owner: string, isClaimed: boolean): void {
    if (isClaimed) this.#claimed.add(owner)
    else this.#claimed.delete(owner)
  }

  async beat(owner: string): Promise<{ readonly state: SessionState; readonly ended: number }> {
    try {
      const rows = await this.#connection.queryOwn({ text: this.#look, parameters: [toName(owner)] }, limitMs)
      const found = rows.map((row) => ({
        owner: fromName(row['owner'] as string),
        session: row['session'] as string,
        seen: row['seen'] as string,
        isHeld: row['is_held'] === true,
      }))
      const isHeld = found.some((one) => one.owner === owner && one.isHeld)
      const others = found.filter((one) => one.owner !== owner)
      let ended = 0
      for (const { owner: gone, session, seen } of this.#vanished.seen(others, performance.now())) {
        const end = { text: this.#end, parameters: [toName(gone), session, seen] }
        ended += (await this.#connection.queryOwn(end, limitMs)).length
      }
      return { state: isHeld ? 'held' : this.isClaimed(owner) ? 'lost' : 'unclaimed', ended }
    } catch (thrown) {
      this.#vanished.blind()
      throw thrown
    }
  }
}
