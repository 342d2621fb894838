import { assign, fromPromise, setup } from 'xstate'
import { z } from 'zod'
import { dataType, graph, machineStep, update } from '../../../src/index.ts'

const Owner = dataType('Owner', z.string())
export const Close = dataType('Close', z.boolean())
export const Balance = dataType('Balance', z.number())
export const Add = update('Add', {
  input: z.object({ amount: z.number() }),
  output: z.object({ balance: z.number() }),
  validate: ({ amount }, view) => {
    if (amount <= 0) throw new RangeError(`${view.get(Owner)} can’t add ${amount}`)
  },
})
export const Pay = update('Pay', { input: z.object({ card: z.string() }), output: z.string() })
export const Leave = update('Leave', { input: z.string(), output: z.string() })

interface Till {
  readonly balance: number
  readonly receipt: string
}

/** How a card is charged. */
export type Charge = (card: string, euros: number) => Promise<string>

/** A machine that adds up, has a card charged, and may be left for good. */
export function tills(charge: Charge) {
  const machine = setup({
    types: {} as {
      context: Till
      events:
        | { type: 'ADD'; value: { readonly amount: number } }
        | { type: 'PAY'; value: { readonly card: string } }
        | { type: 'LEAVE'; value: string }
        | { type: 'CLOSE'; value: boolean }
      output: number
    },
    actors: {
      charge: fromPromise(({ input }: { input: { card: string; euros: number } }) => charge(input.card, input.euros)),
    },
  }).createMachine({
    id: 'till',
    context: { balance: 0, receipt: 'none' },
    initial: 'open',
    output: ({ context }) => context.balance,
    states: {
      open: {
        on: {
          ADD: { actions: assign({ balance: ({ context, event }) => context.balance + event.value.amount }) },
          PAY: { target: 'paying', guard: ({ context }) => context.balance > 0 },
          CLOSE: 'closed',
          LEAVE: 'closed',
        },
      },
      paying: {
        invoke: {
          src: 'charge',
          input: ({ context, event }) => ({
            card: event.type === 'PAY' ? event.value.card : '',
            euros: context.balance,
          }),
          onDone: { target: 'open', actions: assign({ balance: 0, receipt: ({ event }) => event.output }) },
          onError: { target: 'open', actions: assign({ receipt: 'refused' }) },
        },
        on: { CLOSE: 'closed' },
      },
      closed: { type: 'final' },
    },
  })
  const till = machineStep({
    name: 'Till',
    machine,
    inputs: { owner: Owner },
    output: Balance,
    events: { ADD: Add, PAY: Pay, LEAVE: Leave, CLOSE: Close },
    answers: {
      ADD: ({ context: { balance } }, { amount }) => {
        if (amount === 13) throw new Error('thirteen is no number to speak of')
        return amount === 99 ? (`${balance}` as never) : { balance }
      },
      PAY: { when: (snapshot) => !snapshot.matches('paying'), answer: ({ context }) => context.receipt },
      LEAVE: ({ status, output }, reason) => `${status} with ${output}: ${reason}`,
    },
  })
  return graph({ name: 'tills', steps: [till] })
}
