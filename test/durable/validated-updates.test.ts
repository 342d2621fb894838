import { expect, test } from 'vitest'
import { z } from 'zod'
import { dataType, durableStep, graph, update } from '../../src/index.ts'
import { createTestDocket } from '../../src/testing/index.ts'
import { Balance } from './accounts.ts'

test('an update is validated by what its step has published, after a restart too', async () => {
  const Add = update('Add', {
    input: z.object({ sku: z.string() }),
    output: z.number(),
    validate: ({ sku }, view) => {
      if (view.get(Skus)?.includes(sku) === true) throw new Error(`${sku} is there`)
    },
  })
  const Skus = dataType('Skus', z.array(z.string()))
  const cart = durableStep({
    name: 'Cart',
    output: Balance,
    receives: [Add],
    publishes: [Skus],
    run: async (_, ctx) => {
      const skus: string[] = []
      for (;;) {
        const message = await ctx.receive(Add)
        // What is not published yet counts for nobody.
        skus.push(message.value.sku)
        if (skus.length < 3) await ctx.publish(Skus, skus)
        await message.reply(skus.length)
      }
    },
  })
  const carts = graph({ name: 'carts', steps: [cart] })
  await using docket = createTestDocket({ graphs: [carts] })
  const one = await docket.start(carts, Balance, {}, { id: 'one' })
  expect(await one.update(Add, { sku: 'pen' })).toBe(1)
  await expect(one.update(Add, { sku: 'pen' })).rejects.toThrow('update "Add" was rejected: pen is there')
  expect(await one.update(Add, { sku: 'cup' })).toBe(2)
  await docket.restart()
  await expect(one.update(Add, { sku: 'pen' })).rejects.toThrow('pen is there')
  await expect(one.update(Add, { sku: 'cup' })).rejects.toThrow('cup is there')
  expect(await one.update(Add, { sku: 'lamp' })).toBe(3)
  expect(await one.update(Add, { sku: 'lamp' })).toBe(4)
})
