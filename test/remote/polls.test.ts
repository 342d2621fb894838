import { expect, test } from 'vitest'
import { execute } from '../../src/index.ts'
import { atEveryCommit, createTestDocket, replaceSteps } from '../../src/testing/index.ts'
import { Confirmation, ordersOf, secret } from './two-services.ts'

const order = { Order: { id: 'o-1', amount: 12 } }
const url = 'http://billing.test'

test('polls come after longer and longer pauses, up to the longest', async () => {
  const times: number[] = []
  let time: { now(): Date } | undefined
  const fetch = (): Promise<Response> => {
    times.push(Number(time?.now()))
    const answer = times.length < 9 ? { token: 't' } : { id: 'r', amount: 1 }
    return Promise.resolve(Response.json(answer, { status: times.length < 9 ? 201 : 200 }))
  }
  const orders = ordersOf({ url, fetch, poll: '30s' })
  await using docket = createTestDocket({ graphs: [orders] })
  time = docket
  const handle = await docket.start(orders, Confirmation, order)
  await docket.advance('10m')
  expect(await handle.result()).toBe('r: 1')
  const pauses = times.slice(1).map((at, index) => Math.round((at - times[index]!) / 100) / 10)
  const expected = [1, 2, 4, 8, 16, 30, 30, 30]
  expect(pauses).toHaveLength(expected.length)
  for (const [index, pause] of pauses.entries()) {
    expect(pause).toBeGreaterThanOrEqual(expected[index]! * 0.89)
    expect(pause).toBeLessThanOrEqual(expected[index]! * 1.11)
  }
})

test('where the service calls back, it is polled seldom; where it gives no answer, it is called again soon', async () => {
  const times: number[] = []
  let time: { now(): Date } | undefined
  const answers = [503, 503, 201, 201, 200]
  const fetch = (): Promise<Response> => {
    times.push(Number(time?.now()))
    const status = answers[times.length - 1]!
    return Promise.resolve(Response.json(status === 200 ? { id: 'r', amount: 1 } : { token: 't' }, { status }))
  }
  const orders = ordersOf({ url, fetch, callback: { url: 'https://orders.test/callbacks', secret } })
  await using docket = createTestDocket({ graphs: [orders] })
  time = docket
  const handle = await docket.start(orders, Confirmation, order)
  await docket.advance('10m')
  expect(await handle.result()).toBe('r: 1')
  const pauses = times.slice(1).map((at, index) => (at - times[index]!) / 1_000)
  for (const [index, longest] of [2.3, 2.3, 34, 67].entries()) expect(pauses[index]).toBeLessThan(longest)
  expect(pauses[2]).toBeGreaterThan(26)
  expect(pauses[3]).toBeGreaterThan(53)
})

test.each(['completes', 'is cancelled'])(
  'an operation that %s is requested under one id, wherever the process that waits for it dies',
  async (how) => {
    const { commits, crashes } = await atEveryCommit({ graphs: [ordersOf({ url })] }, async (docket) => {
      const requests = new Set<string | null>()
      let answers = 0
      let isCancelled = false
      const fetch = (path: string, init: RequestInit): Promise<Response> => {
        if (path.endsWith('/cancel')) isCancelled = true
        else if (init.method === 'POST') requests.add(new Headers(init.headers).get('nexus-request-id'))
        const isDone = how === 'completes' && ++answers > 6
        return Promise.resolve(
          Response.json(isDone ? { id: 'r', amount: 1 } : { token: 't' }, { status: isDone ? 200 : 201 }),
        )
      }
      const orders = ordersOf({ url, fetch })
      await docket.restart({ graphs: [orders], park: '5s' })
      const handle = await docket.start(orders, Confirmation, order, { id: 'one' })
      if (how === 'completes') return [await handle.result(), requests.size, isCancelled]
      await docket.advance('5m')
      await handle.cancel()
      return [
        await handle.result().catch((error: unknown) => (error as { code: string }).code),
        requests.size,
        isCancelled,
      ]
    })
    expect(crashes).toBe(2 * commits.length)
    expect(commits.length).toBeGreaterThan(5)
  },
)

test('a remote step can be replaced by a function in tests', async () => {
  const orders = replaceSteps(ordersOf({ url: 'http://nowhere.test' }), {
    Charge: ({ request }) => ({ id: `receipt of ${request.order}`, amount: request.amount }),
  })
  expect(await execute(orders, Confirmation, { Order: { id: 'o', amount: 1 } })).toBe('receipt of o: 1')
  expect(
    await execute(
      ordersOf({ url: 'http://nowhere.test' }),
      Confirmation,
      { Order: { id: 'o', amount: 1 } },
      { overrides: { Receipt: { id: 'x', amount: 2 } } },
    ),
  ).toBe('x: 2')
})
