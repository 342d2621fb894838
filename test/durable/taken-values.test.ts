import { expect, test } from 'vitest'
import { dataType, graph, race, signal, step, timer, type } from '../../src/index.ts'
import { World } from './durable-time.ts'
import { Approval } from './parked-orders.ts'

const Seat = dataType('Seat', type<string>())
const Label = dataType('Label', type<string>())
const Ticket = dataType('Ticket', type<string>())
const Soon = dataType('Soon', type<string>())
const Name = dataType('Name', type<string>())
const Trip = dataType('Trip', type<string>())

test.each(['parked', 'dead'])(
  'what a race did without, and something else took, is not undone by the process that goes on (%s)',
  async (how) => {
    const world = new World()
    const undone: string[] = []
    const declared = graph({
      name: 'trips',
      steps: [
        step({
          name: 'Reserve',
          inputs: {},
          output: Seat,
          run: () => 'seat 7',
          compensate: (seat) => void undone.push(`${seat}`),
        }),
        step({
          name: 'Describe',
          inputs: { seat: Seat },
          output: Label,
          run: async ({ seat }) => {
            await new Promise<void>((resolve) => void world.clock.setTimeout(resolve, 100))
            return `the ${seat}`
          },
        }),
        step({
          name: 'Print',
          inputs: { label: Label },
          output: Ticket,
          persist: 'execution',
          run: ({ label }) => `ticket for ${label}`,
        }),
        timer({ name: 'WaitShortly', output: Soon, after: 10, value: () => 'no name' }),
        race({ name: 'Choose', inputs: { label: Label, soon: Soon }, output: Name }),
        signal(Approval),
        step({
          name: 'Go',
          inputs: { ticket: Ticket, name: Name, approval: Approval },
          output: Trip,
          run: ({ ticket, name }) => `${ticket}, ${name}`,
        }),
      ],
    })
    const { docket, die } = world.mortal({ graphs: [declared], park: how === 'parked' ? '1s' : '1h' })
    await world.clock.settle(docket.start(declared, Trip, {}, { id: 'a' }))
    await world.clock.advance(5_000)
    die()
    const other = world.process({ graphs: [declared] })
    await world.clock.advance(10_000)
    const handle = (await world.clock.settle(other.get('a')))!
    expect(await world.clock.settle(handle.signal(Approval, { by: 'Ada' }))).toBe('accepted')
    expect(await world.clock.settle(handle.result())).toBe('ticket for the seat 7, no name')
    await world.clock.advance(10_000)
    expect(undone).toEqual([])
    expect((await world.clock.settle(handle.details())).status).toBe('completed')
  },
)
