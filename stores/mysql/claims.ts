import { StoreError } from '../../src/core/errors.ts'
import type { ResultClaim, ResultState } from '../../src/core/contracts/result-record.ts'
import type { Cell, Row } from '../sql/cells.ts'
import { selectList } from '../sql/dialect.ts'
import type { Dialect } from '../sql/dialect.ts'
import { resultStateOf } from '../sql/reader.ts'
import { roundsOf } from '../sql/rounds.ts'
import { resultColumns } from '../sql/tables.ts'
import type { MysqlConnection } from './connection.ts'
import { isDuplicate, storeName } from './errors.ts'
import { claimShape, toKey } from './keys.ts'
import { listOf } from './locks.ts'
import type { MysqlSession } from './session.ts'

const maxTries = 50

/** The counter from which epochs of new rows go on: the highest of all rows that were purged. */
export const purgedEpochs = 'purged result epochs'

const reset = ['output', 'output_bytes', 'error', 'error_bytes', 'ended_at', 'expires_at']

/** Gives results, or the right to make them. */
export class MysqlClaims {
  readonly #connection: MysqlConnection
  readonly #counters: string
  readonly #read: string
  readonly #lock: string
  readonly #insert: string
  readonly #takeOver: string

  constructor(connection: MysqlConnection, dialect: Dialect, counters: string) {
    const results = dialect.table('results')
    const isMade = `(r.status = 'completed' and (r.expires_at is null or r.expires_at > utc_timestamp(3)))`
    const isAlive = `exists (select 1 from ${dialect.table('owners')} w where w.owner = r.owner and w.expires_at > utc_timestamp(3))`
    this.#connection = connection
    this.#counters = counters
    this.#read = `select ${selectList(dialect, resultColumns, 'r')}, r.id as id_key, r.owner as owner_key,
      ${isMade} as is_made, (r.status = 'running' and ${isAlive}) as is_being_made from ${results} r force index (primary)`
    this.#lock = `select id, epoch from ${results} force index (primary)`
    this.#insert = `insert into ${results} (${[...claimShape.columns, 'status', 'epoch'].join(', ')})`
    this.#takeOver = `on duplicate key update ${[...claimShape.columns, 'status', 'epoch'].map((name) => `${name} = values(${name})`).join(', ')},
      ${reset.map((name) => `${name} = null`).join(', ')}`
  }

  async claim(claims: readonly ResultClaim[]): Promise<readonly ResultState[]> {
    const states = new Map<ResultClaim, ResultState>()
    for (const round of roundsOf(claims, ({ key }) => key)) {
      let rest = round
      for (let tries = 0; rest.length > 0; tries++) {
        // Each try more means that somebody else's claim began or ended meanwhile.
        if (tries === maxTries)
          throw new StoreError(
            storeName,
            'the claims of these results kept changing while they were read; try again',
            true,
          )
        const rows = await this.#connection.withSession((session) => this.#rowsOf(session, rest))
        putStates(rest, rows, states)
        rest = rest.filter((claim) => !states.has(claim))
        if (rest.length > 0) await this.#claimOnce(rest, states)
        rest = rest.filter((claim) => !states.has(claim))
      }
    }
    return claims.map((claim) => states.get(claim)!)
  }

  /** Nothing is claimed when another one makes one of the rows at the same moment. */
  async #claimOnce(claims: readonly ResultClaim[], states: Map<ResultClaim, ResultState>): Promise<void> {
    const ordered = claims.toSorted((one, other) => (toKey(one.key) < toKey(other.key) ? -1 : 1))
    try {
      const found = await this.#connection.transaction((session) => this.#claimLocked(session.hurry(1), ordered))
      for (const [claim, state] of found) states.set(claim, state)
    } catch (thrown) {
      if (!(thrown instanceof StoreError) || !isDuplicate(thrown.cause)) throw thrown
    }
  }

  async #claimLocked(
    session: MysqlSession,
    claims: readonly ResultClaim[],
  ): Promise<ReadonlyMap<ResultClaim, ResultState>> {
    const states = new Map<ResultClaim, ResultState>()
    const locked = await session.all(
      `${this.#lock} where id in (${listOf(claims.map(({ key }) => toKey(key)))}) order by id for update`,
    )
    const epochs = new Map(locked.map((row) => [row['id'] as string, row['epoch'] as number]))
    // Read again what they are now that nobody can change them.
    if (locked.length > 0) putStates(claims, await this.#rowsOf(session, claims), states)
    const free = claims.filter((claim) => !states.has(claim) && epochs.has(toKey(claim.key)))
    const unknown = claims.filter((claim) => !epochs.has(toKey(claim.key)))
    const first = unknown.length === 0 ? 0 : (await this.#lastPurged(session)) + 1
    const grant = (claim: ResultClaim): readonly Cell[] => {
      const epoch = (epochs.get(toKey(claim.key)) ?? first - 1) + 1
      states.set(claim, { status: 'claimed', epoch })
      return [...claimShape.cells(claim), 'running', epoch]
    }
    await session.insert(this.#insert, free.map(grant), this.#takeOver)
    await session.insert(this.#insert, unknown.map(grant))
    return states
  }

  #rowsOf(session: MysqlSession, claims: readonly ResultClaim[]): Promise<readonly Row[]> {
    return session.all(`${this.#read} where r.id in (${listOf(claims.map(({ key }) => toKey(key)))})`)
  }

  async #lastPurged(session: MysqlSession): Promise<number> {
    const [row] = await session.all(`select value from ${this.#counters} where name = '${purgedEpochs}'`)
    return (row?.['value'] as number | undefined) ?? 0
  }
}

/** The states of what is made, or being made by another owner that lives. */
function putStates(claims: readonly ResultClaim[], rows: readonly Row[], states: Map<ResultClaim, ResultState>): void {
  const byKey = new Map(rows.map((row) => [row['id_key'] as string, row]))
  for (const claim of claims) {
    const row = byKey.get(toKey(claim.key))
    if (row === undefined) continue
    const isOthers = row['is_being_made'] === 1 && row['owner_key'] !== toKey(claim.owner)
    if (row['is_made'] === 1 || isOthers) states.set(claim, resultStateOf(row))
  }
}
