import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { expect, test, vi } from 'vitest'
import type { Store } from '../../src/core/contracts/store.ts'
import { createDocket } from '../../src/index.ts'
import type { Docket } from '../../src/index.ts'
import { newExecution } from '../../src/testing/conformance/records.ts'
import { listQuery } from '../../stores/sql/list-query.ts'
import { mysqlDialect } from '../../stores/mysql/dialect.ts'
import { postgresStore } from '../../stores/postgres/index.ts'
import { sqliteStore } from '../../stores/sqlite/index.ts'
import { First, relay } from '../processes/relay.ts'
import { postgresPlace } from './postgres-place.ts'

const { pool, newSchema, openStore, url } = await postgresPlace()
const { relay: graph } = relay()

test('over SQLite, a docket reads no table and no index of all executions by itself', async () => {
  const database = new DatabaseSync(':memory:')
  const texts = new Set<string>()
  const prepare = database.prepare.bind(database)
  database.prepare = (sql: string) => {
    texts.add(sql.replaceAll(/\s+/g, ' ').trim())
    return prepare(sql)
  }
  const docket = createDocket({ graphs: [graph], store: sqliteStore({ database }) })
  await docket.execute(graph, First, { Seed: 1 })
  // The look for what is overdue.
  await vi.waitFor(() => expect([...texts].join()).toContain('deadline <'), { timeout: 10_000 })
  await docket.close()
  const plans = [...texts]
    .filter((sql) => /^(?:select|delete|update)/.test(sql))
    .flatMap((sql) => {
      const cells = Array.from(sql.matchAll(/\?/g), () => null)
      return prepare(`explain query plan ${sql}`)
        .all(...cells)
        .map((row) => `${String(row['detail'])} OF ${sql}`)
    })
  const looks = plans.filter((plan) => /^(?:SCAN|SEARCH) (?:e|docket_executions) .*docket_executions e?/.test(plan))
  expect(looks.length).toBeGreaterThan(5)
  // All that is unfinished, or there at all, is more than any of them is about.
  expect(looks.filter((plan) => /^SCAN|docket_executions_(?:status|created|graph)\b|^\S+ \S+ OF/.test(plan))).toEqual(
    [],
  )
})

test('over PostgreSQL with statistics, a start, a backlog and a count do not scan the executions', async () => {
  const schema = newSchema()
  const [executions, owners] = ['executions', 'owners'].map((name) => `${pg.escapeIdentifier(schema)}.docket_${name}`)
  await (await openStore(schema)).create([newExecution('template', { graph: 'relay' })])
  const columns = (await pool.query(`select * from ${executions} limit 0`)).fields.map(({ name }) => name)
  const copy = async (prefix: string, count: number, changes: Readonly<Record<string, string>>): Promise<void> => {
    const cells = columns.map((name) => ({ id: `'${prefix}' || n`, ...changes })[name] ?? name)
    await pool.query(
      `insert into ${executions} select ${cells.join(', ')} from ${executions}, generate_series(1, ${count}) n where id = 'template'`,
    )
  }
  // What has ended is the older half of the table, as it mostly is.
  await copy('done-', 30_000, { status: "'completed'", ended_at: 'now()' })
  await copy('parked-', 10_000, { status: "'waiting'", parked_at: 'now()' })
  await copy('elsewhere-', 10_000, { queue: "'elsewhere'" })
  await copy('of-nobody-', 10_000, { graph: "'another one'" })
  await copy('owned-', 10_000, { status: "'running'", owner: "'alive'" })
  await pool.query(`insert into ${owners} (owner, seen_at, expires_at)
    select 'alive', now(), now() + interval '1 day'
    union all select 'dead' || n, now() - interval '3 days', now() - interval '3 days' from generate_series(1, 5) n`)
  await pool.query(`analyze ${executions}; analyze ${owners}`)
  const read = async (): Promise<{ readonly scanned: number; readonly found: number }> => {
    const text = `select seq_tup_read::int as scanned, idx_tup_fetch::int as found from pg_stat_user_tables
      where schemaname = $1 and relname = 'docket_executions'`
    return (await pool.query(text, [schema])).rows[0] as never
  }
  const store = (): Store => postgresStore({ url, schema, max: 3 })
  // Connections say what they have read a moment after they are closed.
  const readBy = async (work: (docket: Docket) => Promise<unknown>): Promise<unknown> => {
    const before = await read()
    await using stack = new AsyncDisposableStack()
    const docket = stack.use(createDocket({ graphs: [graph], store: store() }))
    await work(docket)
    await docket.close()
    for (let last = before; ;) {
      await sleep(400)
      const now = await read()
      if (now.found > before.found && now.found === last.found)
        return { scanned: now.scanned - before.scanned, found: now.found - before.found }
      last = now
    }
  }
  const started = await readBy((docket) => docket.execute(graph, First, { Seed: 1 }))
  expect(started).toEqual({ scanned: 0, found: expect.toSatisfy((found: number) => found < 500) })
  const { rows: dead } = await pool.query(`select owner from ${owners} where owner like 'dead%'`)
  expect(dead).toEqual([])
  const backlogs = await readBy((docket) =>
    Promise.all(['elsewhere', 'default'].map((queue) => docket.queue(queue).backlog({ upTo: 10 }))),
  )
  expect(backlogs).toEqual({ scanned: 0, found: expect.toSatisfy((found: number) => found < 1_000) })
  expect(await readBy((docket) => docket.count())).toMatchObject({ scanned: 0 })
})

test('a list of one status of a graph takes the index of graphs on MySQL', () => {
  const dialect = mysqlDialect('docket_')
  const { text } = listQuery(dialect, { graph: 'relay', statuses: ['failed'], limit: 9 })
  expect(text).toContain('force index (docket_graph)')
})
