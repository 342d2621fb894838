import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { createDocket, dataType, graph, step } from 'docket'
import type { DocketOptions } from 'docket'
import { mysqlMigrations, mysqlStore } from 'docket/stores/mysql'
import { postgresStore } from 'docket/stores/postgres'
import { sqliteStore } from 'docket/stores/sqlite'
import { createConnection } from 'mysql2/promise'
import pg from 'pg'
import { afterAll, expect, test } from 'vitest'
import { z } from 'zod'
import { serverUrl } from '../servers/server-url.ts'

const guide = readFileSync(join(resolve(import.meta.dirname, '../..'), 'docs/queries.md'), 'utf8')
/** The guide's statements by the words of their first line. */
const statements = new Map(
  [...guide.matchAll(/^```sql\n-- ([^:\n]+)([\s\S]*?)^```$/gm)].map(([, title = '', rest = '']) => [
    title,
    `-- ${title}${rest}`,
  ]),
)

const Order = dataType(
  'Order',
  z.object({
    id: z.string(),
    placedAt: z
      .string()
      .default('2026-01-01')
      .transform((text) => new Date(text)),
  }),
)
const Rate = dataType('Rate', z.object({ currency: z.string(), rate: z.number() }))
const Payment = dataType('Payment', z.string())

let isBankOpen = false
let lookups = 0
const findRate = step({
  name: 'FindRate',
  inputs: { order: Order },
  output: Rate,
  persist: 'global',
  run: () => ({ currency: 'NOK', rate: ++lookups }),
})
const pay = step({
  name: 'Pay',
  inputs: { order: Order, rate: Rate },
  output: Payment,
  persist: 'execution',
  run: ({ order }) => {
    if (!isBankOpen && order.id === 'o-2') throw new Error('card declined')
    return `payment of ${order.id}`
  },
})
const orders = graph({ name: 'orders', steps: [findRate, pay] })

const prepare = async (store: DocketOptions['store']) => {
  isBankOpen = false
  lookups = 0
  const docket = createDocket({ graphs: [orders], store })
  for (const id of ['o-1', 'o-2'])
    await docket.execute(orders, Payment, { Order: { id } }, { id, headers: { tenant: 'acme' } }).catch(() => {})
  return docket
}

const schema = `queries_${randomUUID().replaceAll('-', '')}`
const pool = new pg.Pool({ connectionString: await serverUrl('postgres'), options: `-c search_path=${schema}`, max: 4 })
const docket = await prepare(postgresStore({ pool, schema }))
afterAll(async () => {
  await docket.close()
  await pool.query(`drop schema ${schema} cascade`)
  await pool.end()
})

/** Runs a statement of the guide. */
async function ask(title: string): Promise<readonly Record<string, unknown>[]> {
  const statement = statements.get(title)
  if (statement === undefined) throw new Error(`the guide has no "${title}", but ${[...statements.keys()].join(', ')}`)
  return (await pool.query(statement)).rows
}

const aged = `set ended_at = ended_at - interval '1 day'`

test('every statement for PostgreSQL can be run', async () => {
  for (const title of statements.keys())
    if (!title.startsWith('on ') && title !== 'retry them' && title !== 'forget one result') await ask(title)
})

test('what failed, and the failed payments of yesterday', async () => {
  expect(await ask('what failed')).toMatchObject([{ id: 'o-2', graph: 'orders', step: 'Pay', reason: 'card declined' }])
  expect(await ask('failed payments of yesterday')).toEqual([])
  await pool.query(`update docket_steps ${aged}`)
  await pool.query(`update docket_executions ${aged}`)
  expect(await ask('failed payments of yesterday')).toMatchObject([
    { execution: 'o-2', reason: 'card declined', order_id: 'o-2' },
  ])
})

test('what nobody runs, what makes no progress, who lives, and whose it is', async () => {
  expect(await ask('nobody runs it')).toEqual([])
  const stuck = `insert into docket_executions select (json_populate_record(e, '{"id":"stuck","status":"running"}')).*
    from docket_executions e where id = 'o-1'`
  await pool.query(
    `${stuck}; update docket_executions set graph = 'gone', updated_at = now() - interval '2 hours' where id = 'stuck'`,
  )
  expect(await ask('nobody runs it')).toMatchObject([{ id: 'stuck', owner: null }])
  expect(await ask('no progress')).toEqual([])
  const [owner] = await ask('which processes live, and how much each has to do')
  expect(owner).toMatchObject({ executions: '0' })
  await pool.query('update docket_executions set owner = $1 where id = $2', [owner!['owner'], 'stuck'])
  expect(await ask('no progress')).toMatchObject([{ id: 'stuck', step: null }])
  await pool.query(`delete from docket_executions where id = 'stuck'`)
  expect((await ask('whose')).map(({ id }) => id).sort()).toEqual(['o-1', 'o-2'])
  expect(await ask('how many')).toMatchObject([
    { status: 'completed', executions: '1' },
    { status: 'failed', executions: '1' },
  ])
})

test('what SQL retries goes on: finished steps stay finished', async () => {
  isBankOpen = true
  await ask('retry them')
  const handle = await docket.get('o-2')
  expect(await handle!.result()).toBe('payment of o-2')
  expect(lookups).toBe(2)
})

test('a result that was forgotten is made anew, and executions that used it keep it', async () => {
  await ask('forget one result')
  expect(await docket.execute(orders, Rate, { Order: { id: 'o-1' } })).toMatchObject({ rate: 3 })
  const { steps } = await (await docket.get('o-1'))!.details()
  expect(steps.find((one) => one.step === 'FindRate')?.output).toMatchObject({ rate: 1 })
})

test('the statement for SQLite', async () => {
  const database = new DatabaseSync(':memory:')
  await using _ = await prepare(sqliteStore({ database }))
  const rows = database.prepare(statements.get('on SQLite')!).all()
  expect(rows).toMatchObject([{ execution: 'o-2', attempt: 1, reason: 'card declined' }])
})

test('the statement for MySQL and MariaDB', async () => {
  const url = await serverUrl('mysql')
  const prefix = `q${randomUUID().slice(0, 8)}_`
  const onMysql = await prepare(mysqlStore({ url, prefix }))
  const connection = await createConnection(url)
  const [rows] = await connection.query(statements.get('on MySQL and MariaDB')!.replaceAll('docket_', prefix))
  expect(rows).toMatchObject([{ execution: 'o-2', attempt: 1, reason: 'card declined' }])
  await onMysql.close()
  const migrations = mysqlMigrations({ url, prefix })
  await migrations.downTo(0)
  await migrations.close()
  await connection.query(`drop table \`${prefix}migrations\``)
  await connection.end()
})
