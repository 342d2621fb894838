import { expect, test } from 'vitest'
import { z } from 'zod'
import { dataType, durableStep, graph, step } from '../../src/index.ts'
import { Balance, Close, Deposit } from './accounts.ts'
import { World } from './durable-time.ts'

test('an update that a function has taken comes once, though another function beside it begins anew', async () => {
  const world = new World()
  const Tick = dataType('Tick', z.boolean())
  const Ticks = dataType('Ticks', z.number())
  const Sum = dataType('Sum', z.number())
  const taken: number[] = []
  const ticker = durableStep({
    name: 'Ticker',
    inputs: { before: dataType('Before', z.number()) },
    output: Ticks,
    receives: [Tick],
    run: async ({ before }, ctx) =>
      (await ctx.receive(Tick)).value === true ? ctx.continueAsNew({ before: before + 1 }) : before,
  })
  const slow = durableStep({
    name: 'Slow',
    inputs: { ticks: dataType('Start', z.number()) },
    output: Balance,
    receives: [Deposit, Close],
    run: async (_, ctx) => {
      for (let balance = 0; ;) {
        const message = await ctx.receive([Deposit, Close])
        if (message.type === 'Close') return balance
        taken.push(message.value.amount)
        await ctx.sleep('1m')
        balance += message.value.amount
        await message.reply({ balance })
      }
    },
  })
  const sum = step({
    name: 'Sum',
    inputs: { balance: Balance, ticks: Ticks },
    output: Sum,
    run: ({ balance, ticks }) => balance + ticks,
  })
  const both = graph({ name: 'both', steps: [ticker, slow, sum] })
  const docket = world.process({ graphs: [both], park: '1h' })
  const handle = await world.clock.settle(docket.start(both, Sum, { Before: 0, Start: 0 }, { id: 'a' }))
  const deposited = handle.update(Deposit, { amount: 5 })
  await world.clock.advance(10_000)
  await world.clock.settle(handle.signal(Tick, true))
  await world.clock.advance(10_000)
  await world.clock.advance(60_000)
  expect(await world.clock.settle(deposited)).toEqual({ balance: 5 })
  await world.clock.advance(100_000)
  expect(taken).toEqual([5])
  await world.clock.settle(handle.signal(Tick, false))
  await world.clock.settle(handle.signal(Close, true))
  expect(await world.clock.settle(handle.result())).toBe(6)
})
