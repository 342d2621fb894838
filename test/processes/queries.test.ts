import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { dataType, graph, step } from '../../src/index.ts'
import { placeMaker, sqlKinds } from './place.ts'
import { startProcess } from './processes.ts'
import type { SqlKind } from './store-address.ts'

const newPlace = await placeMaker()

const guide = readFileSync(join(resolve(import.meta.dirname, '../..'), 'docs/queries.md'), 'utf8')
const endings: Record<SqlKind, string> = { postgres: '', sqlite: ', on SQLite', mysql: ', on MySQL and MariaDB' }
/** The guide's statements by their names and the databases that they are for. */
const statements = new Map(
  [...guide.matchAll(/^```sql\n-- ([^:\n]+)([\s\S]*?)^```$/gm)].map(([, name = '', rest = '']) => [
    name,
    `-- ${name}${rest}`,
  ]),
)
/** The same on every database. */
const portable = 'who dies of it'
const names = [...statements.keys()].filter((name) => !name.includes(', on '))

const Order = dataType(
  'Order',
  z.object({
    id: z.string(),
    placedAt: z
      .string()
      .default('2026-01-01')
      .transform((text) => new Date(text)),
  }),
)
const Rate = dataType('Rate', z.object({ currency: z.string(), rate: z.number() }))
const Payment = dataType('Payment', z.string())

/** Orders of one tenant, of which the bank has refused one. */
async function ordersIn(kind: SqlKind) {
  const place = await newPlace(kind)
  const bank = { isOpen: false, lookups: 0 }
  const findRate = step({
    name: 'FindRate',
    inputs: { order: Order },
    output: Rate,
    persist: 'global',
    run: () => ({ currency: 'NOK', rate: ++bank.lookups }),
  })
  const pay = step({
    name: 'Pay',
    inputs: { order: Order, rate: Rate },
    output: Payment,
    persist: 'execution',
    run: ({ order }) => {
      if (!bank.isOpen && order.id === 'o-2') throw new Error('card declined')
      return `payment of ${order.id} from ${order.placedAt.getUTCFullYear()}`
    },
  })
  const orders = graph({ name: 'orders', steps: [findRate, pay] })
  const { docket } = startProcess(place, { graphs: [orders] })
  for (const order of [{ id: 'o-1', placedAt: '2025-11-30T12:00:00Z' }, { id: 'o-2' }])
    await docket
      .execute(orders, Payment, { Order: order }, { id: order.id, headers: { tenant: 'acme' } })
      .catch(() => {})
  const ask = (name: string): ReturnType<typeof place.sql> => {
    const statement = statements.get(name === portable ? name : name + endings[kind])
    if (statement === undefined) throw new Error(`the guide has no "${name}${endings[kind]}"`)
    return place.sql(statement)
  }
  return { place, docket, orders, bank, ask }
}

/** A time of the database's, some days or hours ago, as a text that each of them takes. */
const ago = (hours: number): string =>
  new Date(Date.now() - hours * 3_600_000).toISOString().slice(0, 23).replace('T', ' ')

/** PostgreSQL's times without a zone are those of its session. */
const hoursAgo = (kind: SqlKind, hours: number): string => `'${ago(hours)}${kind === 'postgres' ? '+00' : ''}'`

/** Yesterday at this time, by the database's own calendar; an hour from midnight, sooner or later makes no difference. */
const endYesterday = (kind: SqlKind, table: string): string =>
  `update ${table} set ended_at = ${hoursAgo(kind, 24)} where ended_at is not null`

test('the guide has each of its statements for each database', () => {
  expect(names.length).toBeGreaterThanOrEqual(12)
  const expected = names.flatMap((name) => [
    name,
    ...(name === portable ? [] : [name + endings.sqlite, name + endings.mysql]),
  ])
  expect([...statements.keys()].toSorted()).toEqual(expected.toSorted())
})

describe.each(sqlKinds)('in %s', (kind) => {
  test('what failed, and the failed payments of yesterday', async () => {
    const { place, ask } = await ordersIn(kind)
    expect(await ask('what failed')).toMatchObject([
      { id: 'o-2', graph: 'orders', step: 'Pay', reason: 'card declined' },
    ])
    expect(await ask('failed payments of yesterday')).toEqual([])
    await place.sql(endYesterday(kind, 'docket_steps'))
    expect(await ask('failed payments of yesterday')).toMatchObject([
      { execution: 'o-2', reason: 'card declined', order_id: 'o-2' },
    ])
  })

  test('an input that its schema converts is found as it was given, and as the steps get it', async () => {
    const { ask, docket } = await ordersIn(kind)
    const rows = await ask('by an input that its schema converts')
    expect(rows).toMatchObject([{ id: 'o-1', status: 'completed', given: '2025-11-30T12:00:00Z' }])
    expect(new Date(String(rows[0]!['placed_at'])).getTime()).toBe(Date.UTC(2025, 10, 30, 12))
    expect(await (await docket.get('o-1'))!.result()).toBe('payment of o-1 from 2025')
  })

  test('what nobody runs, what makes no progress, and who dies of it', async () => {
    const { place, ask, docket } = await ordersIn(kind)
    for (const name of ['nobody runs it', 'no progress', portable]) expect(await ask(name), name).toEqual([])
    // Of a graph that no process knows: nobody takes it.
    const stuck = `status = 'running', graph = 'gone', recoveries = 3, updated_at = ${hoursAgo(kind, 2)}`
    await place.sql(`update docket_executions set ${stuck} where id = 'o-2'`)
    expect(await ask('nobody runs it')).toMatchObject([{ id: 'o-2', owner: null }])
    expect(await ask('no progress')).toEqual([])
    expect(await ask(portable)).toMatchObject([{ id: 'o-2', graph: 'gone' }])
    const [living] = await ask('which processes live, and how much each has to do')
    expect(Number(living!['executions'])).toBe(0)
    await place.sql(`update docket_executions set owner = '${String(living!['owner'])}' where id = 'o-2'`)
    await place.sql(`update docket_steps set status = 'retrying', attempt = 2 where step = 'Pay' and execution = 'o-2'`)
    expect(await ask('nobody runs it')).toEqual([])
    expect(await ask('no progress')).toMatchObject([{ id: 'o-2', step: 'Pay', status: 'retrying' }])
    const [busy] = await ask('which processes live, and how much each has to do')
    expect(Number(busy!['executions'])).toBe(1)
    await docket.delete('o-2')
  })

  test('how many there are, whose they are, and how long steps take', async () => {
    const { place, ask } = await ordersIn(kind)
    const counts = (await ask('how many')).map(({ executions, ...row }) => ({ ...row, executions: Number(executions) }))
    expect(counts).toEqual([
      { graph: 'orders', status: 'completed', executions: 1 },
      { graph: 'orders', status: 'failed', executions: 1 },
    ])
    expect((await ask('whose')).map(({ id }) => id).toSorted()).toEqual(['o-1', 'o-2'])
    await place.sql(`update docket_steps set started_at = ${hoursAgo(kind, 2)}, ended_at = ${hoursAgo(kind, 1)}`)
    const slowest = (await ask('how long')).map((row) => ({
      step: row['step'],
      times: Number(row['times']),
      seconds: Math.round(Number(row['median_seconds'])),
      p99: Math.round(Number(row['p99_seconds'])),
    }))
    expect(slowest.toSorted((a, b) => String(a.step).localeCompare(String(b.step)))).toEqual([
      { step: 'FindRate', times: 2, seconds: 3_600, p99: 3_600 },
      { step: 'Pay', times: 2, seconds: 3_600, p99: 3_600 },
    ])
  })

  test('what SQL retries goes on: finished steps stay finished', async () => {
    const { place, ask, docket, bank } = await ordersIn(kind)
    bank.isOpen = true
    await place.sql(endYesterday(kind, 'docket_executions'))
    await ask('retry them')
    expect(await (await docket.get('o-2'))!.result()).toBe('payment of o-2 from 2026')
    expect(bank.lookups).toBe(2)
  })

  test('an input that SQL mends is the one that the retried execution goes on with, converted and not', async () => {
    const { place, ask, docket } = await ordersIn(kind)
    await ask('mend an input')
    const mended = (await (await docket.get('o-2'))!.details())!
    expect(mended.inputs).toMatchObject({ Order: { id: 'o-3' } })
    // The bank refuses another one.
    await place.sql(endYesterday(kind, 'docket_executions'))
    await ask('retry them')
    expect(await (await docket.get('o-2'))!.result()).toBe('payment of o-3 from 2026')
    expect(await place.sql(`select error_code from docket_executions where id = 'o-2'`)).toMatchObject([
      { error_code: null },
    ])
  })

  test('a result that was forgotten is made anew, and executions that used it keep it', async () => {
    const { ask, docket, orders } = await ordersIn(kind)
    await ask('forget one result')
    const order = { id: 'o-1', placedAt: '2025-11-30T12:00:00Z' }
    expect(await docket.execute(orders, Rate, { Order: order })).toMatchObject({ rate: 3 })
    const { steps } = await (await docket.get('o-1'))!.details()
    expect(steps.find((one) => one.step === 'FindRate')?.output).toMatchObject({ rate: 1 })
  })
})
