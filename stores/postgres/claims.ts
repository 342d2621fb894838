import { StoreError } from '../../src/core/errors.ts'
import type { ResultClaim, ResultState } from '../../src/core/contracts/result-record.ts'
import { cellsOf } from '../sql/cells.ts'
import { namesOf, selectList } from '../sql/dialect.ts'
import type { Dialect } from '../sql/dialect.ts'
import { fromName, quoteIdentifier, toName } from '../sql/names.ts'
import { resultStateOf } from '../sql/reader.ts'
import { roundsOf } from '../sql/rounds.ts'
import { claimColumns, claimFields, resultColumns } from '../sql/tables.ts'
import type { PostgresConnection } from './connection.ts'
import { columnar, lockPatience, unnest } from './dialect.ts'
import { storeName } from './errors.ts'
import { isAlive } from './owners.ts'

const maxTries = 50

/** Gives results, or the right to make them. */
export class PostgresClaims {
  readonly #connection: PostgresConnection
  readonly #dialect: Dialect
  readonly #claim: string
  readonly #await: string

  constructor(connection: PostgresConnection, dialect: Dialect, schema: string) {
    this.#connection = connection
    this.#dialect = dialect
    const results = dialect.table('results')
    this.#claim = claimStatement(
      dialect,
      `nextval('${quoteIdentifier(schema).replaceAll("'", "''")}.docket_result_epochs')`,
    )
    this.#await = `with held as materialized (
        select r.id, r.epoch from ${lockPatience()} cross join ${results} r
        where r.id = any($1::text[]) and r.status = 'running' and patience.lock_timeout <> ''
        order by r.id for no key update of r
      ), marked as (update ${results} r set is_awaited = 1 from held h where r.id = h.id)
      select id, epoch from held`
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
        rest = await this.#claimOnce(rest, states)
      }
    }
    return claims.map((claim) => states.get(claim)!)
  }

  /** Gives those whose rows changed under the statement. */
  async #claimOnce(
    claims: readonly ResultClaim[],
    states: Map<ResultClaim, ResultState>,
  ): Promise<readonly ResultClaim[]> {
    const cells = claims.map((claim) => cellsOf(claimFields, claim, this.#dialect.timeText))
    const rows = await this.#connection.queryPrepared({ text: this.#claim, parameters: columnar(claimColumns, cells) })
    const running: ResultClaim[] = []
    for (const row of rows) {
      const claim = claims[(row['n'] as number) - 1]!
      if (row['granted'] !== null) states.set(claim, { status: 'claimed', epoch: row['granted'] as number })
      else if (row['is_made'] === true || (row['is_being_made'] === true && row['is_awaited'] === 1))
        states.set(claim, resultStateOf(row))
      else if (row['is_being_made'] === true) running.push(claim)
    }
    if (running.length > 0) await this.#awaitThem(running, states)
    return claims.filter((claim) => !states.has(claim))
  }

  /** From now on somebody waits for these: a hint will announce their end. */
  async #awaitThem(claims: readonly ResultClaim[], states: Map<ResultClaim, ResultState>): Promise<void> {
    const rows = await this.#connection.query({ text: this.#await, parameters: [claims.map(({ key }) => toName(key))] })
    const epochs = new Map(rows.map((row) => [fromName(row['id'] as string), row['epoch'] as number]))
    for (const claim of claims) {
      const epoch = epochs.get(claim.key)
      if (epoch !== undefined) states.set(claim, { status: 'running', epoch })
    }
  }
}

/** Values that are there are only read. The others are claimed, unless the row, as it is when it is held, is somebody's by then. */
function claimStatement(dialect: Dialect, nextEpoch: string): string {
  const results = dialect.table('results')
  const isBeingMade = (row: string, owner: string): string =>
    `(${row}.status = 'running' and ${row}.owner <> ${owner} and ${isAlive(dialect, `${row}.owner`)})`
  const reset = ['output', 'output_bytes', 'error', 'error_bytes', 'ended_at', 'expires_at']
  return `with wanted as materialized (select * from ${unnest(claimColumns, 'a', 1, 'n')}
    ), seen as materialized (
      select a.n, r.* from wanted a cross join lateral (
        select ${selectList(dialect, resultColumns, 'r')}, r.is_awaited, ${isMade('r')} as is_made,
          ${isBeingMade('r', 'a.owner')} as is_being_made
        from ${results} r where r.id = a.id limit 1) r
    ), granted as (
      insert into ${results} as r (${namesOf(claimColumns)}, status, epoch)
      select ${claimColumns.map(({ name }) => `a.${name}`).join(', ')}, 'running', ${nextEpoch} from ${lockPatience()} cross join wanted a
      where not exists (select 1 from seen s where s.n = a.n and (s.is_made or s.is_being_made))
      order by a.id collate "C"
      on conflict (id) do update set ${claimColumns.map(({ name }) => `${name} = excluded.${name}`).join(', ')},
        status = 'running', epoch = ${nextEpoch}, ${reset.map((name) => `${name} = null`).join(', ')}
      where not ${isMade('r')} and not ${isBeingMade('r', 'excluded.owner')}
      returning r.id, r.epoch
    )
    select a.n, g.epoch as granted, s.status, s.epoch, s.output, s.output_bytes, s.error, s.error_bytes,
      s.is_awaited, s.is_made, s.is_being_made
    from wanted a left join granted g on g.id = a.id left join seen s on s.n = a.n`
}

/** Whether the row has a value that has not expired. */
function isMade(row: string): string {
  return `(${row}.status = 'completed' and (${row}.expires_at is null or ${row}.expires_at > statement_timestamp()))`
}
