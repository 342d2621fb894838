// A graph that brings its own configuration: value(T, v) is a step without inputs. Calls and tests override it like any other.
import { dataType, execute, explain, graph, step, value } from 'docket'
import { z } from 'zod'

const Limits = dataType('Limits', z.object({ maxItems: z.number().int(), currency: z.string() }))
const Cart = dataType('Cart', z.object({ items: z.array(z.string()) }))
const Verdict = dataType('Verdict', z.string())

const judge = step({
  name: 'Judge',
  inputs: { cart: Cart, limits: Limits },
  output: Verdict,
  run: ({ cart, limits }) => (cart.items.length > limits.maxItems ? 'too many items' : `fine, in ${limits.currency}`),
})

// #region value
const checkout = graph({ name: 'checkout', steps: [value(Limits, { maxItems: 2, currency: 'EUR' }), judge] })

const cart = { items: ['book', 'lamp', 'chair'] }
console.log(await execute(checkout, Verdict, { Cart: cart }))
const overrides = { Limits: { maxItems: 10, currency: 'USD' } }
console.log(await execute(checkout, Verdict, { Cart: cart }, { overrides }))
// #endregion
console.log(String(explain(checkout, Verdict, { Cart: cart })))
