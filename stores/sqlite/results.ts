import type { ResultCommit } from '../../src/core/contracts/result-record.ts'
import { cellsOf } from '../sql/cells.ts'
import { selectList } from '../sql/dialect.ts'
import type { Answer, Dialect } from '../sql/dialect.ts'
import { toName } from '../sql/names.ts'
import { isSameOutcome, outcomeFields, outcomeOf } from '../sql/results.ts'
import { isUnmade, resultColumns } from '../sql/tables.ts'
import { toSqlTime } from '../sql/times.ts'
import type { SqliteConnection } from './connection.ts'
import type { SqliteOwners } from './owners.ts'
import { deleteInPortions } from './portions.ts'

const finish = `update docket_results
  set status = ?, output = ?, output_bytes = ?, error = ?, error_bytes = ?, ended_at = ?, expires_at = ?
  where id = ? and owner = ? and epoch = ? and status = 'running'`

/** Reads one result, with its owner and expiry. */
export function selectResult(dialect: Dialect): string {
  return `select ${selectList(dialect, resultColumns, 'r')}, r.owner, r.expires_at from docket_results r where r.id = ?`
}

/** What becomes of claims of results, and the end of old results. */
export class SqliteResults {
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

  commit(commits: readonly ResultCommit[]): Answer<readonly boolean[]> {
    return this.#connection.transaction(() => commits.map((commit) => this.#commitOne(commit)))
  }

  #commitOne(commit: ResultCommit): boolean {
    const [key, owner] = [toName(commit.key), toName(commit.owner)]
    const cells = cellsOf(outcomeFields, outcomeOf(commit, this.#now()), toSqlTime)
    if (this.#connection.run(finish, ...cells, key, owner, commit.epoch) === 1) return true
    const row = this.#connection.first(this.#select, key)
    return row?.['owner'] === owner && row['epoch'] === commit.epoch && isSameOutcome(row, commit)
  }

  purge(limit: number): Promise<number> {
    return deleteInPortions(this.#connection, limit, (some) => this.#purgeSome(some))
  }

  #purgeSome(limit: number): number {
    const old = this.#connection.all(
      `select id, epoch from docket_results where id in (
         select r.id from docket_results r where ${isUnmade('r.')} and (r.status <> 'running' or not exists (
           select 1 from docket_owners w where w.owner = r.owner and w.lease_until > ? and w.lease_seen < ?))
         union all select id from docket_results where expires_at is not null and expires_at <= ? limit ?)`,
      ...this.#owners.livingCells(),
      toSqlTime(this.#now()),
      limit,
    )
    if (old.length === 0) return 0
    for (const { id } of old) this.#connection.run('delete from docket_results where id = ?', id as string)
    // So that a key's epochs grow even when its row is made anew.
    this.#connection.run(
      `insert into docket_counters (name, value) values ('purged result epochs', ?)
       on conflict (name) do update set value = max(value, excluded.value)`,
      old.reduce((most, { epoch }) => Math.max(most, epoch as number), 0),
    )
    return old.length
  }
}
