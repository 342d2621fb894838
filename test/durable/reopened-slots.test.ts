import { expect, test } from 'vitest'
import type { ExecutionCommit, SignalVerdict } from '../../src/index.ts'
import { graph, signal, step } from '../../src/index.ts'
import { expectNoUnhandledErrors, rejectionOf, text } from '../loose-api.ts'
import { World } from './durable-time.ts'
import { outage, WatchedStore } from './watched-store.ts'

expectNoUnhandledErrors()

const Approval = text('Approval')
const Paid = text('Paid')
const Order = text('Order')

test('a signal that came while the answer to its execution’s beginning again was lost is the only one', async () => {
  const world = new World()
  const watched = new WatchedStore(world.store)
  let calls = 0
  const pay = (): string => {
    if (++calls === 1) throw new Error('the bank is closed')
    return 'paid'
  }
  const orders = graph({
    name: 'orders',
    steps: [
      signal(Approval),
      step({ name: 'Pay', inputs: {}, output: Paid, run: pay }),
      step({
        name: 'End',
        inputs: { by: Approval, paid: Paid },
        output: Order,
        run: ({ by, paid }) => `${paid} by ${by}`,
      }),
    ],
  })
  const worker = world.process({ graphs: [orders], store: watched.store })
  const other = world.process({ graphs: [orders], takeOver: false })
  await world.clock.settle(rejectionOf(worker.execute(orders, Order, {}, { id: 'x' })))
  const handle = (await other.get('x'))!
  const verdicts: SignalVerdict[] = []
  let isArmed = true
  watched.after = async ({ name, given }) => {
    const begins =
      name === 'commit' && (given[0] as readonly ExecutionCommit[]).some(({ head }) => head?.status === 'running')
    if (!begins || !isArmed) return
    isArmed = false
    verdicts.push(await handle.signal(Approval, 'ann'))
    throw outage()
  }
  const again = await world.clock.settle(worker.retry('x'))
  expect(isArmed).toBe(false)
  verdicts.push(await world.clock.settle(handle.signal(Approval, 'bob')))
  expect(verdicts[0]).toBe('accepted')
  expect(verdicts[1]).not.toBe('accepted')
  expect(await world.clock.settle(again.result())).toBe('paid by ann')
})
