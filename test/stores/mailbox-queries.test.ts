import { randomBytes } from 'node:crypto'
import { DatabaseSync } from 'node:sqlite'
import { createPool } from 'mysql2/promise'
import type { RowDataPacket } from 'mysql2/promise'
import { afterAll, expect, onTestFinished, test } from 'vitest'
import type { Store } from '../../src/core/contracts/store.ts'
import { message, newExecution, range } from '../../src/testing/conformance/records.ts'
import { mysqlDialect } from '../../stores/mysql/dialect.ts'
import { mysqlStore } from '../../stores/mysql/index.ts'
import { postgresDialect } from '../../stores/postgres/dialect.ts'
import type { Dialect, Query } from '../../stores/sql/dialect.ts'
import { mailboxQuery } from '../../stores/sql/queries.ts'
import { sqliteDialect } from '../../stores/sqlite/dialect.ts'
import { sqliteStore } from '../../stores/sqlite/index.ts'
import { serverUrl } from '../servers/server-url.ts'
import { postgresPlace } from './postgres-place.ts'

const { pool, newSchema, openStore } = await postgresPlace()
const mysql = createPool({ uri: await serverUrl('mysql'), connectionLimit: 2, charset: 'utf8mb4' })
afterAll(() => mysql.end())

/** So many executions have fifty messages each, and the others nothing to do with the one that is looked at. */
async function fill(store: Store): Promise<void> {
  const ids = range(40).map((number) => `e${number}`)
  await store.create(ids.map((id) => newExecution(id)))
  await store.post(ids.flatMap((id) => range(50).map(() => message(id, 'signal', { payload: '1' }))))
}

const pageOf = (dialect: Dialect): Query => mailboxQuery(dialect, { execution: 'e7', after: 20, limit: 10 })

test('over SQLite, a page of a mailbox is a range of its key, in order', async () => {
  const database = new DatabaseSync(':memory:')
  const store = sqliteStore({ database })
  await store.open()
  const { text, parameters } = pageOf(sqliteDialect(Date.now, {} as never))
  const plan = database.prepare(`explain query plan ${text}`).all(...(parameters as string[]))
  expect(plan.map(({ detail }) => detail)).toEqual([
    'SEARCH m USING INDEX sqlite_autoindex_docket_mailbox_1 (execution=? AND seq>?)',
  ])
  await store.close()
})

test('over PostgreSQL, a page of a mailbox reads some messages of that mailbox alone', async () => {
  const schema = newSchema()
  await fill(await openStore(schema))
  const { text, parameters } = pageOf(postgresDialect(schema))
  const client = await pool.connect()
  const { rows } = await client.query(`explain (costs off) ${text}`, [...parameters])
  client.release()
  const plan = rows.map((row: Record<string, string>) => row['QUERY PLAN']).join('\n')
  expect(plan).toMatch(/Index Scan using docket_mailbox_pkey/)
  expect(plan).not.toMatch(/Seq Scan|Sort/)
})

test('over MySQL, a page of a mailbox reads as many messages as it gives', async () => {
  const prefix = `t${randomBytes(8).toString('hex')}_`
  const store = mysqlStore({ url: await serverUrl('mysql'), prefix })
  onTestFinished(async () => {
    await store.close()
    const [rows] = await mysql.query<RowDataPacket[]>(`show tables like '${prefix.replace('_', '\\_')}%'`)
    for (const row of rows) await mysql.query(`drop table ${String(Object.values(row)[0])}`)
  })
  await store.open()
  await fill(store)
  const { text, parameters } = pageOf(mysqlDialect(prefix))
  const connection = await mysql.getConnection()
  try {
    await connection.query('flush status')
    const [found] = await connection.query<RowDataPacket[]>(text, [...parameters])
    expect(found).toHaveLength(10)
    const [counts] = await connection.query<RowDataPacket[]>(`show session status like 'Handler_read_%'`)
    expect(counts.reduce((sum, row) => sum + Number(row['Value']), 0)).toBeLessThan(15)
  } finally {
    connection.release()
  }
})
