import { DatabaseSync } from 'node:sqlite'
import { expect, test } from 'vitest'
import type { ExecutionQuery } from '../../src/core/contracts/execution-record.ts'
import { countQuery, listQuery } from '../../stores/sql/list-query.ts'
import type { Query } from '../../stores/sql/dialect.ts'
import { sqliteStore } from '../../stores/sqlite/index.ts'
import { sqliteDialect } from '../../stores/sqlite/dialect.ts'

const dialect = sqliteDialect(Date.now, {} as never)

/** What `analyze` writes of a database with many executions that wait and many that have ended. */
const statistics = {
  sqlite_autoindex_docket_executions_1: '720134 1',
  docket_executions_created: '720134 1053 1',
  docket_executions_status: '720134 144027 1049 1 1',
  docket_executions_graph: '720134 144027 80015 1040 1 1',
  docket_executions_queue: '100000 100000 100000 100000 1 1',
  docket_executions_error: '50000 50000 50000 50000 1',
  docket_executions_due: '250001 250001 250001 125001 1',
  docket_executions_unfinished: '220000 73334 55000 55000 55000 1',
}

/** How SQLite finds the rows of the executions; `isAnalyzed`: with those statistics. */
async function planOf({ text, parameters }: Query, isAnalyzed = false): Promise<readonly string[]> {
  const database = new DatabaseSync(':memory:')
  await sqliteStore({ database }).open()
  if (isAnalyzed) {
    database.exec('analyze')
    const insert = database.prepare("insert into sqlite_stat1 (tbl, idx, stat) values ('docket_executions', ?, ?)")
    for (const [index, stat] of Object.entries(statistics)) insert.run(index, stat)
    database.exec('analyze sqlite_schema')
  }
  const plan = database.prepare(`explain query plan ${text}`).all(...(parameters as string[]))
  database.close()
  return plan.map((row) => String(row['detail']))
}

const filters: readonly (readonly [Omit<ExecutionQuery, 'limit'>, string])[] = [
  [{ queue: 'mail' }, 'docket_executions_queue (queue=? AND status=?'],
  [{ key: 'ann' }, 'docket_executions_key (queue_key=? AND status=?'],
  [{ key: 'ann', queue: 'mail', errorCode: 'STEP_FAILED' }, 'docket_executions_key (queue_key=? AND status=?'],
  [{ errorCode: 'STEP_FAILED' }, 'docket_executions_error (error_code=? AND status=?'],
  [{ errorCode: 'STEP_FAILED', queue: 'mail' }, 'docket_executions_error (error_code=? AND status=?'],
  [
    { errorCode: 'STEP_FAILED', graph: 'users' },
    'docket_executions_graph_error (graph=? AND error_code=? AND status=?',
  ],
]

test.each(filters)('a page of %j is found in order, whatever else there is', async (query, index) => {
  for (const more of [{}, { statuses: ['failed'] as const }, { createdFrom: 1, createdBefore: 9 }]) {
    const plan = await planOf(listQuery(dialect, { ...query, ...more, limit: 9 }))
    const looks = plan.filter((line) => /(?:SEARCH|SCAN) e /.test(line) && !line.includes('sqlite_autoindex'))
    expect(looks.length).toBeGreaterThan(0)
    for (const look of looks) expect(look).toContain(index)
    if ('statuses' in more) expect(plan.join()).not.toContain('TEMP B-TREE')
  }
})

test.each(filters)('%j is counted by the same index, and nothing is sorted', async (query, index) => {
  const plan = await planOf(countQuery(dialect, { ...query, upTo: 9 }))
  const looks = plan.filter((line) => /(?:SEARCH|SCAN) e /.test(line))
  expect(looks).toHaveLength(7)
  for (const look of looks) expect(look).toContain(index)
  expect(plan.join()).not.toContain('TEMP B-TREE')
})

test.each([
  [{}, 'docket_executions_status (status=?'],
  [{ graph: 'users' }, 'docket_executions_graph (graph=? AND status=?'],
  [{ queue: 'default' }, 'docket_executions_status (status=?'],
  [{ graph: 'users', queue: 'default' }, 'docket_executions_graph (graph=? AND status=?'],
  [{ graph: 'users', queue: 'mail' }, 'docket_executions_queue (queue=? AND status=?'],
  [{ graph: 'users', key: 'ann', queue: 'mail' }, 'docket_executions_key (queue_key=? AND status=?'],
  [{ graph: 'users', createdBefore: 9 }, 'docket_executions_graph (graph=? AND status=? AND created_at<?'],
] as const)('counts of %j read nothing but an index', async (query, index) => {
  const looks = (await planOf(countQuery(dialect, { ...query, upTo: 9 }))).filter((line) =>
    /(?:SEARCH|SCAN) e /.test(line),
  )
  expect(looks).toHaveLength(7)
  for (const look of looks) expect(look).toContain(`USING COVERING INDEX ${index}`)
})

test.each<Omit<ExecutionQuery, 'limit'>>([
  ...filters.map(([query]) => query),
  { graph: 'users' },
  { graph: 'users', statuses: ['running', 'failed'] },
  { statuses: ['pending', 'waiting'] },
  { statuses: ['waiting'] },
  { queue: 'default', statuses: ['waiting'] },
])('with the statistics of a large database, %j is listed and counted without a scan', async (query) => {
  for (const wanted of [listQuery(dialect, { ...query, limit: 9 }), countQuery(dialect, { ...query, upTo: 9 })]) {
    const plan = await planOf(wanted, true)
    expect(plan.filter((line) => /^SCAN e\b|AUTOMATIC/.test(line))).toEqual([])
  }
})
