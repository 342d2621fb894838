import { createActor, toPromise } from 'xstate'
import { expect, test } from 'vitest'
import { fromGraph, graph, step, subgraph } from '../../../src/index.ts'
import { VirtualTime } from '../virtual-time.ts'
import { Delivery, shippingOf, Weight } from './shipping.ts'

const pack = step({ name: 'Pack', output: Weight, run: () => '300' })

test('an actor has a subgraph as one of its steps, and goes on with it in a restored one: the same child, from its beginning', async () => {
  const clock = new VirtualTime()
  const ids: string[] = []
  const reasons: unknown[] = []
  let isOpen = false
  const shipping = shippingOf(async (label, { executionId, signal }) => {
    ids.push(executionId)
    signal.addEventListener('abort', () => reasons.push(signal.reason))
    if (!isOpen) await clock.sleep(1e9, signal)
    return label
  })
  const logic = fromGraph(graph({ name: 'orders', steps: [pack, subgraph(shipping, Delivery)] }), Delivery)
  const input = { Address: 'Oslo' }
  const actor = createActor(logic, { clock, input }).start()
  await clock.advance(10)
  expect(actor.getSnapshot().context.steps['shipping']).toMatchObject({ status: 'running', attempt: 1 })
  const snapshot = JSON.parse(JSON.stringify(actor.getPersistedSnapshot())) as never
  actor.stop()
  expect(reasons).toMatchObject([{ code: 'EXECUTION_CANCELLED' }])
  isOpen = true
  const again = createActor(logic, { clock, snapshot, input }).start()
  expect(await clock.settle(toPromise(again))).toEqual(['301 g to Oslo'])
  const { executionId } = again.getSnapshot().context
  expect(ids).toEqual(Array(2).fill(`${executionId}/shipping`))
})

test('a child of an actor that goes on elsewhere undoes nothing', async () => {
  const clock = new VirtualTime()
  const log: string[] = []
  const shipping = shippingOf((label, { signal }) => clock.sleep(1e9, signal).then(() => label), {
    onUndo: (what) => log.push(what),
  })
  const logic = fromGraph(
    graph({
      name: 'orders',
      steps: [
        step({ name: 'Pack', output: Weight, run: () => '300', compensate: () => void log.push('weight') }),
        subgraph(shipping, Delivery),
      ],
    }),
    Delivery,
  )
  const actor = createActor(logic, { clock, input: { Address: 'Oslo' } }).start()
  await clock.advance(10)
  actor.getPersistedSnapshot()
  actor.stop()
  await clock.advance(60_000)
  expect(log).toEqual([])
})
