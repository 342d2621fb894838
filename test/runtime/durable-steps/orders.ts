import { createActor, toPromise } from 'xstate'
import { dataType, durableStep, execute, fromGraph, graph, StepError, type } from '../../../src/index.ts'
import type { DurableContext, ExecutionEvent } from '../../../src/index.ts'
import { VirtualTime } from '../virtual-time.ts'

const Order = dataType('Order', type<string>())
export const Receipt = dataType('Receipt', type<unknown>())
export const day = 86_400_000

/** A graph of one durable function, and how it is declared besides. */
export const graphOf = (run: (ctx: DurableContext) => unknown, more: object = {}) =>
  graph({
    name: 'orders',
    steps: [
      durableStep({ name: 'Handle', inputs: { order: Order }, output: Receipt, run: (_, ctx) => run(ctx), ...more }),
    ],
  })

export const resultOf = (run: (ctx: DurableContext) => unknown, more: object = {}): Promise<unknown> =>
  execute(graphOf(run, more), Receipt, { Order: 'o' })

export const causeOf = async (promise: Promise<unknown>): Promise<unknown> => {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  return error instanceof StepError ? error.cause : error
}

export const turns = async (count = 5): Promise<void> => {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve))
}

/** Runs it by a virtual clock until it ends, a step of `ms` at a time. */
export async function endOf(
  run: (ctx: DurableContext) => unknown,
  { ms = day, more = {}, events = [] as ExecutionEvent[] } = {},
): Promise<unknown> {
  const clock = new VirtualTime()
  const logic = fromGraph(graphOf(run, more), Receipt, { observers: [(event) => events.push(event)] })
  const actor = createActor(logic, { input: { Order: 'o' }, clock }).start()
  const ended = toPromise(actor)
  ended.catch(() => {})
  for (let i = 0; i < 100 && actor.getSnapshot().status === 'active'; i++) {
    await turns()
    await clock.advance(ms)
  }
  return ended
}
