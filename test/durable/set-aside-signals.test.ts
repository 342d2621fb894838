import { expect, test } from 'vitest'
import { z } from 'zod'
import { dataType, graph, signal, step, type } from '../../src/index.ts'
import { World } from './durable-time.ts'

const Approval = dataType('Approval', z.object({ by: z.string() }))
/** The same, as a process knows it that does not have the graph. */
const Loose = dataType('Approval', z.object({}).loose())
const Verdict = dataType('Verdict', type<string>())

const approved = graph({
  name: 'approved',
  steps: [
    signal(Approval),
    step({
      name: 'Decide',
      inputs: { approval: Approval },
      output: Verdict,
      run: ({ approval }) => `yes, ${approval.by}`,
    }),
  ],
})

test('a signal that was set aside and is sent again under its id is the same one: it has no effect, and keeps no other one back', async () => {
  const world = new World()
  const docket = world.process({ graphs: [approved] })
  const handle = await world.clock.settle(docket.start(approved, Verdict, {}, { id: 'a' }))
  const other = world.process({ graphs: [], takeOver: false })
  const found = await world.clock.settle(other.get('a'))
  const send = (by: unknown, id: string) => world.clock.settle(found!.signal(Loose, { by }, { id }))
  expect(await send(7, 'one')).toBe('accepted')
  await world.clock.advance(2_000)
  // What it has become is what it stays, also where it would fit by now.
  expect(await send(7, 'one')).toBe('accepted')
  expect(await send('Eve', 'one')).toBe('accepted')
  await world.clock.advance(2_000)
  expect(world.events.filter((event) => event.type === 'signal.set-aside')).toHaveLength(1)
  expect(await send('Ada', 'two')).toBe('accepted')
  expect(await send('Eve', 'one')).toBe('accepted')
  expect(await world.clock.settle(handle.result())).toBe('yes, Ada')
})
