import { afterAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { createDocket, dataType, graph, incompatibleWith, signal, step } from '../../src/index.ts'
import type { Docket, MigrateHook, Store } from '../../src/index.ts'
import type { AnyGraph } from '../../src/core/graph/graph-index.ts'
import { createTestDocket } from '../../src/testing/index.ts'
import { cli } from '../cli/call-cli.ts'
import { placeMaker, storeKinds } from './place.ts'
import type { Place } from './place.ts'

const newPlace = await placeMaker()

const Order = dataType('Order', z.object({ id: z.string(), at: z.date() }))
const Charge = dataType('Charge', z.object({ paid: z.bigint() }))
const Approval = dataType('Approval', z.string())
const Receipt = dataType('Receipt', z.string())

/** Orders as they were: payments are whole numbers, and the printer may be away. */
function before(ran: string[], world: { printer: 'away' | 'there' }) {
  return graph({
    name: 'orders',
    steps: [
      step({
        name: 'Pay',
        inputs: { order: Order },
        output: Charge,
        persist: 'execution',
        run: ({ order }) => (ran.push(`pay ${order.id} ${order.at.getUTCFullYear()}`), { paid: 30n }),
      }),
      signal(Approval),
      step({
        name: 'Print',
        inputs: { charge: Charge, approval: Approval },
        output: Receipt,
        persist: 'execution',
        run: ({ charge, approval }) => {
          if (world.printer === 'away') throw new Error('out of paper')
          return `${charge.paid} by ${approval}`
        },
      }),
    ],
  })
}

const Payment = dataType('Payment', z.object({ cents: z.number() }), { version: '2', formerly: 'Charge' })
const Invoice = dataType('Invoice', z.string())

/** The same in the next version: the graph, a step and a type have other names, the type another shape, and a step was added. */
function after(ran: string[]) {
  return graph({
    name: 'purchases',
    formerly: 'orders',
    steps: [
      step({
        name: 'Charge',
        formerly: 'Pay',
        inputs: { order: Order },
        output: Payment,
        persist: 'execution',
        run: ({ order }) => (ran.push(`charge ${order.id}`), { cents: 1 }),
      }),
      step({
        name: 'Bill',
        inputs: { payment: Payment },
        output: Invoice,
        persist: 'execution',
        run: ({ payment }) => `bill of ${payment.cents}`,
      }),
      signal(Approval),
      step({
        name: 'Print',
        inputs: { invoice: Invoice, approval: Approval },
        output: Receipt,
        persist: 'execution',
        run: ({ invoice, approval }) => `${invoice} by ${approval}`,
      }),
    ],
  })
}

const toCents: MigrateHook = (execution) => {
  const old = execution.steps['Charge']
  if (old === undefined || old.typeVersion === '2') return execution
  const { paid } = old.output as { readonly paid: bigint }
  const output = { cents: Number(paid) * 100 }
  return { ...execution, steps: { ...execution.steps, Charge: { type: 'Payment', typeVersion: '2', output } } }
}

const dockets: Docket[] = []
afterAll(() => Promise.all(dockets.map((docket) => docket.close({ deadline: 0 }))))

function open(store: Store, of: AnyGraph, more: object = {}): Docket {
  const docket = createDocket({ graphs: [of], store, park: 0, ...more })
  dockets.push(docket)
  return docket
}

const inputs = { Order: { id: 'o', at: new Date('2026-05-01') } }

/** Five that the outage has failed, and one that waits, which no process has. */
async function afterOutage(place: Place) {
  const [ran, world]: [string[], { printer: 'away' | 'there' }] = [[], { printer: 'away' }]
  const old = before(ran, world)
  const docket = open(place.createStore(), old)
  const ids = ['f1', 'f2', 'f3', 'f4', 'f5']
  for (const id of ids) {
    const failing = docket.execute(old, Receipt, inputs, { id, signals: { Approval: 'Ada' } })
    await expect(failing).rejects.toThrow('out of paper')
  }
  const waiting = await docket.start(old, Receipt, inputs, { id: 'waits' })
  await expect.poll(async () => (await waiting.details()).steps.map(({ status }) => status)).toContain('completed')
  await expect.poll(async () => (await waiting.info()).owner).toBeUndefined()
  await docket.close({ deadline: 0 })
  ran.length = 0
  return { old, ran, world, ids }
}

/** How the command line is called to look at it. */
function storeArguments({ address: { kind, url, space } }: Place): readonly string[] {
  if (kind === 'sqlite') return ['--store', `sqlite:${url}`]
  return ['--store', url, ...(kind === 'postgres' ? ['--schema', space] : space === '' ? [] : ['--prefix', space])]
}

describe.each(storeKinds)('on %s', (kind) => {
  test('a new version is compared with what is stored, and goes on with it by formerly and migrate, beside the old one', async () => {
    const place = await newPlace(kind)
    const { old, ran } = await afterOutage(place)
    const nextRan: string[] = []
    const graphOfNow = after(nextRan)
    const found = await incompatibleWith(place.createStore(), [graphOfNow])
    expect(found).toMatchObject({ looked: 1, unknown: {}, incompatible: [{ id: 'waits', status: 'waiting' }] })
    expect(found.incompatible[0]!.reasons.join()).toMatch(/version/)
    const migrate = { purchases: toCents }
    expect(await incompatibleWith(place.createStore(), [graphOfNow], { migrate })).toMatchObject({
      looked: 1,
      incompatible: [],
    })
    expect((await incompatibleWith(place.createStore(), [])).unknown).toEqual({ orders: 1 })
    // Without the hook it is left to the old version, which lives beside it.
    const without = open(place.createStore(), graphOfNow)
    const left = (await without.get('waits'))!
    expect(await left.signal(Approval, 'Bob')).toBe('accepted')
    const patience = { timeout: 15_000 }
    await expect
      .poll(() => without.why('waits'), patience)
      .toMatchObject({ code: 'execution.incompatible', reasons: [expect.stringMatching(/version/)] })
    await without.close({ deadline: 0 })
    const now = open(place.createStore(), graphOfNow, { migrate })
    expect(await (await now.get('waits'))!.result()).toBe('bill of 3000 by Bob')
    expect({ ran, nextRan }).toEqual({ ran: [], nextRan: [] })
    // And what the old version starts now, the new one leaves alone until then.
    const oldest = open(place.createStore(), old)
    expect((await oldest.list({ graph: 'orders', status: 'failed' })).executions).toHaveLength(5)
    await oldest.close({ deadline: 0 })
  })

  test('what an outage has failed is retried in portions; one with another input, and one from a step, are forks', async () => {
    const place = await newPlace(kind)
    const { old, ran, world } = await afterOutage(place)
    world.printer = 'there'
    const docket = open(place.createStore(), old)
    const query = { graph: 'orders', errorCode: 'STEP_FAILED', limit: 2 }
    const outcomes: string[] = []
    for (let after: string | undefined, isFirst = true; isFirst || after !== undefined; isFirst = false) {
      const page = await docket.retryAll({ ...query, ...(after !== undefined && { after }) })
      for (const { id, isRetried } of page.outcomes) outcomes.push(`${id} ${isRetried}`)
      after = page.next
    }
    expect(outcomes.toSorted()).toEqual(['f1 true', 'f2 true', 'f3 true', 'f4 true', 'f5 true'])
    expect(await (await docket.get('f3'))!.result()).toBe('30 by Ada')
    expect(ran).toEqual([])
    const given = await docket.fork('f1', { overrides: { Charge: { paid: 7n } }, graph: old, target: Receipt })
    expect(await given.result()).toBe('7 by Ada')
    const again = await docket.fork('f1', { from: 'Pay' })
    expect(await again.result()).toBe('30 by Ada')
    expect(ran).toEqual(['pay o 2026'])
    await expect.poll(async () => (await docket.count({ status: 'failed' })).failed).toBeUndefined()
    const completed = (await docket.count({ status: 'completed' })).completed!.count
    // What has ended in this very millisecond is not older than that.
    await new Promise((resolve) => setTimeout(resolve, 10))
    expect(await docket.purge({ olderThan: 0, status: 'completed' })).toBe(completed)
    expect((await docket.list()).executions.map(({ id }) => id)).toEqual(['waits'])
  })

  test('one that failed is exported, and replayed in a test', async () => {
    const place = await newPlace(kind)
    await afterOutage(place)
    const onlooker = createDocket({ graphs: [], store: place.createStore(), takeOver: false })
    dockets.push(onlooker)
    const text = JSON.stringify(await onlooker.export('f1'))
    const ran: string[] = []
    const local = before(ran, { printer: 'there' })
    await using replayed = createTestDocket({ graphs: [local], from: JSON.parse(text) as never })
    expect(await (await replayed.retry('f1')).result()).toBe('30 by Ada')
    expect(ran).toEqual([])
  })

  test('the command line looks at it without the graphs’ code', async () => {
    const place = await newPlace(kind)
    await afterOutage(place)
    const where = storeArguments(place)
    const text = async (...argv: readonly string[]): Promise<string> => {
      const { code, out, err } = await cli([...argv, ...where])
      expect({ argv, code, err: code === 0 ? '' : err }).toEqual({ argv, code: 0, err: '' })
      return out
    }
    expect(await text('list', '--count', '--error-code', 'STEP_FAILED')).toMatch(/failed +5/)
    expect(await text('show', 'f1', '--values')).toMatch(/Error: out of paper[^]*"paid": "30"/)
    expect(await text('why', 'f1', 'Print')).toMatch(/out of paper[^]*\[step\.failed\]/)
    expect(await text('events', 'f1')).toMatch(/step\.failed {2}Print/)
    expect(await text('why', 'waits')).toMatch(/\[execution\.waits\]/)
    expect(JSON.parse(await text('export', 'f1'))).toMatchObject({ format: 'docket-execution/1', sensitive: [] })
    expect(await text('queues', 'list')).toMatch(/^default +active/m)
    expect(await text('cancel', '--all', '--dry-run')).toBe('waits  wouldBe\n')
    expect(await text('signal', 'waits', 'Approval', '--value', '"Bob"')).toBe('waits  accepted\n')
    expect(await text('show', 'waits')).toMatch(/^signal +Approval/m)
    expect(await text('cancel', 'waits', '--reason', 'test')).toMatch(/^waits {2}(?:cancelled|requested)\n$/)
    expect(await text('acts', 'waits')).toMatch(/cancel +waits +test[^]*signal +waits +Approval/)
    expect(await text('delete', 'f1', '--yes')).toBe('f1  deleted\n')
    expect((await cli(['show', 'f1', ...where])).code).toBe(3)
  })
})
