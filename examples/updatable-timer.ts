// A cart that reminds its owner: each change of it puts the reminder off, whichever process has it by then.
import { createDocket, dataType, graph, step, timer } from 'docket'
import { memoryStore } from 'docket/stores/memory'
import { VirtualClock } from 'docket/testing'
import { z } from 'zod'

const Cart = dataType('Cart', z.object({ owner: z.string() }))
const Quiet = dataType('Quiet', z.object({ dueAt: z.date() }))
const Mail = dataType('Mail', z.string())

const quiet = timer({ name: 'WaitForQuiet', inputs: { cart: Cart }, output: Quiet, after: '2h' })
const remind = step({
  name: 'Remind',
  inputs: { cart: Cart, quiet: Quiet },
  output: Mail,
  run: ({ cart, quiet: { dueAt } }) => `${cart.owner}, your cart has waited since ${dueAt.toISOString().slice(11, 16)}`,
})
const carts = graph({ name: 'carts', steps: [quiet, remind] })

const clock = new VirtualClock(Date.parse('2030-01-01T09:00:00Z'))
const store = memoryStore({ now: () => clock.now(), elapsed: () => clock.elapsed() })

const docket = createDocket({ graphs: [carts], store, clock })
const handle = await clock.settle(docket.start(carts, Mail, { Cart: { owner: 'Ada' } }, { id: 'cart-1' }))

// #region reschedule
await clock.advance(3_600_000)
console.log(await clock.settle(handle.reschedule(quiet, '2h')))
await clock.advance(3_600_000)
console.log(await clock.settle(handle.reschedule('WaitForQuiet', new Date('2030-01-01T14:30:00Z'))))
console.log(await clock.settle(handle.result()))
console.log(await clock.settle(handle.reschedule(quiet, 0)))
// #endregion

await clock.settle(docket.close())
