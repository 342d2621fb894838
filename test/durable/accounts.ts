import { z } from 'zod'
import { dataType, durableStep, graph, update } from '../../src/index.ts'

const Owner = dataType('Owner', z.string())
export const Close = dataType('Close', z.boolean())
export const Balance = dataType('Balance', z.number())

/** Adds to the balance of an account, and answers with the new one; what is not positive is rejected, 13 fails. */
export const Deposit = update('Deposit', {
  input: z.object({ amount: z.number() }),
  output: z.object({ balance: z.number() }),
  validate: ({ amount }, view) => {
    if (amount <= 0) throw new RangeError(`${view.get(Owner)} can’t deposit ${amount}`)
  },
})

const account = durableStep({
  name: 'Account',
  inputs: { owner: Owner },
  output: Balance,
  receives: [Deposit, Close],
  run: async (_, ctx) => {
    let balance = 0
    for (;;) {
      const message = await ctx.receive([Deposit, Close])
      if (message.type === 'Close') return balance
      if (message.value.amount === 13) {
        await message.fail(new Error('not thirteen'))
        continue
      }
      balance = await ctx.step('add', () => balance + message.value.amount)
      await message.reply({ balance })
    }
  },
})

export const accounts = graph({ name: 'accounts', steps: [account] })
