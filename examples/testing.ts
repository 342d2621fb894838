// Tests of a graph that waits for two days, charges a card, and must survive a crash: with replaced steps, in virtual time, killed at every commit.
import assert from 'node:assert/strict'
import { dataType, graph, race, signal, step, timer } from 'docket'
import { atEveryCommit, createTestDocket, replaceSteps } from 'docket/testing'
import { z } from 'zod'

const Expense = dataType('Expense', z.object({ euros: z.number() }))
const Approval = dataType('Approval', z.object({ by: z.string() }))
const Expiry = dataType('Expiry', z.object({ dueAt: z.date() }))
const Decision = dataType('Decision', z.string())
const Payment = dataType('Payment', z.string())

const decide = race({
  name: 'Decide',
  inputs: { approval: Approval, expiry: Expiry },
  output: Decision,
  run: (first) => (first.port === 'approval' ? `approved by ${first.value.by}` : 'expired'),
})
const pay = step({
  name: 'Pay',
  inputs: { expense: Expense, decision: Decision },
  output: Payment,
  retry: { maxAttempts: 3 },
  run: async ({ expense }): Promise<string> => {
    throw new Error(`a test must not pay ${expense.euros} euros`)
  },
})
const expenses = graph({
  name: 'expenses',
  steps: [signal(Approval), timer({ name: 'Expire', output: Expiry, after: '2d' }), decide, pay],
})

// #region replaced
// The same graph, but what calls the bank says what the test wants. Typed: another output does not compile.
const tested = replaceSteps(expenses, {
  Pay: ({ expense, decision }) => `${expense.euros} euros, ${decision}`,
})
// #endregion

// #region time
await using docket = createTestDocket({ graphs: [tested], now: new Date('2026-05-04T12:00:00Z') })

// Nothing waits for two days: while a call is awaited, time moves on by itself as soon as nothing is under way.
assert.equal(await docket.execute(tested, Payment, { Expense: { euros: 30 } }, { id: 'lunch' }), '30 euros, expired')
assert.equal(docket.now().toISOString(), '2026-05-06T12:00:00.000Z')

// Or the test moves it.
const dinner = await docket.start(tested, Payment, { Expense: { euros: 70 } }, { id: 'dinner' })
await docket.advance('1d')
assert.equal(await dinner.signal(Approval, { by: 'Ada' }), 'accepted')
assert.equal(await dinner.result(), '70 euros, approved by Ada')
assert.deepEqual(docket.events.steps('dinner'), [
  'Approval completed',
  'Expire cancelled',
  'Decide completed',
  'Pay completed',
])
// #endregion

// #region restart
const taxi = await docket.start(tested, Payment, { Expense: { euros: 20 } }, { id: 'taxi' })
await docket.advance('1d')
await docket.restart() // SIGKILL, and another process
assert.equal(await taxi.result(), '20 euros, expired')
// #endregion

// #region commits
const { commits, crashes } = await atEveryCommit({ graphs: [tested] }, async (each) => {
  const hotel = await each.start(tested, Payment, { Expense: { euros: 90 } }, { id: 'hotel' })
  await each.advance('1d')
  await hotel.signal(Approval, { by: 'Bo' }, { id: 'from-bo' })
  return hotel.result()
})
console.log(commits.join('\n'))
console.log(`${crashes} crashes, and each time the same end`)
// #endregion
