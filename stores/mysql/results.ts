import type { ResultCommit } from '../../src/core/contracts/result-record.ts'
import { cellsOf, columnsOf } from '../sql/cells.ts'
import type { Cell, Row } from '../sql/cells.ts'
import { deletionOf } from '../sql/dialect.ts'
import type { Dialect } from '../sql/dialect.ts'
import { isSameOutcome, outcomeFields, outcomeOf } from '../sql/results.ts'
import { roundsOf } from '../sql/rounds.ts'
import { fromSqlTime, toSqlTime } from '../sql/times.ts'
import { purgedEpochs } from './claims.ts'
import type { MysqlConnection } from './connection.ts'
import { toKey } from './keys.ts'
import { literal } from './literals.ts'
import { listOf } from './locks.ts'
import { deleteInPortions } from './portions.ts'
import type { MysqlSession } from './session.ts'

const written = columnsOf(outcomeFields).map(({ name }) => name)
// What a row can't be without. No row is made of it: the row is there, and locked.
const others = ['namespace', 'step', 'version', 'type', 'owner', 'epoch', 'claimed_at']
const dummies: readonly Cell[] = ['', '', '', '', '', 0, '2000-01-01']

/** What becomes of claims of results, and the end of old results. */
export class MysqlResults {
  readonly #connection: MysqlConnection
  readonly #dialect: Dialect
  readonly #table: string
  readonly #owners: string
  readonly #counters: string
  readonly #insert: string
  readonly #change: string

  constructor(connection: MysqlConnection, dialect: Dialect, counters: string) {
    this.#connection = connection
    this.#dialect = dialect
    this.#table = dialect.table('results')
    this.#owners = dialect.table('owners')
    this.#counters = counters
    // One statement that writes another outcome to each row: an insert of rows that are all there.
    this.#insert = `insert into ${this.#table} (${['id', ...written, ...others].join(', ')})`
    this.#change = `on duplicate key update ${written.map((name) => `${name} = values(${name})`).join(', ')}`
  }

  async commit(commits: readonly ResultCommit[]): Promise<readonly boolean[]> {
    const done = new Set<ResultCommit>()
    for (const round of roundsOf(commits, ({ key }) => key)) {
      if (round.length === 0) continue
      const ended = await this.#connection.transaction((session) => this.#write(session.hurry(1), round))
      for (const commit of ended) done.add(commit)
    }
    return commits.map((commit) => done.has(commit))
  }

  async #write(session: MysqlSession, commits: readonly ResultCommit[]): Promise<readonly ResultCommit[]> {
    const rows = await session.all(
      `select id, owner, epoch, status, cast(utc_timestamp(3) as char) as now from ${this.#table} force index (primary)
        where id in (${listOf(commits.map(({ key }) => toKey(key)))}) order by id for update`,
    )
    const byKey = new Map(rows.map((row) => [row['id'] as string, row]))
    const own = commits.filter(({ key, owner, epoch }) => {
      const row = byKey.get(toKey(key))
      return row?.['owner'] === toKey(owner) && row['epoch'] === epoch
    })
    const running = own.filter(({ key }) => byKey.get(toKey(key))!['status'] === 'running')
    const now = fromSqlTime(rows[0]?.['now'])
    await session.insert(
      this.#insert,
      running.map((commit) => [
        toKey(commit.key),
        ...cellsOf(outcomeFields, outcomeOf(commit, now), toSqlTime),
        ...dummies,
      ]),
      this.#change,
    )
    if (running.length === own.length) return running
    return [
      ...running,
      ...(await this.#repeated(
        session,
        own.filter((commit) => !running.includes(commit)),
      )),
    ]
  }

  /** Those of ended claims that ended with this very outcome. */
  async #repeated(session: MysqlSession, commits: readonly ResultCommit[]): Promise<readonly ResultCommit[]> {
    const keys = listOf(commits.map(({ key }) => toKey(key)))
    const rows = await session.all(`select id, status, output, output_bytes from ${this.#table} where id in (${keys})`)
    const byKey = new Map(rows.map((row) => [row['id'] as string, row]))
    return commits.filter((commit) => isSameOutcome(byKey.get(toKey(commit.key))!, commit))
  }

  purge(limit: number): Promise<number> {
    return deleteInPortions(limit, (some) => this.#purgeSome(some))
  }

  /** Finds without locks, then locks what it found and looks again. */
  #purgeSome(limit: number): ReturnType<Parameters<typeof deleteInPortions>[1]> {
    const most = literal(limit)
    return this.#connection.transaction(async (session) => {
      const found = await session.all(
        `select id, epoch, status from (
          (select id, epoch, status from ${this.#table} where status in ('failed', 'released') limit ${most})
          union (select r.id, r.epoch, r.status from ${this.#table} r where r.status = 'running' and not exists (
            select 1 from ${this.#owners} w where w.owner = r.owner and w.expires_at > utc_timestamp(3)) limit ${most})
          union (select id, epoch, status from ${this.#table} where expires_at <= utc_timestamp(3) limit ${most})
        ) old limit ${most}`,
      )
      if (found.length === 0) return { found: 0, deleted: 0 }
      const locked = await session.all(
        `select id, epoch, status from ${this.#table} force index (primary)
          where id in (${listOf(found.map((row) => row['id'] as string))}) order by id for update skip locked`,
      )
      // What somebody has claimed meanwhile has another epoch, what its owner has ended after all another status.
      const states = new Set(found.map(stateOf))
      const held = locked.filter((row) => states.has(stateOf(row)))
      if (held.length === 0) return { found: found.length, deleted: 0 }
      await session.run(
        deletionOf(this.#dialect, 'results', `id in (${listOf(held.map((row) => row['id'] as string))})`),
      )
      // So that a key's epochs grow even when its row is made anew.
      const highest = held.reduce((most, row) => Math.max(most, row['epoch'] as number), 0)
      await session.run(
        `insert into ${this.#counters} (name, value) values ('${purgedEpochs}', ${highest})
          on duplicate key update value = greatest(value, values(value))`,
      )
      return { found: found.length, deleted: held.length }
    })
  }
}

function stateOf(row: Row): string {
  return JSON.stringify([row['id'], row['epoch'], row['status']])
}
