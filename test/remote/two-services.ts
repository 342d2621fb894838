import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'
import { z } from 'zod'
import { createDocket, dataType, graph, signal, step } from '../../src/index.ts'
import type { Docket, DocketOptions, StepContext } from '../../src/index.ts'
import { implement, nodeListener, operation, receiveCallbacks, remote, serve } from '../../src/remote/index.ts'
import type { FetchHandler, RemoteOptions, ServeOptions } from '../../src/remote/index.ts'
import { memoryStore } from '../../stores/memory/index.ts'

export const secret = 'a secret that only these two services know'

const ChargeRequest = dataType('ChargeRequest', z.object({ order: z.string(), amount: z.number().positive() }))
export const Receipt = dataType('Receipt', z.object({ id: z.string(), amount: z.number() }))
export const Charge = operation('billing/charge', { input: ChargeRequest, output: Receipt })
export const Approval = dataType('Approval', z.string())

/** What a billing service is told to do with a charge. */
type Pay = (request: { readonly order: string; readonly amount: number }, context: StepContext) => Promise<void> | void

/** The graph of a service that charges; with `waits`, each charge waits for an approval. */
export function chargesOf(pay: Pay = () => {}, waits = false) {
  const run = async (
    { request }: { readonly request: { readonly order: string; readonly amount: number } },
    context: StepContext,
  ): Promise<{ id: string; amount: number }> => {
    await pay(request, context)
    return { id: `receipt of ${request.order}`, amount: request.amount }
  }
  const common = { name: 'Pay', output: Receipt, persist: 'execution' } as const
  return waits
    ? graph({
        name: 'charges',
        steps: [
          signal(Approval, { inputs: { request: ChargeRequest } }),
          step({ ...common, inputs: { request: ChargeRequest, approval: Approval }, run }),
        ],
      })
    : graph({ name: 'charges', steps: [step({ ...common, inputs: { request: ChargeRequest }, run })] })
}

const Order = dataType('Order', z.object({ id: z.string(), amount: z.number() }))
export const Confirmation = dataType('Confirmation', z.string())

type ChargeOptions = RemoteOptions<'Charge', typeof ChargeRequest, typeof Receipt>

/** The graph of a service that lets another one charge. */
export function ordersOf(options: Omit<ChargeOptions, 'name'>) {
  const ask = step({
    name: 'Ask',
    inputs: { order: Order },
    output: ChargeRequest,
    run: ({ order }) => ({ order: order.id, amount: order.amount }),
  })
  const confirm = step({
    name: 'Confirm',
    inputs: { receipt: Receipt },
    output: Confirmation,
    run: ({ receipt }) => `${receipt.id}: ${receipt.amount}`,
  })
  return graph({ name: 'orders', steps: [ask, remote(Charge, { name: 'Charge', ...options }), confirm] })
}

/** A docket in memory that is closed when the test is over. */
export function docketOf(options: Omit<DocketOptions, 'store'> & { readonly store?: DocketOptions['store'] }): Docket {
  const docket = createDocket({ store: memoryStore(), ...options })
  onTestFinished(() => docket.close({ deadline: 0 }))
  return docket
}

/** Who calls, by a header. */
export const callerOf: ServeOptions['authorize'] = ({ headers }) => headers.get('authorization')?.replace('Bearer ', '')

/** A billing service: its docket, and its handler. */
export function billingService(
  charges: ReturnType<typeof chargesOf>,
  options: Partial<ServeOptions> & { readonly docket?: Docket } = {},
): { readonly docket: Docket; readonly handler: FetchHandler } {
  const { docket = docketOf({ graphs: [charges] }), ...more } = options
  const handler = serve(docket, {
    operations: [implement(Charge, { graph: charges as ReturnType<typeof chargesOf> })],
    authorize: callerOf,
    secret,
    answerWithin: 0,
    ...more,
  })
  return { docket, handler }
}

/** A handler in the place of `fetch`. */
export function fetchOf(handler: FetchHandler): (url: string, init: RequestInit) => Promise<Response> {
  return (url, init) => handler(new Request(url, init))
}

/** A handler behind a port of its own; gives its address. */
export async function listen(handler: FetchHandler): Promise<string> {
  const server = createServer(nodeListener(handler))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** Handlers that are made after their address is known. */
export function later(): { readonly handler: FetchHandler; set(handler: FetchHandler): void } {
  let current: FetchHandler | undefined
  return {
    handler: (request) => current?.(request) ?? Promise.resolve(new Response(null, { status: 503 })),
    set: (handler) => void (current = handler),
  }
}

/** What takes callbacks for a docket. */
export function callbacksOf(docket: Docket): FetchHandler {
  return receiveCallbacks(docket, { secret })
}
