import { expect } from 'vitest'
import { createDocket, dataType, graph, step, type } from '../../src/index.ts'
import type { Store } from '../../src/core/contracts/store.ts'

const Order = dataType('Order', type<{ id: string; cents: number; at: Date }>())
const Receipt = dataType('Receipt', type<string>())
const charge = (persist: 'execution' | 'global') =>
  step({
    name: 'Charge',
    inputs: { order: Order },
    output: Receipt,
    persist,
    run: ({ order }) => `${order.id}: ${order.cents} at ${order.at.toISOString()}`,
  })
const shop = graph({ name: 'shop', steps: [charge('execution')] })
const sharedShop = graph({ name: 'shared', steps: [charge('global')] })

/** Everything that a docket does with its store: an execution, a global result, a batch, its list, its purge. */
export async function useStore(store: Store): Promise<void> {
  await using docket = createDocket({ graphs: [shop, sharedShop], store })
  const inputs = { Order: { id: 'o-1', cents: 9_007_199, at: new Date(0) } }
  const receipt = 'o-1: 9007199 at 1970-01-01T00:00:00.000Z'
  expect(await docket.execute(shop, Receipt, inputs, { id: 'one' })).toBe(receipt)
  expect(await docket.execute(sharedShop, Receipt, inputs, { id: 'two' })).toBe(receipt)
  expect(await docket.execute(sharedShop, Receipt, inputs, { id: 'three' })).toBe(receipt)
  const batch = await docket.startBatch(shop, Receipt, [inputs, inputs], { id: 'batch' })
  expect(await batch.result()).toEqual([receipt, receipt])
  expect((await docket.list()).executions.map(({ id }) => id).toSorted()).toEqual(['batch', 'one', 'three', 'two'])
  await docket.cancel('one')
  for (const id of ['one', 'two', 'three', 'batch']) expect(await docket.delete(id), id).toBe(true)
}
