// A shopping cart as a durable function: it lives for days in the store, takes what is sent to it in order, and shows its lines to whoever looks.
import { dataType, durableStep, graph } from 'docket'
import { createTestDocket } from 'docket/testing'
import { z } from 'zod'

const Customer = dataType('Customer', z.string())
const AddItem = dataType('AddItem', z.object({ sku: z.string(), euros: z.number() }))
const RemoveItem = dataType('RemoveItem', z.object({ sku: z.string() }))
const CheckOut = dataType('CheckOut', z.object({ address: z.string() }))
const Lines = dataType('Lines', z.array(z.object({ sku: z.string(), euros: z.number() })))
const Order = dataType('Order', z.string())

// #region cart
const cart = durableStep({
  name: 'Cart',
  inputs: { customer: Customer },
  output: Order,
  receives: [AddItem, RemoveItem, CheckOut],
  publishes: [Lines],
  run: async ({ customer }, ctx) => {
    let lines: readonly { sku: string; euros: number }[] = []
    for (;;) {
      const message = await ctx.receive([AddItem, RemoveItem, CheckOut], { timeout: '7d' })
      if (message.timedOut) return `${customer}'s cart was left alone`
      if (message.type === 'CheckOut') {
        const euros = lines.reduce((sum, line) => sum + line.euros, 0)
        const payment = await ctx.step('charge', ({ idempotencyKey }) => charge(customer, euros, idempotencyKey))
        return `${lines.map(({ sku }) => sku).join(', ')} to ${message.value.address}, ${payment}`
      }
      const { sku } = message.value
      lines = message.type === 'AddItem' ? [...lines, message.value] : lines.filter((line) => line.sku !== sku)
      await ctx.publish(Lines, [...lines])
    }
  },
})
const carts = graph({ name: 'carts', steps: [cart] })
// #endregion

async function charge(customer: string, euros: number, _idempotencyKey: string): Promise<string> {
  console.log(`charging ${customer} ${euros} euros`)
  return `${euros} euros paid`
}

// #region shopping
await using docket = createTestDocket({ graphs: [carts] })
const ada = await docket.start(carts, Order, { Customer: 'Ada' }, { id: 'cart:ada' })
await ada.signal(AddItem, { sku: 'book', euros: 20 })
await ada.signal(AddItem, { sku: 'pen', euros: 3 })
await docket.advance('3d')
await docket.restart() // killed, and started again: the cart is as it was
await ada.signal(RemoveItem, { sku: 'pen' })
await ada.signal(AddItem, { sku: 'lamp', euros: 40 })
await docket.advance('1s')
console.log(await ada.get(Lines))
await ada.signal(CheckOut, { address: 'Oslo' })
console.log(await ada.result())

const bo = await docket.start(carts, Order, { Customer: 'Bo' }, { id: 'cart:bo' })
console.log(await bo.result())
// #endregion
