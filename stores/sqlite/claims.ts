import type { ResultClaim, ResultState } from '../../src/core/contracts/result-record.ts'
import { cellsOf } from '../sql/cells.ts'
import { namesOf } from '../sql/dialect.ts'
import type { Answer, Dialect } from '../sql/dialect.ts'
import { toName } from '../sql/names.ts'
import { resultStateOf } from '../sql/reader.ts'
import { claimColumns, claimFields } from '../sql/tables.ts'
import { toSqlTime } from '../sql/times.ts'
import type { SqliteConnection } from './connection.ts'
import { placesOf } from './dialect.ts'
import type { SqliteOwners } from './owners.ts'
import { selectResult } from './results.ts'

const grant = `insert into docket_results (${namesOf(claimColumns)}, status, epoch)
  values (${placesOf(claimColumns)}, 'running',
    coalesce((select value from docket_counters where name = 'purged result epochs'), 0) + 1)
  on conflict (id) do update set
    ${claimColumns.map(({ name }) => `${name} = excluded.${name}`).join(', ')},
    status = 'running', epoch = docket_results.epoch + 1,
    output = null, output_bytes = null, error = null, error_bytes = null, ended_at = null, expires_at = null
  returning epoch`

/** Gives results, or the right to make them. */
export class SqliteClaims {
  readonly #connection: SqliteConnection
  readonly #owners: SqliteOwners
  readonly #now: () => number
  readonly #select: string

  constructor(connection: SqliteConnection, owners: SqliteOwners, dialect: Dialect, now: () => number) {
    this.#connection = connection
    this.#owners = owners
    this.#now = now
    this.#select = selectResult(dialect)
  }

  claim(claims: readonly ResultClaim[]): Answer<readonly ResultState[]> {
    return this.#connection.transaction(() => claims.map((claim) => this.#claimOne(claim)))
  }

  #claimOne(claim: ResultClaim): ResultState {
    const row = this.#connection.first(this.#select, toName(claim.key))
    if (row !== undefined) {
      const { status, owner, expires_at: expiresAt } = row
      const hasExpired = typeof expiresAt === 'string' && expiresAt <= toSqlTime(this.#now())
      const isMade = status === 'completed' && !hasExpired
      const isBeingMade = status === 'running' && owner !== toName(claim.owner) && this.#owners.isAlive(owner as string)
      if (isMade || isBeingMade) return resultStateOf(row)
    }
    const granted = this.#connection.first(grant, ...cellsOf(claimFields, claim, toSqlTime))!
    return { status: 'claimed', epoch: granted['epoch'] as number }
  }
}
