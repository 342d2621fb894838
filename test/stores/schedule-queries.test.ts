import { DatabaseSync } from 'node:sqlite'
import { expect, test } from 'vitest'
import { sqliteStore } from '../../stores/sqlite/index.ts'

test('what is due, and what is next, is found by an index, whatever else there is', async () => {
  const database = new DatabaseSync(':memory:')
  const texts: string[] = []
  const prepare = database.prepare.bind(database)
  database.prepare = (text) => {
    texts.push(text)
    return prepare(text)
  }
  const store = sqliteStore({ database })
  await store.open()
  texts.length = 0
  const graphs = ['a', 'b', 'c']
  await store.nextSchedule(graphs)
  await store.takeSchedules({ graphs, before: 1, until: 2, taker: 't', limit: 10 })
  await store.listSchedules({ graph: 'a', after: 'x', limit: 10 })
  await store.getSchedules(['a'])
  const plans = texts
    .filter((text) => text.includes('docket_schedules'))
    .map((text) =>
      prepare(`explain query plan ${text}`)
        .all(...Array.from({ length: text.split('?').length - 1 }, () => '["a"]'))
        .map(({ detail }) => String(detail)),
    )
  expect(plans.length).toBe(4)
  for (const plan of plans)
    expect(
      plan.some((line) => /SEARCH s USING (?:COVERING )?INDEX/.test(line)),
      plan.join('\n'),
    ).toBe(true)
  expect(plans.flat().filter((line) => /^SCAN (?:s|docket_schedules)\b/.test(line))).toEqual([])
  await store.close()
})
