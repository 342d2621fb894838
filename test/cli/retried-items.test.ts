import { expect, test } from 'vitest'
import { memoryStore } from '../../stores/memory/index.ts'
import { cli } from './call-cli.ts'
import { openShop, orders, Receipt, useStore } from './fixtures/shop.ts'

test('why says of which item of a batch it is, and retry of one reopens its batch for a worker', async () => {
  useStore(memoryStore())
  const onError = 'collect'
  await using first = openShop({})
  const items = [{ Order: { id: '1' } }, { Order: { id: 'broken' } }]
  const batch = await first.startBatch(orders, Receipt, items, { id: 'b', onError, key: ({ Order }) => Order.id })
  await batch.result()
  await first.close()
  expect(await cli(['why', 'b', 'Pay'])).toMatchObject({
    code: 0,
    err: expect.stringMatching(/^this is of item \w+ of a batch; --item <key> says it of another one\n$/),
  })
  expect(await cli(['why', 'b', 'Pay', '--item', 'broken'])).toMatchObject({
    out: expect.stringContaining('[step.failed]'),
    err: '',
  })
  expect(await cli(['why', 'b', 'Pay', '--item', 'brokn'])).toMatchObject({
    code: 2,
    err: expect.stringContaining('has no item "brokn"; did you mean "broken"?'),
  })
  expect(await cli(['retry', 'b', '--item', 'broken'])).toMatchObject({ code: 0, out: 'b  retried\n' })
  expect((await cli(['show', 'b', '--json'])).json).toMatchObject([{ status: 'pending', lease: null }])
  expect((await cli(['acts', 'b', '--json'])).json).toMatchObject([{ act: 'retry', note: null }])
})
