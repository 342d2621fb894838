import { randomBytes } from 'node:crypto'
import { inspect } from 'node:util'
import { createPool } from 'mysql2/promise'
import { Redis } from 'ioredis'
import { afterAll, expect, onTestFinished, test, vi } from 'vitest'
import { createDocket, dataType, graph, step, type } from '../../src/index.ts'
import type { Store } from '../../src/index.ts'
import { mysqlMigrations, mysqlStore } from '../../stores/mysql/index.ts'
import { postgresStore } from '../../stores/postgres/index.ts'
import { redisStore } from '../../stores/redis/index.ts'
import { memoryStore } from '../../stores/memory/index.ts'
import { startRedis, withRedis } from '../servers/redis.ts'
import { serverUrl } from '../servers/server-url.ts'
import { postgresPlace } from './postgres-place.ts'

const place = await postgresPlace()
const mysqlUrl = await serverUrl('mysql')
const admin = createPool({ uri: mysqlUrl, connectionLimit: 2, charset: 'utf8mb4' })
afterAll(() => admin.end())

const password = 'planted-password-4711'
const secret = 'planted-value-4712'
const Out = dataType('Out', type<string>())
const tells = graph({
  name: 'tells',
  steps: [step({ name: 'Tell', output: Out, persist: 'execution', run: () => secret })],
})

function withPassword(url: string): string {
  const changed = new URL(url)
  changed.username = 'nobody_at_all'
  changed.password = password
  return changed.href
}

/** Everything that a person, a logger or a database could see of an error. */
function visible(error: unknown): string {
  return [inspect(error, { depth: 20, showHidden: true }), JSON.stringify(error), String(error)].join('\n')
}

async function errorOf(act: () => Promise<unknown>): Promise<unknown> {
  try {
    await act()
  } catch (thrown) {
    return thrown
  }
  throw new Error('it should have failed')
}

/** Runs an execution whose value the database refuses; its errors, and what the docket shows of it. */
async function refusedBy(store: Store): Promise<string> {
  const docket = createDocket({ graphs: [tells], store })
  onTestFinished(() => docket.close({ deadline: 0 }))
  const error = await errorOf(() => docket.execute(tells, Out, {}, { id: 'told' }))
  return visible(error)
}

test('no error shows the password that a server refused', async () => {
  const redis = await startRedis()
  onTestFinished(async () => redis.stop())
  await withRedis(redis.port, async (client) => void (await client.config('SET', 'requirepass', 'another')))
  for (const store of [
    postgresStore({ url: withPassword(place.url) }),
    mysqlStore({ url: withPassword(mysqlUrl) }),
    redisStore({ url: redis.url.replace('redis://', `redis://:${password}@`) }),
  ]) {
    const shown = visible(await errorOf(() => store.open()))
    expect(shown).toContain('StoreError')
    expect(shown).not.toContain(password)
    await store.close()
  }
})

test('no error shows a value that PostgreSQL refused', async () => {
  const schema = place.newSchema()
  const store = await place.openStore(schema)
  await place.pool.query(`alter table "${schema}".docket_steps add constraint never check (status <> 'completed')`)
  const shown = await refusedBy(store)
  expect(shown).toContain('never')
  expect(shown).not.toContain(secret)
  const { rows } = await place.pool.query(`select * from "${schema}".docket_steps`)
  expect(JSON.stringify(rows)).not.toContain(secret)
})

test('no error shows a value that MySQL refused', async () => {
  const prefix = `s${randomBytes(8).toString('hex')}_`
  onTestFinished(async () => {
    await mysqlMigrations({ pool: admin, prefix }).downTo(0)
    await admin.query(`drop table if exists ${prefix}migrations`)
  })
  const store = mysqlStore({ url: mysqlUrl, prefix, max: 3 })
  await store.open()
  await admin.query(`alter table ${prefix}steps add constraint never check (status <> 'completed')`)
  const shown = await refusedBy(store)
  expect(shown).toContain('never')
  expect(shown).not.toContain(secret)
  const [rows] = await admin.query(`select * from ${prefix}steps`)
  expect(JSON.stringify(rows)).not.toContain(secret)
})

test('no error of a Redis of a step’s own shows the value, neither to its caller nor in the docket’s store', async () => {
  const redis = await startRedis()
  onTestFinished(async () => redis.stop())
  const own = redisStore({ url: redis.url })
  await own.open()
  onTestFinished(() => own.close())
  const client = new Redis(redis.url)
  onTestFinished(() => client.disconnect())
  const shares = graph({
    name: 'shares',
    steps: [
      step({
        name: 'Share',
        output: Out,
        persist: { scope: 'global', store: own, onStoreError: 'fail' },
        timeout: '2s',
        run: async () => {
          await client.config('SET', 'maxmemory', '1')
          return secret
        },
      }),
    ],
  })
  const store = memoryStore()
  const commit = vi.spyOn(store, 'commit')
  const docket = createDocket({ graphs: [shares], store })
  onTestFinished(() => docket.close({ deadline: 0 }))
  const shown = visible(await errorOf(() => docket.execute(shares, Out, {}, { id: 'shared' })))
  expect(shown).toContain('OOM')
  expect(shown).not.toContain(secret)
  expect(inspect(commit.mock.calls, { depth: 20 })).not.toContain(secret)
})
