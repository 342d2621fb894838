import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { createDocket, dataType, ExecutionConflictError, graph, InputError, step, StepError } from '../../src/index.ts'
import { memoryStore } from '../../stores/memory/index.ts'
import { World } from './durable-time.ts'

const Order = dataType('Order', z.object({ id: z.string() }))
const Payment = dataType('Payment', z.object({ charge: z.number() }))
const Receipt = dataType('Receipt', z.object({ text: z.string() }))

function shop() {
  const calls = { charge: 0, print: 0 }
  const faults = { print: 0 }
  const charge = step({
    name: 'Charge',
    inputs: { order: Order },
    output: Payment,
    persist: 'execution',
    run: async () => ({ charge: ++calls.charge }),
  })
  const print = step({
    name: 'Print',
    inputs: { payment: Payment },
    output: Receipt,
    persist: 'execution',
    run: async ({ payment }) => {
      calls.print++
      if (faults.print-- > 0) throw new Error('out of paper')
      return { text: `receipt ${payment.charge}` }
    },
  })
  return { calls, faults, orders: graph({ name: 'orders', steps: [charge, print] }) }
}

const inputs = { Order: { id: 'o-1' } }

describe('a durable execution', () => {
  test('gives its result, and is found with its records afterwards', async () => {
    const world = new World()
    const { orders } = shop()
    const docket = world.process({ graphs: [orders] })
    const handle = await docket.start(orders, Receipt, inputs, { id: 'a' })
    expect(await handle.result()).toEqual({ text: 'receipt 1' })
    const details = await handle.details()
    expect(details).toMatchObject({
      id: 'a',
      graph: 'orders',
      status: 'completed',
      inputs,
      output: { text: 'receipt 1' },
    })
    expect(details.steps.map(({ step: name, status }) => [name, status])).toEqual([
      ['Charge', 'completed'],
      ['Print', 'completed'],
    ])
    await docket.close()
  })

  test('gives its result to whoever starts it again, and runs nothing', async () => {
    const world = new World()
    const { orders, calls } = shop()
    const first = world.process({ graphs: [orders] })
    await first.execute(orders, Receipt, inputs, { id: 'a' })
    const second = world.process({ graphs: [orders] })
    expect(await second.execute(orders, Receipt, inputs, { id: 'a' })).toEqual({ text: 'receipt 1' })
    expect(calls).toEqual({ charge: 1, print: 1 })
  })

  test('refuses its id to another target, other inputs and another graph', async () => {
    const world = new World()
    const { orders } = shop()
    const docket = world.process({ graphs: [orders] })
    await docket.execute(orders, Receipt, inputs, { id: 'a' })
    await expect(docket.start(orders, Payment, inputs, { id: 'a' })).rejects.toThrow(ExecutionConflictError)
    await expect(docket.start(orders, Receipt, { Order: { id: 'o-2' } }, { id: 'a' })).rejects.toThrow(
      ExecutionConflictError,
    )
  })

  test('that failed goes on when it is started again: finished steps stay finished, the failed one is tried again', async () => {
    const world = new World()
    const { orders, calls, faults } = shop()
    faults.print = 1
    const docket = world.process({ graphs: [orders] })
    const failed = docket.execute(orders, Receipt, inputs, { id: 'a' })
    await expect(failed).rejects.toThrow(StepError)
    expect((await docket.list()).executions).toMatchObject([{ id: 'a', status: 'failed' }])
    expect(await docket.execute(orders, Receipt, inputs, { id: 'a' })).toEqual({ text: 'receipt 1' })
    expect(calls).toEqual({ charge: 1, print: 2 })
    expect((await docket.list()).executions).toMatchObject([{ id: 'a', status: 'completed', error: undefined }])
  })

  test('is not written down when its inputs are wrong', async () => {
    const world = new World()
    const { orders } = shop()
    const docket = world.process({ graphs: [orders] })
    await expect(docket.start(orders, Receipt, { Order: { id: 7 } } as never, { id: 'a' })).rejects.toThrow(InputError)
    expect((await docket.list()).executions).toEqual([])
  })
})

describe('after a crash', () => {
  test('another process goes on within lease and a second, and runs no finished step again', async () => {
    const world = new World()
    const { orders, calls } = shop()
    const slow = Promise.withResolvers<void>()
    const doomed = graph({
      name: 'orders',
      steps: [
        orders.steps[0],
        step({
          name: 'Print',
          inputs: { payment: Payment },
          output: Receipt,
          persist: 'execution',
          run: async () => {
            await slow.promise
            return { text: 'never' }
          },
        }),
      ],
    })
    const { docket, die } = world.mortal({ graphs: [doomed] })
    await docket.start(doomed, Receipt, inputs, { id: 'a' })
    await world.clock.advance(100)
    expect(calls.charge).toBe(1)
    die()
    const survivor = world.process({ graphs: [orders] })
    const handle = await survivor.get('a')
    await world.clock.advance(6_000)
    expect(await world.clock.settle(handle!.result())).toEqual({ text: 'receipt 1' })
    expect(calls).toEqual({ charge: 1, print: 1 })
    expect(world.events.filter(({ type }) => type === 'execution.resumed')).toMatchObject([
      { after: 'death', restored: 1 },
    ])
  })
})

test('the name of a graph in the place of the graph is refused with the call that takes names', async () => {
  await using docket = createDocket({ graphs: [], store: memoryStore(), takeOver: false })
  await expect(docket.start('orders' as never, {} as never, {} as never)).rejects.toThrow(
    '"orders" is a text, not a graph; give the graph itself, or call docket.startByName, which takes a name',
  )
})
