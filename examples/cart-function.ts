// A shopping cart as a durable function: it lives for days in the store, takes what is sent to it in order, answers requests, and shows its lines to whoever looks.
import { dataType, durableStep, graph, update, UpdateError } from 'docket'
import { createTestDocket } from 'docket/testing'
import { z } from 'zod'

const Customer = dataType('Customer', z.string())
const AddItem = dataType('AddItem', z.object({ sku: z.string(), euros: z.number() }))
const RemoveItem = dataType('RemoveItem', z.object({ sku: z.string() }))
const CheckOut = dataType('CheckOut', z.object({ address: z.string() }))
const Lines = dataType('Lines', z.array(z.object({ sku: z.string(), euros: z.number() })))
const Order = dataType('Order', z.string())
const UseVoucher = update('UseVoucher', {
  input: z.object({ code: z.string() }),
  output: z.object({ off: z.number() }),
  validate: ({ code }, view) => {
    if (!vouchers.has(code)) throw new Error(`there is no voucher ${code}`)
    if ((view.get(Lines) ?? []).length === 0) throw new Error('the cart is empty')
  },
})
const vouchers = new Map([['SPRING', 10]])

// #region cart
const cart = durableStep({
  name: 'Cart',
  inputs: { customer: Customer },
  output: Order,
  receives: [AddItem, RemoveItem, UseVoucher, CheckOut],
  publishes: [Lines],
  run: async ({ customer }, ctx) => {
    let lines: readonly { sku: string; euros: number }[] = []
    for (;;) {
      const message = await ctx.receive([AddItem, RemoveItem, UseVoucher, CheckOut], { timeout: '7d' })
      if (message.timedOut) return `${customer}'s cart was left alone`
      if (message.type === 'CheckOut') {
        const payment = await ctx.step('charge', ({ idempotencyKey }) => charge(customer, sum(lines), idempotencyKey))
        return `${lines.map(({ sku }) => sku).join(', ')} to ${message.value.address}, ${payment}`
      }
      if (message.type === 'UseVoucher') {
        const off = Math.min(vouchers.get(message.value.code) ?? 0, sum(lines))
        lines = [...lines, { sku: message.value.code, euros: -off }]
        await ctx.publish(Lines, [...lines])
        await message.reply({ off })
        continue
      }
      const { sku } = message.value
      lines = message.type === 'AddItem' ? [...lines, message.value] : lines.filter((line) => line.sku !== sku)
      await ctx.publish(Lines, [...lines])
    }
  },
})
const carts = graph({
  name: 'carts',
  steps: [cart],
  queries: { total: (view) => sum(view.get(Lines) ?? []) },
})
// #endregion

function sum(lines: readonly { readonly euros: number }[]): number {
  return lines.reduce((euros, line) => euros + line.euros, 0)
}

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
console.log(await ada.get(Lines), await ada.query('total'))
console.log(await ada.update(UseVoucher, { code: 'SPRING' }, { id: 'voucher-1' }))
const refused = await ada.update(UseVoucher, { code: 'SUMMER' }).catch((error: unknown) => error)
if (refused instanceof UpdateError) console.log(refused.code, refused.message)
console.log(await ada.query('total'))
await ada.signal(CheckOut, { address: 'Oslo' })
console.log(await ada.result())

const bo = await docket.start(carts, Order, { Customer: 'Bo' }, { id: 'cart:bo' })
console.log(await bo.result())
// #endregion
