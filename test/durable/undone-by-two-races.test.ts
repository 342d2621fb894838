import { expect, test } from 'vitest'
import { dataType, graph, race, step, type } from '../../src/index.ts'
import { World } from './durable-time.ts'
import { fatalAt } from './fatal-commit.ts'

const Quick = dataType('Quick', type<string>())
const Hold = dataType('Hold', type<string>())
const Seat = dataType('Seat', type<string>())
const Refusal = dataType('Refusal', type<string>())
const Way = dataType('Way', type<string>())
const Answer = dataType('Answer', type<string>())
const Report = dataType('Report', type<string>())

test('a hold that one race has made needless is undone after the seat that was made of it, and that another race has made needless, whatever commit the process dies after', async () => {
  let seats = 0
  for (let n = 1, wasFatal = true; wasFatal; n++) {
    const world = new World()
    const { clock } = world
    const log: string[] = []
    const trips = graph({
      name: 'trips',
      defaults: { persist: 'execution' },
      steps: [
        step({ name: 'FindQuick', output: Quick, run: async () => (await clock.sleep(10), 'quick') }),
        step({
          name: 'HoldAll',
          output: Hold,
          run: async () => (await clock.sleep(20), 'hold'),
          compensate: () => void log.push('release the hold'),
        }),
        step({
          name: 'BookSeat',
          inputs: { hold: Hold },
          output: Seat,
          run: async () => (await clock.sleep(10_000), 'seat'),
          compensate: { run: async () => (await clock.sleep(100), void log.push('cancel the seat')), wait: 0 },
        }),
        step({ name: 'Refuse', output: Refusal, run: async () => (await clock.sleep(500), 'refused') }),
        race({ name: 'ChooseWay', inputs: { quick: Quick, hold: Hold }, output: Way }),
        race({ name: 'Answer', inputs: { seat: Seat, refusal: Refusal }, output: Answer, run: ({ value }) => value }),
        step({
          name: 'Report',
          inputs: { way: Way, answer: Answer },
          output: Report,
          run: ({ way, answer }) => `${way}, ${answer}`,
        }),
      ],
    })
    let hasDied = false
    const store = fatalAt(world.store, n, 'after', () => {
      hasDied = true
      die()
    })
    const { docket, die } = world.mortal({ graphs: [trips], lease: '2s' }, store)
    void docket.start(trips, Report, {}, { id: 'a' }).catch(() => {})
    await clock.advance(1_000)
    wasFatal = hasDied
    if (!hasDied) die()
    const before = log.length
    const next = world.process({ graphs: [trips], lease: '2s' })
    await clock.advance(20_000)
    const handle = (await next.get('a'))!
    expect(await clock.settle(handle.result()), `died after commit ${n}`).toBe('quick, refused')
    const undone = log.slice(before)
    if (undone.includes('cancel the seat')) {
      seats++
      expect(undone.at(-1), `died after commit ${n}`).toBe('release the hold')
    }
    await next.close()
    expect(n).toBeLessThan(40)
  }
  expect(seats).toBeGreaterThan(0)
})
