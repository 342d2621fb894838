import { z } from 'zod'
import { dataType, durableStep, graph, update } from '../../../src/index.ts'

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

const perGeneration = 40

/** A number that many clients read and write at the same time; it begins anew every so often. */
export const registers = graph({
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
          value = await ctx.step('operate', () =>
            kind === 'read' ? before : kind === 'write' ? amount : before + amount,
          )
          await message.reply({ turn: ++turn, before, after: value })
        }
      },
    }),
  ],
})
