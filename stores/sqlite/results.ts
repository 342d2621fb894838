import type { ResultClaim, ResultCommit, ResultState } from '../../src/core/contracts/store.ts'
import { cellsOf } from '../sql/cells.ts'
import { namesOf, selectList } from '../sql/dialect.ts'
import type { Dialect } from '../sql/dialect.ts'
import { toName } from '../sql/names.ts'
import { resultStateOf } from '../sql/reader.ts'
import { isSameOutcome, outcomeFields, outcomeOf } from '../sql/results.ts'
import { claimColumns, claimFields, resultColumns } from '../sql/tables.ts'
import { toSqlTime } from '../sql/times.ts'
import type { SqliteDatabase } from './database.ts'
import type { SqliteOwners } from './owners.ts'

const grant = `insert into docket_results (${namesOf(claimColumns)}, status, epoch)
  values (${claimColumns.map(() => '?').join(', ')}, 'running',
    coalesce((select value from docket_counters where name = 'purged result epochs'), 0) + 1)
  on conflict (id) do update set
    ${claimColumns.map(({ name }) => `${name} = excluded.${name}`).join(', ')},
    status = 'running', epoch = docket_results.epoch + 1,
    output = null, output_bytes = null, error = null, error_bytes = null, ended_at = null, expires_at = null
  returning epoch`
const finish = `update docket_results
  set status = ?, output = ?, output_bytes = ?, error = ?, error_bytes = ?, ended_at = ?, expires_at = ?
  where id = ? and owner = ? and epoch = ? and status = 'running'`

/** Global results and the claims on them. */
export class SqliteResults {
  readonly #database: SqliteDatabase
  readonly #owners: SqliteOwners
  readonly #now: () => number
  readonly #select: string

  constructor(database: SqliteDatabase, owners: SqliteOwners, dialect: Dialect, now: () => number) {
    this.#database = database
    this.#owners = owners
    this.#now = now
    this.#select = `select ${selectList(dialect, resultColumns, 'r')}, r.owner, r.expires_at from docket_results r where r.id = ?`
  }

  claim(claims: readonly ResultClaim[]): readonly ResultState[] {
    return this.#database.transaction(() => claims.map((claim) => this.#claimOne(claim)))
  }

  #claimOne(claim: ResultClaim): ResultState {
    const row = this.#database.first(this.#select, toName(claim.key))
    if (row !== undefined) {
      const { status, owner, expires_at: expiresAt } = row
      const hasExpired = typeof expiresAt === 'string' && expiresAt <= toSqlTime(this.#now())
      const isMade = status === 'completed' && !hasExpired
      const isBeingMade = status === 'running' && owner !== toName(claim.owner) && this.#owners.isAlive(owner as string)
      if (isMade || isBeingMade) return resultStateOf(row)
    }
    const granted = this.#database.first(grant, ...cellsOf(claimFields, claim, toSqlTime))!
    return { status: 'claimed', epoch: granted['epoch'] as number }
  }

  commit(commits: readonly ResultCommit[]): readonly boolean[] {
    return this.#database.transaction(() => commits.map((commit) => this.#commitOne(commit)))
  }

  #commitOne(commit: ResultCommit): boolean {
    const [key, owner] = [toName(commit.key), toName(commit.owner)]
    const cells = cellsOf(outcomeFields, outcomeOf(commit, this.#now()), toSqlTime)
    if (this.#database.run(finish, ...cells, key, owner, commit.epoch) === 1) return true
    const row = this.#database.first(this.#select, key)
    return row?.['owner'] === owner && row['epoch'] === commit.epoch && isSameOutcome(row, commit)
  }

  purge(limit: number): number {
    return this.#database.transaction(() => {
      const old = this.#database.all(
        `select id, epoch from docket_results where id in (
           select id from docket_results where status = 'failed'
           union all select id from docket_results where expires_at is not null and expires_at <= ? limit ?)`,
        toSqlTime(this.#now()),
        limit,
      )
      if (old.length === 0) return 0
      for (const { id } of old) this.#database.run('delete from docket_results where id = ?', id as string)
      // So that a key's epochs grow even when its row is made anew.
      this.#database.run(
        `insert into docket_counters (name, value) values ('purged result epochs', ?)
         on conflict (name) do update set value = max(value, excluded.value)`,
        Math.max(...old.map(({ epoch }) => epoch as number)),
      )
      return old.length
    })
  }
}
