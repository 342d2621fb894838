import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { Redis } from 'ioredis'
import type { Connection } from 'mysql2/promise'
import type { Pool } from 'pg'
import { postgresOwnMigrations } from '../../../stores/postgres/migrations.ts'
import { mysqlOwnMigrations } from '../../../stores/mysql/migrations.ts'
import type { StoreAddress } from '../store-address.ts'

/** The schema or prefix under which a fixture was written. */
export const writtenSpace = 'docket_fixture'

/** When fixtures were written, as they tell. */
export const longAgo = new Date(Date.UTC(2024, 2, 1))

/** Of the completed execution, from format 2 on. */
export const deadline = new Date(Date.UTC(2024, 2, 2, 12, 0, 0, 125))
const inSql = longAgo.toISOString().slice(0, 10)
/** The leases' own times are the servers'. */
const endLeases = (owners: string): string =>
  `update ${owners} set seen_at = '${inSql} 00:00:00.000', expires_at = '${inSql} 00:00:05.000'`

type Row = Readonly<Record<string, unknown>>

/** A key as it is kept: texts where they come back as they were, else bytes in base64. */
type Kept = string | { readonly base64: string }
interface KeptKey {
  readonly key: string
  readonly type: string
  readonly value: readonly (readonly [member: Kept, value: Kept])[] | Kept
}

export const fileOf = (folder: string, kind: StoreAddress['kind']): string =>
  join(folder, { sqlite: 'sqlite.db', postgres: 'postgres.sql', mysql: 'mysql.sql', redis: 'redis.json' }[kind])

/** A file without a journal, in small pages. */
export function dumpSqlite(from: string, to: string): void {
  rmSync(to, { force: true })
  const database = new DatabaseSync(from)
  database.exec(endLeases('docket_owners'))
  database.exec(`pragma wal_checkpoint(truncate); pragma journal_mode = delete; pragma page_size = 512; vacuum`)
  database.exec(`vacuum into '${to}'`)
  database.close()
}

export async function dumpPostgres(pool: Pool, to: string): Promise<void> {
  const space = writtenSpace
  const rows = async (text: string): Promise<readonly Row[]> => (await pool.query<Row>(text)).rows
  await rows(`set timezone to 'UTC'`)
  await rows(endLeases(`${space}.docket_owners`))
  const tables = await rows(
    `select table_name as name, string_agg(column_name, ', ' order by ordinal_position) as columns,
      string_agg(format('quote_nullable(%I::text)', column_name), ', ' order by ordinal_position) as cells
      from information_schema.columns where table_schema = '${space}' and table_name like 'docket_%'
        and table_name in (select tablename from pg_tables where schemaname = '${space}') group by 1 order by 1`,
  )
  const lines = [
    `create schema ${space}`,
    `set search_path to ${space}`,
    'create table docket_migrations (version bigint primary key, name text not null, applied_at timestamptz(3) not null)',
    ...postgresOwnMigrations(space).flatMap(({ up }) => up),
  ]
  for (const { name, columns, cells } of tables) {
    const all = await rows(`select concat_ws(', ', ${String(cells)}) as row from ${space}.${String(name)} order by 1`)
    lines.push(...all.map(({ row }) => `insert into ${String(name)} (${String(columns)}) values (${String(row)})`))
  }
  const [epoch] = await rows(`select last_value from ${space}.docket_result_epochs`)
  lines.push(`select setval('${space}.docket_result_epochs', ${String(epoch!['last_value'])})`)
  writeFileSync(to, lines.map((line) => `${line};\n`).join(''))
}

export async function dumpMysql(connection: Connection, to: string): Promise<void> {
  const rows = async (text: string): Promise<readonly Row[]> => (await connection.query(text))[0] as readonly Row[]
  await rows(endLeases('docket_owners'))
  const columns = await rows(
    `select table_name as t, column_name as c, data_type as type from information_schema.columns
      where table_schema = database() and extra not like '%generated%' order by table_name, ordinal_position`,
  )
  const lines = [
    `create table docket_migrations (version bigint primary key, name longtext not null, applied_at datetime(3) not null)
      engine = innodb default character set utf8mb4`,
    ...mysqlOwnMigrations('docket_').flatMap(({ up }) => up),
  ]
  for (const [table, own] of Map.groupBy(columns, ({ t }) => String(t))) {
    const cells = own.map(({ c, type }) =>
      type === 'longblob'
        ? `if(${String(c)} is null, 'NULL', concat('x''', hex(${String(c)}), ''''))`
        : `quote(${String(c)})`,
    )
    const all = await rows(`select concat_ws(', ', ${cells.join(', ')}) as r from ${table} order by 1`)
    const names = own.map(({ c }) => String(c)).join(', ')
    lines.push(...all.map(({ r }) => `insert into ${table} (${names}) values (${String(r)})`))
  }
  writeFileSync(to, lines.map((line) => `${line};\n`).join(''))
}

export async function dumpRedis(client: Redis, to: string): Promise<void> {
  const leases = `${writtenSpace}:{o}:leases`
  for (const owner of await client.zrange(leases, '0', '-1'))
    await client.zadd(leases, longAgo.getTime() + 5_000, owner)
  const dumped: KeptKey[] = []
  for (const key of (await client.keys(`${writtenSpace}:*`)).toSorted()) {
    const type = await client.type(key)
    if (type === 'string') {
      dumped.push({ key, type, value: keptOf((await client.getBuffer(key))!) })
      continue
    }
    const members = type === 'hash' ? await client.hkeysBuffer(key) : await client.zrangeBuffer(key, '0', '-1')
    const pairs = members.map(async (member) => {
      const value = type === 'hash' ? await client.hgetBuffer(key, member) : await client.zscoreBuffer(key, member)
      return [keptOf(member), keptOf(value!)] as const
    })
    dumped.push({ key, type, value: await Promise.all(pairs) })
  }
  writeFileSync(to, `${JSON.stringify(dumped, null, 2)}\n`)
}

/** Puts a fixture of Redis under another prefix. */
export async function loadRedis(client: Redis, prefix: string, from: string): Promise<void> {
  for (const { key: written, type, value } of JSON.parse(readFileSync(from, 'utf8')) as readonly KeptKey[]) {
    const key = prefix + written.slice(writtenSpace.length)
    if (type === 'string') await client.set(key, bytesOf(value as Kept))
    else
      for (const [member, told] of value as readonly (readonly [Kept, Kept])[])
        if (type === 'hash') await client.hset(key, bytesOf(member), bytesOf(told))
        else await client.zadd(key, String(told), bytesOf(member))
  }
}

function keptOf(bytes: Buffer): Kept {
  const text = bytes.toString()
  return Buffer.from(text).equals(bytes) ? text : { base64: bytes.toString('base64') }
}

function bytesOf(kept: Kept): Buffer {
  return typeof kept === 'string' ? Buffer.from(kept) : Buffer.from(kept.base64, 'base64')
}
