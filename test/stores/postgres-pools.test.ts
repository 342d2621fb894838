import pg from 'pg'
import { expect, onTestFinished, test, vi } from 'vitest'
import { createDocket, dataType, graph, step, type } from '../../src/index.ts'
import { StoreError } from '../../src/core/errors.ts'
import { postgresStore } from '../../stores/postgres/index.ts'
import { createOwned } from '../../src/testing/conformance/records.ts'
import { postgresPlace } from './postgres-place.ts'
import { useStore } from './use-store.ts'

const { url, pool, newSchema } = await postgresPlace()

const Out = dataType('Out', type<string>())
const fine = graph({
  name: 'fine',
  steps: [step({ name: 'Fine', output: Out, persist: 'execution', run: () => 'fine' })],
})

/** A pool of the user's, which is ended after the docket. */
function newPool(options: pg.PoolConfig): pg.Pool {
  const made = new pg.Pool({ connectionString: url, ...options })
  made.on('error', () => {})
  onTestFinished(() => made.end())
  return made
}

const atLevel = (level: string): string => `-c default_transaction_isolation=${level.replace(' ', '\\ ')}`

test.each(['repeatable read', 'serializable'])(
  'stores that open at once where transactions are %s make their tables once, and work',
  async (level) => {
    const schema = newSchema()
    const dockets = [1, 2, 3, 4].map(() =>
      createDocket({
        graphs: [fine],
        store: postgresStore({ pool: newPool({ max: 2, options: atLevel(level) }), schema }),
      }),
    )
    const outcomes = await Promise.all(
      dockets.map((docket, index) => docket.execute(fine, Out, {}, { id: `own ${index}` })),
    )
    expect(outcomes).toEqual(['fine', 'fine', 'fine', 'fine'])
    // All of them the same ones: statements that meet there lose conflicts, and are done again.
    const ids = Array.from({ length: 30 }, (_, index) => `shared ${index}`)
    const shared = await Promise.all(
      dockets.flatMap((docket) => ids.map((id) => docket.execute(fine, Out, {}, { id }))),
    )
    expect(new Set(shared)).toEqual(new Set(['fine']))
    await Promise.all(dockets.map((docket) => docket.close()))
  },
)

test.each<pg.PoolConfig>([
  { options: '-c bytea_output=escape' },
  { options: '-c client_encoding=LATIN1' },
  { options: '-c DateStyle=German -c TimeZone=Asia/Tokyo -c IntervalStyle=sql_standard' },
  { types: { getTypeParser: () => () => 'parsed' } as never },
  { Promise: globalThis.Promise },
  { max: 1 },
  { allowExitOnIdle: true, idleTimeoutMillis: 1 },
  { maxUses: 1 },
  { keepAlive: false, connectionTimeoutMillis: 5_000 },
  { query_timeout: 10_000, statement_timeout: 10_000, lock_timeout: 10_000 },
])('a pool with %o works', async (options) => {
  await useStore(postgresStore({ pool: newPool(options), schema: newSchema() }))
})

test('bytes come back as they were, whatever bytea_output is', async () => {
  const bytes = Uint8Array.from({ length: 256 }, (_, index) => index)
  for (const output of ['hex', 'escape']) {
    const own = newPool({ options: `-c bytea_output=${output}` })
    const store = postgresStore({ pool: own, schema: newSchema() })
    await store.open()
    await createOwned(store, 'one', { inputs: bytes })
    expect(Buffer.compare((await store.get(['one']))[0]!.inputs as Uint8Array, bytes)).toBe(0)
    await store.close()
  }
})

test('parsers that somebody has set for all of pg change nothing', async () => {
  const oids = [16, 17, 20, 21, 23, 25, 114, 701, 1184]
  const before = oids.map((oid) => pg.types.getTypeParser(oid as never))
  for (const oid of oids) pg.types.setTypeParser(oid, () => 'spoiled')
  onTestFinished(() => oids.forEach((oid, index) => pg.types.setTypeParser(oid, before[index] as never)))
  await useStore(postgresStore({ url, schema: newSchema() }))
})

test('a pool with binary results is refused by name', () => {
  const own = newPool({ binary: true } as pg.PoolConfig)
  expect(() => postgresStore({ pool: own })).toThrow('the pool has the option binary')
})

test('steps that keep all connections of the pool busy do not cost the lease', async () => {
  const own = newPool({ max: 3 })
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
      await own.query('select pg_sleep(4)')
      return `report ${month}`
    },
  })
  const reports = graph({ name: 'reports', steps: [report] })
  const lost: string[] = []
  const docket = createDocket({
    graphs: [reports],
    store: postgresStore({ pool: own, schema: newSchema() }),
    lease: '2s',
    observers: [({ type: of }) => void (of === 'lease.lost' && lost.push(of))],
  })
  const batch = await docket.startBatch(reports, Report, [{ Month: 1 }, { Month: 2 }, { Month: 3 }])
  expect(await batch.result()).toEqual(['report 1', 'report 2', 'report 3'])
  expect([runs, lost]).toEqual([3, []])
  await docket.close()
})

test('the first start of all may be in a transaction on the only connection of the pool', async () => {
  const own = newPool({ max: 1 })
  const docket = createDocket({ graphs: [fine], store: postgresStore({ pool: own, schema: newSchema() }) })
  const client = await own.connect()
  await client.query('begin')
  const handle = await docket.start(fine, Out, {}, { id: 'one', transaction: client })
  await client.query('commit')
  client.release()
  await docket.resume()
  expect(await handle.result()).toBe('fine')
  await docket.close()
})

test('a call that gets no connection ends, and says what to do', async () => {
  const own = newPool({ max: 1 })
  const store = postgresStore({ pool: own, schema: newSchema() })
  await store.open()
  const client = await own.connect()
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

test('a docket closes although a client of the pool was never given back', async () => {
  const own = newPool({ max: 1 })
  const schema = newSchema()
  const docket = createDocket({ graphs: [fine], store: postgresStore({ pool: own, schema }) })
  expect(await docket.execute(fine, Out, {}, { id: 'one' })).toBe('fine')
  const leaked = await own.connect()
  const waiting = docket.list().catch((error: Error) => error.message)
  await docket.close({ deadline: '1s' })
  expect(await waiting).toContain('this docket was closed during list')
  // Its lease ended with it: nobody has to wait for that.
  const { rows } = await pool.query(
    `select count(*)::int as living from ${pg.escapeIdentifier(schema)}.docket_owners where expires_at > now()`,
  )
  expect(rows).toEqual([{ living: 0 }])
  leaked.release()
})

test('what stands around a pool, and has no more than a store needs, is used as a pool', async () => {
  const inner = newPool({ max: 3 })
  const around = {
    options: inner.options,
    connect: () => inner.connect(),
    query: (text: string) => inner.query(text),
    on: (event: 'error', listener: () => void) => inner.on(event, listener),
    removeListener: (event: 'error', listener: () => void) => inner.removeListener(event, listener),
  }
  const docket = createDocket({
    graphs: [fine],
    store: postgresStore({ pool: around as unknown as pg.Pool, schema: newSchema() }),
  })
  expect(await docket.execute(fine, Out, {}, { id: 'a' })).toBe('fine')
  await docket.close()
  expect(await inner.query('select 1')).toBeDefined()
})

test('a pool that reads numbers as texts is not taken for a pooler', async () => {
  const texts = { types: { getTypeParser: () => (cell: string) => cell } as never }
  const store = postgresStore({ pool: newPool(texts), schema: newSchema() })
  await store.open()
  const findings = await store.diagnose!()
  expect(findings.filter(({ check }) => check === 'pooler')).toEqual([])
  await store.close()
})
