import { randomUUID } from 'node:crypto'
import { createPool } from 'mysql2/promise'
import pg from 'pg'
import { expect, onTestFinished, test, vi } from 'vitest'
import { createDocket, dataType, graph, step, type } from '../../src/index.ts'
import type { Docket } from '../../src/index.ts'
import { mysqlStore } from '../../stores/mysql/index.ts'
import { postgresStore } from '../../stores/postgres/index.ts'
import { expectNoUnhandledErrors } from '../loose-api.ts'
import { serverUrl } from '../servers/server-url.ts'
import { startStallingProxy } from '../servers/stalling-proxy.ts'
import type { StallingProxy } from '../servers/stalling-proxy.ts'
import { clearSpace } from './server-space.ts'

expectNoUnhandledErrors()

const Out = dataType('Out', type<string>())
const fine = graph({ name: 'fine', steps: [step({ name: 'Fine', output: Out, run: () => 'fine' })] })
const own = `lost_${randomUUID().slice(0, 8)}`
const urls = { postgres: await serverUrl('postgres'), mysql: await serverUrl('mysql') }

const stores = {
  postgres: () => postgresStore({ url: urls.postgres, schema: own }),
  mysql: () => mysqlStore({ url: urls.mysql, prefix: `${own}_` }),
}

/** Starts one in a transaction on a connection of the caller's, to which nobody listens. */
const starts = {
  async postgres(docket: Docket, url: string): Promise<Promise<unknown>> {
    const pool = new pg.Pool({ connectionString: url })
    pool.on('error', () => {})
    onTestFinished(() => pool.end())
    const client = await pool.connect()
    onTestFinished(() => client.release(true))
    await client.query('begin')
    return docket.start(fine, Out, {}, { id: 'one', transaction: client })
  },
  async mysql(docket: Docket, url: string): Promise<Promise<unknown>> {
    const pool = createPool({ uri: url })
    onTestFinished(() => pool.end())
    const client = await pool.getConnection()
    onTestFinished(() => client.destroy())
    await client.beginTransaction()
    return docket.start(fine, Out, {}, { id: 'one', transaction: client })
  },
}

async function proxyBefore(kind: 'postgres' | 'mysql'): Promise<StallingProxy> {
  const proxy = await startStallingProxy(urls[kind])
  onTestFinished(() => proxy.stop())
  return proxy
}

test.each(['postgres', 'mysql'] as const)(
  'a transaction that is lost while something is started in it fails the start, and nothing else (%s)',
  async (kind) => {
    onTestFinished(() => clearSpace(kind, [urls[kind]], own))
    const docket = createDocket({ graphs: [fine], store: stores[kind]() })
    onTestFinished(() => docket.close())
    await docket.list({ limit: 1 })
    const proxy = await proxyBefore(kind)
    proxy.muteAfter('insert into')
    const started = starts[kind](docket, proxy.url).catch((error: unknown) => error)
    await vi.waitUntil(() => proxy.muted > 0)
    proxy.reset()
    expect(await started).toMatchObject({ code: 'STORE_FAILED', isTransient: true })
  },
)

test('a transaction of the caller keeps its settings when something is started in it', async () => {
  onTestFinished(() => clearSpace('postgres', [urls.postgres], own))
  const docket = createDocket({ graphs: [fine], store: stores.postgres() })
  onTestFinished(() => docket.close())
  await docket.list({ limit: 1 })
  const client = new pg.Client({ connectionString: urls.postgres })
  await client.connect()
  onTestFinished(() => client.end())
  await client.query('begin')
  const settings = async () =>
    (await client.query("select name, setting from pg_settings where context in ('user', 'superuser')")).rows
  const before = await settings()
  await docket.start(fine, Out, {}, { id: 'two', transaction: client })
  expect(await settings()).toEqual(before)
  await client.query('commit')
  expect(await (await docket.get('two'))!.result()).toBe('fine')
})
