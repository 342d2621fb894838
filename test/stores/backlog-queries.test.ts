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
  expect(plans.filter((line) => /^SCAN e\b/.test(line))).toEqual([])
  expect(toBegin.filter((line) => line.includes('TEMP B-TREE'))).toEqual([])
  await store.close()
})

test('what has begun or is parked in a queue is gone through once for all of its keys, as no index has these', async () => {
  const database = new DatabaseSync(':memory:')
  const store = sqliteStore({ database })
  await store.open()
  const keys = ['a', 'b', 'c']
  await store.create(keys.map((key) => newExecution(key, { queue: 'keyed', key, graph: 'users' })))
  const queries: string[] = []
  const prepare = database.prepare.bind(database)
  database.prepare = (sql: string) => {
    if (/docket_executions_(due|to_go_on|unfinished)/.test(sql)) queries.push(sql)
    return prepare(sql)
  }
  await store.backlog(keys.map((key) => ({ queue: 'keyed', upTo: 9, key })))
  const ofKeys = queries.filter((sql) => sql.includes('queue_key'))
  expect(ofKeys).toHaveLength(4)
  for (const sql of ofKeys) expect(sql).toMatch(/group by e\.queue_key/)
  await store.close()
})

test('names of queues are found by indexes, whatever stands in the queues', async () => {
  const database = new DatabaseSync(':memory:')
  const store = sqliteStore({ database })
  await store.open()
  await store.create([newExecution('a'), newExecution('b', { queue: 'gpu' })])
  const plans: string[] = []
  const prepare = database.prepare.bind(database)
  database.prepare = (sql: string) => {
    const nulls = Array.from(sql.matchAll(/\?/g), () => null)
    for (const row of prepare(`explain query plan ${sql}`).all(...nulls)) plans.push(String(row['detail']))
    return prepare(sql)
  }
  expect((await store.queueNames(9)).toSorted()).toEqual(['default', 'gpu'])
  for (const name of ['to_begin', 'to_go_on', 'due', 'unfinished'])
    expect(plans.join('\n')).toMatch(
      new RegExp(`^(?:SEARCH|SCAN) e USING (?:COVERING )?INDEX docket_executions_${name}\\b`, 'm'),
    )
  expect(plans).toContainEqual(expect.stringMatching(/docket_executions_to_begin \(queue>\?\)/))
  expect(plans.filter((line) => /^SCAN e$|TEMP B-TREE FOR ORDER/.test(line))).toEqual([])
  await store.close()
})
