import { expect, test } from 'vitest'
import { alteredStore } from './altered-store.ts'
import { AddItem, baskets, CheckOut, Receipt } from './baskets.ts'
import { World } from './durable-time.ts'

const count = 150

test('messages that are read in several portions while their execution comes to a process reach it in their order, and none is passed over', async () => {
  const world = new World()
  const { clock } = world
  const sender = world.process({ graphs: [], takeOver: false })
  const former = world.mortal({ graphs: [baskets], lease: '2s' })
  await clock.settle(former.docket.start(baskets, Receipt, { Customer: 'Ada' }, { id: 'a' }))
  await clock.advance(1_000)
  const found = (await clock.settle(sender.get('a')))!
  const restored = Promise.withResolvers<void>()
  let sent = Promise.resolve()
  let portions = 0
  const send = async (): Promise<void> => {
    for (let item = 0; item < count; item++) await found.signal(AddItem, { sku: String(item) })
  }
  const store = alteredStore(world.store, async (method, ask, given) => {
    const isOfAll = method === 'readMail' && (given[0] as { readonly executions?: unknown }).executions === undefined
    if (isOfAll) await sent
    const answer: unknown = await ask()
    if (method === 'readSteps' && (given[0] as readonly string[]).includes('a')) await restored.promise
    if (method !== 'readMail') return answer
    // Its messages are sent once it is acquired, and come in two portions: between them it is there.
    if (!isOfAll) await (sent = send())
    else if ((answer as readonly unknown[]).length > 0 && ++portions === 2) {
      restored.resolve()
      await clock.sleep(10)
    }
    return answer
  })
  const next = world.process({ graphs: [baskets], lease: '2s', store })
  // Whoever has nothing reads no mail.
  await clock.settle(next.start(baskets, Receipt, { Customer: 'Bo' }, { id: 'b' }))
  former.die()
  await clock.advance(20_000)
  expect(portions).toBeGreaterThan(1)
  await clock.settle(found.signal(CheckOut, { by: 'Ada' }))
  const ended = (await clock.settle(next.get('a')))!
  expect(await clock.settle(ended.result())).toBe(
    `Ada: ${Array.from({ length: count }, (_, item) => item).join(' ')} for Ada`,
  )
})
