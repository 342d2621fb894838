import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { dataType, graph, optional, race, signal, step, timer } from '../../src/index.ts'
import { World } from './durable-time.ts'
import { Approval, Decision, Expiry, inputs, minute, Order } from './parked-orders.ts'

const Quote = dataType('Quote', z.string())
const Offer = dataType('Offer', z.string())
const Receipt = dataType('Receipt', z.string())

/** An order whose quote, which is not persisted, fails at the first time: its approval is not waited for then, nor is an offer made. */
function quoted(runs: string[]) {
  return graph({
    name: 'quoted',
    steps: [
      step({
        name: 'AskForQuote',
        inputs: { order: Order },
        output: Quote,
        run: () => {
          runs.push('AskForQuote')
          if (runs.length === 1) throw new Error('nobody answers')
          return 'quoted'
        },
      }),
      step({
        name: 'MakeOffer',
        inputs: { quote: Quote },
        output: Offer,
        persist: 'execution',
        run: () => {
          runs.push('MakeOffer')
          return 'offered'
        },
      }),
      signal(Approval, { inputs: { quote: Quote } }),
      timer({ name: 'Expire', output: Expiry, after: '1h' }),
      race({
        name: 'Decide',
        inputs: { approval: Approval, expiry: Expiry },
        output: Decision,
        run: (first) => (first.port === 'approval' ? first.value.by : 'expired'),
      }),
      step({
        name: 'Receive',
        inputs: { offer: optional(Offer), decision: Decision },
        output: Receipt,
        run: ({ offer, decision }) => `${offer ?? 'no offer'}, ${decision}`,
      }),
    ],
  })
}

describe('a step that failed and is not persisted', () => {
  test('stays failed in an execution that is parked: what was skipped for it is not done after the wake', async () => {
    const world = new World()
    const runs: string[] = []
    const declared = quoted(runs)
    const docket = world.process({ graphs: [declared] })
    const handle = await world.clock.settle(docket.start(declared, Receipt, inputs, { id: 'a' }))
    await world.clock.advance(minute)
    expect((await world.store.get(['a']))[0]).toMatchObject({ status: 'waiting', owner: undefined })
    await world.clock.advance(61 * minute)
    expect(await world.clock.settle(handle.result())).toBe('no offer, expired')
    expect(runs).toEqual(['AskForQuote'])
  })

  test('runs again after a death, and a signal that was skipped for it is taken then: its slot is free', async () => {
    const world = new World()
    const runs: string[] = []
    const declared = quoted(runs)
    const { docket, die } = world.mortal({ graphs: [declared] })
    await world.clock.settle(docket.start(declared, Receipt, inputs, { id: 'a' }))
    await world.clock.advance(2_000)
    die()
    const other = world.process({ graphs: [declared] })
    await world.clock.advance(10_000)
    const handle = (await world.clock.settle(other.get('a')))!
    expect(await world.clock.settle(handle.signal(Approval, { by: 'Ada' }))).toBe('accepted')
    expect(await world.clock.settle(handle.result())).toBe('offered, Ada')
  })
})
