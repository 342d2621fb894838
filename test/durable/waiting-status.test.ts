import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { dataType, graph, race, signal, step, timer } from '../../src/index.ts'
import { World } from './durable-time.ts'

const Order = dataType('Order', z.object({ id: z.string() }))
const Approval = dataType('Approval', z.object({ by: z.string() }))
const Expiry = dataType('Expiry', z.object({ dueAt: z.date() }))
const Decision = dataType('Decision', z.string())
const Note = dataType('Note', z.string())
const Shipment = dataType('Shipment', z.string())
const inputs = { Order: { id: 'o' } }

const decide = race({
  name: 'Decide',
  inputs: { approval: Approval, expiry: Expiry },
  output: Decision,
  run: (first) => first.port,
})

function orders(note: () => string | Promise<string>) {
  return graph({
    name: 'orders',
    steps: [
      signal(Approval, { timeout: '2h' }),
      timer({ name: 'Expire', output: Expiry, after: '1h' }),
      decide,
      step({ name: 'Note', inputs: { order: Order }, output: Note, run: note }),
      step({
        name: 'Ship',
        inputs: { note: Note, decision: Decision },
        output: Shipment,
        run: ({ note: noted, decision }) => `${noted} ${decision}`,
      }),
    ],
  })
}

describe('an execution in a docket', () => {
  test('is waiting while every step that has begun waits, and no longer', async () => {
    const world = new World()
    const noted = Promise.withResolvers<string>()
    const declared = orders(() => noted.promise)
    const docket = world.process({ graphs: [declared] })
    const handle = await world.clock.settle(docket.start(declared, Shipment, inputs, { id: 'a' }))
    await world.clock.advance(1_000)
    const statusOf = async () => (await world.clock.settle(handle.details())).status
    const listed = async () => (await world.clock.settle(docket.list({ status: 'waiting' }))).executions.length
    expect([await statusOf(), await listed()]).toEqual(['running', 0])
    noted.resolve('a note')
    await world.clock.advance(1_000)
    expect([await statusOf(), await listed()]).toEqual(['waiting', 1])
    await world.clock.settle(handle.signal(Approval, { by: 'Ada' }))
    expect(await world.clock.settle(handle.result())).toBe('a note approval')
    expect([await statusOf(), await listed()]).toEqual(['completed', 0])
  })

  test('shows in its details what it waits for, here and from another process', async () => {
    const world = new World()
    const declared = orders(() => 'a note')
    const docket = world.process({ graphs: [declared] })
    const at = world.clock.now()
    const handle = await world.clock.settle(docket.start(declared, Shipment, inputs, { id: 'a' }))
    await world.clock.advance(100)
    const until = new Date(at + 7_200_000)
    const due = new Date(at + 3_600_000)
    const others = [
      world.process({ graphs: [declared], takeOver: false }),
      world.process({ graphs: [], takeOver: false }),
    ]
    const handles = [handle, ...(await Promise.all(others.map((other) => world.clock.settle(other.get('a')))))]
    for (const one of handles) {
      const { steps, situation } = await world.clock.settle(one!.details())
      const waits = Object.fromEntries(steps.map(({ step: name, waitsFor }) => [name, waitsFor]))
      expect(waits['Expire']).toEqual({ kind: 'time', at: due })
      if (one === handles[2]) continue
      expect(waits['Approval']).toEqual({ kind: 'signal', signal: 'Approval', until })
      expect(situation).toContain(
        `it waits for signal "Approval" until ${until.toISOString()}, timer "Expire" at ${due.toISOString()}`,
      )
    }
  })

  test('is running again while something of it runs', async () => {
    const world = new World()
    const slow = graph({
      name: 'slow',
      steps: [
        signal(Approval),
        step({
          name: 'Ship',
          inputs: { approval: Approval },
          output: Shipment,
          run: () => new Promise<string>(() => {}),
        }),
      ],
    })
    const docket = world.process({ graphs: [slow] })
    const handle = await world.clock.settle(docket.start(slow, Shipment, {}, { id: 'a' }))
    await world.clock.advance(1_000)
    expect((await world.clock.settle(handle.details())).status).toBe('waiting')
    await world.clock.settle(handle.signal(Approval, { by: 'Ada' }))
    await world.clock.advance(1_000)
    expect((await world.clock.settle(handle.details())).status).toBe('running')
    expect(handle.getSnapshot()?.value).toBe('running')
  })
})
