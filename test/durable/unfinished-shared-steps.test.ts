import { expect, test } from 'vitest'
import { dataType, graph, step, type } from '../../src/index.ts'
import { World } from './durable-time.ts'

const Place = dataType('Place', type<string>())
const Name = dataType('Name', type<string>())
const Surveyed = dataType('Surveyed', type<string>())
const Warehouse = dataType('Warehouse', type<string>())
const Permit = dataType('Permit', type<string>())
const Packed = dataType('Packed', type<string>())

/** A batch whose items share a warehouse, which takes a second to open, and a permit. */
class Warehouses {
  readonly world = new World()
  /** What is open, by key. */
  readonly open = new Map<string, string>()
  readonly log: string[] = []
  survey: () => string | Promise<string> = () => 'surveyed'
  permit = async (): Promise<string> => {
    await this.world.clock.sleep(100)
    throw new Error('no permit')
  }
  openFor = 1_000

  graph(timeout?: number) {
    const survey = step({
      name: 'Survey',
      inputs: { place: Place },
      output: Surveyed,
      run: () => this.survey(),
    })
    const open = step({
      name: 'Open',
      inputs: { place: Place, surveyed: Surveyed },
      output: Warehouse,
      timeout,
      run: async ({ place }, { idempotencyKey }) => {
        this.log.push('opens')
        this.open.set(idempotencyKey, place)
        await this.world.clock.sleep(this.openFor)
        return place
      },
      compensate: (output, { inputs, isUncertain, stepIdempotencyKey }) => {
        this.log.push(`closes ${inputs.place} ${isUncertain ? 'uncertain' : output}`)
        this.open.delete(stepIdempotencyKey)
      },
    })
    const permit = step({ name: 'Permit', inputs: { place: Place }, output: Permit, run: () => this.permit() })
    const pack = step({
      name: 'Pack',
      inputs: { name: Name, warehouse: Warehouse, permit: Permit },
      output: Packed,
      run: ({ name }) => name,
    })
    return graph({ name: 'warehouses', steps: [survey, open, permit, pack] })
  }
}

const options = { id: 'a', shared: { Place: 'here' }, onError: 'collect' } as const
const items = [{ Name: 'a' }, { Name: 'b' }]
const never = (): Promise<string> => new Promise(() => {})

test.each(['was under way', 'had timed out'] as const)(
  'what all items share, and %s when a batch that collects ended, is undone where its retry is cancelled before that begins again',
  async (how) => {
    for (const dies of [false, true]) {
      const all = new Warehouses()
      const { world } = all
      const graphs = [all.graph(how === 'had timed out' ? 50 : undefined)]
      const { docket, die } = world.mortal({ graphs, lease: '2s' })
      const handle = await docket.startBatch(graphs[0]!, Packed, items, options)
      expect(await world.clock.settle(handle.result())).toMatchObject([{ error: {} }, { error: {} }])
      await world.clock.advance(5_000)
      expect(all.open.size).toBe(1)
      all.survey = all.permit = never
      await world.clock.settle(docket.retry('a'))
      await world.clock.advance(100)
      let last = docket
      if (dies) {
        die()
        last = world.process({ graphs, lease: '2s' })
        await world.clock.advance(10_000)
      }
      const again = (await last.get('a'))!
      await world.clock.settle(again.cancel())
      expect((await again.details()).status).toBe('cancelled')
      expect(all.log, `dies: ${dies}`).toEqual(['opens', 'closes here uncertain'])
      expect(all.open.size).toBe(0)
      await last.close()
    }
  },
)

test.each([false, true])('it begins again in the retry, under the same key (after a death: %s)', async (dies) => {
  const all = new Warehouses()
  const { world } = all
  const graphs = [all.graph()]
  const { docket, die } = world.mortal({ graphs, lease: '2s' })
  const handle = await docket.startBatch(graphs[0]!, Packed, items, options)
  await world.clock.settle(handle.result())
  let isSurveyed = false
  all.survey = () => (isSurveyed ? 'surveyed' : never())
  all.permit = () => Promise.resolve('permit')
  if (!dies) isSurveyed = true
  await world.clock.settle(docket.retry('a'))
  let last = docket
  if (dies) {
    await world.clock.advance(100)
    die()
    isSurveyed = true
    last = world.process({ graphs, lease: '2s' })
    await world.clock.advance(10_000)
  }
  const again = (await last.get('a'))!
  expect(await world.clock.settle(again.result())).toMatchObject([{ value: 'a' }, { value: 'b' }])
  expect(all.log).toEqual(['opens', 'opens'])
  expect([...all.open.values()]).toEqual(['here'])
  await last.close()
})
