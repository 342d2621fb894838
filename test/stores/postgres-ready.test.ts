import pg from 'pg'
import { expect, onTestFinished, test, vi } from 'vitest'
import { PostgresAcquirer } from '../../stores/postgres/acquirer.ts'
import { postgresDialect } from '../../stores/postgres/dialect.ts'
import { live, newExecution } from '../../src/testing/conformance/records.ts'
import { postgresPlace } from './postgres-place.ts'

const { url, pool, newSchema, openStore } = await postgresPlace()

test('`acquire` reads no more where very many are ready, of one key or of many', async () => {
  const schema = newSchema()
  const store = await openStore(schema)
  const table = `${pg.escapeIdentifier(schema)}.docket_executions`
  await live(store, 'ada')
  await store.create([newExecution('template')])
  const columns = (await pool.query(`select * from ${table} limit 0`)).fields.map(({ name }) => name)
  const copied = (changes: Readonly<Record<string, string>>): string =>
    columns.map((name) => changes[name] ?? name).join(', ')
  await pool.query(`insert into ${table} select ${copied({ id: "'ready-' || n" })}
    from ${table}, generate_series(1, 20000) n where id = 'template'`)
  await pool.query(`insert into ${table} select ${copied({ id: "'keyed-' || n", queue_key: "'k' || (n % 500)" })}
    from ${table}, generate_series(1, 20000) n where id = 'template'`)
  await pool.query(`insert into ${table} select ${copied({ id: "'other-' || n", graph: "'others'" })}
    from ${table}, generate_series(1, 20000) n where id = 'template'`)
  await pool.query(`analyze ${table}`)
  const acquirer = new PostgresAcquirer({} as never, postgresDialect(schema))
  for (const behindKey of [undefined, '', 'k250']) {
    const { text, parameters } = acquirer.queryOf({ owner: 'ada', graphs: ['users'], limit: 10, behindKey })
    const client = await pool.connect()
    await client.query(`explain ${text}`, [...parameters])
    await client.query('begin')
    const { rows } = await client.query(`explain (analyze, buffers, costs off, timing off) ${text}`, [...parameters])
    await client.query('rollback')
    client.release()
    const plan = rows.map((row: Record<string, string>) => row['QUERY PLAN']).join('\n')
    expect(plan).not.toMatch(/Seq Scan on docket_executions/)
    const read = [...plan.matchAll(/shared hit=(\d+)/g)].map(([, pages]) => Number(pages))
    expect(Math.max(...read)).toBeLessThan(600)
  }
  const [backlog] = await store.backlog([{ queue: 'default', upTo: 1_000 }])
  expect(backlog?.ready).toBe(1_000)
})

test('the server keeps its plan of `acquire`, and plans it anew from time to time', async () => {
  vi.useFakeTimers({ toFake: ['performance'] })
  onTestFinished(() => void vi.useRealTimers())
  const one = new pg.Pool({ connectionString: url, max: 1 })
  onTestFinished(() => one.end())
  const store = await openStore(newSchema(), { pool: one })
  await live(store, 'ada')
  await store.create(Array.from({ length: 20 }, (_, index) => newExecution(`ready ${index}`)))
  const prepared = async () => {
    const { rows } = await one.query<{ name: string; kept: boolean }>(
      `select name, generic_plans > 0 as kept from pg_prepared_statements where statement like '%recursive owners%' and from_sql = false`,
    )
    return rows
  }
  for (let looks = 0; looks < 8; looks++)
    expect(await store.acquire({ owner: 'ada', graphs: ['users'], limit: 1 })).toHaveLength(1)
  const [first, ...others] = await prepared()
  expect([first?.kept, others]).toEqual([true, []])
  vi.advanceTimersByTime(2_000)
  expect(await store.acquire({ owner: 'ada', graphs: ['users'], limit: 1 })).toHaveLength(1)
  const [next, ...rest] = await prepared()
  expect([next?.kept, rest]).toEqual([false, []])
  expect(next?.name).not.toBe(first?.name)
})

test('stores over one pool plan `acquire` apart, however much later one was opened: neither gives up a name that the other has on a connection', async () => {
  vi.useFakeTimers({ toFake: ['performance'] })
  onTestFinished(() => void vi.useRealTimers())
  const one = new pg.Pool({ connectionString: url, max: 1 })
  onTestFinished(() => one.end())
  let connections = 0
  one.on('connect', () => void connections++)
  const schema = newSchema()
  const request = { owner: 'ada', graphs: ['users'], limit: 1 }
  const first = await openStore(schema, { pool: one })
  await live(first, 'ada')
  await first.acquire(request)
  vi.advanceTimersByTime(2_000)
  await first.acquire(request)
  const second = await openStore(schema, { pool: one })
  const before = connections
  for (let looks = 0; looks < 3; looks++) {
    await second.acquire(request)
    vi.advanceTimersByTime(2_000)
  }
  expect(connections).toBe(before)
})
