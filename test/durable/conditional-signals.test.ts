import { expect, test } from 'vitest'
import { dataType, executeBatch, graph, optional, signal, step, type } from '../../src/index.ts'
import { createTestDocket } from '../../src/testing/index.ts'

const Expense = dataType('Expense', type<number>())
const Approval = dataType('Approval', type<string>())
const Paid = dataType('Paid', type<string>())

const expenses = graph({
  name: 'expenses',
  steps: [
    signal(Approval, { inputs: { expense: Expense }, when: ({ expense }) => expense > 100 }),
    step({
      name: 'Pay',
      inputs: { expense: Expense, approval: optional(Approval) },
      output: Paid,
      run: ({ expense, approval }) => `${expense}, approved by ${approval ?? 'nobody'}`,
    }),
  ],
})

test('a signal with a condition is waited for where that holds, and skipped where it does not', async () => {
  await using docket = createTestDocket({ graphs: [expenses] })
  expect(await docket.execute(expenses, Paid, { Expense: 20 }, { id: 'small' })).toBe('20, approved by nobody')
  expect(docket.events.steps('small')).toEqual(['Approval skipped', 'Pay completed'])
  const large = await docket.start(expenses, Paid, { Expense: 200 }, { id: 'large' })
  await docket.advance('1d')
  expect((await large.details()).status).toBe('waiting')
  expect(await large.signal(Approval, 'Ada')).toBe('accepted')
  expect(await large.result()).toBe('200, approved by Ada')
})

test('a signal that is skipped is late while its execution goes on', async () => {
  const Done = dataType('Done', type<string>())
  const Ready = dataType('Ready', type<string>())
  const slow = graph({
    name: 'slow',
    steps: [
      signal(Approval, { inputs: { expense: Expense }, when: ({ expense }) => expense > 100 }),
      signal(Ready),
      step({
        name: 'End',
        inputs: { ready: Ready, approval: optional(Approval) },
        output: Done,
        run: ({ ready, approval }) => `${ready} ${approval ?? 'alone'}`,
      }),
    ],
  })
  await using docket = createTestDocket({ graphs: [slow] })
  const handle = await docket.start(slow, Done, { Expense: 20 }, { id: 'x' })
  await docket.advance('1m')
  expect(await handle.signal(Approval, 'Ada')).toBe('late')
  await docket.restart()
  expect(await handle.signal(Approval, 'Bo')).toBe('late')
  await handle.signal(Ready, 'ready')
  expect(await handle.result()).toBe('ready alone')
})

test('items of a batch wait for their signals where the condition holds', async () => {
  const items = [{ Expense: 20 }, { Expense: 200 }]
  const signals = { Approval: (item: { readonly Expense: number }) => `boss of ${item.Expense}` }
  expect(await executeBatch(expenses, Paid, items, { signals })).toEqual([
    '20, approved by nobody',
    '200, approved by boss of 200',
  ])
})
