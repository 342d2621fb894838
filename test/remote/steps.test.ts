import { describe, expect, test, vi } from 'vitest'
import { execute, ExecutionCancelledError, explain, graph, StepError } from '../../src/index.ts'
import type { GraphError, RemoteError } from '../../src/index.ts'
import { remote } from '../../src/remote/index.ts'
import type { FetchHandler } from '../../src/remote/index.ts'
import { memoryStore } from '../../stores/memory/index.ts'
import {
  Approval,
  billingService,
  callbacksOf,
  Charge,
  chargesOf,
  Confirmation,
  docketOf,
  fetchOf,
  later,
  listen,
  ordersOf,
  secret,
} from './two-services.ts'

const url = 'http://billing.test/operations'
const headers = { authorization: 'Bearer orders' }
const order = { Order: { id: 'o-1', amount: 12 } }

/** A handler whose requests are kept. */
function kept(handler: FetchHandler): { readonly handler: FetchHandler; readonly requests: Request[] } {
  const requests: Request[] = []
  return { requests, handler: (request) => (requests.push(request.clone()), handler(request)) }
}

/** An order of a docket that lets a billing service charge it. */
async function startOrder(handler: FetchHandler, options: Partial<Parameters<typeof ordersOf>[0]> = {}) {
  const orders = ordersOf({ url, headers, fetch: fetchOf(handler), poll: '100ms', ...options })
  const docket = docketOf({ graphs: [orders] })
  return { orders, docket, handle: await docket.start(orders, Confirmation, order, { id: 'order:o-1' }) }
}

/** The one execution of the service's own graph. */
async function approve(service: ReturnType<typeof billingService>): Promise<void> {
  const [charge] = await vi.waitFor(async () => {
    const { executions } = await service.docket.list({ graph: 'charges' })
    expect(executions).toHaveLength(1)
    return executions
  })
  await (await service.docket.get(charge!.id))!.signal(Approval, 'yes')
}

test('a value that another service makes is a value like any other', async () => {
  const paid: string[] = []
  const service = billingService(
    chargesOf(({ order: id }) => void paid.push(id)),
    { basePath: '/operations' },
  )
  const { handle } = await startOrder(service.handler)
  expect(await handle.result()).toBe('receipt of o-1: 12')
  expect(paid).toEqual(['o-1'])
})

test('the answer that comes at once needs no second question', async () => {
  const service = billingService(chargesOf(), { answerWithin: '5s', basePath: '/operations' })
  const { handler, requests } = kept(service.handler)
  const { handle } = await startOrder(handler)
  await handle.result()
  expect(requests.map(({ method, url: at }) => `${method} ${new URL(at).pathname}`)).toEqual([
    'POST /operations/billing/charge',
  ])
})

test('a plain execute calls and polls until the operation has ended', async () => {
  const service = billingService(chargesOf(undefined, true), { basePath: '/operations' })
  const orders = ordersOf({ url, headers, fetch: fetchOf(service.handler), poll: '100ms' })
  const result = execute(orders, Confirmation, order)
  await approve(service)
  expect(await result).toBe('receipt of o-1: 12')
})

test('what fails there fails here, with what it says', async () => {
  const service = billingService(
    chargesOf(() => {
      throw new Error('the card was declined')
    }),
    { basePath: '/operations' },
  )
  const { handle } = await startOrder(service.handler)
  const error = await handle.result().catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(StepError)
  const { cause } = error as { readonly cause: RemoteError }
  expect(cause).toMatchObject({ code: 'REMOTE_FAILED', operation: 'billing/charge', status: 424 })
  expect(cause.message).toContain('the card was declined')
})

test('an execution that is tried again asks anew for what has failed, and takes what has completed', async () => {
  let isDeclined = true
  const paid: string[] = []
  const charges = chargesOf(({ order: id }) => {
    if (isDeclined) throw new Error('the card was declined')
    paid.push(id)
  })
  const service = billingService(charges, { basePath: '/operations' })
  const { handler, requests } = kept(service.handler)
  const { docket, handle } = await startOrder(handler)
  await expect(handle.result()).rejects.toThrow(StepError)
  isDeclined = false
  expect(await (await docket.retry(handle.id)).result()).toBe('receipt of o-1: 12')
  expect(paid).toEqual(['o-1'])
  const ids = requests
    .filter(({ method }) => method === 'POST')
    .map((request) => request.headers.get('nexus-request-id'))
  expect(ids).toEqual([expect.stringMatching(/^\w+$/), `${ids[0]}.2`])
})

test('an execution that ends cancels what runs for it elsewhere, and what comes of that changes nothing', async () => {
  const service = billingService(chargesOf(undefined, true), { basePath: '/operations' })
  const { handle, docket } = await startOrder(service.handler)
  await vi.waitFor(async () => expect((await service.docket.list({ graph: 'charges' })).executions).toHaveLength(1))
  await handle.cancel()
  await expect(handle.result()).rejects.toThrow(ExecutionCancelledError)
  await vi.waitFor(async () =>
    expect((await service.docket.list({ graph: 'charges' })).executions).toMatchObject([{ status: 'cancelled' }]),
  )
  // Whoever tries it again asks for it anew.
  const again = await docket.retry(handle.id)
  const [, charge] = await vi.waitFor(async () => {
    const { executions } = await service.docket.list({ graph: 'charges' })
    expect(executions).toHaveLength(2)
    return executions
      .toSorted((one, other) => Number(other.status === 'waiting') - Number(one.status === 'waiting'))
      .toReversed()
  })
  await (await service.docket.get(charge!.id))!.signal(Approval, 'yes')
  expect(await again.result()).toBe('receipt of o-1: 12')
})

test('what takes longer than its timeout is cancelled there', async () => {
  const service = billingService(chargesOf(undefined, true), { basePath: '/operations' })
  const { handle } = await startOrder(service.handler, { timeout: '300ms' })
  await expect(handle.result()).rejects.toMatchObject({ cause: { code: 'STEP_TIMEOUT' } })
  await vi.waitFor(async () =>
    expect((await service.docket.list({ graph: 'charges' })).executions).toMatchObject([{ status: 'cancelled' }]),
  )
})

test('a service that gives no answer is called again until it does; a refusal is final', async () => {
  const service = billingService(chargesOf(), { basePath: '/operations' })
  const answers: (() => Promise<Response>)[] = [
    () => Promise.reject(new TypeError('fetch failed')),
    () => Promise.resolve(new Response('{}', { status: 503, headers: { 'retry-after': '0' } })),
    () => Promise.resolve(new Response('{}', { status: 500 })),
  ]
  const { handle } = await startOrder((request) => answers.shift()?.() ?? service.handler(request))
  expect(await handle.result()).toBe('receipt of o-1: 12')
  let count = 0
  const refused = await startOrder(
    () => (count++, Promise.resolve(Response.json({ message: 'no\nsuch customer' }, { status: 404 }))),
  )
  await expect(refused.handle.result()).rejects.toMatchObject({
    cause: { code: 'REMOTE_REFUSED', status: 404, message: expect.stringContaining('404: no such customer') },
  })
  expect(count).toBe(1)
})

test.each([
  [
    'a redirect',
    () => new Response(null, { status: 307, headers: { location: 'http://169.254.169.254/' } }),
    'redirect',
  ],
  ['what is no JSON', () => new Response('<html>', { status: 200 }), 'no JSON'],
  ['a value that does not fit', () => Response.json({ id: 7 }), 'does not fit "Receipt"'],
  ['a token that is none', () => Response.json({ token: 7 }, { status: 201 }), 'without a token'],
  ['more than maxBody', () => Response.json({ id: 'x'.repeat(10_000), amount: 1 }), 'more than maxBody'],
])('an answer with %s fails the step', async (_, answer, text) => {
  const { handle } = await startOrder(() => Promise.resolve(answer()), { maxBody: 5_000 })
  const error = await handle.result().catch((thrown: unknown) => thrown)
  expect(String((error as Error).cause ?? error)).toContain(text)
})

test('headers of the execution go along, where they carry a trace, and reach the steps there', async () => {
  const seen: Readonly<Record<string, string>>[] = []
  const service = billingService(
    chargesOf((_, context) => void seen.push(context.headers)),
    { basePath: '/operations' },
  )
  const orders = ordersOf({ url, headers, fetch: fetchOf(service.handler), poll: '100ms' })
  const docket = docketOf({ graphs: [orders] })
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
  await docket.execute(orders, Confirmation, order, { headers: { traceparent, 'x-tenant': 'a' } })
  expect(seen).toMatchObject([{ traceparent }])
  expect(Object.keys(seen[0]!)).not.toContain('x-tenant')
})

test('the operation that is waited for is shown, live and on record', async () => {
  const service = billingService(chargesOf(undefined, true), { basePath: '/operations' })
  const { handle, orders } = await startOrder(service.handler)
  await vi.waitFor(async () => {
    const { steps, situation } = await handle.details()
    expect(steps.find(({ step }) => step === 'Charge')?.waitsFor).toMatchObject({
      kind: 'remote',
      operation: 'billing/charge',
    })
    expect(situation).toContain('"billing/charge" of another service')
  })
  expect(explain(orders, Confirmation, order).toString()).toContain('remote(ChargeRequest)')
})

test('wrong options are reported all at once', () => {
  const charge = remote(Charge, {
    url: 'billing',
    poll: 'soon',
    callback: { url: 'x', secret: 'short' },
    retries: 3,
  } as never)
  const problems = (() => {
    try {
      graph({ name: 'orders', steps: [charge] })
    } catch (error) {
      return (error as GraphError).problems.map(({ message }) => message)
    }
    return []
  })()
  expect(problems).toEqual([
    expect.stringContaining('unknown option "retries"'),
    expect.stringContaining('url must be the address of a service'),
    expect.stringContaining('callback.url must be the address'),
    expect.stringContaining('callback.secret must be a string of 32 characters'),
    expect.stringContaining('poll "soon" is not a duration'),
  ])
})

/** Two services, each behind a port, whose orders are never asked for again soon. */
async function services(pay?: Parameters<typeof chargesOf>[0], waits = false) {
  const callbacks = later()
  const callbackUrl = await listen((request) => callbacks.handler(request))
  const service = billingService(chargesOf(pay, waits), { callbackHosts: [callbackUrl] })
  const serviceUrl = await listen(service.handler)
  const store = memoryStore()
  const orders = ordersOf({ url: serviceUrl, headers, callback: { url: callbackUrl, secret }, poll: '1h' })
  const docketOptions = { graphs: [orders], store, park: 0 }
  const docket = docketOf(docketOptions)
  const received = kept(callbacksOf(docket))
  callbacks.set(received.handler)
  return { service, docket, orders, received: received.requests, callbacks, callbackUrl }
}

describe('with callbacks', () => {
  test('a parked execution is woken by the callback', async () => {
    const { service, docket, orders, received } = await services(undefined, true)
    const handle = await docket.start(orders, Confirmation, order)
    await vi.waitFor(async () => expect((await handle.details()).situation).toContain('it is parked'))
    await approve(service)
    expect(await handle.result()).toBe('receipt of o-1: 12')
    expect(received).toHaveLength(1)
    const { headers: sent } = received[0]!
    expect([...sent.keys()]).toEqual(
      expect.arrayContaining(['docket-call', 'webhook-id', 'webhook-signature', 'nexus-operation-state']),
    )
  })

  test('a callback that comes before the answer, again, and after the end leads to one outcome', async () => {
    const { service, docket, orders, received, callbacks, callbackUrl } = await services()
    const handle = await docket.start(orders, Confirmation, order)
    expect(await handle.result()).toBe('receipt of o-1: 12')
    await vi.waitFor(() => expect(received).toHaveLength(1))
    const again = await callbacks.handler(received[0]!.clone())
    expect(again.status).toBe(200)
    expect(callbackUrl).toContain('127.0.0.1')
    expect((await service.docket.list({ graph: 'charges' })).executions).toMatchObject([{ status: 'completed' }])
    expect(await handle.result()).toBe('receipt of o-1: 12')
  })

  test('what was changed, or was never signed, is refused, and changes nothing', async () => {
    const { service, docket, orders, received, callbacks, callbackUrl } = await services(undefined, true)
    const handle = await docket.start(orders, Confirmation, order)
    const other = await docket.start(orders, Confirmation, { Order: { id: 'o-2', amount: 1 } })
    await vi.waitFor(async () => expect((await service.docket.list({ graph: 'charges' })).executions).toHaveLength(2))
    for (const { id } of (await service.docket.list({ graph: 'charges' })).executions.slice(0, 1))
      await (await service.docket.get(id))!.signal(Approval, 'yes')
    await vi.waitFor(() => expect(received).toHaveLength(1))
    const [good] = received
    const body = await good!.clone().text()
    const send = async (changes: Readonly<Record<string, string | undefined>>, text = body): Promise<number> => {
      const sent = new Headers(good!.headers)
      for (const [name, value] of Object.entries(changes))
        if (value === undefined) sent.delete(name)
        else sent.set(name, value)
      return (await callbacks.handler(new Request(callbackUrl, { method: 'POST', headers: sent, body: text }))).status
    }
    expect(await send({}, body.replace('"amount":', '"amount":9'))).toBe(401)
    expect(await send({ 'webhook-signature': 'v1,AAAA' })).toBe(401)
    expect(await send({ 'webhook-signature': undefined })).toBe(401)
    expect(await send({ 'docket-call': undefined })).toBe(401)
    expect(
      await send({
        'docket-call': good!.headers.get('docket-call')!.replace(/^./, (first) => (first === 'A' ? 'B' : 'A')),
      }),
    ).toBe(401)
    expect(await send({ 'webhook-timestamp': '1' })).toBe(401)
    expect(await send({ 'nexus-operation-state': 'failed' })).toBe(400)
    expect(await send({})).toBe(200)
    const ended = await Promise.race([handle.result(), other.result()])
    expect(ended).toMatch(/^receipt of o-[12]: (12|1)$/)
  })
})
