import { hash } from 'node:crypto'
import type { SessionState, StoreSessions } from '../../src/core/contracts/store.ts'
import type { Dialect } from '../sql/dialect.ts'
import { VanishedOwners } from '../sql/vanished-owners.ts'
import type { MysqlConnection } from './connection.ts'
import { toKey } from './keys.ts'
import { literal } from './literals.ts'
import type { MysqlSession } from './session.ts'

const limitMs = 10_000

// Locks are one server's own: of several that replicate each other, each has others.
const server = `concat(@@hostname, ':', @@port, '/')`

/** Named locks by which others see that a process is there: one for each owner, on its connection apart from the pool. */
export class MysqlSessions implements StoreSessions {
  readonly graceMs = 500
  readonly #connection: MysqlConnection
  readonly #owners: string
  readonly #claimed = new Set<string>()
  readonly #vanished = new VanishedOwners(this.graceMs)

  constructor(connection: MysqlConnection, dialect: Dialect) {
    this.#connection = connection
    this.#owners = dialect.table('owners')
  }

  isClaimed(owner: string): boolean {
    return this.#claimed.has(owner)
  }

  /** Whether its connection is watched from now on. */
  claim(owner: string, isClaimed: boolean): void {
    if (isClaimed) this.#claimed.add(owner)
    else this.#claimed.delete(owner)
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

  async beat(owner: string): Promise<{ readonly state: SessionState; readonly ended: number }> {
    try {
      return await this.#connection
        .withSessionOwn((session) => this.#look(session, toKey(owner)), limitMs)
        .then(({ isHeld, ended }) => ({ state: isHeld ? 'held' : this.isClaimed(owner) ? 'lost' : 'unclaimed', ended }))
    } catch (thrown) {
      this.#vanished.blind()
      throw thrown
    }
  }

  async #look(session: MysqlSession, key: string): Promise<{ readonly isHeld: boolean; readonly ended: number }> {
    const rows = await session.all(
      `select o.owner, o.session_lock as session, cast(o.seen_at as char) as seen, o.holder <=> connection_id() as is_held
        from (select w.owner, w.session_lock, w.seen_at, is_used_lock(substring_index(w.session_lock, '/', -1)) as holder
          from ${this.#owners} w where w.expires_at > utc_timestamp(3)
            and left(w.session_lock, char_length(${server})) = ${server}) o
        where o.owner = ${literal(key)} or o.holder is null`,
    )
    const found = rows.map((row) => ({
      owner: row['owner'] as string,
      session: row['session'] as string,
      seen: row['seen'] as string,
      isHeld: Number(row['is_held']) === 1,
    }))
    const others = found.filter((one) => one.owner !== key)
    let ended = 0
    for (const { owner, session: lock, seen } of this.#vanished.seen(others, performance.now()))
      ended += await session.run(
        `update ${this.#owners} set expires_at = utc_timestamp(3)
          where owner = ${literal(owner)} and session_lock = ${literal(lock)} and seen_at = ${literal(seen)}
            and expires_at > utc_timestamp(3) and is_used_lock(substring_index(session_lock, '/', -1)) is null`,
      )
    return { isHeld: found.some((one) => one.owner === key && one.isHeld), ended }
  }
}
