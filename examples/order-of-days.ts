// An order that takes weeks, in a moment of virtual time: it waits until somebody has packed it, sleeps until the parcel must be there, and asks for a review.
import { dataType, durableStep, eventType, graph } from 'docket'
import { createTestDocket } from 'docket/testing'
import { z } from 'zod'

const Order = dataType('Order', z.object({ id: z.string(), email: z.string() }))
const Packed = eventType('Packed', z.object({ tracking: z.string() }), { scope: 'warehouse' })
const Outcome = dataType('Outcome', z.string())

// #region order
const fulfil = durableStep({
  name: 'Fulfil',
  inputs: { order: Order },
  output: Outcome,
  run: async ({ order }, ctx) => {
    await ctx.step('charge', ({ idempotencyKey }) => charge(order.id, idempotencyKey))
    const packed = await ctx.waitFor(Packed, order.id, { timeout: '7d' })
    if (packed.timedOut) {
      await ctx.step('refund', ({ idempotencyKey }) => refund(order.id, idempotencyKey))
      return 'refunded: nobody packed it'
    }
    await ctx.step('shipped', () => mail(order.email, `on its way: ${packed.value.tracking}`))
    await ctx.sleep('14d')
    await ctx.step('review', () => mail(order.email, 'how was it?'))
    return `shipped as ${packed.value.tracking}`
  },
})
const orders = graph({ name: 'orders', steps: [fulfil] })
// #endregion

async function charge(order: string, _idempotencyKey: string): Promise<void> {
  console.log(`${order} is paid`)
}

async function refund(order: string, _idempotencyKey: string): Promise<void> {
  console.log(`${order} is paid back`)
}

async function mail(to: string, text: string): Promise<void> {
  console.log(`to ${to}: ${text}`)
}

// #region days
await using docket = createTestDocket({ graphs: [orders], now: new Date('2030-01-01T08:00:00Z') })
const first = { Order: { id: 'order-1', email: 'ada@example.org' } }
const order = await docket.start(orders, Outcome, first, { id: 'order-1' })
await docket.advance('2d')
await docket.restart() // no process has to live while it waits
await docket.emit(Packed, 'order-1', { tracking: '1Z999' })
console.log(await order.result(), docket.now().toISOString())

const second = { Order: { id: 'order-2', email: 'bo@example.org' } }
console.log(await docket.execute(orders, Outcome, second, { id: 'order-2' }), docket.now().toISOString())
// #endregion
