import { assign, setup } from 'xstate'
import { z } from 'zod'
import { dataType, durableStep, graph, machineStep, update } from '../../../src/index.ts'

/** What an operation on the register gives: its turn among all operations, and the value before and after it. */
const answer = z.object({ turn: z.number(), before: z.number(), after: z.number() })

export type Answer = z.infer<typeof answer>

export const Operation = update('Operation', {
  input: z.object({ kind: z.enum(['read', 'write', 'add']), amount: z.number() }),
  output: answer,
  validate: ({ amount }) => {
    if (amount < 0) throw new RangeError('negative')
  },
})
export const Close = dataType('Close', z.boolean())
const Start = dataType('Start', z.object({ value: z.number(), turn: z.number() }))
export const State = dataType('State', z.object({ value: z.number(), turn: z.number() }))

const leaves = (kind: 'read' | 'write' | 'add', amount: number, before: number): number =>
  kind === 'read' ? before : kind === 'write' ? amount : before + amount

const perGeneration = 40

/** A number that many clients read and write at the same time: a function, which begins anew every so often. */
const functions = graph({
  name: 'registers',
  steps: [
    durableStep({
      name: 'Register',
      inputs: { start: Start },
      output: State,
      receives: [Operation, Close],
      run: async ({ start }, ctx) => {
        let { value, turn } = start
        for (let count = 0; ; count++) {
          const message = await ctx.receive([Operation, Close])
          if (message.type === 'Close') return { value, turn }
          if (count === perGeneration) return ctx.continueAsNew({ start: { value, turn } })
          const { kind, amount } = message.value
          const before = value
          // A verb in the middle: a process may die on either side of it.
          value = await ctx.step('operate', () => leaves(kind, amount, before))
          await message.reply({ turn: ++turn, before, after: value })
        }
      },
    }),
  ],
})

const machine = setup({
  types: {} as {
    context: { value: number; turn: number; before: number }
    input: { value: number; turn: number }
    events:
      { type: 'OPERATE'; value: { kind: 'read' | 'write' | 'add'; amount: number } } | { type: 'CLOSE'; value: boolean }
    output: { value: number; turn: number }
  },
}).createMachine({
  context: ({ input }) => ({ ...input, before: input.value }),
  output: ({ context: { value, turn } }) => ({ value, turn }),
  initial: 'open',
  states: {
    open: {
      on: {
        OPERATE: {
          actions: assign(({ context, event }) => ({
            before: context.value,
            value: leaves(event.value.kind, event.value.amount, context.value),
            turn: context.turn + 1,
          })),
        },
        CLOSE: 'closed',
      },
    },
    closed: { type: 'final' },
  },
})

/** The same as a machine. */
const machines = graph({
  name: 'machine registers',
  steps: [
    machineStep({
      name: 'Register',
      machine,
      inputs: { start: Start },
      input: ({ start }) => start,
      output: State,
      events: { OPERATE: Operation, CLOSE: Close },
      answers: { OPERATE: ({ context: { turn, before, value } }) => ({ turn, before, after: value }) },
    }),
  ],
})

/** By what they are. */
export const registers = { function: functions, machine: machines } as const
