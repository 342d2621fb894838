import { expect, test } from 'vitest'
import { graph, race, step } from '../../../src/index.ts'
import { number } from '../../loose-api.ts'
import { World } from '../durable-time.ts'
import { door } from '../line.ts'
import { SuspendedClock } from '../suspended-clock.ts'
import { adding } from './adding.ts'
import { Plus, Sum, Total } from './sums.ts'

const Paid = number('Paid')
const Either = number('Either')

test('a machine keeps what it is at where a race was decided without it as its process woke up, and had lost the execution by then', async () => {
  const world = new World()
  const clock = new SuspendedClock(world.clock)
  const gate = door()
  let turn = 0
  const pay = step({
    name: 'Pay',
    inputs: {},
    output: Paid,
    run: () => (turn++ === 0 ? gate.promise : door().promise),
  })
  const either = race({ name: 'Either', inputs: { paid: Paid, sum: Sum }, output: Either })
  const sums = graph({ name: 'sums', steps: [pay, adding(), either] })
  const docket = world.process({ graphs: [sums], clock, lease: '5s' })
  const handle = await docket.start(sums, Either, {}, { id: 'a' })
  await world.clock.settle(handle.signal(Plus, 10))
  await world.clock.advance(100)
  clock.suspend()
  await world.clock.advance(8_000)
  gate.resolve(1)
  await clock.wake()
  await world.clock.advance(6_000)
  expect(turn).toBe(2)
  const again = (await world.clock.settle(docket.get('a')))!
  await world.clock.settle(again.signal(Total, true))
  expect(await world.clock.settle(again.result())).toBe(10)
})
