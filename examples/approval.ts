// An actor that waits for an approval from outside, for two days at the most. The virtual clock passes them in no time.
import { dataType, fromGraph, graph, race, signal, signalEvent, step, timer } from 'docket'
import { VirtualClock } from 'docket/testing'
import { createActor, toPromise } from 'xstate'
import { z } from 'zod'

const Expense = dataType('Expense', z.object({ euros: z.number() }))
const Approval = dataType('Approval', z.object({ by: z.string() }))
const Expiry = dataType('Expiry', z.object({ dueAt: z.date() }))
const Decision = dataType('Decision', z.string())
const Notice = dataType('Notice', z.string())

// #region signal
const decide = race({
  name: 'Decide',
  inputs: { approval: Approval, expiry: Expiry },
  output: Decision,
  run: (first) => (first.port === 'approval' ? `approved by ${first.value.by}` : 'expired'),
})
const notify = step({
  name: 'Notify',
  inputs: { expense: Expense, decision: Decision },
  output: Notice,
  run: ({ expense, decision }) => `${expense.euros} euros: ${decision}`,
})
const expenses = graph({
  name: 'expenses',
  steps: [signal(Approval), timer({ name: 'Expire', output: Expiry, after: '2d' }), decide, notify],
})

const clock = new VirtualClock()
const logic = fromGraph(expenses, Notice)
const approved = createActor(logic, { input: { Expense: { euros: 30 } }, clock }).start()
approved.send(signalEvent(Approval, { by: 'Ada' }))
console.log(await toPromise(approved))
// #endregion

const forgotten = createActor(logic, { input: { Expense: { euros: 70 } }, clock }).start()
console.log(await clock.settle(toPromise(forgotten)))
