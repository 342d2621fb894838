// An expense that waits for its approval in a docket: whoever has the store may send it, and no process has to live meanwhile.
import { createDocket, dataType, graph, race, signal, step, timer } from 'docket'
import { memoryStore } from 'docket/stores/memory'
import { VirtualClock } from 'docket/testing'
import { z } from 'zod'

const Expense = dataType('Expense', z.object({ euros: z.number() }))
const Approval = dataType('Approval', z.object({ by: z.string() }))
const Expiry = dataType('Expiry', z.object({ dueAt: z.date() }))
const Decision = dataType('Decision', z.string())
const Notice = dataType('Notice', z.string())

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
const store = memoryStore({ now: () => clock.now(), elapsed: () => clock.elapsed() })

// #region start
const docket = createDocket({ graphs: [expenses], store, clock })
await clock.settle(docket.start(expenses, Notice, { Expense: { euros: 30 } }, { id: 'lunch' }))
await clock.settle(docket.start(expenses, Notice, { Expense: { euros: 70 } }, { id: 'dinner' }))
// #endregion
await clock.settle(docket.close())

// Another process, the next day.
await clock.advance(24 * 3_600_000)
// #region signal
const other = createDocket({ graphs: [expenses], store, clock })
const found = await clock.settle(other.get('lunch'))
const both = [found!.signal(Approval, { by: 'Ada' }), found!.signal(Approval, { by: 'Bo' })]
console.log(await clock.settle(Promise.all(both)))
console.log(await clock.settle(found!.result()))
// #endregion

await clock.settle(other.close())

// No process lives for two days; the next one finds what has come due.
await clock.advance(48 * 3_600_000)
const later = createDocket({ graphs: [expenses], store, clock })
const dinner = await clock.settle(later.get('dinner'))
console.log(await clock.settle(dinner!.result()))
console.log(await clock.settle(dinner!.signal(Approval, { by: 'Cy' })))

// Both in one: the execution exists with its approval, or not at all.
const signals = { Approval: { by: 'Di' } }
const taxi = { Expense: { euros: 20 } }
console.log(await clock.settle(later.execute(expenses, Notice, taxi, { id: 'taxi', signals })))
await clock.settle(later.close())
