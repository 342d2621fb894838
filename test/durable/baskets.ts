import { assign, setup } from 'xstate'
import { z } from 'zod'
import { dataType, graph, machineStep, step } from '../../src/index.ts'

export const Customer = dataType('Customer', z.string())
export const AddItem = dataType('AddItem', z.object({ sku: z.string() }))
export const CheckOut = dataType('CheckOut', z.object({ by: z.string() }))
const Basket = dataType('Basket', z.array(z.string()))
export const Receipt = dataType('Receipt', z.string())

const basketMachine = setup({
  types: {} as {
    context: { readonly items: readonly string[] }
    output: string[]
    events: { type: 'ADD'; value: { readonly sku: string } } | { type: 'CHECK_OUT'; value: { readonly by: string } }
  },
}).createMachine({
  id: 'basket',
  context: { items: [] },
  output: ({ context }) => [...context.items],
  initial: 'open',
  states: {
    open: {
      on: {
        ADD: { actions: assign({ items: ({ context, event }) => [...context.items, event.value.sku] }) },
        CHECK_OUT: {
          target: 'closed',
          actions: assign({ items: ({ context, event }) => [...context.items, `for ${event.value.by}`] }),
        },
      },
    },
    closed: { type: 'final' },
  },
})

/** Collects what comes to it, in the order in which it comes, until somebody checks out. */
export const basket = machineStep({
  name: 'Basket',
  machine: basketMachine,
  inputs: { customer: Customer },
  output: Basket,
  events: { ADD: AddItem, CHECK_OUT: CheckOut },
})

export const print = step({
  name: 'Print',
  inputs: { customer: Customer, basket: Basket },
  output: Receipt,
  run: ({ customer, basket: items }) => `${customer}: ${items.join(' ')}`,
})

export const baskets = graph({ name: 'baskets', steps: [basket, print] })
