import { randomBytes } from 'node:crypto'
import { createPool as createCallbackPool } from 'mysql2'
import { createPool } from 'mysql2/promise'
import type { Pool, PoolOptions, RowDataPacket } from 'mysql2/promise'
import { afterAll, afterEach, expect, onTestFinished, test } from 'vitest'
import type { Store } from '../../src/core/contracts/store.ts'
import { mysqlMigrations, mysqlStore } from '../../stores/mysql/index.ts'
import type { MysqlStoreOptions } from '../../stores/mysql/index.ts'
import {
  claimIn,
  commitAll,
  commitTo,
  live,
  newExecution,
  range,
  stepRecord,
  stepsIn,
} from '../../src/testing/conformance/records.ts'
import { startMysql } from '../servers/mysql.ts'
import { serverUrl } from '../servers/server-url.ts'

const url = await serverUrl('mysql')
const admin = createPool({ uri: url, connectionLimit: 2, charset: 'utf8mb4', multipleStatements: true })
afterAll(() => admin.end())

const zone = process.env['TZ']
afterEach(() => {
  if (zone === undefined) delete process.env['TZ']
  else process.env['TZ'] = zone
})

function newPrefix(): string {
  const prefix = `s${randomBytes(8).toString('hex')}_`
  onTestFinished(async () => {
    await mysqlMigrations({ pool: admin, prefix }).downTo(0)
    await admin.query(`drop table if exists ${prefix}migrations`)
  })
  return prefix
}

async function openStore(options: MysqlStoreOptions): Promise<Store> {
  const store = mysqlStore(options)
  onTestFinished(() => store.close())
  await store.open()
  return store
}

function openPool(options: PoolOptions = {}): Pool {
  const pool = createPool({ uri: url, connectionLimit: 4, ...options })
  onTestFinished(() => pool.end())
  return pool
}

async function ask(sql: string): Promise<readonly RowDataPacket[]> {
  const [rows] = await admin.query<RowDataPacket[]>(sql)
  return rows
}

/** Connections of a store that has a user of its own, so that nobody else's are killed. */
async function connectionsOf(user: string): Promise<readonly number[]> {
  return (await ask(`select id from information_schema.processlist where user = '${user}'`)).map(
    (row) => row['id'] as number,
  )
}

test.each(['Asia/Tokyo', 'America/New_York', 'Europe/Berlin'])(
  'times mean the same in a process in %s and sessions elsewhere',
  async (timeZone) => {
    const prefix = newPrefix()
    const pool = openPool({ timezone: '-03:00' })
    // As a server whose default is another zone.
    pool.pool.on('connection', (client) => client.query("set session time_zone = '+09:30'", () => {}))
    const elsewhere = await openStore({ pool, prefix })
    const plain = await openStore({ url, prefix })
    process.env['TZ'] = timeZone
    const createdAt = Date.UTC(2026, 2, 29, 1, 30, 0, 7)
    await elsewhere.create([newExecution('one', { createdAt, owner: 'ada' })])
    expect((await plain.get(['one']))[0]?.createdAt).toBe(createdAt)
    expect((await elsewhere.list({ createdFrom: createdAt, createdBefore: createdAt + 1, limit: 1 })).length).toBe(1)
    const [row] = await ask(`select cast(created_at as char) as text from ${prefix}executions`)
    expect(row?.['text']).toBe('2026-03-29 01:30:00.007')
    await elsewhere.renewOwner('ada', 20_000)
    expect(await plain.acquire({ owner: 'bea', graphs: ['users'], limit: 1 })).toEqual([])
    const epoch = await claimIn(plain, 'key', 'ada')
    const outcome = { status: 'completed', output: '1', ttlMs: 20_000 } as const
    await elsewhere.commitResults([{ key: 'key', owner: 'ada', epoch, at: createdAt, outcome }])
    expect(await plain.getResults(['key'])).toMatchObject([{ status: 'completed' }])
    expect(await elsewhere.getResults(['key'])).toMatchObject([{ status: 'completed' }])
    await plain.endOwner('ada')
    expect(await elsewhere.renewOwner('ada', 20_000)).toBe(false)
  },
)

test('a pool of the user’s keeps its settings, whatever they are, and is not closed', async () => {
  const prefix = newPrefix()
  const pool = openPool({
    bigNumberStrings: true,
    supportBigNumbers: true,
    dateStrings: true,
    decimalNumbers: false,
    typeCast: false,
    rowsAsArray: true,
    flags: ['-FOUND_ROWS'],
  })
  const settings = 'select @@time_zone, @@sql_mode, @@innodb_lock_wait_timeout'
  const [before] = await pool.query(settings)
  const store = await openStore({ pool, prefix })
  await live(store, 'ada')
  await live(store, 'ada')
  await store.create([newExecution('one', { owner: 'ada', timeoutMs: 3_155_760_000_000 })])
  expect(
    await store.commit([commitTo('one', { steps: [stepRecord('A', { output: new Uint8Array([0, 255]) })] })]),
  ).toEqual([true])
  expect((await store.get(['one']))[0]).toMatchObject({ timeoutMs: 3_155_760_000_000, epoch: 1, headers: {} })
  expect((await stepsIn(store, 'one'))[0]?.output).toEqual(Buffer.from([0, 255]))
  await store.close()
  const [after] = await pool.query(settings)
  expect(after).toEqual(before)
})

test('a pool of callbacks will do', async () => {
  const pool = createCallbackPool({ uri: url })
  onTestFinished(() => void pool.end())
  const store = await openStore({ pool, prefix: newPrefix() })
  expect(await store.create([newExecution('one')])).toEqual([undefined])
})

test('a pool with another character set, or without backslashes, is refused', async () => {
  const latin = mysqlStore({ pool: openPool({ charset: 'latin1' }), prefix: newPrefix() })
  await expect(latin.open()).rejects.toMatchObject({ isTransient: false, message: expect.stringContaining('utf8mb4') })
  const pool = openPool()
  pool.pool.on('connection', (client) => client.query("set session sql_mode = 'NO_BACKSLASH_ESCAPES'", () => {}))
  await expect(mysqlStore({ pool, prefix: newPrefix() }).open()).rejects.toMatchObject({
    isTransient: false,
    message: expect.stringContaining('NO_BACKSLASH_ESCAPES'),
  })
})

test.each<[unknown, RegExp]>([
  [{}, /give either url or pool/],
  [{ url: 'mysql://localhost' }, /url must be a URL like mysql:/],
  ['postgres://localhost/x', /url must be/],
  [{ url, prefix: 'a`b' }, /prefix must be/],
  [{ url, max: 0 }, /max must be/],
  [{ url, prefx: 'a' }, /unknown option "prefx".*prefix/],
  [{ pool: {} }, /pool must be a pool of mysql2/],
])('the options %o are refused', (options, message) => {
  expect(() => mysqlStore(options as string)).toThrow(message)
})

test('connections that are killed while idle are replaced, and end nothing', async () => {
  const user = `u${randomBytes(6).toString('hex')}`
  await admin.query(`create user ${user}@'%' identified by 'docket'; grant all on docket.* to ${user}@'%'`)
  const own = new URL(url)
  own.username = user
  own.password = 'docket'
  const store = await openStore({ url: own.href, prefix: newPrefix(), max: 3 })
  onTestFinished(async () => void (await admin.query(`drop user ${user}@'%'`)))
  await Promise.all(range(6).map((index) => store.create([newExecution(`e${index}`)])))
  const ids = await connectionsOf(user)
  expect(ids.length).toBeGreaterThan(0)
  for (const id of ids) await admin.query(`kill connection ${id}`)
  const tries = await Promise.allSettled(range(6).map((index) => store.get([`e${index}`])))
  for (const one of tries) if (one.status === 'rejected') expect(one.reason).toMatchObject({ isTransient: true })
  await expect.poll(async () => (await store.list({ limit: 10 })).length).toBe(6)
})

test('a connection that is killed in the middle of commits loses none that was answered', async () => {
  const user = `u${randomBytes(6).toString('hex')}`
  await admin.query(`create user ${user}@'%' identified by 'docket'; grant all on docket.* to ${user}@'%'`)
  const own = new URL(url)
  own.username = user
  own.password = 'docket'
  const store = await openStore({ url: own.href, prefix: newPrefix(), max: 2 })
  onTestFinished(async () => void (await admin.query(`drop user ${user}@'%'`)))
  await live(store, 'ada')
  await store.create(range(4).map((index) => newExecution(`e${index}`, { owner: 'ada' })))
  const answered: string[] = []
  let refused = 0
  const work = range(4).map(async (lane) => {
    for (const round of range(40))
      try {
        const [answer] = await store.commit([commitTo(`e${lane}`, { steps: [stepRecord(`S${round}`)] })])
        // What a killed connection has locked stays so until the server has undone its transaction: that is written later.
        if (answer === 'locked') refused++
        else {
          expect(answer).toBe(true)
          answered.push(`e${lane} S${round}`)
        }
      } catch (error) {
        expect(error).toMatchObject({ code: 'STORE_FAILED', isTransient: true })
        refused++
      }
  })
  for (const _ of range(5)) for (const id of await connectionsOf(user)) await admin.query(`kill ${id}`).catch(() => {})
  await Promise.all(work)
  const kept = new Set((await stepsIn(store, 'e0', 'e1', 'e2', 'e3')).map((one) => `${one.execution} ${one.step}`))
  expect(answered.filter((one) => !kept.has(one))).toEqual([])
  expect(answered.length + refused).toBe(160)
})

test('a batch is split into statements that the server takes; a value that it can’t take is refused for good', async () => {
  await using server = await startMysql({ settings: { 'max-allowed-packet': '1M' } })
  const store = mysqlStore({ url: server.url, max: 1 })
  await store.open()
  try {
    await live(store, 'ada')
    await store.create([newExecution('one', { owner: 'ada' })])
    const output = JSON.stringify('x'.repeat(100_000))
    const steps = range(35).map((index) => stepRecord('S', { item: String(index), output }))
    expect(await store.commit([commitTo('one', { steps, head: { inputs: output, output } })])).toEqual([true])
    const inputs = JSON.stringify('\\'.repeat(50_000))
    const created = range(30).map((index) => newExecution(`e${index}`, { inputs }))
    expect(await store.create([newExecution('one'), ...created])).toMatchObject([
      { id: 'one' },
      ...created.map(() => undefined),
    ])
    const tooLarge = stepRecord('Large', { output: new Uint8Array(600_000) })
    await expect(store.commit([commitTo('one', { steps: [stepRecord('Small'), tooLarge] })])).rejects.toMatchObject({
      isTransient: false,
      message: expect.stringMatching(/too large.*max_allowed_packet of 1048576/),
    })
    expect((await stepsIn(store, 'one')).length).toBe(35)
    expect(await store.commit([commitTo('one', { steps: [stepRecord('Small')] })])).toEqual([true])
  } finally {
    await store.close()
  }
})

test('two stores that commit to overlapping executions in all orders neither block nor lose anything', async () => {
  const prefix = newPrefix()
  const stores = [await openStore({ url, prefix }), await openStore({ url, prefix })]
  const ids = range(30).map((index) => `e${index}`)
  await live(stores[0]!, 'ada')
  await stores[0]!.create(ids.map((id) => newExecution(id, { owner: 'ada' })))
  await Promise.all(
    range(40).map(async (round) => {
      const some = ids.filter((_, index) => (index + round) % 3 !== 0)
      const order = round % 2 === 0 ? some : some.toReversed()
      const commits = order.map((id) => commitTo(id, { steps: [stepRecord('Same'), stepRecord(`S${round}`)] }))
      expect(new Set(await commitAll(stores[round % 2]!, commits))).toEqual(new Set([true]))
    }),
  )
  const read = await stepsIn(stores[0]!, ...ids)
  expect(read.length).toBe(30 + 40 * 20)
})

test('executions of more dead owners than a recursion reaches are all found', async () => {
  const store = await openStore({ url, prefix: newPrefix() })
  await live(store, 'ada', 'bea')
  const owners = range(1_200).map((index) => `dead-${index}`)
  await store.create(owners.map((owner, index) => newExecution(`e${index}`, { owner })))
  await store.create([newExecution('living', { owner: 'bea' }), newExecution('free')])
  const acquired = await store.acquire({ owner: 'ada', graphs: ['users'], limit: 5_000 })
  expect(acquired.length).toBe(1_201)
  expect(acquired.filter(({ wasLost }) => wasLost).length).toBe(1_200)
  expect(acquired.some(({ execution }) => execution.id === 'living')).toBe(false)
})
