import { assign, fromPromise, setup } from 'xstate'
import { z } from 'zod'
import { dataType, graph, machineStep } from '../../../src/index.ts'

const Shopper = dataType('Shopper', z.string())
export const AddItem = dataType('AddItem', z.object({ name: z.string(), euros: z.number() }))
export const CheckOut = dataType('CheckOut', z.object({ card: z.string() }))
export const PutAside = dataType('PutAside', z.boolean())
export const Order = dataType(
  'Order',
  z.object({ shopper: z.string(), items: z.array(z.string()), paid: z.string().optional(), end: z.string() }),
)

interface Cart {
  readonly shopper: string
  readonly items: readonly { readonly name: string; readonly euros: number }[]
  readonly card: string | undefined
  readonly paid: string | undefined
  readonly end: string
}

/** How a card is charged. */
export type Charge = (input: { card: string; euros: number }) => Promise<string>

/** A cart with what a machine may have: parallel states, history, guards, `always`, delays, an invoke. */
export const cartMachine = (charge: Charge) =>
  setup({
    types: {} as {
      context: Cart
      input: { shopper: string }
      output: { shopper: string; items: string[]; paid?: string | undefined; end: string }
      events:
        | { type: 'ADD_ITEM'; value: { readonly name: string; readonly euros: number } }
        | { type: 'CHECK_OUT'; value: { readonly card: string } }
        | { type: 'PUT_ASIDE'; value: boolean }
    },
    actors: { charge: fromPromise(({ input }: { input: { card: string; euros: number } }) => charge(input)) },
    guards: {
      isEmpty: ({ context }) => context.items.length === 0,
      isFull: ({ context }) => context.items.length >= 3,
      isAside: ({ event }) => event.type === 'PUT_ASIDE' && event.value,
    },
  }).createMachine({
    id: 'cart',
    context: ({ input }) => ({ shopper: input.shopper, items: [], card: undefined, paid: undefined, end: '' }),
    output: ({ context: { shopper, items, paid, end } }) => ({
      shopper,
      items: items.map(({ name }) => name),
      ...(paid !== undefined && { paid }),
      end,
    }),
    initial: 'shopping',
    states: {
      shopping: {
        type: 'parallel',
        states: {
          content: {
            initial: 'open',
            states: {
              open: {
                always: { guard: 'isFull', target: 'full' },
                on: {
                  ADD_ITEM: { actions: assign({ items: ({ context, event }) => [...context.items, event.value] }) },
                },
              },
              full: {},
            },
          },
          reminder: {
            initial: 'quiet',
            states: { quiet: { after: { 3_600_000: 'reminded' } }, reminded: {} },
          },
          back: { type: 'history', history: 'deep' },
        },
        on: {
          CHECK_OUT: {
            guard: ({ context }) => context.items.length > 0,
            target: 'paying',
            actions: assign({ card: ({ event }) => event.value.card }),
          },
          PUT_ASIDE: { guard: 'isAside', target: 'aside' },
        },
        after: { 86_400_000: { target: 'over', actions: assign({ end: 'abandoned' }) } },
      },
      aside: {
        on: { PUT_ASIDE: { target: 'shopping.back' } },
        after: { 604_800_000: { target: 'over', actions: assign({ end: 'forgotten' }) } },
      },
      paying: {
        invoke: {
          src: 'charge',
          input: ({ context }) => ({
            card: context.card ?? '',
            euros: context.items.reduce((sum, { euros }) => sum + euros, 0),
          }),
          onDone: { target: 'over', actions: assign({ paid: ({ event }) => event.output, end: 'paid' }) },
          onError: 'shopping',
        },
      },
      over: { type: 'final' },
    },
  })

export const carts = (charge: Charge) =>
  graph({
    name: 'carts',
    steps: [
      machineStep({
        name: 'Cart',
        machine: cartMachine(charge),
        inputs: { shopper: Shopper },
        output: Order,
        input: ({ shopper }) => ({ shopper }),
        events: { ADD_ITEM: AddItem, CHECK_OUT: CheckOut, PUT_ASIDE: PutAside },
      }),
    ],
  })
