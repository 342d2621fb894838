// Executions that nobody begins, or that never come to an end, are cancelled, whichever process is there: no expense stays open for ever.
import { createDocket, dataType, ExecutionExpiredError, graph, signal, step } from 'docket'
import { memoryStore } from 'docket/stores/memory'
import { VirtualClock } from 'docket/testing'
import { z } from 'zod'

const Expense = dataType('Expense', z.object({ euros: z.number() }))
const Approval = dataType('Approval', z.object({ by: z.string() }))
const Notice = dataType('Notice', z.string())

const notify = step({
  name: 'Notify',
  inputs: { expense: Expense, approval: Approval },
  output: Notice,
  run: ({ expense, approval }) => `${expense.euros} euros: approved by ${approval.by}`,
})
const expenses = graph({ name: 'expenses', steps: [signal(Approval), notify] })

const clock = new VirtualClock()
const store = memoryStore({ now: () => clock.now(), elapsed: () => clock.elapsed() })

// #region limits
const docket = createDocket({ graphs: [expenses], store, clock, maxPending: '1h', maxRunning: '30d' })
const lunch = await clock.settle(docket.start(expenses, Notice, { Expense: { euros: 30 } }, { id: 'lunch' }))
const taxi = { Expense: { euros: 20 } }
await clock.settle(docket.start(expenses, Notice, taxi, { id: 'taxi', maxRunning: '2d' }))
// #endregion

await clock.settle(lunch.signal(Approval, { by: 'Ada' }))
console.log(await clock.settle(lunch.result()))
await clock.settle(docket.close())

// Nobody approves the taxi, and the process that is there days later does not even know its graph.
await clock.advance(3 * 24 * 3_600_000)
const office = createDocket({ graphs: [], takeOver: false, store, clock })
await clock.advance(5_000)
const found = await clock.settle(office.get('taxi'))
try {
  await clock.settle(found!.result())
} catch (error) {
  if (error instanceof ExecutionExpiredError) console.log(`${error.code} by ${error.limit}: ${error.message}`)
}
await clock.settle(office.close())
