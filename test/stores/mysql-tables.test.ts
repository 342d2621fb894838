import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createConnection as createCallbackConnection } from 'mysql2'
import { createPool } from 'mysql2/promise'
import type { RowDataPacket } from 'mysql2/promise'
import { afterAll, expect, onTestFinished, test } from 'vitest'
import type { Store } from '../../src/core/contracts/store.ts'
import { mysqlDialect } from '../../stores/mysql/dialect.ts'
import { mysqlMigrations, mysqlStore } from '../../stores/mysql/index.ts'
import type { MysqlStoreOptions } from '../../stores/mysql/index.ts'
import { countQuery } from '../../stores/sql/list-query.ts'
import { stepsQuery } from '../../stores/sql/steps-reading.ts'
import { commitTo, live, newExecution, range, stepRecord } from '../../src/testing/conformance/records.ts'
import { serverUrl } from '../servers/server-url.ts'

const url = await serverUrl('mysql')
const pool = createPool({ uri: url, connectionLimit: 4, charset: 'utf8mb4' })
afterAll(() => pool.end())

function newPrefix(): string {
  const prefix = `t${randomBytes(8).toString('hex')}_`
  onTestFinished(async () => {
    for (const row of await ask(`show tables like '${prefix.replace('_', '\\_')}%'`))
      await pool.query(`drop table ${String(Object.values(row)[0])}`)
  })
  return prefix
}

async function openStore(options: Omit<MysqlStoreOptions, 'pool'>): Promise<Store> {
  const store = mysqlStore({ url, ...options })
  onTestFinished(() => store.close())
  await store.open()
  return store
}

async function ask(sql: string): Promise<readonly RowDataPacket[]> {
  const [rows] = await pool.query<RowDataPacket[]>(sql)
  return rows
}

/** How the server looks for what a query wants, a row for each table; MySQL draws a tree by default. */
async function planOf(text: string, parameters: readonly unknown[] = []): Promise<readonly RowDataPacket[]> {
  const [version] = await ask('select version() as version')
  const format = String(version?.['version']).includes('MariaDB') ? '' : 'format = traditional'
  const [rows] = await pool.query<RowDataPacket[]>(`explain ${format} ${text}`, [...parameters])
  return rows
}

async function tablesOf(prefix: string): Promise<readonly string[]> {
  const rows = await ask(`show tables like '${prefix.replace('_', '\\_')}%'`)
  return rows.map((row) => String(Object.values(row)[0]).slice(prefix.length)).toSorted()
}

const all = [
  'acts',
  'checkpoints',
  'counters',
  'events',
  'executions',
  'mailbox',
  'migrations',
  'outbox',
  'owners',
  'queues',
  'receipts',
  'results',
  'schedules',
  'shared',
  'steps',
  'waits',
]

test('two clients migrate up, then down, at once; each migration happens once', async () => {
  const prefix = newPrefix()
  const clients = [mysqlMigrations({ url, prefix }), mysqlMigrations({ pool, prefix })]
  expect(await clients[0]!.status()).toEqual([
    { version: 1, name: 'tables', appliedAt: undefined },
    { version: 2, name: 'deadlines', appliedAt: undefined },
    { version: 3, name: 'sessions', appliedAt: undefined },
    { version: 4, name: 'workers', appliedAt: undefined },
    { version: 5, name: 'numbers of calls', appliedAt: undefined },
  ])
  const up = await Promise.all(clients.map((one) => one.up()))
  expect(up.flat().toSorted()).toEqual([1, 2, 3, 4, 5])
  expect(await tablesOf(prefix)).toEqual(all)
  const [status] = await clients[0]!.status()
  expect(Math.abs(Date.now() - status!.appliedAt!.getTime())).toBeLessThan(60_000)
  const down = await Promise.all(clients.map((one) => one.downTo(0)))
  expect(down.flat().toSorted()).toEqual([1, 2, 3, 4, 5])
  expect(await tablesOf(prefix)).toEqual(['migrations'])
  await Promise.all(clients.map((one) => one.close()))
})

test('a migration that was interrupted is done again, and what was there stays', async () => {
  const prefix = newPrefix()
  await (await openStore({ prefix })).create([newExecution('one')])
  // As if the server had gone away after the first tables.
  for (const table of ['results', 'counters', 'owners']) await pool.query(`drop table ${prefix}${table}`)
  await pool.query(`delete from ${prefix}migrations`)
  const again = await openStore({ prefix })
  expect((await again.get(['one'])).map((one) => one?.id)).toEqual(['one'])
  expect(await tablesOf(prefix)).toEqual(all)
})

test('tables that are out of date, or newer, are refused', async () => {
  const prefix = newPrefix()
  await expect(mysqlStore({ url, prefix, migrate: false }).open()).rejects.toThrow(/mysqlMigrations/)
  await openStore({ prefix })
  await openStore({ prefix, migrate: false })
  await pool.query(`insert into ${prefix}migrations values (6, 'future', now())`)
  await expect(mysqlStore({ url, prefix }).open()).rejects.toThrow(/newer.*6 \(future\)/)
})

test('migrations of one’s own hold many statements', async () => {
  const prefix = newPrefix()
  const folder = mkdtempSync(join(tmpdir(), 'docket-mysql-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  writeFileSync(
    join(folder, '10000_notes.sql'),
    `-- up
create table ${prefix}notes (id int primary key, note text); -- one; two
insert into ${prefix}notes values (1, 'a;b''c\\';d'), (2, "x;--y"), (3, '# no comment'); # three;
/* four; */ insert into ${prefix}notes values (4-1+1, '/* five; */');

-- down
drop table ${prefix}notes;
`,
  )
  const migrations = mysqlMigrations({ url, prefix, directories: [folder] })
  expect(await migrations.up()).toEqual([1, 2, 3, 4, 5, 10_000])
  const notes = (await ask(`select note from ${prefix}notes order by id`)).map((row) => row['note'] as string)
  expect(notes).toEqual([`a;b'c';d`, 'x;--y', '# no comment', '/* five; */'])
  expect(await migrations.down()).toEqual([10_000])
  expect(await tablesOf(prefix)).toEqual(all)
  await migrations.close()
})

test('what users ask of the tables in SQL', async () => {
  const prefix = newPrefix()
  const store = await openStore({ prefix })
  const now = Date.now()
  const day = 86_400_000
  await live(store, 'ada')
  await store.create([
    newExecution('old', { owner: 'ada', createdAt: now - 2 * day }),
    newExecution('new', { owner: 'ada', createdAt: now }),
  ])
  await store.commit([
    commitTo('old', {
      at: now - day,
      head: { status: 'running', startedAt: now - 2 * day },
      steps: [
        stepRecord('Charge', { output: '{"user":{"name":"Ada 😀","age":36}}', endedAt: now - day }),
        stepRecord('Mail', { status: 'failed', output: undefined, error: '{"message":"no mail"}', endedAt: now - day }),
      ],
    }),
  ])
  const names = await ask(
    `select json_value(output, '$.user.name') as name, json_extract(output, '$.user.age') + 1 as age
      from ${prefix}steps where step = 'Charge' and execution = 'old'`,
  )
  expect(names).toMatchObject([{ name: 'Ada 😀', age: 37 }])
  const failed = await ask(
    `select execution, step, json_value(error, '$.message') as message from ${prefix}steps
      where status = 'failed' and date(ended_at) = utc_date() - interval 1 day`,
  )
  expect(failed).toMatchObject([{ execution: 'old', step: 'Mail', message: 'no mail' }])
  const stuck = await ask(
    `select id from ${prefix}executions where status in ('pending', 'running') and updated_at < utc_timestamp() - interval 1 hour`,
  )
  expect(stuck).toMatchObject([{ id: 'old' }])
})

test('names are compared character by character in SQL too, and long ones are there in full', async () => {
  const prefix = newPrefix()
  const store = await openStore({ prefix })
  const long = 'x'.repeat(1_000)
  await store.create(['a', 'A', 'á', 'a ', long, `${long}y`].map((id) => newExecution(id)))
  expect(await ask(`select id from ${prefix}executions where id = 'a'`)).toEqual([{ id: 'a' }])
  expect(await ask(`select id_full from ${prefix}executions where id_full = '${long}'`)).toEqual([{ id_full: long }])
})

test.each<[string, string, string]>([
  ['the newest executions', 'order by created_at desc, id desc limit 10', 'docket_created'],
  [
    'the newest of a graph in a status',
    `where graph = 'g5' and status = 'pending' order by created_at desc, id desc limit 10`,
    'docket_graph',
  ],
  [
    'what is to begin',
    `where begin_queue = 'default' and graph = 'g5' and queue_key = '' order by urgency, created_at, id limit 10`,
    'docket_to_begin',
  ],
  ['mail', `where mail_owner = 'ada'`, 'docket_mail'],
])('an index finds %s in order', async (_, rest, index) => {
  const prefix = newPrefix()
  const store = await openStore({ prefix })
  await store.create(
    range(2_000).map((number) => newExecution(`e${number}`, { graph: `g${number % 50}`, createdAt: number })),
  )
  await pool.query(`analyze table ${prefix}executions`)
  const [plan] = await planOf(`select id from ${prefix}executions ${rest}`)
  expect(plan).toMatchObject({ key: index })
  expect(String(plan?.['Extra'])).not.toMatch(/filesort/)
})

test('counts by several filters read nothing but an index', async () => {
  const prefix = newPrefix()
  const store = await openStore({ prefix })
  const placed = range(2_000).map((number) =>
    newExecution(`e${number}`, {
      createdAt: number,
      queue: number % 3 === 0 ? 'mail' : 'default',
      key: number % 5 === 0 ? 'ann' : '',
    }),
  )
  await store.create(placed)
  await pool.query(`analyze table ${prefix}executions`)
  const expected = [
    [{ queue: 'default' }, 'docket_status'],
    [{ graph: 'users', queue: 'default' }, 'docket_graph'],
    [{ graph: 'users', queue: 'mail' }, 'docket_queue'],
    [{ graph: 'users', key: 'ann', queue: 'mail' }, 'docket_key'],
  ] as const
  for (const [query, key] of expected) {
    const { text, parameters } = countQuery(mysqlDialect(prefix), { ...query, statuses: ['pending'], upTo: 9 })
    const plan = await planOf(text, parameters)
    const look = plan.find(({ table }) => table === 'e')
    expect(look).toMatchObject({ key })
    expect(String(look?.['Extra'])).toMatch(/Using index(?! condition)/)
  }
})

test('a late page of one execution’s steps sorts nothing', async () => {
  const prefix = newPrefix()
  const store = await openStore({ prefix })
  await live(store, 'ada')
  await store.create([newExecution('one', { owner: 'ada' })])
  const steps = range(3_000).map((index) => stepRecord('S', { item: String(index), output: '1' }))
  await store.commit([commitTo('one', { steps })])
  for (const after of [undefined, ['S', '5'] as const]) {
    const { text, parameters } = stepsQuery(mysqlDialect(prefix), ['one'], after)
    const [plan] = await planOf(text, parameters)
    expect(plan).toMatchObject({ key: 'PRIMARY' })
    expect(String(plan?.['Extra'])).not.toMatch(/filesort/)
  }
})

test('what is created on a caller’s connection shares its transaction, at its level of isolation', async () => {
  const store = await openStore({ prefix: newPrefix() })
  const client = createCallbackConnection({ uri: url })
  const done = client.promise()
  onTestFinished(() => void client.destroy())
  await done.query('set session transaction isolation level repeatable read')
  await done.query('start transaction')
  await done.query('select 1 from information_schema.tables limit 1')
  await store.create([newExecution('late', { requestDigest: 'theirs' })])
  const known = await store.create([newExecution('mine'), newExecution('late')], client)
  expect(known).toMatchObject([undefined, { requestDigest: 'theirs' }])
  expect((await store.get(['mine'])).map((one) => one?.id)).toEqual([undefined])
  await done.query('rollback')
  expect(await store.get(['mine'])).toEqual([undefined])
  await done.beginTransaction()
  await store.create([newExecution('mine')], done)
  await done.commit()
  expect((await store.get(['mine'])).map((one) => one?.id)).toEqual(['mine'])
})

test.each([[{}], [pool], ['begin']])('%o is no connection with a transaction', async (transaction) => {
  const store = await openStore({ prefix: newPrefix() })
  await expect(store.create([newExecution('one')], transaction)).rejects.toMatchObject({
    code: 'OPTION_INVALID',
    message: expect.stringContaining('a transaction must be a connection of mysql2'),
  })
})

test('the next key that has something ready is found by one look at the index, whatever is behind it', async () => {
  const prefix = newPrefix()
  const store = await openStore({ prefix })
  await store.create(
    range(2_000).map((number) => newExecution(`e${number}`, { key: `k${number % 4}`, createdAt: number })),
  )
  await pool.query(`analyze table ${prefix}executions`)
  const connection = await pool.getConnection()
  try {
    await connection.query('flush status')
    const [found] = await connection.query(`select e.queue_key from ${prefix}executions e force index (docket_to_begin)
      where e.begin_queue = 'default' and e.graph = 'users' and e.queue_key > 'k0' and e.id not in ('e1', 'e5')
      order by e.queue_key limit 1`)
    expect(found).toEqual([{ queue_key: 'k1' }])
    const [counts] = await connection.query<RowDataPacket[]>(`show session status like 'Handler_read_%'`)
    expect(counts.reduce((sum, row) => sum + Number(row['Value']), 0)).toBeLessThan(10)
  } finally {
    connection.release()
  }
})
