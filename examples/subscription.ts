// A subscription that lives for years: a function that begins anew each month, so that its records never grow.
import { dataType, durableStep, graph } from 'docket'
import { createTestDocket } from 'docket/testing'
import { z } from 'zod'

const Subscription = dataType('Subscription', z.object({ customer: z.string(), months: z.number() }))
const Cancel = dataType('Cancel', z.object({ why: z.string() }))
const Ended = dataType('Ended', z.string())

const charge = async (key: string): Promise<number> => key.length && 9

// #region subscription
const bill = durableStep({
  name: 'Bill',
  inputs: { subscription: Subscription },
  output: Ended,
  receives: [Cancel],
  run: async ({ subscription }, ctx) => {
    await ctx.step('charge', ({ idempotencyKey }) => charge(idempotencyKey))
    const message = await ctx.receive(Cancel, { timeout: '30d' })
    const months = subscription.months + 1
    if (message.timedOut) return ctx.continueAsNew({ subscription: { ...subscription, months } })
    return `${subscription.customer} paid for ${months} months, and left: ${message.value.why}`
  },
})
const subscriptions = graph({ name: 'subscriptions', steps: [bill] })
// #endregion

await using docket = createTestDocket({ graphs: [subscriptions] })
const ada = await docket.start(subscriptions, Ended, { Subscription: { customer: 'Ada', months: 0 } })
await docket.advance('1000d')
await docket.restart()
await docket.advance('10d')
await ada.signal(Cancel, { why: 'moved to tea' })
console.log(await ada.result())
