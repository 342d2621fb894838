import { expect, test, vi } from 'vitest'
import { graph, subgraph } from '../../src/index.ts'
import { receiveCallbacks } from '../../src/remote/index.ts'
import type { FetchHandler } from '../../src/remote/index.ts'
import { sealedPlace } from '../../src/remote/callback-message.ts'
import { signatureOf } from '../../src/remote/secrets.ts'
import { memoryStore } from '../../stores/memory/index.ts'
import {
  Approval,
  billingService,
  callbacksOf,
  chargesOf,
  Confirmation,
  docketOf,
  later,
  listen,
  ordersOf,
  secret,
} from './two-services.ts'

const headers = { authorization: 'Bearer orders' }
const patience = { timeout: 10_000, interval: 20 }

/** Two services behind ports, whose orders never poll; `around` stands before the one that charges. */
async function services(waits: boolean, around: (request: Request, handler: FetchHandler) => Promise<Response>) {
  const callbacks = later()
  const callbackUrl = await listen((request) => callbacks.handler(request))
  const service = billingService(chargesOf(undefined, waits), { callbackHosts: [callbackUrl] })
  const url = await listen((request) => around(request, service.handler))
  const orders = ordersOf({ url, headers, callback: { url: callbackUrl, secret }, poll: '1h' })
  const answers: number[] = []
  const receive = (docket: ReturnType<typeof docketOf>): void => {
    const take = callbacksOf(docket)
    callbacks.set(async (request) => {
      const response = await take(request)
      answers.push(response.status)
      return response
    })
  }
  const approveAll = async (count: number): Promise<void> => {
    const charges = await vi.waitFor(async () => {
      const { executions } = await service.docket.list({ graph: 'charges' })
      expect(executions).toHaveLength(count)
      return executions
    }, patience)
    for (const { id } of charges) await (await service.docket.get(id))!.signal(Approval, 'yes')
  }
  return { service, orders, answers, receive, approveAll }
}

test('a callback that comes before the answer to the first call ends the wait', async () => {
  let answered = 0
  const { orders, answers, receive } = await services(false, async (request, handler) => {
    const response = await handler(request)
    // The answer is lost on its way, as often as it is sent.
    if (request.method === 'POST') await new Promise((resolve) => setTimeout(resolve, 60_000).unref())
    answered++
    return response
  })
  const docket = docketOf({ graphs: [orders] })
  receive(docket)
  const result = docket.execute(orders, Confirmation, { Order: { id: 'o-1', amount: 12 } }, { id: 'one' })
  expect(await result).toBe('receipt of o-1: 12')
  expect([answers, answered]).toEqual([[200], 0])
})

test('a callback after the execution was cancelled, or deleted, is taken and changes nothing', async () => {
  const { orders, answers, receive, approveAll, service } = await services(true, async (request, handler) =>
    // The service never hears that it is cancelled.
    request.url.endsWith('/cancel') ? new Response('{}', { status: 202 }) : handler(request),
  )
  const docket = docketOf({ graphs: [orders] })
  receive(docket)
  const cancelled = await docket.start(orders, Confirmation, { Order: { id: 'o-1', amount: 1 } }, { id: 'cancelled' })
  const deleted = await docket.start(orders, Confirmation, { Order: { id: 'o-2', amount: 2 } }, { id: 'deleted' })
  await vi.waitFor(
    async () => expect((await service.docket.list({ graph: 'charges' })).executions).toHaveLength(2),
    patience,
  )
  for (const handle of [cancelled, deleted])
    await vi.waitFor(
      async () => expect((await handle.details()).steps[1]).toMatchObject({ status: 'waiting' }),
      patience,
    )
  await cancelled.cancel()
  await docket.delete('deleted')
  await approveAll(2)
  await vi.waitFor(() => expect(answers.toSorted()).toEqual([200, 404]), patience)
  await expect(cancelled.result()).rejects.toMatchObject({ code: 'EXECUTION_CANCELLED' })
  const { executions } = await docket.list({})
  expect(executions).toMatchObject([{ id: 'cancelled', status: 'cancelled' }])
})

test('any process of a service takes the callback for the one that waits', async () => {
  const { orders, receive, approveAll } = await services(true, (request, handler) => handler(request))
  const store = memoryStore()
  const docket = docketOf({ graphs: [orders], store })
  receive(docketOf({ graphs: [orders], takeOver: false, store }))
  const result = docket.execute(orders, Confirmation, { Order: { id: 'o-1', amount: 12 } }, { id: 'one' })
  await approveAll(1)
  expect(await result).toBe('receipt of o-1: 12')
})

test('each item of a batch, and an execution within another one, gets its own callback', async () => {
  const { orders, receive, approveAll, answers } = await services(true, (request, handler) => handler(request))
  const parents = graph({ name: 'parents', steps: [subgraph(orders, Confirmation)] })
  const docket = docketOf({ graphs: [orders, parents], park: 0 })
  receive(docket)
  const items = ['a', 'b', 'c'].map((id, index) => ({ Order: { id, amount: index + 1 } }))
  const batch = await docket.startBatch(orders, Confirmation, items, { id: 'batch' })
  const parent = await docket.start(parents, Confirmation, { Order: { id: 'd', amount: 4 } }, { id: 'parent' })
  await approveAll(4)
  expect(await batch.result()).toEqual(['receipt of a: 1', 'receipt of b: 2', 'receipt of c: 3'])
  expect(await parent.result()).toBe('receipt of d: 4')
  await vi.waitFor(() => expect(answers).toEqual([200, 200, 200, 200]), patience)
})

test('a service ends no step that waits for another one, though it has a secret of its own with this one', async () => {
  const requests: string[] = []
  const { orders, approveAll, receive, service } = await services(true, (request, handler) => {
    const id = request.headers.get('nexus-request-id')
    if (id !== null) requests.push(id)
    return handler(request)
  })
  const docket = docketOf({ graphs: [orders] })
  const handle = await docket.start(orders, Confirmation, { Order: { id: 'o-1', amount: 12 } }, { id: 'one' })
  await vi.waitFor(() => expect(requests).toHaveLength(1), patience)
  const others = 'what another service shares with this one'
  const place = { executionId: 'one', step: 'Charge', item: undefined, request: requests[0]! }
  const id = `${requests[0]}:succeeded`
  const timestamp = String(Math.floor(Date.now() / 1_000))
  const body = JSON.stringify({ id: 'forged', amount: 0 })
  const forged = new Request('http://orders.test/', {
    method: 'POST',
    body,
    headers: {
      'docket-call': sealedPlace(others, place),
      'nexus-operation-state': 'succeeded',
      'webhook-id': id,
      'webhook-timestamp': timestamp,
      'webhook-signature': signatureOf(others, 'signature', [id, timestamp, body]),
    },
  })
  expect((await receiveCallbacks(docket, { secret: [secret, others] })(forged)).status).toBe(200)
  receive(docket)
  await approveAll(1)
  expect(await handle.result()).toBe('receipt of o-1: 12')
  expect((await service.docket.list({ graph: 'charges' })).executions).toHaveLength(1)
})
