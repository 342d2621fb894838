import { hash } from 'node:crypto'
import type { MissingSession } from '../../src/core/contracts/store.ts'
import type { Dialect } from '../sql/dialect.ts'
import type { LocksSeen, SessionLocks } from '../sql/sessions.ts'
import type { MysqlConnection } from './connection.ts'
import { toKey } from './keys.ts'
import { literal } from './literals.ts'
import type { MysqlSession } from './session.ts'

const limitMs = 10_000

// Locks are one server's own: of several that replicate each other, each has others.
const server = `concat(@@hostname, ':', @@port, '/')`
/** Names a connection. */
const connection = `concat(${server}, connection_id())`
// The lock stands behind the server's name. MySQL, unlike MariaDB, refuses to look for a lock that is null.
const holder = `if(w.session_lock is null, null, is_used_lock(substring_index(w.session_lock, '/', -1)))`
/** What a renewal wrote: the lock, and when it was. */
const written = `concat(w.session_lock, ' ', cast(w.seen_at as char))`

/** Named locks by which others see that a process is there: one for each owner, on its connection apart from the pool. */
export class MysqlSessionLocks implements SessionLocks {
  readonly #connection: MysqlConnection
  readonly #owners: string

  constructor(connection: MysqlConnection, dialect: Dialect) {
    this.#connection = connection
    this.#owners = dialect.table('owners')
  }

  /** Takes the owner's lock for this connection, or has it; gives what the owner's row says of it, undefined where another one has it. */
  async lock(session: MysqlSession, owner: string): Promise<string | undefined> {
    // A lock's name is one of the whole server, and has 64 characters at most.
    const name = `docket ${hash('sha256', `${this.#owners} ${owner}`).slice(0, 40)}`
    const own = literal(name)
    const [row] = await session.all(
      `select if(is_used_lock(${own}) <=> connection_id(), 1, get_lock(${own}, 0)) as got, ${server} as server`,
    )
    return Number(row!['got']) === 1 ? `${String(row!['server'])}${name}` : undefined
  }

  async look(owner: string, ofOthers: boolean): Promise<LocksSeen> {
    const key = toKey(owner)
    const isOwn = `w.owner = ${literal(key)}`
    const rows = await this.#connection.withSessionOwn(
      (session) =>
        session.all(
          `select ${connection} as connection, w.owner, ${written} as session, ${holder} as holder,
              ${holder} <=> connection_id() as is_held
            from (select 1) this_row left join ${this.#owners} w on ${ofOthers ? 'true' : isOwn}
              and w.expires_at > utc_timestamp(3) and left(w.session_lock, char_length(${server})) = ${server}`,
        ),
      limitMs,
    )
    const watched = rows.filter((row) => row['owner'] !== null)
    return {
      connection: rows[0]!['connection'] as string,
      isHeld: watched.some((row) => row['owner'] === key && Number(row['is_held']) === 1),
      missing: watched
        .filter((row) => row['owner'] !== key && row['holder'] === null)
        .map((row) => ({ owner: row['owner'] as string, session: row['session'] as string })),
      watched: watched.length,
    }
  }

  /** The owner is given as its key, as `look` found it. */
  async end({ owner, session: seen }: MissingSession, through: string): Promise<boolean> {
    const ended = await this.#connection.withSessionOwn(
      (session) =>
        session.run(
          `update ${this.#owners} w set w.expires_at = utc_timestamp(3)
            where w.owner = ${literal(owner)} and ${written} = ${literal(seen)} and ${connection} = ${literal(through)}
              and w.expires_at > utc_timestamp(3) and ${holder} is null`,
        ),
      limitMs,
    )
    return ended > 0
  }
}
