import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Engine } from '../../core/contracts/engine.ts'
import { graph } from '../../core/graph/graph.ts'
import { dataType, type } from '../../core/language/data-type.ts'
import { signal } from '../../runtime/kinds/signal.ts'
import { step } from '../../core/language/step.ts'
import { createDocket } from '../../durable/docket.ts'
import { memoryStore } from '../../../stores/memory/index.ts'

const Order = dataType('Order', type<string>())
const Payment = dataType('Payment', type<string>())
const Approval = dataType('Approval', type<string>())
const Receipt = dataType('Receipt', type<string>())

/** What dockets come to with an engine, by what is promised of it; `makeEngine` gives one for each docket, which may be the same. */
export const engineScenarios: Readonly<Record<string, (makeEngine: () => Engine) => Promise<void>>> = {
  'what one docket starts others run: all of it, and each step commits once': async (makeEngine) => {
    const store = memoryStore()
    const paid = new Map<string, number>()
    const pay = step({
      name: 'Pay',
      inputs: { order: Order },
      output: Payment,
      persist: 'execution',
      run: async ({ order }) => {
        await sleep(1)
        paid.set(order, (paid.get(order) ?? 0) + 1)
        return `payment of ${order}`
      },
    })
    const shop = graph({ name: 'shop', steps: [pay] })
    await using starter = createDocket({ graphs: [shop], store, engine: makeEngine(), work: false })
    await using first = createDocket({ graphs: [shop], store, engine: makeEngine(), work: { default: 5 } })
    await using second = createDocket({ graphs: [shop], store, engine: makeEngine(), work: { default: 5 } })
    const ids = Array.from({ length: 200 }, (_, index) => `order ${index}`)
    const started = await Promise.all(ids.map((id) => starter.start(shop, Payment, { Order: id }, { id })))
    const values = await Promise.all(started.map((execution) => execution.result()))
    assert.deepEqual(
      values,
      ids.map((id) => `payment of ${id}`),
    )
    assert.deepEqual(
      [...paid.values()],
      Array.from(ids, () => 1),
    )
    assert.ok(first !== second)
  },

  'what waits goes on when its signal comes, parked or not': async (makeEngine) => {
    const store = memoryStore()
    const write = step({
      name: 'Write',
      inputs: { order: Order, approval: Approval },
      output: Receipt,
      run: ({ order, approval }) => `${order} by ${approval}`,
    })
    const orders = graph({ name: 'orders', steps: [signal(Approval), write] })
    await using starter = createDocket({ graphs: [orders], store, engine: makeEngine(), work: false })
    await using worker = createDocket({
      graphs: [orders],
      store,
      engine: makeEngine(),
      work: { default: 2 },
      park: '50ms',
    })
    const ids = Array.from({ length: 20 }, (_, index) => `order ${index}`)
    const started = await Promise.all(ids.map((id) => starter.start(orders, Receipt, { Order: id }, { id })))
    for (const [index, execution] of started.entries()) {
      // Some come early, some late, and some at the moment in which it is parked.
      if (index % 4 === 0) await sleep(50)
      assert.equal(await execution.signal(Approval, 'Ada'), 'accepted')
    }
    const values = await Promise.all(started.map((execution) => execution.result()))
    assert.deepEqual(
      values,
      ids.map((id) => `${id} by Ada`),
    )
    assert.ok(worker)
  },

  'what a docket has when it closes goes on in another one': async (makeEngine) => {
    const store = memoryStore()
    const gate = { isShut: true }
    const slow = step({
      name: 'Slow',
      inputs: { order: Order },
      output: Receipt,
      retry: { maxAttempts: 3 },
      run: async ({ order }, { signal: ended }) => {
        while (gate.isShut && !ended.aborted) await sleep(5)
        ended.throwIfAborted()
        return order
      },
    })
    const slowly = graph({ name: 'slowly', steps: [slow] })
    await using starter = createDocket({ graphs: [slowly], store, engine: makeEngine(), work: false })
    const first = createDocket({ graphs: [slowly], store, engine: makeEngine(), work: { default: 3 } })
    const ids = Array.from({ length: 6 }, (_, index) => `order ${index}`)
    const started = await Promise.all(ids.map((id) => starter.start(slowly, Receipt, { Order: id }, { id })))
    while ((await starter.list({ status: 'running' })).executions.length < 3) await sleep(10)
    const since = performance.now()
    await first.close({ deadline: '50ms' })
    assert.ok(performance.now() - since < 5_000, `closing took ${Math.round(performance.now() - since)} ms`)
    gate.isShut = false
    await using second = createDocket({ graphs: [slowly], store, engine: makeEngine(), work: { default: 3 } })
    assert.deepEqual(await Promise.all(started.map((execution) => execution.result())), ids)
    assert.ok(second)
  },
}
