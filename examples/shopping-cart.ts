// A shopping cart as an XState machine: the machine is a step that gets signals and answers updates, its state is on record after each event, and no process has to live meanwhile.
// #region imports
import { createDocket, dataType, graph, invocationOf, machineStep, step, update } from 'docket'
import { memoryStore } from 'docket/stores/memory'
import { VirtualClock } from 'docket/testing'
import { assign, fromPromise, setup } from 'xstate'
import { z } from 'zod'

const Customer = dataType('Customer', z.object({ name: z.string() }))
const AddItem = dataType('AddItem', z.object({ name: z.string(), euros: z.number() }))
const CheckOut = update('CheckOut', { input: z.object({ card: z.string() }), output: z.string() })
const Order = dataType('Order', z.object({ items: z.array(z.string()), payment: z.string() }))
const Parcel = dataType('Parcel', z.string())
// #endregion

/** A bank that charges once for each key, however often it is called. */
const charges = new Map<string, string>()
async function charge(card: string, euros: number, key: string): Promise<string> {
  if (card === 'stolen') throw new Error('refused')
  if (!charges.has(key)) charges.set(key, `payment ${charges.size + 1}: ${euros} euros`)
  return charges.get(key)!
}

// #region machine
interface Item {
  readonly name: string
  readonly euros: number
}

// A machine of your own: it knows nothing of Docket but where it wants a key for its payment.
const cartMachine = setup({
  types: {} as {
    context: { items: readonly Item[]; card: string; payment: string }
    events: { type: 'ADD_ITEM'; value: Item } | { type: 'CHECK_OUT'; value: { readonly card: string } }
    output: { items: string[]; payment: string }
    emitted: { type: 'reminded' }
  },
  actors: {
    charge: fromPromise<string, { card: string; euros: number }>(({ input, self }) =>
      charge(input.card, input.euros, invocationOf(self)!.idempotencyKey),
    ),
  },
}).createMachine({
  id: 'cart',
  context: { items: [], card: '', payment: '' },
  output: ({ context }) => ({ items: context.items.map(({ name }) => name), payment: context.payment }),
  initial: 'shopping',
  states: {
    shopping: {
      on: {
        ADD_ITEM: { actions: assign({ items: ({ context, event }) => [...context.items, event.value] }) },
        CHECK_OUT: { target: 'paying', actions: assign({ card: ({ event }) => event.value.card }) },
      },
      after: { 604_800_000: 'abandoned' },
    },
    paying: {
      invoke: {
        src: 'charge',
        input: ({ context: { card, items } }) => ({ card, euros: items.reduce((sum, { euros }) => sum + euros, 0) }),
        onDone: { target: 'paid', actions: assign({ payment: ({ event }) => event.output }) },
        onError: { target: 'shopping', actions: assign({ payment: 'refused' }) },
      },
    },
    paid: { type: 'final' },
    abandoned: { type: 'final', entry: assign({ items: [], payment: 'none' }) },
  },
})
// #endregion

// #region step
const cart = machineStep({
  name: 'Cart',
  machine: cartMachine,
  inputs: { customer: Customer },
  output: Order,
  events: { ADD_ITEM: AddItem, CHECK_OUT: CheckOut },
  answers: {
    // Whoever checks out hears of the payment: once it has been made, or refused.
    CHECK_OUT: { when: (state) => !state.matches('paying'), answer: ({ context }) => context.payment },
  },
})
const pack = step({
  name: 'Pack',
  inputs: { customer: Customer, order: Order },
  output: Parcel,
  run: ({ customer, order }) => `${order.items.join(' and ')} for ${customer.name} (${order.payment})`,
})
const shop = graph({ name: 'shop', steps: [cart, pack] })
// #endregion

const clock = new VirtualClock()
const store = memoryStore({ now: () => clock.now(), elapsed: () => clock.elapsed() })

// #region send
const docket = createDocket({ graphs: [shop], store, clock })
const handle = await clock.settle(docket.start(shop, Parcel, { Customer: { name: 'Ada' } }, { id: 'cart-1' }))
console.log(await clock.settle(handle.signal(AddItem, { name: 'book', euros: 12 })))
// #endregion
await clock.settle(docket.close())

// Another process, hours later.
await clock.advance(5 * 3_600_000)
// #region look
const other = createDocket({ graphs: [shop], store, clock })
const found = (await clock.settle(other.get('cart-1')))!
await clock.settle(found.signal(AddItem, { name: 'pen', euros: 3 }))
console.log(await clock.settle(found.update(CheckOut, { card: 'stolen' })))
const view = await clock.settle(found.get(cart))
console.log(view?.value, view?.context?.items.length)
console.log(await clock.settle(found.update(CheckOut, { card: 'visa' }, { id: 'check-out-2' })))
console.log(await clock.settle(found.result()))
// #endregion
await clock.settle(other.close())
