// Mails to a new user over two weeks, as one function. The docket dies in the middle: no mail is sent twice.
import { dataType, durableStep, graph } from 'docket'
import { createTestDocket } from 'docket/testing'
import { z } from 'zod'

const User = dataType('User', z.object({ email: z.string() }))
const Confirmed = dataType('Confirmed', z.object({ at: z.string() }))
const Onboarding = dataType('Onboarding', z.string())

const mail = async (to: string, subject: string): Promise<string> => {
  console.log(`${docket.now().toISOString().slice(0, 10)}  ${to}: ${subject}`)
  return subject
}

// #region mails
const onboard = durableStep({
  name: 'Onboard',
  inputs: { user: User },
  output: Onboarding,
  receives: [Confirmed],
  run: async ({ user }, ctx) => {
    await ctx.step('welcome', () => mail(user.email, 'Welcome: please confirm your address'))
    for (let reminders = 0; reminders < 3; reminders++) {
      const message = await ctx.receive(Confirmed, { timeout: '3d' })
      if (!message.timedOut) {
        await ctx.sleep('7d')
        await ctx.step('tips', () => mail(user.email, 'Five things to try next'), {
          retry: { maxAttempts: 5, backoff: '10m' },
          timeout: '30s',
        })
        return `confirmed at ${message.value.at}`
      }
      await ctx.step('remind', () => mail(user.email, 'Still there?'))
    }
    return 'never confirmed'
  },
})
const onboarding = graph({ name: 'onboarding', steps: [onboard] })
// #endregion

await using docket = createTestDocket({ graphs: [onboarding] })
const ada = await docket.start(onboarding, Onboarding, { User: { email: 'ada@example.com' } })
await docket.advance('4d')
await docket.restart()
await ada.signal(Confirmed, { at: 'noon' })
console.log(await ada.result())
console.log(await docket.execute(onboarding, Onboarding, { User: { email: 'bo@example.com' } }))
