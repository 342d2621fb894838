import { DatabaseSync } from 'node:sqlite'
import { expect, test } from 'vitest'
import type { ExecutionQuery } from '../../src/core/contracts/execution-record.ts'
import { countQuery, listQuery } from '../../stores/sql/list-query.ts'
import type { Query } from '../../stores/sql/dialect.ts'
import { sqliteStore } from '../../stores/sqlite/index.ts'
import { sqliteDialect } from '../../stores/sqlite/dialect.ts'

const dialect = sqliteDialect(Date.now, {} as never)

/** How SQLite finds the rows of the executions. */
async function planOf({ text, parameters }: Query): Promise<readonly string[]> {
  const database = new DatabaseSync(':memory:')
  await sqliteStore({ database }).open()
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
