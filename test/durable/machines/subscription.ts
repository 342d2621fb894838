import { assign, fromPromise, setup } from 'xstate'
import { z } from 'zod'
import { dataType, graph, machineStep } from '../../../src/index.ts'

const Customer = dataType('Customer', z.object({ id: z.string() }))
export const Ended = dataType('Ended', z.object({ customer: z.string(), charges: z.array(z.string()) }))
export const hour = 3_600_000

/** A subscription of three periods of an hour, each of which is charged at its beginning; `charge` is the payment provider. */
function subscriptionMachine(charge: (input: { customer: string; period: number }) => Promise<string>) {
  return setup({
    types: {} as {
      context: { customer: string; charges: string[] }
      input: { customer: string }
      output: { customer: string; charges: string[] }
    },
    actors: { charge: fromPromise(({ input }: { input: { customer: string; period: number } }) => charge(input)) },
    guards: { isOver: ({ context }) => context.charges.length === 3 },
  }).createMachine({
    id: 'subscription',
    context: ({ input }) => ({ customer: input.customer, charges: [] }),
    output: ({ context }) => context,
    initial: 'charging',
    states: {
      charging: {
        invoke: {
          src: 'charge',
          input: ({ context }) => ({ customer: context.customer, period: context.charges.length + 1 }),
          onDone: {
            target: 'active',
            actions: assign({ charges: ({ context, event }) => [...context.charges, event.output] }),
          },
        },
      },
      active: { always: { guard: 'isOver', target: 'ended' }, after: { [hour]: 'charging' } },
      ended: { type: 'final' },
    },
  })
}

export function subscriptions(charge: (input: { customer: string; period: number }) => Promise<string>) {
  return graph({
    name: 'subscriptions',
    steps: [
      machineStep({
        name: 'Subscribe',
        machine: subscriptionMachine(charge),
        inputs: { customer: Customer },
        output: Ended,
        input: ({ customer }) => ({ customer: customer.id }),
      }),
    ],
  })
}
