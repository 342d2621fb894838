import pg from 'pg'
import { expect, test } from 'vitest'
import { PostgresAcquirer } from '../../stores/postgres/acquirer.ts'
import { postgresDialect } from '../../stores/postgres/dialect.ts'
import { checkpointsQuery } from '../../stores/sql/checkpoints.ts'
import { stepsQuery } from '../../stores/sql/steps-reading.ts'
import {
  checkpointRecord,
  commitTo,
  createOwned,
  live,
  newExecution,
  recordIn,
  stepRecord,
} from '../../src/testing/conformance/records.ts'
import { postgresPlace } from './postgres-place.ts'

const { url, pool, newSchema, openStore } = await postgresPlace()

test.each(['UTC', 'Asia/Tokyo', 'America/New_York', 'Pacific/Chatham'])(
  'in the time zone %s, of session and process, times are the same instants',
  async (zone) => {
    const before = process.env['TZ']
    process.env['TZ'] = zone
    const own = new pg.Pool({ connectionString: url, max: 2, options: `-c TimeZone=${zone} -c DateStyle=German` })
    try {
      const schema = newSchema()
      const store = await openStore(schema, { pool: own })
      const createdAt = Date.parse('2026-03-29T01:30:00.007Z')
      await createOwned(store, 'one', { createdAt })
      expect((await recordIn(store, 'one')).createdAt).toBe(createdAt)
      expect(await store.renewOwner('bea', 60_000)).toBe(true)
      const [claim] = await store.claimResults([claim1])
      const epoch = claim!.status === 'claimed' ? claim!.epoch : 0
      const outcome = { status: 'completed', output: '1', ttlMs: 60_000 } as const
      await store.commitResults([{ key: 'key', owner: 'bea', epoch, at: createdAt, outcome }])
      expect(await store.getResults(['key'])).toEqual([{ status: 'completed', output: '1' }])
      const { rows } = await pool.query(
        `select to_char(created_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS.MS') as at from ${pg.escapeIdentifier(schema)}.docket_executions`,
      )
      expect(rows).toEqual([{ at: '2026-03-29 01:30:00.007' }])
      await store.close()
    } finally {
      await own.end()
      if (before === undefined) delete process.env['TZ']
      else process.env['TZ'] = before
    }
  },
)

const claim1 = { key: 'key', owner: 'bea', at: 0, namespace: 'n', step: 's', version: '1', type: 'T' }

test('people find stuck executions, failed steps and outputs with SQL', async () => {
  const schema = newSchema()
  const store = await openStore(schema)
  const now = Date.now()
  await createOwned(store, 'stuck', { createdAt: now - 7_200_000 })
  await createOwned(store, 'fresh', { createdAt: now })
  await store.commit([
    commitTo('stuck', {
      at: now - 7_000_000,
      steps: [
        stepRecord('Profile', { output: '{"name":"Ada","tags":["a","b"]}' }),
        stepRecord('Pay', {
          status: 'failed',
          output: undefined,
          error: '{"message":"declined"}',
          endedAt: now - 1_000,
        }),
        stepRecord('Secret', { output: Uint8Array.of(0, 255), endedAt: now }),
      ],
    }),
  ])
  await store.endOwner('ada')
  const ask = async (sql: string): Promise<unknown[]> => {
    const client = await pool.connect()
    try {
      await client.query(`set search_path to ${pg.escapeIdentifier(schema)}`)
      return (await client.query(sql)).rows
    } finally {
      client.release(true)
    }
  }
  expect(
    await ask(`select e.id from docket_executions e left join docket_owners o using (owner)
      where e.ended_at is null and e.updated_at < now() - interval '1 hour' and coalesce(o.expires_at, 'epoch') < now()`),
  ).toEqual([{ id: 'stuck' }])
  expect(
    await ask(`select execution, step, error->>'message' as message from docket_steps
      where status = 'failed' and ended_at > now() - interval '1 day'`),
  ).toEqual([{ execution: 'stuck', step: 'Pay', message: 'declined' }])
  expect(
    await ask(
      `select output->>'name' as name, json_array_length(output->'tags') as tags from docket_steps where step = 'Profile'`,
    ),
  ).toEqual([{ name: 'Ada', tags: 2 }])
  expect(await ask(`select output_bytes from docket_steps where output_bytes is not null`)).toEqual([
    { output_bytes: Buffer.from([0, 255]) },
  ])
})

test('`acquire` looks through no finished executions, and through none whose owner lives', async () => {
  const schema = newSchema()
  const store = await openStore(schema)
  const table = `${pg.escapeIdentifier(schema)}.docket_executions`
  await live(store, 'ada', 'bea')
  await store.create([newExecution('template', { owner: 'ada' })])
  const columns = (await pool.query(`select * from ${table} limit 0`)).fields.map(({ name }) => name)
  const copied = (changes: Readonly<Record<string, string>>): string =>
    columns.map((name) => changes[name] ?? name).join(', ')
  await pool.query(`insert into ${table} select ${copied({ id: "'done-' || n", status: "'completed'", ended_at: 'now()' })}
    from ${table}, generate_series(1, 3000) n where id = 'template'`)
  await pool.query(`insert into ${table} select ${copied({ id: "'owned-' || n" })}
    from ${table}, generate_series(1, 3000) n where id = 'template'`)
  await pool.query(`insert into ${table} select ${copied({ id: "'lost-' || n", owner: "'dead'" })}
    from ${table}, generate_series(1, 3) n where id = 'template'`)
  await pool.query(`insert into ${table}
    select ${copied({ id: "'asleep-' || n", owner: 'null', parked_at: 'now()', due_at: "now() + interval '1 day'" })}
    from ${table}, generate_series(1, 100000) n where id = 'template'`)
  await pool.query(`analyze ${table}`)
  const acquirer = new PostgresAcquirer({} as never, postgresDialect(schema))
  const { text, parameters } = acquirer.queryOf({ owner: 'bea', graphs: ['users', 'others'], limit: 10 })
  const client = await pool.connect()
  // The catalogs that a connection's first plan reads are larger the more schemas the server has: they are no part of the look.
  await client.query(`explain ${text}`, [...parameters])
  await client.query('begin')
  const { rows } = await client.query(`explain (analyze, buffers, costs off, timing off) ${text}`, [...parameters])
  await client.query('rollback')
  client.release()
  const plan = rows.map((row: Record<string, string>) => row['QUERY PLAN']).join('\n')
  expect(plan).not.toMatch(/Seq Scan on docket_executions/)
  const read = [...plan.matchAll(/shared hit=(\d+)/g)].map(([, pages]) => Number(pages))
  // All of the table's pages are many times that.
  expect(Math.max(...read)).toBeLessThan(150)
  const acquired = await store.acquire({ owner: 'bea', graphs: ['users', 'others'], limit: 10 })
  expect(acquired.map(({ execution }) => execution.id)).toEqual(['lost-1', 'lost-2', 'lost-3'])
})

test('a commit prepared while the tables were empty finds its rows by index', async () => {
  const schema = newSchema()
  const asked: pg.QueryConfig[] = []
  const own = new pg.Pool({ connectionString: url, max: 1 })
  own.on('connect', (client) => {
    const query = client.query.bind(client) as (config: pg.QueryConfig) => Promise<pg.QueryResult>
    client.query = ((config: pg.QueryConfig) => {
      asked.push(config)
      return query(config)
    }) as never
  })
  const store = await openStore(schema, { pool: own })
  await store.commit([commitTo('none', { steps: [stepRecord('A')] })])
  await store.commit([commitTo('none', { head: { status: 'running' }, consumed: [1] })])
  const kept = { checkpoints: [checkpointRecord('a')], droppedCheckpoints: [{ step: 'A', item: '' }] }
  await store.commit([commitTo('none', kept)])
  await store.commit([commitTo('none', { ...kept, head: { status: 'running' } })])
  await store.claimResults([claim1])
  await store.commitResults([{ key: 'key', owner: 'x', epoch: 1, at: 0, outcome: { status: 'released' } }])
  const prepared = asked.filter(({ name }) => name !== undefined)
  expect(prepared.length).toBe(6)
  for (const { text } of prepared) {
    const { rows } = await pool.query(`explain (generic_plan) ${text}`)
    const plan = rows.map((row: Record<string, string>) => row['QUERY PLAN']).join('\n')
    expect(plan).not.toMatch(/Seq Scan on docket_(executions|results|steps|mailbox|checkpoints)/)
  }
  await store.close()
  await own.end()
})

test.each(['with statistics', 'without'])('a late page of one execution’s steps sorts nothing (%s)', async (kind) => {
  const schema = newSchema()
  const store = await openStore(schema)
  const table = `${pg.escapeIdentifier(schema)}.docket_steps`
  await pool.query(`alter table ${table} set (autovacuum_enabled = false)`)
  await createOwned(store, 'one')
  await store.commit([commitTo('one', { steps: [stepRecord('S', { item: '0', output: '1' })] })])
  const columns = (await pool.query(`select * from ${table} limit 0`)).fields.map(({ name }) => name)
  await pool.query(`insert into ${table} select ${columns.map((name) => (name === 'item' ? 'n::text' : name)).join(', ')}
    from ${table}, generate_series(1, 20000) n where item = '0'`)
  if (kind === 'with statistics') await pool.query(`analyze ${table}`)
  for (const after of [undefined, ['S', '5'] as const]) {
    const { text, parameters } = stepsQuery(postgresDialect(schema), ['one'], after)
    const { rows } = await pool.query(`explain (analyze, costs off, timing off) ${text}`, [...parameters])
    const plan = rows.map((row: Record<string, string>) => row['QUERY PLAN']).join('\n')
    expect(plan).not.toMatch(/Sort|Bitmap|Seq Scan/)
  }
})

test.each([{}, { of: { step: 'A', item: '' } }])('a late page of checkpoints sorts nothing: %j', async (which) => {
  const schema = newSchema()
  const store = await openStore(schema)
  const table = `${pg.escapeIdentifier(schema)}.docket_checkpoints`
  await createOwned(store, 'one')
  for (const step of ['A', 'B']) {
    const checkpoints = Array.from({ length: 3_000 }, (_, order) => checkpointRecord(`n${order}`, { step, order }))
    await store.commit([commitTo('one', { checkpoints })])
  }
  await pool.query(`analyze ${table}`)
  const [after] = (await store.readCheckpoints!({ execution: 'one', ...which, limit: 2_500 })).slice(-1)
  const request = { execution: 'one', ...which, after, limit: 100 }
  const { text, parameters } = checkpointsQuery(postgresDialect(schema), request)
  const { rows } = await pool.query(`explain (analyze, buffers, costs off, timing off) ${text}`, [...parameters])
  const plan = rows.map((row: Record<string, string>) => row['QUERY PLAN']).join('\n')
  expect(plan).not.toMatch(/Sort|Bitmap|Seq Scan/)
  // Those before it have many times as many pages.
  expect(Number(/shared hit=(\d+)/.exec(plan)![1])).toBeLessThan(150)
})
