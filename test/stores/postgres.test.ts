import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { expect, onTestFinished, test, vi } from 'vitest'
import { OptionError, StoreError } from '../../src/core/errors.ts'
import type { StoreHint } from '../../src/core/contracts/store.ts'
import { postgresStore } from '../../stores/postgres/index.ts'
import {
  claimIn,
  claimOf,
  commitAll,
  commitTo,
  createOwned,
  live,
  newExecution,
  stepRecord,
  success,
} from '../../src/testing/conformance/records.ts'
import { postgresPlace } from './postgres-place.ts'

const { url, pool, newSchema, openStore } = await postgresPlace()

test.each([
  [{}, 'give either url or pool'],
  [{ url, pool }, 'give either url or pool'],
  [{ url: '' }, 'url must be a non-empty string'],
  [
    { url, schemas: 'x' },
    'unknown option "schemas"; did you mean "schema"? known are url, pool, schema, migrate, watchSessions, max',
  ],
  [{ url, schema: 'x'.repeat(64) }, 'schema must be a name of 1 to 63 bytes'],
  [{ url, max: 0 }, 'max must be a whole number from 1 on'],
  [
    { url: 'here', schema: '', max: 0, migrte: false },
    'postgresStore: unknown option "migrte"; did you mean "migrate"? known are url, pool, schema, migrate, watchSessions, max; schema must be a name of 1 to 63 bytes without NUL; max must be a whole number from 1 on; url must be a URL like postgres://user:password@host:5432/database, got "here"',
  ],
  [{ pool, max: 2 }, 'max is for url'],
  [{ pool: {} }, 'pool must be a Pool of pg'],
  [{ url, migrate: 'no' }, 'migrate must be true or false'],
])('options %# are refused at once', (options, message) => {
  const make = (): unknown => postgresStore(options as never)
  expect(make).toThrow(OptionError)
  expect(make).toThrow(message)
})

test('a pool of the user is used, and neither closed nor changed', async () => {
  const own = new pg.Pool({ connectionString: url, max: 2 })
  own.on('error', () => {})
  const listeners = own.listenerCount('error')
  const store = await openStore(newSchema(), { pool: own })
  await createOwned(store, 'one')
  const stop = await store.subscribe!(() => {})
  await stop()
  await store.close()
  expect((await own.query('select 1 as one')).rows).toEqual([{ one: 1 }])
  expect(own.listenerCount('error')).toBe(listeners)
  await own.end()
})

test('a pool that nobody listens to ends no process after the store is closed, and is listened to once', async () => {
  const own = new pg.Pool({ connectionString: url, max: 2 })
  const schema = newSchema()
  for (let round = 0; round < 3; round++) {
    const store = await openStore(schema, { pool: own })
    await store.get(['one'])
    await store.close()
  }
  expect(own.listenerCount('error')).toBe(1)
  const { rows } = await own.query<{ pid: number }>('select pg_backend_pid() as pid')
  const removed = new Promise((resolve) => own.once('remove', resolve))
  await pool.query('select pg_terminate_backend($1)', [rows[0]!.pid])
  await removed
  await own.end()
})

test("a user's type parsers change nothing", async () => {
  const own = new pg.Pool({ connectionString: url, max: 2, types: { getTypeParser: () => () => 'parsed' } as never })
  const store = await openStore(newSchema(), { pool: own })
  await createOwned(store, 'one', { inputs: '{"b":1,  "a":2}' })
  expect((await store.get(['one']))[0]).toMatchObject({
    epoch: 1,
    inputs: '{"b":1,  "a":2}',
    createdAt: 1_700_000_000_123,
  })
  await store.close()
  await own.end()
})

test('the schema can have any name', async () => {
  for (const schema of [`"quoted" '; drop table x; --`, 'Größe 😀', 'select']) {
    const store = await openStore(schema)
    await createOwned(store, 'one')
    await claimIn(store, 'key', 'ada')
    const { rows } = await pool.query(
      `select count(*)::int as count from ${pg.escapeIdentifier(schema)}.docket_executions`,
    )
    expect(rows).toEqual([{ count: 1 }])
    await store.close()
    await pool.query(`drop schema ${pg.escapeIdentifier(schema)} cascade`)
  }
})

test('in a transaction, the hint is sent when it commits', async () => {
  const schema = newSchema()
  const store = await openStore(schema)
  const hints: StoreHint[] = []
  await store.subscribe!((hint) => void hints.push(hint))
  const client = await pool.connect()
  await client.query('begin')
  await store.create([newExecution('one')], client)
  await sleep(30)
  expect(hints).toEqual([])
  await client.query('commit')
  client.release()
  await vi.waitFor(() => expect(hints).toEqual([{ type: 'work' }]))
})

test('a pool is no transaction', async () => {
  const store = await openStore(newSchema())
  await expect(store.create([newExecution('one')], pool)).rejects.toThrow('must be a client of pg')
})

test('cut connections are replaced: calls work again, and hints are heard again', async () => {
  const schema = newSchema()
  const store = await openStore(schema)
  await createOwned(store, 'one')
  const hints: StoreHint[] = []
  await store.subscribe!((hint) => void hints.push(hint))
  const cut = `select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and query like $1`
  const cutConnections = (): Promise<unknown> => pool.query(cut, [`%${schema}%`])
  await cutConnections()
  await pool.query(`select pg_terminate_backend(pid) from pg_stat_activity where query like 'listen docket_%'`)
  await vi.waitFor(() => store.commit([commitTo('one', { steps: [stepRecord('A')] })]))
  await vi.waitFor(() => expect(hints).toContainEqual({ type: 'work' }), 5_000)
  hints.length = 0
  await store.post([{ execution: 'one', class: 'control', kind: 'cancel', payload: undefined, at: 1 }])
  await vi.waitFor(() => expect(hints).toContainEqual({ type: 'mail', owner: 'ada' }), 5_000)
})

test('a server that is not there and a missing table are transient failures, a refused value is not', async () => {
  const away = postgresStore('postgres://127.0.0.1:1/none')
  const refused = await away.open().catch((error: unknown) => error)
  expect(refused).toBeInstanceOf(StoreError)
  expect(refused).toMatchObject({ isTransient: true, store: 'postgres', cause: { code: 'ECONNREFUSED' } })
  await away.close()
  const schema = newSchema()
  const store = await openStore(schema)
  await expect(store.create([newExecution('one', { inputs: 'no JSON' })])).rejects.toMatchObject({ isTransient: false })
  await pool.query(`drop table ${pg.escapeIdentifier(schema)}.docket_executions`)
  await expect(store.get(['one'])).rejects.toMatchObject({ isTransient: true, cause: { code: '42P01' } })
})

test('a value that waits on a claim is announced as made, however many there are', async () => {
  const store = await openStore(newSchema())
  await live(store, 'ada', 'bea')
  const epoch = await claimIn(store, 'key', 'ada')
  const hints: StoreHint[] = []
  await store.subscribe!((hint) => void hints.push(hint))
  expect(await store.claimResults([claimOf('key', 'bea')])).toEqual([{ status: 'running', epoch }])
  await store.commitResults([success('key', 'ada', epoch)])
  await vi.waitFor(() => expect(hints).toEqual([{ type: 'result', key: 'key' }]))
})

test('many commits of many executions at once, in any order, end and write everything', async () => {
  const schema = newSchema()
  const stores = [await openStore(schema), await openStore(schema)]
  await live(stores[0]!, 'ada')
  const ids = Array.from({ length: 60 }, (_, index) => `e${index}`)
  await stores[0]!.create(ids.map((id) => newExecution(id, { owner: 'ada' })))
  const shuffled = (): string[] => ids.toSorted(() => Math.random() - 0.5)
  const rounds = Array.from({ length: 20 }, (_, round) =>
    commitAll(
      stores[round % 2]!,
      shuffled().map((id) => commitTo(id, { steps: [stepRecord(`S${round}`)] })),
    ),
  )
  expect((await Promise.all(rounds)).flat().every(Boolean)).toBe(true)
  const { rows } = await pool.query(`select count(*)::int as count from ${pg.escapeIdentifier(schema)}.docket_steps`)
  expect(rows).toEqual([{ count: 60 * 20 }])
})

/** An execution that `ada` has, a connection that has begun a transaction, and one of two processes that share it. */
async function withMessageOnItsWay() {
  const schema = newSchema()
  const store = await openStore(schema)
  const table = (name: string): string => `${pg.escapeIdentifier(schema)}.docket_${name}`
  await createOwned(store, 'one')
  const client = await pool.connect()
  onTestFinished(() => client.release())
  await client.query('begin')
  const message = { execution: 'one', class: 'control', kind: 'cancel', payload: undefined, at: 0 } as const
  expect(await store.post([message], client)).toEqual(['accepted'])
  /** Commits the message once another statement waits for it. */
  const arrive = async (): Promise<void> => {
    await vi.waitFor(async () => {
      const { rows } = await pool.query(`select 1 from pg_stat_activity where wait_event_type = 'Lock'`)
      expect(rows.length).toBeGreaterThan(0)
    })
    await client.query('commit')
  }
  const orphans = async (): Promise<readonly unknown[]> => {
    const text = `select * from ${table('mailbox')} m where not exists (select 1 from ${table('executions')} e where e.id = m.execution)`
    return (await pool.query(text)).rows
  }
  return { schema, store, table, arrive, orphans }
}

test('a message that is posted while a deletion waits for the execution does not stay without it', async () => {
  const { store, table, arrive, orphans } = await withMessageOnItsWay()
  const deleted = store.delete([{ id: 'one', owner: 'ada', epoch: 1 }])
  await arrive()
  expect(await deleted).toEqual([true])
  expect(await orphans()).toEqual([])
  expect((await pool.query(`select * from ${table('executions')}`)).rows).toEqual([])
})

test('nor where the process that deletes dies after its first statement', async () => {
  const { schema, arrive, orphans } = await withMessageOnItsWay()
  const dying = new pg.Pool({ connectionString: url, max: 1 })
  onTestFinished(() => dying.end())
  let isDead = false
  dying.on('connect', (client) => {
    const query = client.query.bind(client) as (...args: unknown[]) => Promise<unknown>
    const once = async (config: { readonly text?: string }, ...rest: unknown[]): Promise<unknown> => {
      if (isDead) throw new Error('the process has died')
      isDead = config.text?.includes('delete from') === true
      return query(config, ...rest)
    }
    Object.assign(client, { query: once })
  })
  const store = postgresStore({ pool: dying, schema, migrate: false })
  await store.open()
  const deleted = store.delete([{ id: 'one', owner: 'ada', epoch: 1 }]).catch(() => {})
  await arrive()
  await deleted
  expect(isDead).toBe(true)
  expect(await orphans()).toEqual([])
  await store.close()
})

test('of many acquirers at once, each execution goes to one', async () => {
  const schema = newSchema()
  const stores = [await openStore(schema), await openStore(schema), await openStore(schema)]
  await live(stores[0]!, 'ada', 'bea', 'cy')
  const ids = Array.from({ length: 90 }, (_, index) => `e${index}`)
  await stores[0]!.create(ids.map((id) => newExecution(id)))
  const acquired = await Promise.all(
    Array.from({ length: 30 }, (_, turn) =>
      stores[turn % 3]!.acquire({ owner: ['ada', 'bea', 'cy'][turn % 3]!, graphs: ['users'], limit: 5 }),
    ),
  )
  const taken = acquired.flat().map(({ execution }) => execution.id)
  expect(new Set(taken).size).toBe(taken.length)
  for (let left = 90 - taken.length; left > 0;) {
    const more = await stores[0]!.acquire({ owner: 'ada', graphs: ['users'], limit: 100 })
    expect(more.length).toBe(left)
    left -= more.length
  }
})
