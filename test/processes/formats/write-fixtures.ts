/**
 * Writes the fixtures of the present format: `node --conditions=docket-source test/processes/formats/write-fixtures.ts format-2`. Fixtures
 * are what users have in their databases: once released, they are never written anew. A new format gets a new folder.
 */
import { existsSync, mkdirSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { createConnection } from 'mysql2/promise'
import pg from 'pg'
import type { Store } from '../../../src/core/contracts/store.ts'
import { createDocket } from '../../../src/index.ts'
import { startMysql } from '../../servers/mysql.ts'
import { startPostgres } from '../../servers/postgres.ts'
import { startRedis } from '../../servers/redis.ts'
import { openStore } from '../store-address.ts'
import type { StoreAddress } from '../store-address.ts'
import { shiftedClock } from '../shifted-clock.ts'
import { deadline, dumpMysql, dumpPostgres, dumpRedis, dumpSqlite, fileOf, longAgo, writtenSpace } from './dumps.ts'
import { chargeThen, orderGraph, Receipt } from './fixture-graph.ts'

// Long ago: what is due is due wherever the fixtures are read, and who wrote them is dead.
const clock = shiftedClock(longAgo.getTime() - Date.now())
// Whose folders errors were thrown in is nobody's business.
Error.stackTraceLimit = 0
const [name = ''] = process.argv.slice(2)
const folder = join(import.meta.dirname, name)
if (!/^format-\d+$/.test(name) || existsSync(folder)) throw new Error('name a folder that is not there, like format-2')
mkdirSync(folder)

const sqlite = join(mkdtempSync(join(tmpdir(), 'docket-fixtures-')), 'fixture.db')
await fill({ kind: 'sqlite', url: sqlite, space: '' })
dumpSqlite(sqlite, fileOf(folder, 'sqlite'))

const postgres = await startPostgres()
await fill({ kind: 'postgres', url: postgres.url, space: writtenSpace })
const pool = new pg.Pool({ connectionString: postgres.url, max: 1 })
pool.on('error', () => {})
await dumpPostgres(pool, fileOf(folder, 'postgres'))
await pool.end()
await postgres.stop()

const mysql = await startMysql()
await fill({ kind: 'mysql', url: mysql.url, space: 'docket_' })
const connection = await createConnection({ uri: mysql.url, charset: 'utf8mb4' })
await dumpMysql(connection, fileOf(folder, 'mysql'))
await connection.end()
await mysql.stop()

const redis = await startRedis()
await fill({ kind: 'redis', url: redis.url, space: writtenSpace })
const client = new Redis(redis.url)
await dumpRedis(client, fileOf(folder, 'redis'))
client.disconnect()
await redis.stop()

/** A store that does not say what time it is, so that the writers' clock holds. */
function openClockless(address: StoreAddress): Store {
  return Object.defineProperty(openStore(address), 'time', { value: undefined })
}

/** Executions in all the states that a process can leave them in when it dies. */
async function fill(address: StoreAddress): Promise<void> {
  const { orders, runs } = orderGraph(chargeThen)
  const inner = openClockless(address)
  let isDead = false
  const store = new Proxy(inner, {
    get(target, key) {
      const value: unknown = Reflect.get(target, key)
      if (typeof value !== 'function') return value
      const method = value.bind(target) as (...given: unknown[]) => unknown
      return (...given: unknown[]): unknown => (isDead ? new Promise(() => {}) : method(...given))
    },
  }) satisfies Store
  const doomed = createDocket({ graphs: [orders], store, lease: '5s', name: 'writer', clock })
  for (const id of ['completed', 'failed', 'unfinished', 'retrying', 'called-off']) {
    const headers = { tenant: 'Straße', id }
    const handle = await doomed.start(
      orders,
      Receipt,
      { Order: { id } },
      { id, headers, timeout: '1h', ...(id === 'completed' && { deadline }) },
    )
    if (id === 'completed' || id === 'failed') await handle.result().catch(() => {})
  }
  const items = ['b-1', 'b-2', 'b-3', 'b-4'].map((id) => ({ Order: { id } }))
  await doomed.startBatch(orders, Receipt, items, { id: 'batch', key: ({ Order }) => Order.id })
  while (runs.filter((run) => run.startsWith('Charge')).length < 9) await sleep(50)
  await sleep(500)
  isDead = true
  await using other = createDocket({
    graphs: [orders],
    store: openClockless(address),
    takeOver: false,
    name: 'other',
    clock,
  })
  await other.cancel('called-off')
  await inner.close()
}
