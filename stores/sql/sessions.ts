import type { MissingSession, SessionLook, StoreSessions } from '../../src/core/contracts/store.ts'

/** Locks that a database ends with the connection that holds them: each database has its own kind. */
export interface SessionLocks {
  /** What the connection apart from the pool says of them; `ofOthers` also which are missing. */
  look(owner: string, ofOthers: boolean): Promise<LocksSeen>
  end(missing: MissingSession, connection: string): Promise<boolean>
}

/** What one look has found. */
export interface LocksSeen {
  /** Names the connection that looked, and the server. */
  readonly connection: string
  /** Whether that connection holds the owner's lock. */
  readonly isHeld: boolean
  readonly missing: readonly MissingSession[]
  /** How many owners have a lock on record. */
  readonly watched: number
}

/**
 * A connection that was cut keeps its lock until the server notices, and the next one may not be there yet. At so many looks in succession the lock is
 * requested again, afterwards with each renewal.
 */
const mostDenials = 20

/** Owners that are seen by locks: what this process knows of those that are its own. */
export class SqlSessions implements StoreSessions {
  readonly #locks: SessionLocks
  readonly #claimed = new Set<string>()
  /** A renewal has not been answered: the lock may be had already, and the record of it be the one before. */
  readonly #uncertain = new Set<string>()
  /** How often in succession the lock was not to be had. */
  readonly #denials = new Map<string, number>()

  constructor(locks: SessionLocks) {
    this.#locks = locks
  }

  isClaimed(owner: string): boolean {
    return this.#claimed.has(owner)
  }

  /** A renewal with a lock is about to be sent. */
  renewing(owner: string): void {
    this.#claimed.add(owner)
    this.#uncertain.add(owner)
  }

  /** It was answered: whether the owner lives, and by its lock; `isDenied` where it lives, and the lock was not to be had. */
  renewed(owner: string, isWatched: boolean, isDenied = false): void {
    this.#uncertain.delete(owner)
    const denials = isDenied ? (this.#denials.get(owner) ?? 0) + 1 : 0
    this.#denials.set(owner, denials)
    if (!isWatched && (denials === 0 || denials > mostDenials)) this.#claimed.delete(owner)
  }

  /** The owner has ended. */
  forget(owner: string): void {
    this.#claimed.delete(owner)
    this.#uncertain.delete(owner)
    this.#denials.delete(owner)
  }

  async look(owner: string, ofOthers: boolean): Promise<SessionLook> {
    const wasCertain = !this.#uncertain.has(owner)
    const { connection, isHeld, missing, watched } = await this.#locks.look(owner, ofOthers)
    const isCertain = wasCertain || !this.#uncertain.has(owner)
    return {
      state: isHeld && isCertain ? 'held' : this.isClaimed(owner) ? 'lost' : 'unclaimed',
      connection,
      ...(ofOthers ? { others: { missing, watched } } : {}),
    }
  }

  end(missing: MissingSession, connection: string): Promise<boolean> {
    return this.#locks.end(missing, connection)
  }
}
