import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { createConnection } from 'mysql2/promise'
import type { RowDataPacket } from 'mysql2/promise'
import pg from 'pg'
import type { Store } from '../../../src/core/contracts/store.ts'
import type { Places } from '../durable/engine.ts'
import type { StoreKind } from '../opponents/durable-docket.ts'
import { fill, graphName, templateId } from './fixtures.ts'
import type { Filling, Template } from './fixtures.ts'

// What one statement inserts: longer ones make the undo logs and the memory of the servers grow, and are no faster.
const perStatement = 100_000

/** Where the copies are made. */
export interface CopyPlace {
  readonly kind: StoreKind
  readonly places: Places
  readonly name: string
  readonly store: Store
}

/** Copies of an execution, as the database itself makes them from its rows; Redis has no such statement, so there they go through the store. */
export async function copyInBulk(
  { kind, places, name, store }: CopyPlace,
  template: Template,
  filling: Filling,
): Promise<void> {
  if (kind === 'postgres') return copyInPostgres(places, name, filling)
  if (kind === 'mysql') return copyInMysql(places, name, filling)
  if (kind === 'sqlite' || kind === 'sqlite-normal') return copyInSqlite(places, name, filling)
  return fill(store, template, filling)
}

/** The planner's figures as they are some minutes after so many rows have come. */
export async function analyze({ kind, places, name }: CopyPlace): Promise<void> {
  if (kind === 'postgres') {
    const client = new pg.Client({ connectionString: places.postgres })
    await client.connect()
    for (const table of ['executions', 'steps']) await client.query(`vacuum analyze "${name}".docket_${table}`)
    await client.end()
  }
  if (kind === 'mysql') {
    const client = await createConnection({ uri: places.mysql })
    for (const table of ['executions', 'steps']) await client.query(`analyze table ${name}_${table}`)
    await client.end()
  }
}

/** How the SQL of a database says what differs from row to row. */
interface Words {
  readonly executions: string
  readonly steps: string
  /** Numbers `n` from a first one on, so many, as a table `n`. */
  numbers(first: number, count: number): string
  /** The number as eight digits. */
  readonly digits: string
  /** A time, and as many milliseconds later as `n`. */
  time(from: number): string
}

/** A statement that copies the template for so many numbers, with other values in some of its columns. */
function copying(
  table: string,
  columns: readonly string[],
  values: Readonly<Record<string, string>>,
  key: string,
): (numbers: string) => string {
  const selected = columns.map((column) => values[column] ?? `t.${column}`)
  return (numbers) =>
    `insert into ${table} (${columns.join(', ')}) select ${selected.join(', ')}
      from ${table} t cross join ${numbers} where t.${key} = '${templateId}'`
}

function statementsOf(
  words: Words,
  columns: { readonly executions: readonly string[]; readonly steps: readonly string[] },
  { prefix, count, from, owner, graph = graphName, values = {}, hasSteps = true }: Filling,
): readonly string[] {
  const hasEnded = owner === undefined
  const id = `'${prefix}-' || ${words.digits}`
  const common = { id, graph: `'${graph}'`, created_at: words.time(from), started_at: words.time(from) }
  const ended = { ...common, updated_at: words.time(from + 1), ended_at: words.time(from + 1), ...values }
  const open = {
    ...common,
    status: `'running'`,
    output: 'null',
    output_bytes: 'null',
    owner: typeof owner === 'string' ? `'${owner}'` : 'null',
    epoch: typeof owner === 'string' ? '1' : '0',
    updated_at: words.time(from),
    ended_at: 'null',
    ...values,
  }
  const kinds = [
    copying(words.executions, columns.executions, hasEnded ? ended : open, 'id'),
    ...(hasEnded && hasSteps ? [copying(words.steps, columns.steps, { execution: id }, 'execution')] : []),
  ]
  const statements: string[] = []
  for (let first = 0; first < count; first += perStatement)
    for (const kind of kinds) statements.push(kind(words.numbers(first, Math.min(perStatement, count - first))))
  return statements
}

async function copyInPostgres(places: Places, name: string, filling: Filling): Promise<void> {
  const client = new pg.Client({ connectionString: places.postgres })
  await client.connect()
  try {
    const tables = { executions: `"${name}".docket_executions`, steps: `"${name}".docket_steps` }
    const columnsOf = async (table: string): Promise<string[]> =>
      (await client.query(`select * from ${table} limit 0`)).fields.map((field) => field.name)
    const words: Words = {
      ...tables,
      numbers: (first, count) => `generate_series(${first}, ${first + count - 1}) as n`,
      digits: `lpad(n::text, 8, '0')`,
      time: (from) => `to_timestamp(${from} / 1000.0) + n * interval '1 ms'`,
    }
    const columns = { executions: await columnsOf(tables.executions), steps: await columnsOf(tables.steps) }
    for (const statement of statementsOf(words, columns, filling)) await client.query(statement)
  } finally {
    await client.end()
  }
}

async function copyInMysql(places: Places, name: string, filling: Filling): Promise<void> {
  const client = await createConnection({ uri: places.mysql })
  try {
    // As in standard SQL, `||` joins texts.
    await client.query(`set session sql_mode = concat(@@sql_mode, ',PIPES_AS_CONCAT')`)
    const tables = { executions: `${name}_executions`, steps: `${name}_steps` }
    const columnsOf = async (table: string): Promise<string[]> =>
      (await client.query<RowDataPacket[]>(`show columns from ${table}`))[0]
        .filter((row) => !String(row['Extra']).includes('GENERATED'))
        .map((row) => String(row['Field']))
    const digits = `(select 0 as d${' union all select 1 union all select 2 union all select 3 union all select 4 union all select 5 union all select 6 union all select 7 union all select 8 union all select 9'})`
    const words: Words = {
      ...tables,
      numbers: (first, count) =>
        `(select ${first} + a.d + 10 * b.d + 100 * c.d + 1000 * e.d + 10000 * f.d as n
          from ${digits} f cross join ${digits} e cross join ${digits} c cross join ${digits} b cross join ${digits} a
          having n < ${first + count}) numbers`,
      digits: `lpad(n, 8, '0')`,
      time: (from) =>
        `timestampadd(microsecond, n * 1000, '${new Date(from).toISOString().slice(0, -1).replace('T', ' ')}')`,
    }
    const columns = { executions: await columnsOf(tables.executions), steps: await columnsOf(tables.steps) }
    for (const statement of statementsOf(words, columns, filling)) await client.query(statement)
  } finally {
    await client.end()
  }
}

function copyInSqlite(places: Places, name: string, filling: Filling): void {
  const database = new DatabaseSync(join(places.folder, `${name}.db`))
  try {
    database.exec('pragma busy_timeout = 10000; pragma synchronous = off')
    const tables = { executions: 'docket_executions', steps: 'docket_steps' }
    const columnsOf = (table: string): string[] =>
      database
        .prepare(`pragma table_info(${table})`)
        .all()
        .map((row) => String(row['name']))
    const words: Words = {
      ...tables,
      numbers: (first, count) =>
        `(with recursive s(n) as (select ${first} union all select n + 1 from s where n < ${first + count - 1}) select n from s) as numbers`,
      digits: `printf('%08d', n)`,
      time: (from) => `strftime('%Y-%m-%d %H:%M:%f', (${from} + n) / 1000.0, 'unixepoch')`,
    }
    const columns = { executions: columnsOf(tables.executions), steps: columnsOf(tables.steps) }
    for (const statement of statementsOf(words, columns, filling)) database.exec(statement)
    database.exec('pragma wal_checkpoint(truncate)')
  } finally {
    database.close()
  }
}
