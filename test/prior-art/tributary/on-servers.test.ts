import { createServer, connect } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { createPool } from 'mysql2/promise'
import type { Pool, RowDataPacket } from 'mysql2/promise'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { createDocket, graph, step } from '../../../src/index.ts'
import type { StoreHint } from '../../../src/core/contracts/store.ts'
import { mysqlMigrations, mysqlStore } from '../../../stores/mysql/index.ts'
import { postgresMigrations, postgresStore } from '../../../stores/postgres/index.ts'
import { sqliteMigrations } from '../../../stores/sqlite/index.ts'
import { commitTo, live, newExecution } from '../../../src/testing/conformance/records.ts'
import { number } from '../../loose-api.ts'
import { line, Third } from '../../durable/line.ts'
import { storePlaces } from '../../stores/store-places.ts'

// What the other files of this folder show of memory and SQLite, of the stores that are servers; and what a look for work costs.

const { postgresUrl, mysqlUrl, pool, admin, newPath, newSchema, newPrefix, sqlStores, redisStores } =
  await storePlaces()
const inputs = { Seed: 1 }
const [A, B, Target] = [number('A'), number('B'), number('Target')]

test.each([...sqlStores, ...redisStores])(
  'two last parallel steps that commit at the same time complete the execution, in %s',
  async (_, newPlace) => {
    const forked = graph({
      name: 'fork',
      steps: [
        step({ name: 'left', output: A, persist: 'execution', run: () => sleep(1, 1) }),
        step({ name: 'right', output: B, persist: 'execution', run: () => sleep(1, 2) }),
        step({ name: 'join', inputs: { a: A, b: B }, output: Target, run: ({ a, b }) => a + b }),
      ],
    })
    await using docket = createDocket({ graphs: [forked], store: newPlace()() })
    const ids = Array.from({ length: 100 }, (_, i) => `${i}`)
    const results = await Promise.all(ids.map((id) => docket.execute(forked, Target, {}, { id })))
    expect(new Set(results)).toEqual(new Set([3]))
    expect((await docket.list({ status: 'completed' })).executions).toHaveLength(100)
  },
)

describe('what is started in the caller’s transaction exists if and only if the caller commits', () => {
  test('in postgres', async () => {
    const { line: graph, runs } = line()
    await using docket = createDocket({
      graphs: [graph],
      store: postgresStore({ url: postgresUrl, schema: newSchema() }),
    })
    await docket.list()
    const client = await pool.connect()
    onTestFinished(() => client.release())
    for (const [id, ending] of [
      ['dropped', 'rollback'],
      ['kept', 'commit'],
    ] as const) {
      await client.query('begin')
      await docket.start(graph, Third, inputs, { id, transaction: client })
      const { rows } = await client.query('select now() <> clock_timestamp() as "isOpen"')
      expect(rows).toEqual([{ isOpen: true }])
      expect(await docket.get(id)).toBeUndefined()
      await client.query(ending)
    }
    expect(await (await docket.get('kept'))!.result()).toBe(4)
    expect(await docket.get('dropped')).toBeUndefined()
    expect(runs).toHaveLength(3)
  })

  test('in mysql', async () => {
    const { line: graph, runs } = line()
    await using docket = createDocket({ graphs: [graph], store: mysqlStore({ url: mysqlUrl, prefix: newPrefix() }) })
    await docket.list()
    const client = await admin.getConnection()
    onTestFinished(() => client.release())
    for (const [id, ending] of [
      ['dropped', 'rollback'],
      ['kept', 'commit'],
    ] as const) {
      await client.beginTransaction()
      await docket.start(graph, Third, inputs, { id, transaction: client })
      expect(await docket.get(id)).toBeUndefined()
      await client[ending]()
    }
    expect(await (await docket.get('kept'))!.result()).toBe(4)
    expect(await docket.get('dropped')).toBeUndefined()
    expect(runs).toHaveLength(3)
  })
})

/** A way to a server that can be blocked; it counts who comes. */
async function toll(url: string) {
  const target = new URL(url)
  const sockets = new Set<Socket>()
  const state = { isBlocked: false, count: 0 }
  const server = createServer((socket) => {
    state.count++
    socket.on('error', () => {})
    if (state.isBlocked) {
      socket.destroy()
      return
    }
    const other = connect(Number(target.port === '' ? 5432 : target.port), target.hostname)
    for (const one of [socket, other]) {
      sockets.add(one)
      one.on('error', () => {})
      one.on('close', () => [socket, other].forEach((each) => each.destroy()))
    }
    socket.pipe(other).pipe(socket)
  })
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const through = new URL(url)
  through.hostname = '127.0.0.1'
  through.port = String((server.address() as AddressInfo).port)
  return {
    url: String(through),
    state,
    block: () => {
      state.isBlocked = true
      for (const socket of sockets) socket.destroy()
    },
  }
}

test('a dead LISTEN connection is replaced, with growing pauses and no hot loop, and hints are heard again', async () => {
  const { url, state, block } = await toll(postgresUrl)
  const schema = newSchema()
  const store = postgresStore({ url, schema, max: 2 })
  onTestFinished(() => store.close())
  await store.open()
  const hints: StoreHint[] = []
  await store.subscribe!((hint) => void hints.push(hint))
  const before = state.count
  await sleep(300)
  expect(state.count).toBe(before)
  block()
  await sleep(1_600)
  // After 100, 300, 700 and 1,500 ms.
  expect(state.count - before).toBeGreaterThanOrEqual(2)
  expect(state.count - before).toBeLessThanOrEqual(6)
  state.isBlocked = false
  const other = postgresStore({ url: postgresUrl, schema })
  onTestFinished(() => other.close())
  await other.open()
  await vi.waitFor(() => expect(hints).not.toEqual([]), 10_000)
  hints.length = 0
  await other.create([newExecution('a')])
  await vi.waitFor(() => expect(hints).toEqual([{ type: 'work' }]), 5_000)
})

test('steps that end wake nobody, and nobody hears of another schema', async () => {
  const schema = newSchema()
  const { line: graph } = line()
  const heard: StoreHint[][] = []
  for (const place of [schema, newSchema()]) {
    const store = postgresStore({ url: postgresUrl, schema: place, max: 1 })
    onTestFinished(() => store.close())
    await store.open()
    const hints: StoreHint[] = []
    heard.push(hints)
    await store.subscribe!((hint) => void hints.push(hint))
  }
  const docket = createDocket({ graphs: [graph], store: postgresStore({ url: postgresUrl, schema }) })
  const ids = Array.from({ length: 20 }, (_, i) => `${i}`)
  await Promise.all(ids.map((id, Seed) => docket.execute(graph, Third, { Seed }, { id })))
  await docket.close()
  await sleep(200)
  expect(heard[0]!.filter(({ type }) => type !== 'ended')).toEqual([])
  expect(heard[0]!.length).toBeLessThanOrEqual(20)
  expect(heard[1]).toEqual([])
})

describe('migrations', () => {
  const places = [
    ['sqlite', () => sqliteMigrations(newPath())],
    ['postgres', () => postgresMigrations({ url: postgresUrl, schema: newSchema() })],
    ['mysql', () => mysqlMigrations({ url: mysqlUrl, prefix: newPrefix() })],
  ] as const

  test.each(places)(
    'status, version and down work on an empty database, and downTo(0) takes all back, in %s',
    async (_, newMigrations) => {
      const migrations = newMigrations()
      expect(await migrations.version()).toBe(0)
      expect(await migrations.down()).toEqual([])
      const known = await migrations.status()
      expect(known.length).toBeGreaterThan(0)
      const done = await migrations.up()
      expect(done).toHaveLength(known.length)
      expect(await migrations.version()).toBe(done.at(-1))
      expect(await migrations.downTo(0)).toEqual(done.toReversed())
      expect(await migrations.version()).toBe(0)
    },
  )

  test('calls share one connection, which ends with them', async () => {
    const name = `weak ${crypto.randomUUID()}`
    const url = new URL(postgresUrl)
    url.searchParams.set('application_name', name)
    const migrations = postgresMigrations({ url: String(url), schema: newSchema() })
    for (const call of ['status', 'version', 'up', 'missing', 'down', 'up'] as const) await migrations[call]()
    const open = async (): Promise<unknown> => {
      const { rows } = await pool.query('select pid from pg_stat_activity where application_name = $1', [name])
      return rows.length
    }
    // One that has ended stands there for a moment.
    await vi.waitFor(async () => expect(await open()).toBe(1))
    await migrations.close()
    await vi.waitFor(async () => expect(await open()).toBe(0))
  })
})

/** How many rows the pool's one connection has read so far. */
async function readsOf(pool: Pool): Promise<number> {
  const [rows] = await pool.query<RowDataPacket[]>("show session status like 'Handler_read%'")
  return rows.reduce((sum, row) => sum + Number(row['Value']), 0)
}

test('what a look for work reads in mysql does not grow with what has ended or is owned', async () => {
  const own = createPool({ uri: mysqlUrl, connectionLimit: 1, charset: 'utf8mb4' })
  onTestFinished(() => own.end())
  const store = mysqlStore({ pool: own, prefix: newPrefix() })
  onTestFinished(() => store.close())
  await store.open()
  await live(store, 'ada', 'bea')
  const rowsRead = async (): Promise<number> => {
    await store.acquire({ owner: 'bea', graphs: ['users'], limit: 10 })
    const before = await readsOf(own)
    expect(await store.acquire({ owner: 'bea', graphs: ['users'], limit: 10 })).toEqual([])
    return (await readsOf(own)) - before
  }
  const fill = async (from: number): Promise<void> => {
    const ids = Array.from({ length: 500 }, (_, i) => `${from + i}`)
    await store.create(ids.map((id) => newExecution(id, { owner: 'ada' })))
    const ended = ids
      .slice(0, 400)
      .map((id) => commitTo(id, { head: { status: 'completed', endedAt: 1_700_000_000_500, isReleased: true } }))
    await store.commit(ended)
  }
  await fill(0)
  const before = await rowsRead()
  for (let round = 1; round <= 4; round++) await fill(round * 1_000)
  expect(await rowsRead()).toBeLessThanOrEqual(before + 20)
  // And with the owners it grows by a few rows each.
  const owners = Array.from({ length: 50 }, (_, i) => `owner ${i}`)
  await live(store, ...owners)
  await store.create(owners.flatMap((owner) => [1, 2, 3, 4].map((i) => newExecution(`${owner} ${i}`, { owner }))))
  expect(await rowsRead()).toBeLessThanOrEqual(before + 20 + owners.length * 5)
})
