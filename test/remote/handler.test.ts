import { describe, expect, test, vi } from 'vitest'
import { dataType, graph, RefusedError, step, type } from '../../src/index.ts'
import type { OptionError } from '../../src/index.ts'
import { client, implement, operation, receiveCallbacks, serve } from '../../src/remote/index.ts'
import type { ServeOptions, ServiceCall } from '../../src/remote/index.ts'
import {
  Approval,
  billingService,
  callerOf,
  Charge,
  chargesOf,
  docketOf,
  fetchOf,
  ordersOf,
  secret,
} from './two-services.ts'

const base = 'http://billing.test'
const charge = { order: 'o-1', amount: 12 }

function serviceOf(waits = false, options: Partial<ServeOptions> = {}) {
  const service = billingService(chargesOf(undefined, waits), options)
  const call = async (
    path: string,
    { caller = 'orders', method = 'POST', body = charge as unknown, headers = {} as Record<string, string> } = {},
  ): Promise<{ status: number; body: Record<string, unknown>; headers: Headers }> => {
    const response = await service.handler(
      new Request(`${base}${path}`, {
        method,
        headers: {
          ...(caller !== '' && { authorization: `Bearer ${caller}` }),
          'content-type': 'application/json',
          ...headers,
        },
        ...(method === 'POST' && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      }),
    )
    const text = await response.text()
    return { status: response.status, body: JSON.parse(text) as Record<string, unknown>, headers: response.headers }
  }
  return { ...service, call }
}

const id = (request: string): Record<string, string> => ({ 'nexus-request-id': request })
const token = (given: unknown): Record<string, string> => ({ 'nexus-operation-token': String(given) })

describe('an operation', () => {
  test('is begun once for a request, is looked at and cancelled by its token, and has one outcome', async () => {
    const { call, docket } = serviceOf(true)
    const begun = await call('/billing/charge', { headers: id('r-1') })
    expect(begun).toMatchObject({ status: 201, body: { state: 'running', token: expect.any(String) } })
    const again = await call('/billing/charge', { headers: id('r-1') })
    expect(again.status).toBe(201)
    expect(again.body['token']).not.toBe(begun.body['token'])
    expect((await docket.list({ graph: 'remote:billing/charge' })).executions).toMatchObject([
      { id: 'remote/orders/billing/charge/r-1' },
    ])
    for (const { body } of [begun, again]) {
      const look = { method: 'GET', headers: token(body['token']) }
      expect(await call('/billing/charge/result', look)).toMatchObject({ status: 412 })
      expect(await call('/billing/charge', look)).toMatchObject({ status: 200, body: { state: 'running' } })
    }
    const named = token(begun.body['token'])
    expect(await call('/billing/charge/cancel', { headers: named })).toMatchObject({ status: 202 })
    const ended = await call('/billing/charge/result?wait=10s', { method: 'GET', headers: named })
    expect(ended).toMatchObject({ status: 424 })
    expect(ended.headers.get('nexus-operation-state')).toBe('canceled')
    expect(await call('/billing/charge/cancel', { headers: named })).toMatchObject({ status: 202 })
    // A request that is sent again does not begin it anew.
    expect(await call('/billing/charge', { headers: id('r-1') })).toMatchObject({ status: 424 })
    expect((await docket.list({ graph: 'charges' })).executions).toMatchObject([{ status: 'cancelled' }])
  })

  test('that ended by hand is not begun anew by a request that is sent again', async () => {
    const { call, docket } = serviceOf(true)
    await call('/billing/charge', { headers: id('r-1') })
    await docket.cancel('remote/orders/billing/charge/r-1')
    expect(await call('/billing/charge', { headers: id('r-1') })).toMatchObject({
      status: 424,
      body: { message: 'the operation was cancelled' },
    })
  })

  test('with another request under the same id is refused', async () => {
    const { call } = serviceOf(true)
    await call('/billing/charge', { headers: id('r-1') })
    const other = await call('/billing/charge', { headers: id('r-1'), body: { order: 'o-2', amount: 1 } })
    expect(other).toMatchObject({
      status: 409,
      body: { message: 'this request was made before, and requested something else' },
    })
  })

  test('of one caller can neither be attached to, read nor cancelled by another one', async () => {
    const { call, docket } = serviceOf(true)
    const mine = await call('/billing/charge', { headers: id('r-1') })
    const stolen = { caller: 'thief', headers: token(mine.body['token']) }
    expect(await call('/billing/charge/result', { ...stolen, method: 'GET' })).toMatchObject({ status: 404 })
    expect(await call('/billing/charge/cancel', stolen)).toMatchObject({ status: 404 })
    expect(await call('/billing/charge/result', { caller: 'thief', method: 'GET', headers: id('r-1') })).toMatchObject({
      status: 404,
    })
    expect(await call('/billing/charge', { caller: 'thief', headers: id('r-1') })).toMatchObject({ status: 201 })
    // Names of callers that look like parts of others' ids.
    await call('/billing/charge', { caller: 'orders/billing', headers: id('charge/r-1') })
    await call('/billing/charge', { caller: '../orders', headers: id('r-1') })
    const ids = (await docket.list({ graph: 'remote:billing/charge' })).executions.map((one) => one.id).toSorted()
    expect(ids).toEqual([
      'remote/..%2Forders/billing/charge/r-1',
      'remote/orders%2Fbilling/billing/charge/charge%2Fr-1',
      'remote/orders/billing/charge/r-1',
      'remote/thief/billing/charge/r-1',
    ])
  })

  test('a token is of one operation, and of no use once changed', async () => {
    const { call } = serviceOf(true)
    const { body } = await call('/billing/charge')
    const given = String(body['token'])
    const other = given.startsWith('x') ? 'y' : 'x'
    for (const wrong of [`${other}${given.slice(1)}`, given.slice(5), '', '%00', 'a'.repeat(9_000)])
      expect((await call('/billing/charge/result', { method: 'GET', headers: token(wrong) })).status).toBe(404)
    expect((await call('/billing/charge/result', { method: 'GET' })).status).toBe(400)
  })
})

test('authorize sees each call, and none goes on without it', async () => {
  const calls: Pick<ServiceCall, 'action' | 'operation'>[] = []
  const { call, docket } = serviceOf(true, {
    authorize: (service) => {
      calls.push({ action: service.action, operation: service.operation })
      if (service.action === 'cancel') throw new RefusedError('you may not cancel')
      return callerOf(service)
    },
  })
  expect(await call('/billing/charge', { caller: '' })).toMatchObject({ status: 401 })
  const { body } = await call('/billing/charge')
  const headers = token(body['token'])
  expect(await call('/billing/charge', { method: 'GET', headers })).toMatchObject({ status: 200 })
  expect(await call('/billing/charge/cancel', { headers })).toMatchObject({
    status: 403,
    body: { message: 'you may not cancel' },
  })
  expect(await call('/no/such', { caller: '' })).toMatchObject({ status: 401 })
  expect(await call('/no/such')).toMatchObject({ status: 404 })
  expect(calls.map(({ action, operation: name }) => `${action} ${name}`)).toEqual([
    'start billing/charge',
    'start billing/charge',
    'read billing/charge',
    'cancel billing/charge',
    'start no/such',
    'start no/such',
  ])
  expect((await docket.list({ graph: 'charges' })).executions.length).toBeLessThanOrEqual(1)
})

test('what does not fit is refused before anything is written', async () => {
  const { call, docket } = serviceOf()
  for (const body of [
    '{',
    '[]',
    '"x"',
    '{"order":"o","amount":-1}',
    '{"order":"o","amount":1,"__proto__":{"a":1}}',
    '[[[[',
    `${'['.repeat(5_000)}${']'.repeat(5_000)}`,
  ])
    expect((await call('/billing/charge', { body })).status).toBe(400)
  expect((await call('/billing/charge', { headers: id('a b') })).status).toBe(400)
  expect((await call('/billing/charge', { headers: { 'content-type': 'text/plain' } })).status).toBe(400)
  expect((await call('/billing/charge?callback=http%3A%2F%2F169.254.169.254%2F')).status).toBe(400)
  expect((await docket.list({})).executions).toEqual([])
})

test('a body is counted while it comes, whatever its headers say, and may not take for ever', async () => {
  const { handler } = serviceOf(false, { maxBody: 1_000, bodyTimeout: '300ms' })
  const headers = { authorization: 'Bearer orders', 'content-type': 'application/json' }
  let pulled = 0
  const endless = new ReadableStream<Uint8Array>({
    pull: (controller) => {
      pulled++
      controller.enqueue(new Uint8Array(400))
    },
  })
  const post = (body: ReadableStream<Uint8Array>): Promise<Response> =>
    handler(new Request(`${base}/billing/charge`, { method: 'POST', headers, body, duplex: 'half' } as RequestInit))
  expect((await post(endless)).status).toBe(413)
  expect(pulled).toBeLessThan(10)
  const began = Date.now()
  expect(
    (await post(new ReadableStream({ start: (controller) => controller.enqueue(new Uint8Array(1)) }))).status,
  ).toBe(408)
  expect(Date.now() - began).toBeLessThan(3_000)
})

test('what goes wrong within the service is 500 without a word of it', async () => {
  const errors: unknown[] = []
  const { call } = serviceOf(false, {
    authorize: () => {
      throw new Error('password=hunter2')
    },
    onError: (error) => {
      errors.push(error)
      throw new Error('a reporter that fails')
    },
  })
  expect(await call('/billing/charge')).toMatchObject({ status: 500, body: { message: 'the service failed' } })
  expect(errors).toEqual([new Error('password=hunter2')])
  const named = serviceOf(false, { authorize: () => 7 as never, onError: () => {} })
  expect((await named.call('/billing/charge')).status).toBe(500)
})

test('each caller may have a secret of its own, and one without has none of this', async () => {
  const { call } = serviceOf(true, { secret: (caller) => (caller === 'orders' ? secret : undefined) })
  expect((await call('/billing/charge')).status).toBe(201)
  expect((await call('/billing/charge', { caller: 'others' })).status).toBe(403)
})

test('a secret is changed without a break', async () => {
  const [old, young] = [secret, 'another secret that is as long as it has to be']
  const charges = chargesOf(undefined, true)
  const first = serviceOf(true)
  const { body } = await first.call('/billing/charge')
  const later = serve(docketOf({ graphs: [charges] }), {
    operations: [implement(Charge, { graph: charges as ReturnType<typeof chargesOf> })],
    authorize: callerOf,
    secret: [young, old],
  })
  const answer = await later(
    new Request(`${base}/billing/charge/result`, {
      headers: { authorization: 'Bearer orders', ...token(body['token']) },
    }),
  )
  // It is another docket, which has no such execution: but the token is read.
  expect(await answer.json()).toEqual({ message: 'there is no such operation of this caller' })
  expect(answer.status).toBe(404)
})

test('wrong options of serve are reported all at once', () => {
  const charges = chargesOf()
  const docket = docketOf({ graphs: [charges] })
  const Untyped = operation('a/b', { input: dataType('U', type<string>()), output: dataType('V', type<string>()) })
  const given = {
    operations: [
      implement(Charge, { graph: charges as ReturnType<typeof chargesOf> }),
      implement(Untyped, { graph: charges } as never),
    ],
    secret: 'short',
    callbackHosts: ['https://a/b'],
    maxBody: 0,
    retries: 1,
  }
  const message = (() => {
    try {
      serve(docket, given as never)
    } catch (error) {
      return (error as OptionError).message
    }
    return ''
  })()
  for (const part of [
    'unknown option "retries"',
    'nothing checks "U"',
    'has no type "V"',
    'authorize must be a function',
    'secret must be',
    'callbackHosts has',
    'maxBody must be',
  ])
    expect(message).toContain(part)
  expect(() => receiveCallbacks(docket, {} as never)).toThrow('secret must be')
  expect(() => client('billing')).toThrow('url must be')
  expect(() => serve(docket, { operations: [], authorize: callerOf, secret })).toThrow('operations must be an array')
})

test('a client begins, waits, attaches and cancels', async () => {
  const service = billingService(chargesOf(undefined, true))
  const billing = client(base, { headers: { authorization: 'Bearer scripts' }, fetch: fetchOf(service.handler) })
  const begun = await billing.start(Charge, charge, { id: 'r-1' })
  expect(begun.token).toEqual(expect.any(String))
  const result = begun.result()
  const [running] = await vi.waitFor(async () => {
    const { executions } = await service.docket.list({ graph: 'charges' })
    expect(executions).toHaveLength(1)
    return executions
  })
  await (await service.docket.get(running!.id))!.signal(Approval, 'yes')
  expect(await result).toEqual({ id: 'receipt of o-1', amount: 12 })
  expect(await billing.execute(Charge, charge, { id: 'r-1' })).toEqual({ id: 'receipt of o-1', amount: 12 })
  const other = await billing.start(Charge, charge, { id: 'r-2' })
  expect(await other.cancel()).toBe(true)
  await expect(other.result()).rejects.toMatchObject({ code: 'REMOTE_CANCELLED' })
  await expect(client(base, { fetch: fetchOf(service.handler) }).execute(Charge, charge)).rejects.toMatchObject({
    code: 'REMOTE_REFUSED',
    status: 401,
  })
})

test('other graphs, inputs and answers may stand behind an operation', async () => {
  const Amount = dataType('Amount', type<number>())
  const Total = dataType('Total', type<{ cents: number }>())
  const totals = graph({
    name: 'totals',
    steps: [
      step({ name: 'Sum', inputs: { amount: Amount }, output: Total, run: ({ amount }) => ({ cents: amount * 100 }) }),
    ],
  })
  const handler = serve(docketOf({ graphs: [totals] }), {
    operations: [
      implement(Charge, {
        graph: totals,
        target: Total,
        inputs: ({ amount }) => ({ Amount: amount }),
        output: ({ cents }) => ({ id: 'x', amount: cents }),
      }),
    ],
    authorize: callerOf,
    secret,
  })
  const billing = client(base, { headers: { authorization: 'Bearer a' }, fetch: fetchOf(handler) })
  expect(await billing.execute(Charge, charge)).toEqual({ id: 'x', amount: 1_200 })
})

test('the backlog of a queue is for those alone that authorize lets in', async () => {
  const docket = docketOf({ graphs: [ordersOf({ url: base })] })
  const counts = { ready: 3, running: 1, waiting: 0, overdue: 0, oldestReadyMs: 5_000, isCapped: false }
  const counted: string[] = []
  const queue = (name: string): object => ({
    backlog: ({ byKey }: { readonly byKey: boolean }) => {
      counted.push(`${name} ${byKey}`)
      return Promise.resolve(counts)
    },
  })
  const withQueues = new Proxy(docket, {
    get: (target, key) => {
      if (key === 'queue') return queue
      const value: unknown = Reflect.get(target, key)
      return typeof value === 'function' ? (value.bind(target) as unknown) : value
    },
  })
  const { call } = serviceOf(false, {
    docket: withQueues,
    authorize: (service) =>
      service.action === 'backlog' ? (service.headers.get('x-scaler') ?? undefined) : callerOf(service),
  } as Partial<ServeOptions>)
  expect(await call('/backlog?queue=gpu', { method: 'GET' })).toMatchObject({ status: 401 })
  const headers = { 'x-scaler': 'keda' }
  expect((await call('/backlog?queue=gpu&byKey=true', { method: 'GET', headers })).body).toEqual({
    queue: 'gpu',
    ...counts,
  })
  expect((await call('/backlog', { method: 'GET', headers })).status).toBe(200)
  expect(counted).toEqual(['gpu true', 'default false'])
})
