import pg from 'pg'
import { afterAll, expect, onTestFinished, test, vi } from 'vitest'
import { createDocket } from '../../src/index.ts'
import { postgresStore } from '../../stores/postgres/index.ts'
import type { PostgresStoreOptions } from '../../stores/postgres/index.ts'
import { First, relay } from '../processes/relay.ts'
import { startPgbouncer } from '../servers/pgbouncer.ts'
import { postgresPlace } from './postgres-place.ts'

const { url, newSchema, pool } = await postgresPlace()
const pooler = await startPgbouncer(url)
afterAll(() => pooler.stop())
const { relay: graph } = relay()

/** What `jit` was for each look of a docket for work, also for those that are judged by limits. */
async function settingsOfLooks(options: PostgresStoreOptions): Promise<ReadonlySet<unknown>> {
  const settings = new Set<unknown>()
  const { query } = pg.Client.prototype as { query: (...args: unknown[]) => Promise<pg.QueryResult> }
  const spy = vi.spyOn(pg.Client.prototype, 'query').mockImplementation(async function (
    this: pg.Client,
    ...args: unknown[]
  ) {
    const [first] = args as [string | { readonly text: string }]
    if ((typeof first === 'string' ? first : first.text).startsWith('with recursive owners'))
      settings.add((await query.call(this, "select current_setting('jit') as jit")).rows[0].jit)
    return query.apply(this, args)
  } as never)
  onTestFinished(() => spy.mockRestore())
  const docket = createDocket({
    graphs: [graph],
    store: postgresStore(options),
    work: { default: 2, limited: 2 },
    queues: { limited: { concurrency: 1 } },
  })
  await docket.execute(graph, First, { Seed: 1 })
  await docket.execute(graph, First, { Seed: 1 }, { queue: 'limited' })
  await docket.resume()
  await docket.close()
  return settings
}

// A server with LLVM compiles what it expects to cost much: half a second for each look at a large table.
test('a look is never compiled by the server, over connections of the store’s own', async () => {
  expect(await pool.query("select reset_val from pg_settings where name = 'jit'")).toMatchObject({
    rows: [{ reset_val: 'on' }],
  })
  expect(await settingsOfLooks({ url, schema: newSchema(), max: 3 })).toEqual(new Set(['off']))
})

test('a look is never compiled by the server over a pool of the user’s, whose own statements may be', async () => {
  const users = new pg.Pool({ connectionString: url, max: 2 })
  expect(await settingsOfLooks({ pool: users, schema: newSchema() })).toEqual(new Set(['off']))
  const clients = [await users.connect(), await users.connect()]
  for (const client of clients) {
    expect((await client.query('show jit')).rows).toEqual([{ jit: 'on' }])
    client.release()
  }
  await users.end()
})

test('a look is never compiled by a server behind a pooler', async () => {
  expect(await settingsOfLooks({ url: pooler.url, schema: newSchema(), max: 3 })).toEqual(new Set(['off']))
})
