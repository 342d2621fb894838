import { randomUUID } from 'node:crypto'
import { createPool } from 'mysql2/promise'
import pg from 'pg'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { openStore } from '../../src/cli/open-store.ts'
import { bullmqEngine } from '../../src/engines/bullmq/index.ts'
import { newExecution } from '../../src/testing/conformance/records.ts'
import { mysqlStore } from '../../stores/mysql/index.ts'
import { postgresStore } from '../../stores/postgres/index.ts'
import { redisStore } from '../../stores/redis/index.ts'
import type { Store } from '../../src/core/contracts/store.ts'
import { startRedis, withRedis } from '../servers/redis.ts'
import { serverUrl } from '../servers/server-url.ts'

const odd = `${randomUUID().slice(0, 8)} @:/%é,'"\`+&=;$`

const postgres = await serverUrl('postgres')
const mysql = await serverUrl('mysql')

/** A URL of the same server for another user and database. */
function urlOf(url: string, user: string, password: string, database: string): string {
  const { protocol, host } = new URL(url)
  const [name, word, place] = [user, password, database].map(encodeURIComponent)
  return `${protocol}//${name}:${word}@${host}/${place}`
}

async function keeps(store: Store): Promise<void> {
  try {
    await store.open()
    await store.create([newExecution('one')])
    expect(await store.get(['one'])).toMatchObject([{ id: 'one' }])
  } finally {
    await store.close()
  }
}

/** What the command line opens finds what is there. */
async function isFoundByUrl(url: string): Promise<void> {
  const store = await openStore('/', { url })
  await store.open()
  expect(await store.get(['one'])).toMatchObject([{ id: 'one' }])
  await store.close()
}

describe('a user, a password and a database with any characters, as they are encoded in a URL', () => {
  test('on PostgreSQL', async () => {
    const quoted = pg.escapeIdentifier(odd)
    const admin = new pg.Client({ connectionString: postgres })
    await admin.connect()
    onTestFinished(async () => {
      await admin.query(`drop database ${quoted}`)
      await admin.query(`drop role ${quoted}`)
      await admin.end()
    })
    await admin.query(`create role ${quoted} login password ${pg.escapeLiteral(`${odd}?#`)}`)
    await admin.query(`create database ${quoted} owner ${quoted}`)
    const url = urlOf(postgres, odd, `${odd}?#`, odd)
    await keeps(postgresStore(url))
    await isFoundByUrl(url)
  })

  test('on MySQL', async () => {
    const admin = createPool({ uri: mysql, connectionLimit: 1 })
    const name = `${odd}?#`
    onTestFinished(async () => {
      await admin.query('drop database ??', [name])
      await admin.query('drop user ?', [name])
      await admin.end()
    })
    await admin.query('create database ??', [name])
    await admin.query('create user ? identified by ?', [name, name])
    await admin.query('grant all on *.* to ?', [name])
    const url = urlOf(mysql, name, name, name)
    await keeps(mysqlStore(url))
    await isFoundByUrl(url)
  })

  test('on Redis, also with a comma in the password as it is', async () => {
    await using server = await startRedis()
    const user = odd.replaceAll(' ', '')
    const setUser = (...rules: string[]) =>
      withRedis(server.port, (redis) =>
        redis.call('ACL', 'SETUSER', user, 'on', `>${odd}?#`, '>a,b', '~docket:*', '&docket:hints', '+@all', ...rules),
      )
    await setUser()
    const url = urlOf(server.url, user, `${odd}?#`, '0')
    await keeps(redisStore(url))
    await isFoundByUrl(url)
    await isFoundByUrl(`redis://${encodeURIComponent(user)}:a,b@127.0.0.1:${server.port}`)
  })
})

test('a Redis is reached by the path of its socket, by the store and by the engine on BullMQ', async () => {
  await using server = await startRedis({ settings: { unixsocket: 'redis.sock' } })
  const path = `${server.folder}/redis.sock`
  await keeps(redisStore(`${path}?db=1`))
  const engine = bullmqEngine({ connection: path })
  await engine.open({ report: () => {} })
  onTestFinished(() => engine.close())
  const taken: string[] = []
  const consumer = await engine.consume('default', 1, async (id) => {
    taken.push(id)
    return 'done'
  })
  onTestFinished(() => consumer.close())
  await engine.wake([{ id: 'one', epoch: 0, queue: 'default' }])
  await vi.waitUntil(() => taken.includes('one'), { timeout: 10_000 })
})

test.each<[string, Store]>([
  ['/nowhere (database shop)', postgresStore('postgres://ann@/shop?host=/nowhere')],
  ['/nowhere/s (database shop)', mysqlStore('mysql://ann@localhost/shop?socketPath=/nowhere/s')],
  ['/nowhere/s/0', redisStore('/nowhere/s')],
])('where no server is behind a socket, its path is named (%s)', async (place, store) => {
  await expect(store.open()).rejects.toMatchObject({
    message: expect.stringContaining(`at ${place}: ENOENT; is the server running`),
    isTransient: true,
  })
})

test('the engine on BullMQ takes the URL of a PostgreSQL behind a socket', async () => {
  const engine = bullmqEngine({ connection: 'postgres://ann@/shop?host=/nowhere', timeout: '300ms' })
  await expect(engine.open({ report: () => {} })).rejects.toMatchObject({ code: 'ENGINE_FAILED', isTransient: true })
})
