import { assign, fromPromise, setup } from 'xstate'
import { z } from 'zod'
import { dataType, graph, machineStep, step } from '../../../src/index.ts'

export const House = dataType('House', z.string())
export const Knock = dataType('Knock', z.object({ by: z.string() }))
export const Close = dataType('Close', z.boolean())
export const Visits = dataType('Visits', z.object({ house: z.string(), guests: z.array(z.string()) }))
export const Report = dataType('Report', z.string())

interface Guests {
  readonly house: string
  readonly guests: readonly string[]
  readonly waiting: string | undefined
}

/** Opens to those that `greet` lets in, one after the other, and closes when it is told to, or after a day. */
const doorMachine = setup({
  types: {} as {
    context: Guests
    input: { house: string }
    output: { house: string; guests: string[] }
    events: { type: 'KNOCK'; value: { readonly by: string } } | { type: 'CLOSE'; value: boolean }
  },
  actors: { greet: fromPromise(({ input }: { input: { by: string } }) => Promise.resolve(`hello ${input.by}`)) },
}).createMachine({
  id: 'door',
  context: ({ input }) => ({ house: input.house, guests: [], waiting: undefined }),
  output: ({ context }) => ({ house: context.house, guests: [...context.guests] }),
  initial: 'shut',
  after: { 86_400_000: '.closed' },
  on: { CLOSE: { guard: ({ event }) => event.value, target: '.closed' } },
  states: {
    shut: { on: { KNOCK: { target: 'greeting', actions: assign({ waiting: ({ event }) => event.value.by }) } } },
    greeting: {
      invoke: {
        src: 'greet',
        input: ({ context }) => ({ by: context.waiting ?? '' }),
        onDone: {
          target: 'shut',
          actions: assign({ guests: ({ context, event }) => [...context.guests, event.output], waiting: undefined }),
        },
      },
      on: {
        KNOCK: { actions: assign({ guests: ({ context, event }) => [...context.guests, `missed ${event.value.by}`] }) },
      },
    },
    closed: { type: 'final' },
  },
})

export const door = machineStep({
  name: 'Door',
  machine: doorMachine,
  inputs: { house: House },
  output: Visits,
  input: ({ house }) => ({ house }),
  events: { KNOCK: Knock, CLOSE: Close },
})

const report = step({
  name: 'Report',
  inputs: { visits: Visits },
  output: Report,
  run: ({ visits }) => `${visits.house}: ${visits.guests.join(', ')}`,
})

export const houses = graph({ name: 'houses', steps: [door, report] })
