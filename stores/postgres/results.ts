import type { ResultCommit } from '../../src/core/contracts/result-record.ts'
import { cellsOf } from '../sql/cells.ts'
import type { Cell, CellColumn, Field } from '../sql/cells.ts'
import { selectList } from '../sql/dialect.ts'
import type { Dialect } from '../sql/dialect.ts'
import { fromName, toName } from '../sql/names.ts'
import { isSameOutcome, outcomeFields, outcomeOf } from '../sql/results.ts'
import { roundsOf } from '../sql/rounds.ts'
import { isUnmade, resultColumns } from '../sql/tables.ts'
import type { PostgresConnection } from './connection.ts'
import { columnar, fewRows, lockPatience } from './dialect.ts'
import type { PostgresHintSender } from './hint-sender.ts'
import { isAlive } from './owners.ts'

// When a result expires is for the server's clock to say.
const writtenFields: readonly Field[] = outcomeFields.filter(({ field }) => field !== 'expiresAt')
const columns: readonly CellColumn[] = [
  { name: 'id', kind: 'name' },
  { name: 'owner', kind: 'name' },
  { name: 'epoch', kind: 'integer' },
  { name: 'ttl', kind: 'number' },
  { name: 'status', kind: 'word' },
  { name: 'output', kind: 'json' },
  { name: 'output_bytes', kind: 'bytes' },
  { name: 'error', kind: 'json' },
  { name: 'error_bytes', kind: 'bytes' },
  { name: 'ended_at', kind: 'time' },
]
// Longer than that is for ever, as far as a timestamp reaches.
const longestTtlMs = 1e14

/** What becomes of claims of results, and the end of old results. */
export class PostgresResults {
  readonly #connection: PostgresConnection
  readonly #dialect: Dialect
  readonly #hints: PostgresHintSender
  readonly #commit: string
  readonly #read: string
  readonly #purge: string

  constructor(connection: PostgresConnection, dialect: Dialect, hints: PostgresHintSender) {
    this.#connection = connection
    this.#dialect = dialect
    this.#hints = hints
    const results = dialect.table('results')
    const changes = columns.slice(4).map(({ name }) => `${name} = h.${name}`)
    this.#commit = `with held as materialized (
        select a.*, r.is_awaited from ${lockPatience()} cross join ${fewRows(columns)} cross join lateral (
          select r.is_awaited from ${results} r
          where r.id = a.id and r.owner = a.owner and r.epoch = a.epoch and r.status = 'running' and patience.lock_timeout <> ''
          for no key update) r
      ), done as (
        update ${results} r set ${changes.join(', ')}, is_awaited = 0,
          expires_at = statement_timestamp() + h.ttl * interval '1 millisecond'
        from held h where r.id = h.id
      )
      select n, is_awaited from held`
    this.#read = `select ${selectList(dialect, resultColumns, 'r')}, r.owner from ${results} r where r.id = any($1::text[])`
    // What somebody claims meanwhile has another epoch, what its owner ends after all another status.
    this.#purge = `with old as materialized (
        (select u.id, u.epoch, u.status from ${results} u
         where ${isUnmade('u.')} and (u.status <> 'running' or not ${isAlive(dialect, 'u.owner')}) limit $1)
        union all
        (select x.id, x.epoch, x.status from ${results} x
         where x.expires_at is not null and x.expires_at <= statement_timestamp() limit $1)
        limit $1
      ), held as materialized (
        select r.id from ${results} r join old on r.id = old.id and r.epoch = old.epoch and r.status = old.status
        for update of r skip locked
      ), gone as (delete from ${results} r using held where r.id = held.id)
      select count(*) from held`
  }

  async commit(commits: readonly ResultCommit[]): Promise<readonly boolean[]> {
    const done = new Set<ResultCommit>()
    for (const round of roundsOf(commits, ({ key }) => key)) await this.#commitRound(round, done)
    return commits.map((commit) => done.has(commit))
  }

  async #commitRound(commits: readonly ResultCommit[], done: Set<ResultCommit>): Promise<void> {
    if (commits.length === 0) return
    const rows = commits.map((commit): Cell[] => [
      toName(commit.key),
      toName(commit.owner),
      commit.epoch,
      ttlOf(commit),
      ...cellsOf(writtenFields, outcomeOf(commit, 0), this.#dialect.timeText),
    ])
    const written = await this.#connection.queryPrepared({ text: this.#commit, parameters: columnar(columns, rows) })
    for (const row of written) {
      const commit = commits[(row['n'] as number) - 1]!
      done.add(commit)
      this.#hints.send({ type: 'result', key: commit.key }, row['is_awaited'] === 1)
    }
    if (written.length < commits.length)
      await this.#findRepeated(
        commits.filter((one) => !done.has(one)),
        done,
      )
  }

  async #findRepeated(commits: readonly ResultCommit[], done: Set<ResultCommit>): Promise<void> {
    const rows = await this.#connection.query({ text: this.#read, parameters: [commits.map(({ key }) => toName(key))] })
    const byKey = new Map(rows.map((row) => [fromName(row['id'] as string), row]))
    for (const commit of commits) {
      const row = byKey.get(commit.key)
      const isOwn = row?.['owner'] === toName(commit.owner) && row['epoch'] === commit.epoch
      if (isOwn && isSameOutcome(row, commit)) done.add(commit)
    }
  }

  async purge(limit: number): Promise<number> {
    const [row] = await this.#connection.query({ text: this.#purge, parameters: [limit] })
    return row!['count'] as number
  }
}

function ttlOf({ outcome }: ResultCommit): number | null {
  if (outcome.status !== 'completed' || outcome.ttlMs === undefined) return null
  return Math.min(outcome.ttlMs, longestTtlMs)
}
