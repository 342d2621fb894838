/** One of two services in a process of its own, which kills itself at a moment: it says what becomes of it. */
import { appendFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { setTimeout } from 'node:timers/promises'
import { z } from 'zod'
import { createDocket, dataType, graph, step } from '../../src/index.ts'
import type { ExecutionEvent } from '../../src/index.ts'
import { implement, nodeListener, operation, receiveCallbacks, remote, serve } from '../../src/remote/index.ts'
import type { FetchHandler } from '../../src/remote/index.ts'
import { openStore } from './store-address.ts'
import type { StoreAddress } from './store-address.ts'

/** When it kills itself. Orders: before the call, after it was answered, while it waits, before and after a callback is taken; billing: before and after it has begun, before it pays, and before it calls back. */
export type Moment = 'intent' | 'called' | 'waiting' | 'callback' | 'posted' | 'received' | 'begun' | 'paying' | 'paid'

/** What it is given to do. */
export interface RemoteOrder {
  readonly role: 'orders' | 'billing'
  readonly address: StoreAddress
  /** Of the two services. */
  readonly ports: { readonly orders: number; readonly billing: number }
  /** Where payments are noted. */
  readonly ledger: string
  readonly diesAt?: Moment | undefined
  /** The longest pause between two polls. */
  readonly poll: string
  /** How long a payment takes. */
  readonly payMs: number
}

const secret = 'a secret that only these two services know'
const ChargeRequest = dataType('ChargeRequest', z.object({ order: z.string() }))
const Receipt = dataType('Receipt', z.object({ id: z.string() }))
const Charge = operation('billing/charge', { input: ChargeRequest, output: Receipt })

/** The graph of the service that charges. */
export function chargesWith(pay: (order: string) => Promise<void>) {
  return graph({
    name: 'charges',
    steps: [
      step({
        name: 'Pay',
        inputs: { request: ChargeRequest },
        output: Receipt,
        persist: 'execution',
        run: async ({ request }) => {
          await pay(request.order)
          return { id: `receipt of ${request.order}` }
        },
      }),
    ],
  })
}

function origin(port: number): string {
  return `http://127.0.0.1:${port}`
}

if (import.meta.main) {
  // A server has no end of its own, and whoever started it may be killed before it could end it.
  process.stdin.on('end', () => process.exit()).resume()
  const { role, address, ports, ledger, diesAt, poll, payMs } = JSON.parse(process.argv[2]!) as RemoteOrder
  const dieAt = (moment: Moment): void => {
    if (moment !== diesAt) return
    process.stdout.write(`dies at ${moment}\n`)
    process.kill(process.pid, 'SIGKILL')
    // Nothing happens any more until the signal has come.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1_000)
  }
  const observer = (event: ExecutionEvent): void => {
    if (event.type === 'step.waiting' && event.step === 'Charge') dieAt('waiting')
    if (event.type === 'step.started' && event.step === 'Notify') dieAt('paid')
  }
  const common = { store: openStore(address), lease: '1s', observers: [observer] } as const
  const listen = (handler: FetchHandler): void =>
    void createServer(nodeListener(handler)).listen(ports[role], '127.0.0.1')
  if (role === 'billing') {
    const charges = chargesWith(async (order) => {
      dieAt('paying')
      await setTimeout(payMs)
      appendFileSync(ledger, `${order}\n`)
    })
    const handler = serve(createDocket({ graphs: [charges], ...common }), {
      operations: [implement(Charge, { graph: charges })],
      authorize: ({ headers }) => headers.get('authorization') ?? undefined,
      secret,
      callbackHosts: [origin(ports.orders)],
      answerWithin: 0,
    })
    listen(async (request) => {
      const isStart = request.url.includes('/charge?')
      if (isStart) dieAt('received')
      const response = await handler(request)
      if (isStart) dieAt('begun')
      return response
    })
  } else {
    const Order = dataType('Order', z.string())
    const orders = graph({
      name: 'orders',
      steps: [
        step({ name: 'Request', inputs: { order: Order }, output: ChargeRequest, run: ({ order }) => ({ order }) }),
        remote(Charge, {
          name: 'Charge',
          url: origin(ports.billing),
          headers: { authorization: 'orders' },
          callback: { url: origin(ports.orders), secret },
          poll,
          fetch: async (url, init) => {
            const isStart = url.includes('/charge?')
            if (isStart) dieAt('intent')
            const response = await fetch(url, init)
            if (isStart) dieAt('called')
            return response
          },
        }),
      ],
    })
    const docket = createDocket({ graphs: [orders], park: 200, ...common })
    const callbacks = receiveCallbacks(docket, { secret })
    listen(async (request) => {
      dieAt('callback')
      const response = await callbacks(request)
      dieAt('posted')
      return response
    })
    const { id } = await docket.execute(orders, Receipt, { Order: 'o-1' }, { id: 'order:o-1' })
    process.stdout.write(`result ${id}\n`)
  }
}
