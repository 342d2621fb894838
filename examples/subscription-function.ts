// A subscription that is renewed every month for years: each month begins the function anew, so that its records never grow.
import { dataType, durableStep, graph } from 'docket'
import { createTestDocket } from 'docket/testing'
import { z } from 'zod'

const Subscriber = dataType('Subscriber', z.object({ email: z.string(), month: z.number() }))
const Cancel = dataType('Cancel', z.object({ reason: z.string() }))
const Farewell = dataType('Farewell', z.string())

// #region subscription
const subscribe = durableStep({
  name: 'Subscribe',
  inputs: { subscriber: Subscriber },
  output: Farewell,
  receives: [Cancel],
  run: async ({ subscriber }, ctx) => {
    const { email, month } = subscriber
    await ctx.step('charge', ({ idempotencyKey }) => charge(email, month, idempotencyKey))
    const cancelled = await ctx.receive(Cancel, { timeout: '30d' })
    if (!cancelled.timedOut) return `${email} left after ${month} months: ${cancelled.value.reason}`
    return ctx.continueAsNew({ subscriber: { email, month: month + 1 } })
  },
})
const subscriptions = graph({ name: 'subscriptions', steps: [subscribe] })
// #endregion

const charged: number[] = []
async function charge(_email: string, month: number, _idempotencyKey: string): Promise<void> {
  charged.push(month)
}

await using docket = createTestDocket({ graphs: [subscriptions], now: new Date('2026-01-01T00:00:00Z') })
const inputs = { Subscriber: { email: 'ada@example.com', month: 1 } }
const handle = await docket.start(subscriptions, Farewell, inputs, { id: 'ada' })
await docket.advance('900d')
await docket.restart()
await docket.advance('40d')
await handle.signal(Cancel, { reason: 'moved to the moon' })
console.log(await handle.result())
console.log(`${charged.length} charges, of which the last was for month ${charged.at(-1)}`)
