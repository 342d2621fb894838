/** A hook that keeps who did what, in a table of your own. */
import { DatabaseSync } from 'node:sqlite'
import { createDocket, dataType, graph, RefusedError, signal, step, type } from 'docket'
import type { Interceptor } from 'docket'
import { memoryStore } from 'docket/stores/memory'

const Expense = dataType('Expense', type<number>())
const Approval = dataType('Approval', type<string>())
const Payment = dataType('Payment', type<string>())
const pay = step({
  name: 'Pay',
  inputs: { expense: Expense, approval: Approval },
  output: Payment,
  run: ({ expense, approval }) => `${expense} euros, approved by ${approval}`,
})
const expenses = graph({ name: 'expenses', steps: [signal(Approval), pay] })

// #region hook
function audit(database: DatabaseSync): Interceptor {
  database.exec('create table audit (what text, execution text, outcome text)')
  const insert = database.prepare('insert into audit values (?, ?, ?)')
  /** Writes down what came of it, whatever that is. */
  async function noted<Result>(what: string, execution: string, go: () => Promise<Result>): Promise<Result> {
    try {
      const result = await go()
      insert.run(what, execution, typeof result === 'string' ? result : 'done')
      return result
    } catch (error) {
      insert.run(what, execution, (error as Error).message)
      throw error
    }
  }
  return {
    start: (call, next) => noted(`start ${call.graph} for ${call.headers['user']}`, call.executionId, () => next()),
    signal: (call, next) => noted(`signal ${call.type}`, call.executionId, () => next()),
    cancel: (call, next) => noted(`cancel: ${String(call.reason)}`, call.executionId, () => next()),
  }
}
// #endregion

const policy: Interceptor = {
  async start(call, next) {
    if (call.headers['user'] === 'mallory') throw new RefusedError('you may not')
    await next()
  },
}
const database = new DatabaseSync(':memory:')
// The first one is outermost: it also sees what those after it refuse.
await using docket = createDocket({ graphs: [expenses], store: memoryStore(), interceptors: [audit(database), policy] })
const start = (id: string, user: string) => docket.start(expenses, Payment, { Expense: 30 }, { id, headers: { user } })
const lunch = await start('lunch', 'ada')
await lunch.signal(Approval, 'Grace')
await lunch.result()
await (await start('dinner', 'bob')).cancel('he is not hungry')
await start('yacht', 'mallory').catch(() => {})
for (const { what, execution, outcome } of database.prepare('select * from audit').all())
  console.log(`${what} | ${execution} | ${outcome}`)
