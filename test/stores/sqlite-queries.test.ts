import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, expect, test } from 'vitest'
import { OptionError } from '../../src/core/errors.ts'
import { acquireQueries } from '../../stores/sqlite/acquirer.ts'
import { purgeQuery } from '../../stores/sqlite/deletion.ts'
import { sqliteDialect } from '../../stores/sqlite/dialect.ts'
import { checkpointsQuery } from '../../stores/sql/checkpoints.ts'
import { listQuery } from '../../stores/sql/list-query.ts'
import type { ExecutionQuery } from '../../src/core/contracts/execution-record.ts'
import { sqliteStore } from '../../stores/sqlite/index.ts'
import {
  claimIn,
  commitTo,
  createOwned,
  live,
  newExecution,
  recordIn,
  stepRecord,
  success,
} from '../../src/testing/conformance/records.ts'

const folder = mkdtempSync(join(tmpdir(), 'docket-sqlite-'))
afterAll(() => rmSync(folder, { recursive: true }))

/** Runs code in another process, with a store on the file, and gives what it answers. */
function runElsewhere(path: string, code: string, env: Record<string, string> = {}): unknown {
  const url = new URL('../../stores/sqlite/index.ts', import.meta.url)
  const script = `
    import { sqliteStore } from ${JSON.stringify(url)}
    const store = sqliteStore(${JSON.stringify(path)})
    await store.open()
    console.log(JSON.stringify(${code}))
    await store.close()`
  const args = ['--input-type=module', '--eval', script]
  return JSON.parse(execFileSync(process.execPath, args, { env: { ...process.env, ...env }, encoding: 'utf8' }))
}

test.each([
  [{}, 'give either path or database'],
  [{ path: '' }, 'path must be a non-empty string'],
  [{ path: 'x', database: new DatabaseSync(':memory:') }, 'give either path or database'],
  [{ path: 'x', synchronous: 'off' }, "synchronous must be 'full' or 'normal'"],
  [{ database: new DatabaseSync(':memory:'), synchronous: 'full' }, 'synchronous is for path'],
  [{ path: 'x', sync: 'full' }, 'unknown option "sync"'],
  [{ path: 'x', now: 1 }, 'now must be a function'],
  [{ database: {} }, 'database must be a DatabaseSync of node:sqlite'],
])('options %# are refused at once', (options, message) => {
  const make = (): unknown => sqliteStore(options as never)
  expect(make).toThrow(OptionError)
  expect(make).toThrow(message)
})

test('results and leases expire at the same time in every time zone', async () => {
  const path = join(folder, 'zones.db')
  const store = sqliteStore(path)
  await store.open()
  await live(store, 'ada')
  const [short, long] = [await claimIn(store, 'short', 'ada'), await claimIn(store, 'long', 'ada')]
  const at = Date.now()
  const kept = { status: 'completed', output: '1' } as const
  await store.commitResults([
    { key: 'short', owner: 'ada', epoch: short, at, outcome: { ...kept, ttlMs: 1 } },
    { key: 'long', owner: 'ada', epoch: long, at, outcome: { ...kept, ttlMs: 120_000 } },
  ])
  const told = `[
    (await store.getResults(['short', 'long'])).map((state) => state?.status ?? null),
    await store.renewOwner('ada', 600_000),
  ]`
  for (const zone of ['Asia/Tokyo', 'America/New_York', 'UTC', 'Pacific/Chatham'])
    expect(runElsewhere(path, told, { TZ: zone })).toEqual([[null, 'completed'], true])
  await store.close()
})

test('another process sees what is written, and writes too', async () => {
  const path = join(folder, 'shared.db')
  const store = sqliteStore(path)
  await store.open()
  await createOwned(store, 'one')
  const commit = commitTo('one', { steps: [stepRecord('FromElsewhere')] })
  expect(runElsewhere(path, `await store.commit([${JSON.stringify(commit)}])`)).toEqual([true])
  expect((await store.readSteps(['one'])).steps.map(({ step }) => step)).toEqual(['FromElsewhere'])
  await store.close()
})

test('while another connection writes for too long, calls fail as transient', async () => {
  const path = join(folder, 'busy.db')
  const database = new DatabaseSync(path, { timeout: 10 })
  const store = sqliteStore({ database })
  await store.open()
  const other = new DatabaseSync(path)
  other.exec('begin immediate')
  await expect(store.create([newExecution('one')])).rejects.toMatchObject({ name: 'StoreError', isTransient: true })
  other.exec('rollback')
  expect(await store.create([newExecution('one')])).toEqual([undefined])
  other.close()
  database.close()
})

test("the user's own connection is neither closed nor changed", async () => {
  const database = new DatabaseSync(join(folder, 'own.db'))
  const pragmas = (): unknown[] =>
    ['journal_mode', 'synchronous'].map((name) => database.prepare(`pragma ${name}`).get())
  const before = pragmas()
  const store = sqliteStore({ database })
  await store.open()
  await createOwned(store, 'one')
  await store.close()
  expect(database.isOpen).toBe(true)
  expect(pragmas()).toEqual(before)
  database.close()
})

test("nothing but `create` gets into a caller's transaction", async () => {
  const database = new DatabaseSync(':memory:')
  const store = sqliteStore({ database })
  await store.open()
  await createOwned(store, 'one')
  await expect(store.create([newExecution('two')], database)).rejects.toThrow('no transaction has been begun')
  database.exec('begin')
  await store.create([newExecution('two')], database)
  const commit = store.commit([commitTo('one', { steps: [stepRecord('A')] })])
  await expect(commit).rejects.toMatchObject({
    isTransient: true,
    message: expect.stringContaining('transaction of the caller'),
  })
  database.exec('rollback')
  expect(await store.get(['one', 'two'])).toEqual([expect.objectContaining({ id: 'one' }), undefined])
  expect(await store.commit([commitTo('one', { steps: [stepRecord('A')] })])).toEqual([true])
  database.close()
})

test('people find stuck executions, failed steps and outputs with SQL', async () => {
  const database = new DatabaseSync(':memory:')
  const store = sqliteStore({ database })
  await store.open()
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
        stepRecord('Nothing', { output: 'null' }),
        stepRecord('Void', { output: undefined }),
      ],
    }),
    commitTo('fresh', { at: now }),
  ])
  const ask = (sql: string): unknown[] =>
    database
      .prepare(sql)
      .all()
      .map((row) => ({ ...row }))
  expect(
    ask(`select id from docket_executions where ended_at is null and updated_at < datetime('now', '-1 hour')`),
  ).toEqual([{ id: 'stuck' }])
  expect(
    ask(
      `select step, error->>'message' as message from docket_steps where status = 'failed' and ended_at > datetime('now', '-1 minute')`,
    ),
  ).toEqual([{ step: 'Pay', message: 'declined' }])
  expect(ask(`select output->>'$.name' as name from docket_steps where step = 'Profile'`)).toEqual([{ name: 'Ada' }])
  expect(ask(`select step from docket_steps where output = 'null'`)).toEqual([{ step: 'Nothing' }])
  database.close()
})

test('`acquire` looks through no finished executions, and through none whose owner lives', async () => {
  const database = new DatabaseSync(':memory:')
  const store = sqliteStore({ database })
  await store.open()
  for (const sql of acquireQueries) {
    const plan = database
      .prepare(`explain query plan ${sql}`)
      .all()
      .map((row) => String(row['detail']))
    const own = plan.filter((line) => / e\b/.test(line))
    expect(own).toHaveLength(1)
    expect(own[0]).toMatch(
      /^SEARCH e USING (COVERING )?INDEX docket_executions_(unfinished \(owner|to_(begin|go_on) \(queue=\? AND graph=\?|(due|later) \(queue=\? AND graph=\? AND due_at>\? AND due_at<\?\))/,
    )
    expect(plan.join()).not.toContain('TEMP B-TREE')
  }
  database.close()
})

test.each<Partial<ExecutionQuery>>([
  {},
  { graph: 'users' },
  { graph: 'users', statuses: ['running'] },
  { statuses: ['pending', 'running'] },
  { graph: 'users', statuses: ['failed', 'cancelled'], createdBefore: 9, createdFrom: 1 },
  { after: { createdAt: 5, id: 'one' } },
  { graph: 'users', after: { createdAt: 5, id: 'one' } },
])('`list` finds %j in order, by an index, and sorts no more than a page of each status', async (query) => {
  const database = new DatabaseSync(':memory:')
  const store = sqliteStore({ database })
  await store.open()
  const { text, parameters } = listQuery(sqliteDialect(Date.now, {} as never), { limit: 9, ...query })
  const plan = database.prepare(`explain query plan ${text}`).all(...(parameters as string[]))
  const lines = plan.map((row) => String(row['detail']))
  const onTable = lines.filter((line) => / e\b/.test(line))
  expect(onTable.length).toBeGreaterThan(0)
  for (const line of onTable)
    expect(line).toMatch(/^(?:SCAN|SEARCH) e USING (?:COVERING )?INDEX (?:docket_executions_|sqlite_autoindex)/)
  if (query.statuses?.length === 1 || Object.keys(query).every((key) => key === 'after'))
    expect(lines.join()).not.toContain('TEMP B-TREE')
  database.close()
})

const behind = { step: 'S', item: '', generation: 1, order: 4, name: 'n' }
test.each([
  [
    { of: behind, after: behind },
    'docket_checkpoints_order (execution=? AND scope=? AND (generation,ordinal,checkpoint)>(?,?,?))',
  ],
  [{ of: behind }, 'docket_checkpoints_order (execution=? AND scope=?)'],
  [{ after: behind }, 'docket_checkpoints_order (execution=? AND (scope,generation,ordinal,checkpoint)>(?,?,?,?))'],
  [{ of: behind, only: { generation: 0, names: ['a'] } }, 'docket_checkpoints'],
])('checkpoints are read by an index that begins where they do: %j', async (request, index) => {
  const database = new DatabaseSync(':memory:')
  await sqliteStore({ database }).open()
  const { text, parameters } = checkpointsQuery(sqliteDialect(Date.now, {} as never), {
    execution: 'one',
    limit: 9,
    ...request,
  })
  const plan = database.prepare(`explain query plan ${text}`).all(...(parameters as string[]))
  const lines = plan.map((row) => String(row['detail']))
  expect(lines[0]).toContain(index)
  if (!('only' in request)) expect(lines.join()).not.toContain('TEMP B-TREE')
  database.close()
})

test.each<Partial<ExecutionQuery>>([
  { parent: 'a' },
  { forkedFrom: 'a' },
  { parent: 'a', statuses: ['pending', 'running'], graph: 'users' },
  { forkedFrom: 'a', after: { createdAt: 5, id: 'one' } },
])('`list` finds %j in order by the index of what they have come from', async (query) => {
  const database = new DatabaseSync(':memory:')
  const store = sqliteStore({ database })
  await store.open()
  const { text, parameters } = listQuery(sqliteDialect(Date.now, {} as never), { limit: 9, ...query })
  const plan = database.prepare(`explain query plan ${text}`).all(...(parameters as string[]))
  const lines = plan.map((row) => String(row['detail']))
  expect(lines[0]).toMatch(/^SEARCH e USING INDEX docket_executions_(?:parent \(parent|forked \(forked_from)=\?/)
  expect(lines.join()).not.toContain('TEMP B-TREE')
  database.close()
})

test('purge finds what ended first without reading what else has ended', async () => {
  const database = new DatabaseSync(':memory:')
  const store = sqliteStore({ database })
  await store.open()
  const plan = database
    .prepare(`explain query plan ${purgeQuery}`)
    .all()
    .map((row) => String(row['detail']))
  expect(plan[0]).toMatch(/^SEARCH docket_executions USING INDEX docket_executions_ended \(ended_at/)
  expect(plan.join()).not.toContain('TEMP B-TREE')
  database.close()
})

test('values come back as they are: texts, bytes, no bytes, null and nothing', async () => {
  const store = sqliteStore(':memory:')
  await store.open()
  await createOwned(store, 'one')
  for (const output of ['{"b":1,  "a":"\\u0000"}', 'null', Uint8Array.of(1, 0, 2), new Uint8Array(), undefined]) {
    await store.commit([commitTo('one', { head: { output } })])
    const stored = (await recordIn(store, 'one')).output
    if (typeof output === 'object') expect(Buffer.compare(stored as Uint8Array, output)).toBe(0)
    else expect(stored).toBe(output)
  }
  await live(store, 'bea')
  await store.commitResults([success('key', 'bea', await claimIn(store, 'key', 'bea'), new Uint8Array())])
  const [state] = await store.getResults(['key'])
  expect(state?.status === 'completed' && (state.output as Uint8Array).length).toBe(0)
  await store.close()
})
