import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, onTestFinished, test } from 'vitest'
import { claimOf, newExecution } from '../../src/testing/conformance/records.ts'
import { createDocket } from '../../src/index.ts'
import { placeMaker, sqlKinds, storeKinds } from './place.ts'
import type { Place } from './place.ts'
import { relay, Second } from './relay.ts'
import type { SqlKind } from './store-address.ts'

const newPlace = await placeMaker()

const expired = { sqlite: 200_000, postgres: 30_000, mysql: 30_000 } as const
const claims = 5_000
/** Those that a transaction of somebody else's has locked. */
const locked = 7
const lockedRows = `docket_results where id in (${Array.from({ length: locked }, (_, index) => `'completed-${index * 1_000 + 1}'`).join()})`

const columns = 'id, namespace, step, version, type, status, owner, epoch, output, claimed_at, ended_at, expires_at'
const old = `'2020-01-01 00:00:00.000'`

function rowsOf(kind: SqlKind, count: number, status: 'completed' | 'running'): string {
  const number = { sqlite: 'i', postgres: 'i', mysql: 'seq' }[kind]
  const text =
    kind === 'postgres'
      ? `'${status}-' || ${number}`
      : kind === 'sqlite'
        ? `'${status}-' || ${number}`
        : `concat('${status}-', ${number})`
  const from = {
    sqlite: `(with recursive n(i) as (select 1 union all select i + 1 from n where i < ${count}) select i from n)`,
    postgres: `generate_series(1, ${count}) i`,
    mysql: `seq_1_to_${count}`,
  }[kind]
  const time = kind === 'postgres' ? `timestamp ${old}` : old
  const ends = status === 'completed' ? `'{}', ${time}, ${time}, ${time}` : `null, ${time}, null, null`
  return `insert into docket_results (${columns}) select ${text}, 'n', 's', '1', 't', '${status}', 'dead', 5, ${ends} from ${from}`
}

async function fill(place: Place, kind: SqlKind): Promise<void> {
  await place.sql(rowsOf(kind, expired[kind], 'completed'))
  await place.sql(rowsOf(kind, claims, 'running'))
}

async function count({ sql }: Place): Promise<number> {
  const [row] = await sql(`select count(*) as n from docket_results where owner = 'dead'`)
  return Number(row!['n'])
}

describe.each(sqlKinds)('on %s', (kind) => {
  test(
    'a backlog of expired results and dead claims is worked off by one upkeep, past what others have locked, while executions go on',
    { timeout: 180_000 },
    async () => {
      const place = await newPlace(kind)
      const store = place.createStore()
      await store.open()
      await store.close()
      await fill(place, kind)
      const isLocking = kind !== 'sqlite'
      const transaction = isLocking ? await lockSome(place, [lockedRows]) : undefined
      const { relay: graph } = relay({ scope: 'global' })
      const docket = createDocket({ graphs: [graph], store: place.createStore(), lease: '30s' })
      onTestFinished(() => docket.close({ deadline: 0 }))
      await docket.list()
      const done = new AbortController()
      let turns = 0
      const turning = (async () => {
        while (!done.signal.aborted) {
          for (let some = 0; some < 10; some++, turns++) await nextTurn()
          // Without a rest it would keep a processor from the server.
          await sleep(1)
        }
      })()
      let executions = 0
      for (let looks = 0; looks % 10 > 0 || (await count(place)) > (isLocking ? locked : 0); looks++) {
        expect(await docket.execute(graph, Second, { Seed: executions }, { id: `e${executions}` })).toBe(executions + 2)
        executions++
        await sleep(20)
      }
      done.abort()
      await turning
      // Had it been in one piece, there would have been none between.
      expect(executions).toBeGreaterThan(5)
      expect(turns).toBeGreaterThan(100)
      await transaction?.end('rollback')
    },
  )
})

/** As another program would that looks at some rows for long. */
async function lockSome(place: Place, rows: readonly string[]) {
  const transaction = await place.beginTransaction()
  const client = transaction.client as { query(text: string): Promise<unknown> }
  if (place.kind === 'postgres') await client.query(`set local search_path to ${place.address.space}`)
  for (const one of rows) await client.query(`select 1 from ${one} for update`)
  return transaction
}

describe.each(storeKinds)('on %s', (kind) => {
  test(
    'purgeResults works off failures and released claims, purge what has receipts, however many there are',
    { timeout: 120_000 },
    async () => {
      const place = await newPlace(kind)
      const store = place.createStore()
      onTestFinished(() => store.close())
      await store.open()
      await store.renewOwner('ada', 600_000)
      const many = 10_000
      for (let from = 0; from < many; from += 1_000) {
        const keys = Array.from({ length: 1_000 }, (_, index) => `key-${from + index}`)
        const states = await store.claimResults(keys.map((key) => claimOf(key, 'ada')))
        const outcome = { status: 'failed', error: '{}' } as const
        await store.commitResults(
          keys.map((key, index) => ({
            key,
            owner: 'ada',
            epoch: (states[index] as { epoch: number }).epoch,
            at: 1,
            outcome,
          })),
        )
        if (from >= 3_000) continue
        const ids = Array.from({ length: 1_000 }, (_, index) => `x-${from + index}`)
        await store.create(ids.map((id) => newExecution(id, { owner: 'ada' })))
        const message = { class: 'data', kind: 'signal', slot: 'Reply', id: 'first', payload: '{}', at: 1 } as const
        await store.post(ids.map((execution) => ({ ...message, execution })))
        const ended = { status: 'failed', error: '{}', endedAt: 1, isReleased: true } as const
        await store.commit(ids.map((id) => ({ id, owner: 'ada', epoch: 1, at: 2, steps: [], head: ended })))
      }
      const { relay: graph } = relay()
      const docket = createDocket({ graphs: [graph], store: place.createStore(), takeOver: false })
      onTestFinished(() => docket.close({ deadline: 0 }))
      expect(await docket.purge({ olderThan: 0 })).toBe(3_000)
      // The docket's own upkeep may have taken some of them, and be at it.
      if (kind === 'redis') await expect.poll(() => place.redis.keys(`${place.address.space}:{*[0-9]}:*`)).toEqual([])
      else
        for (const table of ['results', 'executions', 'mailbox', 'receipts'])
          await expect.poll(() => place.sql(`select * from docket_${table} limit 3`), { message: table }).toEqual([])
    },
  )
})

describe('on postgres', () => {
  test('purges wait for no row but those that they delete, and leave out what others have locked of these', async () => {
    const place = await newPlace('postgres')
    const store = place.createStore()
    onTestFinished(() => store.close())
    await store.open()
    await place.sql(rowsOf('postgres', 3_000, 'completed'))
    const ids = Array.from({ length: 3_000 }, (_, index) => `x-${index}`)
    const open = ids.at(-1)!
    await store.renewOwner('ada', 600_000)
    await store.create(ids.map((id) => newExecution(id, { owner: 'ada' })))
    const message = { class: 'data', kind: 'signal', slot: 'Reply', id: 'first', payload: '{}', at: 1 } as const
    await store.post(ids.map((execution) => ({ ...message, execution })))
    const ended = { status: 'failed', error: '{}', endedAt: 1, isReleased: true } as const
    await store.commit(
      ids.flatMap((id) => (id === open ? [] : [{ id, owner: 'ada', epoch: 1, at: 2, steps: [], head: ended }])),
    )
    const transaction = await lockSome(place, [
      `docket_results where id = 'completed-7'`,
      `docket_executions where id = '${open}'`,
    ])
    let purged = 0
    for (let some = 1; some > 0; purged += some) some = await store.purgeResults(2_000)
    expect(purged).toBe(2_999)
    expect(await store.purge({ statuses: ['failed'], endedBefore: 10, limit: 5_000 })).toBe(2_999)
    await transaction.end('rollback')
  })
})
