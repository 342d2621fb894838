import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { Redis } from 'ioredis'
import { createPool } from 'mysql2/promise'
import pg from 'pg'
import { afterAll, describe, expect, onTestFinished, test } from 'vitest'
import { createDocket, dataType, graph, step, type } from '../../src/index.ts'
import type { Store } from '../../src/index.ts'
import { commitTo, createOwned, stepRecord } from '../../src/testing/conformance/records.ts'
import { mysqlMigrations, mysqlStore } from '../../stores/mysql/index.ts'
import { postgresStore } from '../../stores/postgres/index.ts'
import { redisStore } from '../../stores/redis/index.ts'
import { sqliteStore } from '../../stores/sqlite/index.ts'
import { mysqlError } from '../../stores/mysql/errors.ts'
import { postgresError } from '../../stores/postgres/errors.ts'
import { storeError } from '../../stores/redis/errors.ts'
import { sqliteError } from '../../stores/sqlite/errors.ts'
import { startPostgres } from '../servers/postgres.ts'
import { startRedis } from '../servers/redis.ts'
import { serverUrl } from '../servers/server-url.ts'

const postgres = await startPostgres()
const redis = await startRedis()
const mysqlUrl = await serverUrl('mysql')
const pgAdmin = new pg.Pool({ connectionString: postgres.url })
const redisAdmin = new Redis(redis.url)
const mysqlAdmin = createPool({ uri: mysqlUrl, connectionLimit: 2, charset: 'utf8mb4' })
quiet(pgAdmin)
await redisAdmin.call('ACL', 'SETUSER', 'app', 'on', '>word', '~*', '&*', '+@all')
afterAll(async () => {
  await Promise.all([pgAdmin.end(), mysqlAdmin.end()])
  redisAdmin.disconnect()
  await Promise.all([postgres.stop(), redis.stop()])
})

function ignore(): void {}

/** The server may end while its connections are ending. */
function quiet(pool: pg.Pool): void {
  pool.on('error', ignore).on('connect', (client) => client.on('error', ignore))
}

/** A database that refuses writes from `begin` on, until `end`. */
interface Refusal {
  makeStore(): Store
  begin(): Promise<unknown>
  end(): Promise<unknown>
}

const Seed = dataType('Seed', type<string>())
const Made = dataType('Made', type<string>())
const Whole = dataType('Whole', type<string>())

/** The store, with what is called once it has refused two writes. */
function endedBySecond(store: Store, then: () => Promise<unknown>): Store {
  let refused = 0
  return new Proxy(store, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target)
      if (typeof member !== 'function') return member
      const call = member.bind(target) as (...given: readonly unknown[]) => unknown
      if (name !== 'commit' && name !== 'commitResults') return call
      return async (...given: readonly unknown[]) => {
        try {
          return await call(...given)
        } catch (error) {
          if (++refused === 2) await then()
          throw error
        }
      }
    },
  })
}

/** Runs executions during which the database refuses writes for a while: nobody sees it, and no step runs twice. */
async function goThrough({ makeStore, begin, end }: Refusal): Promise<void> {
  for (const scope of ['execution', 'global'] as const) {
    const runs: string[] = []
    const make = step({
      name: 'Make',
      inputs: { seed: Seed },
      output: Made,
      persist: scope,
      async run({ seed }) {
        runs.push(`make ${seed}`)
        if (runs.length === 1) await begin()
        return `made ${'x'.repeat(50_000)}`
      },
    })
    const finish = step({
      name: 'Finish',
      inputs: { made: Made, seed: Seed },
      output: Whole,
      persist: 'execution',
      run({ made, seed }) {
        runs.push(`finish ${seed}`)
        return made.slice(0, 4)
      },
    })
    const shop = graph({ name: `shop-${scope}`, steps: [make, finish] })
    let hasRefused = false
    const ends = async (): Promise<void> => {
      hasRefused = true
      await end()
    }
    const docket = createDocket({ graphs: [shop], store: endedBySecond(makeStore(), ends) })
    try {
      const batch = await docket.startBatch(shop, Whole, [{ Seed: '1' }, { Seed: '2' }], { id: `${scope} batch` })
      const others = ['3', '4', '5'].map((seed) => docket.execute(shop, Whole, { Seed: seed }, { id: scope + seed }))
      expect(await Promise.all([...others, batch.result()])).toEqual(['made', 'made', 'made', ['made', 'made']])
      expect(hasRefused).toBe(true)
      expect(runs).toHaveLength(10)
      expect(new Set(runs).size).toBe(10)
      const { executions } = await docket.list({ graph: shop.name })
      expect(executions.map(({ status }) => status)).toEqual(Array(4).fill('completed'))
    } finally {
      if (!hasRefused) await end()
      await docket.close({ deadline: 0 })
    }
  }
}

function newName(): string {
  return `p${randomBytes(8).toString('hex')}_`
}

function onSqlite(begin: string, end: string): Refusal {
  const folder = mkdtempSync(join(tmpdir(), 'docket-refusals-'))
  const database = new DatabaseSync(join(folder, 'docket.db'))
  onTestFinished(() => {
    database.close()
    rmSync(folder, { recursive: true })
  })
  return {
    makeStore: () => sqliteStore({ database }),
    begin: async () => database.exec(begin),
    end: async () => database.exec(end),
  }
}

/** In a schema with a role of the same name, which stands for `%`. */
async function onPostgres(begin: string | readonly string[], end: string): Promise<Refusal> {
  const name = newName()
  await pgAdmin.query(`create role ${name} login; create schema ${name} authorization ${name}`)
  const run = (statements: string | readonly string[]) => async () => {
    for (const sql of [statements].flat()) await pgAdmin.query(sql.replaceAll('%', name))
  }
  const url = new URL(postgres.url)
  url.username = name
  return { makeStore: () => postgresStore({ url: url.href, schema: name, max: 3 }), begin: run(begin), end: run(end) }
}

function onMysql(begin: readonly string[], end: readonly string[]): Refusal {
  const prefix = newName()
  onTestFinished(async () => {
    await mysqlMigrations({ pool: mysqlAdmin, prefix }).downTo(0)
    await mysqlAdmin.query(`drop table if exists ${prefix}migrations`)
  })
  const run = (statements: readonly string[]) => async () => {
    for (const sql of statements) await mysqlAdmin.query(sql.replaceAll('%', prefix))
  }
  return { makeStore: () => mysqlStore({ url: mysqlUrl, prefix, max: 3 }), begin: run(begin), end: run(end) }
}

function onRedis(begin: readonly [string, ...string[]], end: readonly [string, ...string[]]): Refusal {
  const url = redis.url.replace('redis://', 'redis://app:word@')
  const prefix = newName()
  return {
    makeStore: () => redisStore({ url, prefix }),
    begin: () => redisAdmin.call(...begin),
    end: () => redisAdmin.call(...end),
  }
}

describe('what a database refuses for a while fails nobody, and nothing runs twice:', () => {
  const places: Readonly<Record<string, () => Refusal | Promise<Refusal>>> = {
    'SQLite, whose disk is full': () => onSqlite('pragma max_page_count = 1', 'pragma max_page_count = 1000000'),
    'SQLite, which is read-only': () => onSqlite('pragma query_only = 1', 'pragma query_only = 0'),
    'PostgreSQL, whose disk is full': () =>
      onPostgres(
        `create function %.refuse() returns trigger language plpgsql as $$ begin raise exception using errcode = '53100'; end $$;
        create trigger refuse before insert on %.docket_steps for each row execute function %.refuse();
        create trigger refuse before update on %.docket_results for each row execute function %.refuse()`,
        'drop function %.refuse cascade',
      ),
    'PostgreSQL, whose tables are renamed and back': () =>
      onPostgres(
        'alter table %.docket_steps rename to away; alter table %.docket_results rename to gone',
        'alter table %.away rename to docket_steps; alter table %.gone rename to docket_results',
      ),
    'PostgreSQL, whose permissions are taken and given': () =>
      onPostgres('revoke usage on schema % from %', 'grant usage on schema % to %'),
    'PostgreSQL, whose role may not log in': () =>
      onPostgres(
        // Apart: statements of one query commit together, and a role may log in again before they have.
        ['alter role % nologin', `select pg_terminate_backend(pid) from pg_stat_activity where usename = '%'`],
        'alter role % login',
      ),
    'MariaDB, whose disk is full': () =>
      onMysql(
        ['steps', 'results'].map(
          (table) =>
            `create trigger %${table}_full before ${table === 'steps' ? 'insert' : 'update'} on %${table} for each row signal sqlstate 'HY000' set mysql_errno = 1021`,
        ),
        ['drop trigger %steps_full', 'drop trigger %results_full'],
      ),
    'MariaDB, whose tables are renamed and back': () =>
      onMysql(['rename table %steps to %away, %results to %gone'], ['rename table %away to %steps, %gone to %results']),
    'Redis, whose memory is full': () =>
      onRedis(['CONFIG', 'SET', 'maxmemory', '1'], ['CONFIG', 'SET', 'maxmemory', '0']),
    'Redis, whose permissions are taken and given': () =>
      onRedis(['ACL', 'SETUSER', 'app', '-evalsha', '-eval'], ['ACL', 'SETUSER', 'app', '+evalsha', '+eval']),
  }
  test.each(Object.keys(places))('%s', async (name) => goThrough(await places[name]!()))
})

test('a wrong password, or one without permissions, is refused at once where a docket opens its store', async () => {
  const wrong = new URL(mysqlUrl)
  wrong.password = 'wrong'
  for (const store of [
    postgresStore({ url: postgres.url.replace(/\/\/[^@/]*@/, '//nobody@') }),
    mysqlStore({ url: wrong.href }),
    redisStore({ url: redis.url.replace('redis://', 'redis://app:wrong@') }),
  ]) {
    await expect(store.open()).rejects.toMatchObject({ code: 'STORE_FAILED', isTransient: false })
    await store.close()
  }
})

test('a prepared statement that a pooler has forgotten costs a connection, not the call', async () => {
  const pool = new pg.Pool({ connectionString: postgres.url, max: 1 })
  quiet(pool)
  onTestFinished(() => pool.end())
  const store = postgresStore({ pool, schema: newName() })
  await store.open()
  onTestFinished(() => store.close())
  await createOwned(store, 'a')
  const commit = () => store.commit([commitTo('a', { owner: 'ada', steps: [stepRecord('A')] })])
  expect(await commit()).toEqual([true])
  for (let times = 0; times < 5; times++) {
    await pool.query('deallocate all')
    expect(await commit()).toEqual([true])
  }
  const { rows } = await pool.query('select from pg_prepared_statements')
  expect(rows, 'after a few times, none is prepared').toHaveLength(0)
})

/** What a driver throws of a server's answer. */
function answer(fields: object, message = 'refused'): Error {
  return Object.assign(new Error(message), fields)
}

describe('what a server says', () => {
  const errorsOf = {
    sqlite: (code: number) => sqliteError(answer({ errcode: code })),
    postgres: (code: string) => postgresError(answer({ code })),
    mysql: (errno: number, sqlState = 'HY000') => mysqlError(answer({ errno, sqlState })),
    redis: (message: string) => storeError(answer({ name: 'ReplyError' }, message)),
  }

  test('is tried again, unless it is known to be about the value', () => {
    const passing = [
      ...[13, 10, 8, 778, 1, 14, 7, 15].map(errorsOf.sqlite),
      ...'53100 53200 58030 28000 28P01 55000 42501 42P01 26000 42P05 0A000 3D000 XX000 P0001'
        .split(' ')
        .map(errorsOf.postgres),
      ...[1021, 1114, 1045, 4151, 1146, 1142, 1049, 1030, 1290, 1037].map((number) => errorsOf.mysql(number)),
      // A trigger that refuses in its own words.
      errorsOf.mysql(1644, '45000'),
      ...[
        'OOM command not allowed',
        'NOPERM no permissions',
        'WRONGPASS invalid',
        'NOAUTH Authentication required.',
      ].map(errorsOf.redis),
      ...['ERR max number of clients reached', 'ERR unknown command', 'MISCONF disk'].map(errorsOf.redis),
    ]
    for (const error of passing) expect(error, error.message).toMatchObject({ isTransient: true })
  })

  test('is not, if it is', () => {
    const lasting = [
      ...[18, 19, 787, 20, 21, 25].map(errorsOf.sqlite),
      ...'22001 22P02 22P05 23505 23514 54000'.split(' ').map(errorsOf.postgres),
      postgresError(answer({ code: 'XX000' }, 'invalid memory alloc request size 1073741824')),
      ...[1153, 1118, 1366, 3819, 4025].map((number) => errorsOf.mysql(number)),
      ...[[1406, '22001'] as const, [1048, '23000'] as const, [1644, '23000'] as const].map(([number, state]) =>
        errorsOf.mysql(number, state),
      ),
      ...[
        'CROSSSLOT Keys in request',
        'WRONGTYPE Operation',
        'ERR string exceeds maximum allowed size (proto-max-bulk-len)',
      ].map(errorsOf.redis),
    ]
    for (const error of lasting) expect(error, error.message).toMatchObject({ isTransient: false })
  })
})
