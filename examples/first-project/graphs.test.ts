import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createTestDocket, replaceSteps } from 'docket/testing'
import { orders, Receipt } from './graphs.ts'

test('an order is shipped once it is paid', async () => {
  await using docket = createTestDocket({ graphs: [orders] })
  const receipt = await docket.execute(orders, Receipt, { Order: { id: '7', cents: 500 } }, { id: 'order:7' })
  assert.equal(receipt, 'order 7: 5.00 paid, 1.2 kg shipped')
})

test('a payment that fails twice is tried again', async () => {
  let attempts = 0
  const tested = replaceSteps(orders, {
    Pay: ({ order }) => {
      if (++attempts < 3) throw new Error('the bank is away')
      return { cents: order.cents }
    },
  })
  await using docket = createTestDocket({ graphs: [tested] })
  await docket.execute(tested, Receipt, { Order: { id: '8', cents: 500 } }, { id: 'order:8' })
  assert.equal(attempts, 3)
})
