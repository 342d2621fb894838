import type { Place } from './places.ts'

/** For how long Redis keeps what nobody ends. */
const longestMs = 30 * 86_400_000

/** Whose rows belong to processes that live. */
export interface Living {
  /** Names of owners. */
  readonly owners: RegExp
  /** Whether results that are there for ever are meant to be. @default false */
  readonly keepsResults?: boolean
}

/** Makes the dead as dead as they are after two days: then they are forgotten when another owner comes. */
export async function ageOwners({ kind, sql, redis, layout }: Place, { owners }: Living): Promise<void> {
  const days = 2 * 86_400_000
  if (kind === 'sqlite')
    await sql(
      `update docket_owners set lease_until = lease_until - ${days} where expires_at < strftime('%Y-%m-%d %H:%M:%f')`,
    )
  if (kind === 'postgres')
    await sql(
      `update docket_owners set expires_at = expires_at - interval '2 days' where expires_at < clock_timestamp()`,
    )
  if (kind === 'mysql')
    await sql('update docket_owners set expires_at = expires_at - interval 2 day where expires_at < utc_timestamp(3)')
  if (kind !== 'redis') return
  for (const owner of await redis.zrangebyscore(layout.leases, '-inf', String(Date.now())))
    await redis.zincrby(layout.leases, -days, owner)
  for (const owner of await redis.zrange(layout.renewals, '0', '-1'))
    if (!owners.test(owner)) await redis.zincrby(layout.renewals, -days, owner)
}

/**
 * All rows of all tables, and all keys, that are neither of an owner that lives nor the record of what the tables look like; on Redis, what
 * the server forgets by itself (a claim after a month, a failure after a day) is none that stays.
 */
export async function leftOver(place: Place, living: Living): Promise<readonly string[]> {
  return place.kind === 'redis' ? leftInRedis(place, living) : leftInTables(place, living)
}

const catalogs = {
  sqlite: `select name from sqlite_master where type = 'table' and name like 'docket%'`,
  postgres: 'select tablename as name from pg_tables where schemaname = current_schema()',
  mysql: 'select table_name as name from information_schema.tables where table_schema = database()',
} as const

async function leftInTables(
  { kind, sql }: Place,
  { owners, keepsResults = false }: Living,
): Promise<readonly string[]> {
  const left: string[] = []
  const tables = await sql(catalogs[kind as keyof typeof catalogs])
  const names = tables.map(({ name }) => String(name)).filter((name) => name !== 'docket_migrations')
  // What is read of no table is not counted.
  if (names.length < 6) left.push(`only ${names.join()} are there`)
  for (const name of names) {
    const rows = await sql(`select * from ${name}`)
    // One row, however many results there were: later epochs of theirs are higher.
    if (name === 'docket_counters' && rows.length <= 1) continue
    for (const row of rows) {
      if (name === 'docket_owners' && owners.test(String(row['owner']))) continue
      if (name === 'docket_results' && keepsResults && row['status'] === 'completed') continue
      left.push(`${name}: ${JSON.stringify(row).slice(0, 300)}`)
    }
  }
  return left
}

async function leftInRedis(
  { redis, layout }: Place,
  { owners, keepsResults = false }: Living,
): Promise<readonly string[]> {
  const left: string[] = []
  const prefix = layout.format.slice(0, layout.format.indexOf(':{'))
  const members: Readonly<Record<string, () => Promise<readonly string[]>>> = {
    [layout.leases]: () => redis.zrange(layout.leases, '0', '-1'),
    [layout.renewals]: () => redis.zrange(layout.renewals, '0', '-1'),
    [layout.sessions]: () => redis.hkeys(layout.sessions),
  }
  for (const key of await redis.keys(`${prefix}:*`)) {
    const read = members[key]
    if (read !== undefined)
      left.push(...(await read()).filter((owner) => !owners.test(owner)).map((owner) => `${key}: ${owner}`))
    if (read !== undefined || key === layout.format) continue
    const forgottenInMs = await redis.pttl(key)
    if (forgottenInMs !== -1 && forgottenInMs <= longestMs) continue
    if (keepsResults && /:\{r\d+\}:k:/.test(key) && (await redis.getrange(key, 0, 0)) === 'C') continue
    left.push(`${key}, ${forgottenInMs} ms`)
  }
  return left
}
