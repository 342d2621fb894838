import { dataType, graph, race, signal, step, timer, type } from '../../src/index.ts'

export const Expense = dataType('Expense', type<{ readonly euros: number }>())
export const Approval = dataType('Approval', type<{ readonly by: string }>())
const Expiry = dataType('Expiry', type<{ readonly dueAt: Date }>())
export const Decision = dataType('Decision', type<string>())
export const Notice = dataType('Notice', type<string>())

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
  retry: { maxAttempts: 2 },
  run: ({ expense, decision }) => `${expense.euros} euros: ${decision}`,
})

/** An expense that somebody approves within 30 days. */
export const expenses = graph({
  name: 'expenses',
  steps: [signal(Approval), timer({ name: 'Expire', output: Expiry, after: '30d' }), decide, notify],
})
