import { expect, test, vi } from 'vitest'
import { dataType, graph, optional, race, step, timer, type } from '../../src/index.ts'
import { remote } from '../../src/remote/index.ts'
import type { FetchHandler } from '../../src/remote/index.ts'
import { createTestDocket } from '../../src/testing/index.ts'
import { memoryStore } from '../../stores/memory/index.ts'
import {
  billingService,
  Charge,
  chargesOf,
  Confirmation,
  docketOf,
  fetchOf,
  ordersOf,
  Receipt,
} from './two-services.ts'

const headers = { authorization: 'Bearer orders' }
const order = { Order: { id: 'o-1', amount: 12 } }
const url = 'http://billing.test'
const patience = { timeout: 10_000, interval: 20 }

/** Two services whose charges wait, with the paths that the second one has called. */
function services(between: (request: Request) => Response | undefined = () => undefined) {
  const service = billingService(chargesOf(undefined, true))
  const calls: string[] = []
  const handler: FetchHandler = (request) => {
    calls.push(`${request.method} ${new URL(request.url).pathname}`)
    const answer = between(request)
    return answer === undefined ? service.handler(request) : Promise.resolve(answer)
  }
  const statuses = async (): Promise<readonly string[]> =>
    (await service.docket.list({ graph: 'charges' })).executions.map(({ status }) => status)
  return { service, calls, handler, statuses }
}

test.each(['that knows its graph', 'that does not know its graph'])(
  'a parked execution that is cancelled by a docket %s has its operation cancelled before its end is written',
  async (which) => {
    let refusals = 2
    const { handler, calls, statuses } = services((request) =>
      request.url.endsWith('/cancel') && refusals-- > 0 ? new Response(null, { status: 503 }) : undefined,
    )
    const store = memoryStore()
    const orders = ordersOf({ url, headers, fetch: fetchOf(handler), poll: '1h' })
    const docket = docketOf({ graphs: [orders], store, park: 0 })
    const handle = await docket.start(orders, Confirmation, order, { id: 'order:o-1' })
    await vi.waitFor(async () => expect((await handle.details()).situation).toContain('it is parked'), patience)
    const other = docketOf({ graphs: which === 'that knows its graph' ? [orders] : [], takeOver: false, store })
    await other.cancel('order:o-1', new Error('no longer wanted'))
    await vi.waitFor(
      async () => expect((await other.list({})).executions).toMatchObject([{ status: 'cancelled' }]),
      patience,
    )
    expect(calls.filter((path) => path.endsWith('/cancel'))).toHaveLength(3)
    await vi.waitFor(async () => expect(await statuses()).toEqual(['cancelled']), patience)
    const { steps } = await handle.details()
    expect(steps.find((one) => one.step === 'Charge')).toMatchObject({ status: 'cancelled', waitsFor: undefined })
  },
)

test('an execution that is deleted while it is parked has its operation cancelled', async () => {
  const { handler, statuses } = services()
  const orders = ordersOf({ url, headers, fetch: fetchOf(handler), poll: '1h' })
  const docket = docketOf({ graphs: [orders], park: 0 })
  const handle = await docket.start(orders, Confirmation, order, { id: 'order:o-1' })
  await vi.waitFor(async () => expect((await handle.details()).situation).toContain('it is parked'), patience)
  expect(await docket.delete('order:o-1')).toBe(true)
  await vi.waitFor(async () => expect(await statuses()).toEqual(['cancelled']), patience)
})

test('a service that does not answer holds the end of an execution for seconds, not for ever', async () => {
  const { handler } = services((request) =>
    request.url.endsWith('/cancel') ? new Response(null, { status: 503 }) : undefined,
  )
  const warnings: unknown[] = []
  const logger = {
    debug() {},
    info() {},
    warn: (_: object, text?: string) => void warnings.push(text),
    error() {},
    child: () => logger,
  }
  const orders = ordersOf({ url, headers, fetch: fetchOf(handler), poll: '1h' })
  await using docket = createTestDocket({ graphs: [orders], logger: logger as never })
  const handle = await docket.start(orders, Confirmation, order, { id: 'order:o-1' })
  await vi.waitFor(async () => expect((await handle.details()).steps[1]).toMatchObject({ status: 'waiting' }), patience)
  const began = docket.now().getTime()
  await Promise.all([handle.cancel(), docket.advance('1m')])
  await expect(handle.result()).rejects.toMatchObject({ code: 'EXECUTION_CANCELLED' })
  const { endedAt } = await handle.details()
  expect(endedAt!.getTime() - began).toBeGreaterThan(5_000)
  expect(endedAt!.getTime() - began).toBeLessThan(15_000)
  expect(warnings).toEqual([expect.stringContaining('could not be notified that its work is cancelled')])
})

test('an operation that loses a race, or is not needed any more, is cancelled while its execution goes on', async () => {
  const { handler, statuses } = services()
  const Amount = dataType('Amount', type<{ order: string; amount: number }>())
  const Late = dataType('Late', type<string>())
  const Paid = dataType('Paid', type<string>())
  const late = timer({ name: 'Late', output: Late, after: '300ms', value: () => 'too late' })
  const paid = race({
    name: 'Paid',
    inputs: { receipt: Receipt, late: Late },
    output: Paid,
    run: (first) => (first.port === 'late' ? first.value : first.value.id),
  })
  const ask = remote(Charge, { name: 'Charge', url, headers, fetch: fetchOf(handler), poll: '1h', input: Amount })
  const orders = graph({ name: 'orders', steps: [ask, late, paid] })
  const docket = docketOf({ graphs: [orders] })
  expect(await docket.execute(orders, Paid, { Amount: { order: 'o', amount: 1 } }, { id: 'a' })).toBe('too late')
  await vi.waitFor(async () => expect(await statuses()).toEqual(['cancelled']), patience)
})

test('a step that fails elsewhere cancels the operation, and an operation that fails leaves what can do without it', async () => {
  const { handler, statuses } = services()
  const Amount = dataType('Amount', type<{ order: string; amount: number }>())
  const Checked = dataType('Checked', type<string>())
  const Summary = dataType('Summary', type<string>())
  const check = step({
    name: 'Check',
    inputs: {},
    output: Checked,
    run: async () => {
      await vi.waitFor(async () => expect(await statuses()).toEqual(['waiting']), patience)
      throw new Error('no stock')
    },
  })
  const ask = remote(Charge, { name: 'Charge', url, headers, fetch: fetchOf(handler), poll: '1h', input: Amount })
  const sum = step({ name: 'Sum', inputs: { receipt: Receipt, checked: Checked }, output: Summary, run: () => 'all' })
  const orders = graph({ name: 'orders', steps: [ask, check, sum] })
  const docket = docketOf({ graphs: [orders] })
  await expect(docket.execute(orders, Summary, { Amount: { order: 'o', amount: 1 } })).rejects.toMatchObject({
    step: 'Check',
  })
  await vi.waitFor(async () => expect(await statuses()).toEqual(['cancelled']), patience)

  const refusing = remote(Charge, { name: 'Charge', url, fetch: fetchOf(handler), input: Amount })
  const without = step({
    name: 'Sum',
    inputs: { receipt: optional(Receipt) },
    output: Summary,
    run: ({ receipt }) => `with ${receipt?.id ?? 'none'}`,
  })
  const modest = graph({ name: 'modest', steps: [refusing, without] })
  expect(await docketOf({ graphs: [modest] }).execute(modest, Summary, { Amount: { order: 'o', amount: 1 } })).toBe(
    'with none',
  )
})
