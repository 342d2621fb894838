import { expect, test } from 'vitest'
import { memoryStore } from '../../stores/memory/index.ts'
import { cli } from './call-cli.ts'
import { openShop, orders, Receipt, useStore } from './fixtures/shop.ts'

test('retry of an item reopens its batch for a worker', async () => {
  useStore(memoryStore())
  const onError = 'collect'
  await using first = openShop({})
  const items = [{ Order: { id: '1' } }, { Order: { id: 'broken' } }]
  const batch = await first.startBatch(orders, Receipt, items, { id: 'b', onError, key: ({ Order }) => Order.id })
  await batch.result()
  await first.close()
  expect(await cli(['retry', 'b', '--item', 'broken'])).toMatchObject({ code: 0, out: 'b  retried\n' })
  expect((await cli(['show', 'b', '--json'])).json).toMatchObject([{ status: 'pending', lease: null }])
  expect((await cli(['acts', 'b', '--json'])).json).toMatchObject([{ act: 'retry', note: null }])
})
