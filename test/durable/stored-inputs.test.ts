import { expect, test } from 'vitest'
import { z } from 'zod'
import { dataType, graph, step } from '../../src/index.ts'
import { World } from './durable-time.ts'

const Order = dataType('Order', z.object({ id: z.string(), lines: z.array(z.object({ count: z.number() })) }))
const Placed = dataType(
  'Placed',
  z.string().transform((text) => new Date(text)),
)
const Versioned = dataType('Versioned', z.object({ id: z.string() }), { version: '2' })
const Receipt = dataType('Receipt', z.string())

const given = { Order: { id: 'o-1', lines: [{ count: 2 }] }, Placed: '2026-01-01', Versioned: { id: 'v' } }

function orders(run: (placed: Date) => string | Promise<string>) {
  const charge = step({
    name: 'Charge',
    inputs: { order: Order, placed: Placed, versioned: Versioned },
    output: Receipt,
    persist: 'execution',
    run: ({ order, placed }) => run(placed instanceof Date && order.lines.length === 1 ? placed : new Date(0)),
  })
  return graph({ name: 'orders', steps: [charge] })
}

test('an input is stored as it was given under its name, and once more only where its schema converts it', async () => {
  const world = new World()
  const docket = world.process({ graphs: [orders(() => 'done')] })
  const known = orders(() => 'done')
  await using other = world.process({ graphs: [known] })
  await world.clock.settle(other.execute(known, Receipt, given, { id: 'a' }))
  const [record] = await world.store.get(['a'])
  expect(JSON.parse(record!.inputs as string)).toEqual({
    ...given,
    $checked: { Placed: { $date: '2026-01-01T00:00:00.000Z' } },
    $versions: { Versioned: '2' },
  })
  const details = await world.clock.settle((await docket.get('a'))!.details())
  expect(details.inputs).toEqual(given)
  await docket.close()
})

test('whoever goes on after a death gives the steps what the schemas made', async () => {
  const world = new World()
  const doomed = orders(() => new Promise<string>(() => {}))
  const { docket, die } = world.mortal({ graphs: [doomed] })
  await docket.start(doomed, Receipt, given, { id: 'a' })
  await world.clock.advance(10)
  die()
  const survivor = world.process({ graphs: [orders((placed) => placed.toISOString())] })
  await world.clock.advance(20_000)
  const handle = (await survivor.get('a'))!
  expect(await world.clock.settle(handle.result())).toBe('2026-01-01T00:00:00.000Z')
})
