import { DatabaseSync } from 'node:sqlite'
import { expect, test } from 'vitest'
import { sqliteStore } from '../../stores/sqlite/index.ts'
import { newExecution } from '../../src/testing/conformance/records.ts'

test('keys of a queue, and what each has to begin, are found by an index, however much they have', async () => {
  const database = new DatabaseSync(':memory:')
  const store = sqliteStore({ database })
  await store.open()
  const keys = ['a', 'b', 'c']
  await store.create(
    keys.flatMap((key) => [1, 2, 3].map((n) => newExecution(`${key}${n}`, { queue: 'keyed', key, graph: 'users' }))),
  )
  const plans: string[] = []
  const prepare = database.prepare.bind(database)
  database.prepare = (sql: string) => {
    if (/\bqueue_key\b/.test(sql) && /^\s*select/i.test(sql))
      plans.push(
        ...prepare(`explain query plan ${sql}`)
          .all(...Array.from(sql.matchAll(/\?/g), () => null))
          .map((row) => String(row['detail'])),
      )
    return prepare(sql)
  }
  expect(await store.readyKeys('keyed', undefined, 2)).toEqual(['a', 'b'])
  expect(await store.backlog([{ queue: 'keyed', upTo: 2, key: 'c' }])).toMatchObject([{ ready: 2 }])
  const toBegin = plans.filter((line) => line.includes('docket_executions_to_begin'))
  expect(toBegin.length).toBeGreaterThan(1)
  for (const line of toBegin) expect(line).toMatch(/\(queue=\? AND graph=\?(?:\)| AND queue_key[=>]\?)/)
  expect(plans.filter((line) => /USE TEMP B-TREE FOR GROUP|^SCAN e\b/.test(line))).toEqual([])
  await store.close()
})
