import { randomUUID } from 'node:crypto'
import { Redis } from 'ioredis'
import pg from 'pg'
import { expect, onTestFinished, test } from 'vitest'
import { bullmqEngine, migrate } from '../../src/engines/bullmq/index.ts'
import { EngineError, OptionError } from '../../src/index.ts'
import { serverUrl } from '../servers/server-url.ts'
import { engineDatabase } from './postgres-space.ts'

const redis = await serverUrl('redis')
const server = await serverUrl('postgres')
const host = { report: () => {} }
const done = async () => 'done' as const

test.each<readonly [unknown, RegExp]>([
  [undefined, /say where Redis or PostgreSQL is/],
  [{}, /say where Redis or PostgreSQL is/],
  [{ conection: 'redis://a' }, /unknown option "conection"; did you mean "connection"\?|unknown option "conection"/],
  [{ connection: 'http://a' }, /must look like redis/],
  [{ connection: 'mysql://ada:secret@a/b' }, /mysql:\/\/\*\*\*@a\/b/],
  [{ connection: 'redis://a', pool: new pg.Pool() }, /one of connection, cluster and pool/],
  [{ connection: 'postgres://a/b', max: 2 }, /max must be a whole number of at least 3/],
  [{ connection: 'redis://a', prefix: 'a:b' }, /prefix must be/],
  [{ connection: 'redis://a', lock: '1ms', timeout: 0 }, /lock.*timeout/],
  [{ connection: 'redis://a', max: 10 }, /pool that is made for a PostgreSQL URL/],
  [{ connection: { host: 'a', keyPrefix: 'x' } }, /keyPrefix/],
  [{ cluster: [] }, /at least one node/],
])('options %j are refused', (options, message) => {
  const make = (): unknown => bullmqEngine(options as never)
  expect(make).toThrow(OptionError)
  expect(make).toThrow(message)
})

test('a client of the user’s is neither used nor closed', async () => {
  const client = new Redis(redis)
  onTestFinished(() => client.disconnect())
  const engine = bullmqEngine({ connection: client, prefix: `t-${randomUUID().slice(0, 8)}` })
  await engine.open(host)
  const consumer = await engine.consume('default', 1, done)
  await consumer.close()
  await engine.close()
  expect(await client.ping()).toBe('PONG')
})

test('a database without tables of BullMQ is refused with what to run, and taken once that has run, however often at the same time', async () => {
  const { url, drop } = await engineDatabase(server, false)
  onTestFinished(drop)
  const engine = bullmqEngine({ connection: url })
  await expect(engine.open(host)).rejects.toThrow(/run migrate\(url\) of docket\/engines\/bullmq once/)
  await expect(engine.open(host)).rejects.toBeInstanceOf(EngineError)
  const pool = new pg.Pool({ connectionString: url, max: 3 })
  await Promise.all([migrate(pool), migrate(url), migrate(pool)])
  await expect(bullmqEngine({ pool }).open(host)).rejects.toThrow(/options: '-c search_path=bullmq'/)
  await pool.end()
  await engine.open(host)
  await engine.close()
})

test('a pool that is too small for its workers is refused with the size that it needs', async () => {
  const { url, drop } = await engineDatabase(server)
  const engine = bullmqEngine({ connection: url, max: 4 })
  await engine.open(host)
  const consumers = await Promise.all(['a', 'b'].map((queue) => engine.consume(queue, 1, done)))
  await expect(engine.consume('c', 1, done)).rejects.toThrow(/its pool has 4 connections, and 3 workers need 5/)
  await consumers[0]!.close()
  consumers[0] = await engine.consume('c', 1, done)
  await Promise.all(consumers.map((consumer) => consumer.close()))
  await engine.close()
  await drop()
})

test('a server that is not there fails for now, with its address’s error', async () => {
  for (const connection of ['redis://127.0.0.1:1', 'postgres://127.0.0.1:1/none']) {
    const opened = bullmqEngine({ connection, timeout: '500ms' }).open(host)
    await expect(opened, connection).rejects.toMatchObject({ code: 'ENGINE_FAILED', isTransient: true })
  }
})
