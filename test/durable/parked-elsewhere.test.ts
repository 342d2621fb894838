import { getEventListeners } from 'node:events'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { dataType, graph, signal, step, StoreError } from '../../src/index.ts'
import { alteredStore } from './altered-store.ts'
import { World } from './durable-time.ts'
import { Approval, inputs, isParking, orders, parked, recordOf, Shipment } from './parked-orders.ts'

const lost = (world: World): number => world.events.filter(({ type }) => type === 'lease.lost').length

describe('an execution that was parked', () => {
  test('leaves no listener of its caller behind once it has ended elsewhere, though the store says nothing', async () => {
    const world = new World()
    const controller = new AbortController()
    const store = alteredStore(world.store, (method, ask) =>
      method === 'subscribe' ? Promise.resolve(async () => {}) : ask(),
    )
    const declared = orders([])
    const docket = world.process({ graphs: [declared], store })
    const options = { id: 'a', signal: controller.signal }
    await world.clock.settle(docket.start(declared, Shipment, inputs, options))
    await world.clock.advance(11_000)
    expect(getEventListeners(controller.signal, 'abort')).toHaveLength(1)
    const other = world.process({ graphs: [declared], takeOver: false })
    await world.clock.settle((await world.clock.settle(other.get('a')))!.cancel())
    expect((await recordOf(world)).status).toBe('cancelled')
    await world.clock.advance(61_000)
    expect(getEventListeners(controller.signal, 'abort')).toHaveLength(0)
  })

  test('has lost no lease where the answer was lost and another process has woken it since', async () => {
    const world = new World()
    let isLost = false
    const runs: string[] = []
    const declared = orders(runs)
    const second = world.process({ graphs: [declared] })
    const store = alteredStore(world.store, async (method, ask, given) => {
      if (!isParking(method, given) || isLost) return ask()
      isLost = true
      await ask()
      const found = await second.get('a')
      await found!.signal(Approval, { by: 'Ada' })
      await second.resume()
      throw new StoreError('memory', 'the answer is lost', true)
    })
    const first = world.process({ graphs: [declared], store })
    const handle = await world.clock.settle(first.start(declared, Shipment, inputs, { id: 'a' }))
    await world.clock.advance(12_000)
    expect(isLost).toBe(true)
    expect(await world.clock.settle(handle.result())).toBe('prepared o, for Ada')
    expect(lost(world)).toBe(0)
    expect(runs).toEqual(['Prepare', 'Ship'])
  })

  test('has lost no lease where its caller’s signal is aborted before the answer comes, and ends by that', async () => {
    const world = new World()
    const controller = new AbortController()
    const store = alteredStore(world.store, async (method, ask, given) => {
      const answer = await ask()
      if (isParking(method, given)) {
        controller.abort(new Error('enough'))
        await world.clock.sleep(500)
      }
      return answer
    })
    const declared = orders([])
    const docket = world.process({ graphs: [declared], store })
    const options = { id: 'a', signal: controller.signal }
    const handle = await world.clock.settle(docket.start(declared, Shipment, inputs, options))
    await world.clock.advance(12_000)
    await expect(world.clock.settle(handle.result())).rejects.toThrow('enough')
    expect(lost(world)).toBe(0)
    expect((await recordOf(world)).status).toBe('cancelled')
  })

  test('is parked later and later where the store refuses it, and as before once it has gone on', async () => {
    const world = new World()
    const tries: number[] = []
    const store = alteredStore(world.store, (method, ask, given) => {
      if (!isParking(method, given)) return ask()
      tries.push(world.clock.now() - 1_000_000)
      throw new StoreError('memory', 'no parking', false)
    })
    await parked(world, [], { store })
    await world.clock.advance(400_000)
    expect(tries.map((at) => Math.round(at / 10_000))).toEqual([1, 2, 4, 8, 16, 32])
  })
})

test.each([
  ['an execution', false],
  ['a batch', true],
])(
  'the limit of a wait that is over while %s is being parked makes it go on once, where it is woken',
  async (_, isBatch) => {
    const world = new World()
    const Answer = dataType('Answer', z.string())
    const Counted = dataType('Counted', z.string())
    const runs: string[] = []
    const late = graph({
      name: 'late',
      steps: [
        signal(Answer, { timeout: 50, fallback: 'none' }),
        step({
          name: 'Count',
          inputs: { answer: Answer },
          output: Counted,
          persist: 'execution',
          run({ answer }) {
            runs.push(answer)
            return answer
          },
        }),
      ],
    })
    const store = alteredStore(world.store, async (method, ask, given) => {
      const answer: unknown = await ask()
      if (isParking(method, given)) await new Promise<void>((resolve) => void world.clock.setTimeout(resolve, 200))
      return answer
    })
    const docket = world.process({ graphs: [late], park: 10, store })
    if (isBatch) await world.clock.settle(docket.startBatch(late, Counted, [{}], { id: 'a' }))
    else await world.clock.settle(docket.start(late, Counted, {}, { id: 'a' }))
    const handle = (await world.clock.settle(docket.get('a')))!
    expect(await world.clock.settle(handle.result())).toEqual(isBatch ? ['none'] : 'none')
    expect(runs).toEqual(['none'])
  },
)
