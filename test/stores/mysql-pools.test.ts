import { randomBytes } from 'node:crypto'
import { createPool as createCallbackPool } from 'mysql2'
import { createPool } from 'mysql2/promise'
import type { Pool, PoolOptions, RowDataPacket } from 'mysql2/promise'
import { afterAll, expect, onTestFinished, test, vi } from 'vitest'
import { createDocket, dataType, graph, step, type } from '../../src/index.ts'
import { StoreError } from '../../src/core/errors.ts'
import { mysqlMigrations, mysqlStore } from '../../stores/mysql/index.ts'
import { commitTo, createOwned, stepRecord, stepsIn } from '../../src/testing/conformance/records.ts'
import { serverUrl } from '../servers/server-url.ts'
import { useStore } from './use-store.ts'

const url = await serverUrl('mysql')
const admin = createPool({ uri: url, connectionLimit: 3, charset: 'utf8mb4' })
afterAll(() => admin.end())

const Out = dataType('Out', type<string>())
const fine = graph({
  name: 'fine',
  steps: [step({ name: 'Fine', output: Out, persist: 'execution', run: () => 'fine' })],
})

function newPrefix(): string {
  const prefix = `p${randomBytes(8).toString('hex')}_`
  onTestFinished(async () => {
    await mysqlMigrations({ pool: admin, prefix }).downTo(0)
    await admin.query(`drop table if exists ${prefix}migrations`)
  })
  return prefix
}

/** A pool of the user's, which is ended after the docket. */
function newPool(options: PoolOptions = {}): Pool {
  const made = createPool({ uri: url, connectionLimit: 3, ...options })
  onTestFinished(() => made.end())
  return made
}

/** A pool on each of whose connections a statement was run first. */
function poolAfter(statement: string, options: PoolOptions = {}): Pool {
  const made = newPool(options)
  made.pool.on('connection', (client) => client.query(statement, () => {}))
  return made
}

test.each<PoolOptions>([
  { rowsAsArray: true },
  { nestTables: true },
  { nestTables: '_' },
  { namedPlaceholders: true },
  { dateStrings: true, timezone: '+09:00' },
  { supportBigNumbers: true, bigNumberStrings: true },
  { decimalNumbers: true },
  { jsonStrings: true },
  { stringifyObjects: true },
  { typeCast: false },
  { typeCast: () => 'spoiled' },
  { multipleStatements: true },
  { disableEval: true },
  { compress: true },
  { resetOnRelease: true } as PoolOptions,
  { flags: ['-FOUND_ROWS'] },
  { connectionLimit: 1 },
  { maxIdle: 0, idleTimeout: 1 },
  { waitForConnections: false, connectionLimit: 10 },
])('a pool with %o works', async (options) => {
  await useStore(mysqlStore({ pool: newPool(options), prefix: newPrefix() }))
})

test('a callback pool with options that change rows works', async () => {
  const own = createCallbackPool({ uri: url, connectionLimit: 2, rowsAsArray: true, dateStrings: true })
  onTestFinished(() => own.promise().end())
  await useStore(mysqlStore({ pool: own, prefix: newPrefix() }))
})

test('a pool with a queryFormat of its own is refused by name', () => {
  const own = newPool({ queryFormat: (text: string) => text } as PoolOptions)
  expect(() => mysqlStore({ pool: own })).toThrow('the pool has the option queryFormat')
})

test('a pool whose connections have autocommit off is refused by name', async () => {
  const store = mysqlStore({ pool: poolAfter('set session autocommit = 0'), prefix: newPrefix() })
  await expect(store.open()).rejects.toMatchObject({
    isTransient: false,
    message: expect.stringContaining('autocommit'),
  })
  await store.close()
})

const levels = ['read uncommitted', 'repeatable read', 'serializable']

test.each(levels)('stores that open at once on pools at %s make their tables once, and work', async (level) => {
  const prefix = newPrefix()
  const statement = `set session transaction isolation level ${level}`
  const dockets = [1, 2, 3, 4].map(() =>
    createDocket({ graphs: [fine], store: mysqlStore({ pool: poolAfter(statement), prefix }) }),
  )
  const ids = Array.from({ length: 20 }, (_, index) => `shared ${index}`)
  const shared = await Promise.all(dockets.flatMap((docket) => ids.map((id) => docket.execute(fine, Out, {}, { id }))))
  expect(new Set(shared)).toEqual(new Set(['fine']))
  await Promise.all(dockets.map((docket) => docket.close()))
})

test('what is not committed is not read, even at read uncommitted', async () => {
  const prefix = newPrefix()
  const own = poolAfter('set session transaction isolation level read uncommitted')
  const store = mysqlStore({ pool: own, prefix })
  await store.open()
  await createOwned(store, 'one')
  await store.commit([commitTo('one', { steps: [stepRecord('A', { status: 'running' })] })])
  const client = await admin.getConnection()
  await client.query('start transaction')
  await client.query(`update ${prefix}steps set status = 'completed'`)
  expect((await stepsIn(store, 'one')).map(({ status }) => status)).toEqual(['running'])
  await client.query('rollback')
  client.release()
  await store.close()
})

test('steps that keep all connections of the pool busy do not cost the lease', async () => {
  const own = newPool()
  const Month = dataType('Month', type<number>())
  const Report = dataType('Report', type<string>())
  let runs = 0
  const report = step({
    name: 'Report',
    inputs: { month: Month },
    output: Report,
    persist: 'execution',
    async run({ month }) {
      runs++
      await own.query('select sleep(2)')
      return `report ${month}`
    },
  })
  const reports = graph({ name: 'reports', steps: [report] })
  const lost: string[] = []
  const docket = createDocket({
    graphs: [reports],
    store: mysqlStore({ pool: own, prefix: newPrefix() }),
    lease: '1s',
    observers: [({ type: of }) => void (of === 'lease.lost' && lost.push(of))],
  })
  const batch = await docket.startBatch(reports, Report, [{ Month: 1 }, { Month: 2 }, { Month: 3 }])
  expect(await batch.result()).toEqual(['report 1', 'report 2', 'report 3'])
  expect([runs, lost]).toEqual([3, []])
  await docket.close()
})

test('the first start of all may be in a transaction on the only connection of the pool', async () => {
  const own = newPool({ connectionLimit: 1 })
  const docket = createDocket({ graphs: [fine], store: mysqlStore({ pool: own, prefix: newPrefix() }) })
  const client = await own.getConnection()
  await client.beginTransaction()
  const handle = await docket.start(fine, Out, {}, { id: 'one', transaction: client })
  await client.commit()
  client.release()
  await docket.resume()
  expect(await handle.result()).toBe('fine')
  await docket.close()
})

test('a call that gets no connection ends, and says what to do', async () => {
  const own = newPool({ connectionLimit: 1 })
  const store = mysqlStore({ pool: own, prefix: newPrefix() })
  await store.open()
  const client = await own.getConnection()
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  onTestFinished(() => void vi.useRealTimers())
  const outcome = store.list({ limit: 1 }).catch((error: unknown) => error)
  await vi.advanceTimersByTimeAsync(10_000)
  const error = await outcome
  expect(error).toBeInstanceOf(StoreError)
  expect(error).toMatchObject({ isTransient: true })
  expect((error as StoreError).message).toContain('all connections of its pool (1) are lent out')
  vi.useRealTimers()
  client.release()
  // The connection that came too late was given back.
  expect(await store.list({ limit: 1 })).toEqual([])
  await store.close()
})

test('a docket closes although a connection of the pool was never given back', async () => {
  const own = newPool({ connectionLimit: 1 })
  const prefix = newPrefix()
  const docket = createDocket({ graphs: [fine], store: mysqlStore({ pool: own, prefix }) })
  expect(await docket.execute(fine, Out, {}, { id: 'one' })).toBe('fine')
  const leaked = await own.getConnection()
  const waiting = docket.list().catch((error: Error) => error.message)
  await docket.close({ deadline: '1s' })
  expect(await waiting).toContain('this docket was closed during list')
  const [rows] = await admin.query<RowDataPacket[]>(
    `select count(*) as living from ${prefix}owners where expires_at > utc_timestamp(3)`,
  )
  expect(rows).toEqual([{ living: 0 }])
  leaked.release()
})
