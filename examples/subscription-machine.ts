// A subscription that lives for years, as an XState machine: between two payments it is a row in a store, and its `after` fires on the day.
import { dataType, graph, machineStep } from 'docket'
import { createTestDocket } from 'docket/testing'
import { assign, emit, fromPromise, setup } from 'xstate'
import { z } from 'zod'

const Customer = dataType('Customer', z.object({ name: z.string() }))
const Cancel = dataType('Cancel', z.object({ reason: z.string() }))
const Summary = dataType('Summary', z.string())
const month = 30 * 86_400_000

// #region machine
const subscriptionMachine = setup({
  types: {} as {
    context: { name: string; paid: number; reason: string }
    input: { name: string }
    events: { type: 'CANCEL'; value: { readonly reason: string } }
    emitted: { type: 'paid'; month: number }
    output: string
  },
  actors: { charge: fromPromise(async () => 9) },
  delays: { month },
}).createMachine({
  id: 'subscription',
  context: ({ input }) => ({ name: input.name, paid: 0, reason: '' }),
  output: ({ context: { name, paid, reason } }) => `${name} paid for ${paid} months, and left: ${reason}`,
  initial: 'charging',
  states: {
    charging: {
      invoke: {
        src: 'charge',
        onDone: {
          target: 'active',
          actions: [
            assign({ paid: ({ context }) => context.paid + 1 }),
            emit(({ context }) => ({ type: 'paid', month: context.paid })),
          ],
        },
      },
    },
    active: {
      after: { month: 'charging' },
      on: { CANCEL: { target: 'over', actions: assign({ reason: ({ event }) => event.value.reason }) } },
    },
    over: { type: 'final' },
  },
})
const subscriptions = graph({
  name: 'subscriptions',
  steps: [
    machineStep({
      name: 'Subscribe',
      machine: subscriptionMachine,
      inputs: { customer: Customer },
      output: Summary,
      input: ({ customer }) => ({ name: customer.name }),
      events: { CANCEL: Cancel },
    }),
  ],
})
// #endregion

await using docket = createTestDocket({ graphs: [subscriptions], now: new Date('2030-01-01T00:00:00Z') })
const ada = await docket.start(subscriptions, Summary, { Customer: { name: 'Ada' } }, { id: 'ada' })

// Three years and some, with a deploy every year.
for (let year = 1; year <= 3; year++) {
  await docket.advance(12 * month)
  await docket.restart()
}
await docket.advance('10d')
await ada.signal(Cancel, { reason: 'moved to the sea' })
console.log(await ada.result())
console.log(docket.now().toISOString())
console.log(docket.events.of({ type: 'step.emitted' }).length)
