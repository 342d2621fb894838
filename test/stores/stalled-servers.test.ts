import { randomUUID } from 'node:crypto'
import pg from 'pg'
import { afterAll, expect, onTestFinished, test, vi } from 'vitest'
import { createDocket, dataType, graph, step, type } from '../../src/index.ts'
import type { Store } from '../../src/core/contracts/store.ts'
import { mysqlMigrations, mysqlStore } from '../../stores/mysql/index.ts'
import { postgresStore } from '../../stores/postgres/index.ts'
import { redisStore } from '../../stores/redis/index.ts'
import { watchClientSockets } from '../servers/client-sockets.ts'
import { serverUrl } from '../servers/server-url.ts'
import { startStallingProxy } from '../servers/stalling-proxy.ts'

const Out = dataType('Out', type<string>())
const fine = graph({
  name: 'fine',
  steps: [step({ name: 'Fine', output: Out, persist: 'execution', run: () => 'fine' })],
})

const [postgres, mysql] = [await serverUrl('postgres'), await serverUrl('mysql')]
const prefix = `stalled_${randomUUID().replaceAll('-', '').slice(0, 12)}_`

const stores = {
  postgres: (url: string) => postgresStore({ url, schema: prefix }),
  mysql: (url: string) => mysqlStore({ url, prefix }),
  redis: (url: string) => redisStore({ url, prefix }),
} as const satisfies Record<string, (url: string) => Store>

afterAll(async () => {
  const pool = new pg.Pool({ connectionString: postgres })
  await pool.query(`drop schema if exists ${prefix} cascade`)
  await pool.end()
  const migrations = mysqlMigrations({ url: mysql, prefix })
  await migrations.downTo(0)
  await migrations.close()
})

test.each(['postgres', 'mysql', 'redis'] as const)(
  'a docket closes although its %s does not answer any more, and leaves no connection open',
  async (kind) => {
    using sockets = watchClientSockets()
    const proxy = await startStallingProxy(await serverUrl(kind))
    onTestFinished(() => proxy.stop())
    const docket = createDocket({ graphs: [fine], store: stores[kind](proxy.url), lease: '1s' })
    expect(await docket.execute(fine, Out, {}, { id: `fine ${prefix}` })).toBe('fine')
    proxy.stall()
    const looked = docket.list().catch(() => 'failed')
    await docket.close({ deadline: 100 })
    // Whoever waits is not left alone either.
    expect(await looked).toBe('failed')
    await vi.waitUntil(() => sockets.openTo([proxy.url]) === 0, { timeout: 15_000 })
  },
)
