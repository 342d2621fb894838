import { createActor, toPromise } from 'xstate'
import { expect, test } from 'vitest'
import { dataType, fromGraph, graph, race, step, timer, type } from '../../src/index.ts'
import { World } from './durable-time.ts'

const Answer = dataType('Answer', type<string>())
const Reminder = dataType('Reminder', type<string>())
const Expiry = dataType('Expiry', type<string>())
const Outcome = dataType('Outcome', type<string>())

/** A race of an answer and two timers, of which the one that is declared later is due earlier. */
class Questions {
  isOpen = true

  readonly graph = graph({
    name: 'questions',
    steps: [
      step({ name: 'Ask', output: Answer, run: () => (this.isOpen ? new Promise<never>(() => {}) : 'answered') }),
      timer({ name: 'Expire', output: Expiry, after: '2h', value: () => 'expired' }),
      timer({ name: 'Remind', output: Reminder, after: '1h', value: () => 'reminded' }),
      race({ name: 'Decide', inputs: { answer: Answer, expiry: Expiry, reminder: Reminder }, output: Outcome }),
    ],
  })
}

const day = 24 * 3_600_000

/** What wins where the process dies, and another one goes on after so long. */
async function outcomeAfter(ms: number): Promise<string> {
  const world = new World()
  const questions = new Questions()
  const { docket, die } = world.mortal({ graphs: [questions.graph] })
  await docket.start(questions.graph, Outcome, {}, { id: 'a' })
  await world.clock.advance(1_000)
  die()
  questions.isOpen = false
  await world.clock.advance(ms)
  const next = world.process({ graphs: [questions.graph] })
  await world.clock.advance(10_000)
  const outcome = await world.clock.settle((await next.get('a'))!.result())
  await world.clock.settle(next.close())
  return outcome as string
}

test('after a restart, what was due first wins, and before what begins only then', async () => {
  expect(await outcomeAfter(day)).toBe('reminded')
})

test('in a restored actor too', async () => {
  const { clock } = new World()
  const questions = new Questions()
  const logic = fromGraph(questions.graph, Outcome)
  const actor = createActor(logic, { input: {}, clock }).start()
  await clock.advance(1_000)
  const snapshot = JSON.parse(JSON.stringify(actor.getPersistedSnapshot())) as never
  actor.stop()
  questions.isOpen = false
  await clock.advance(day)
  const again = createActor(logic, { snapshot, input: {}, clock }).start()
  expect(await clock.settle(toPromise(again))).toBe('reminded')
})

test('what is not due yet loses to what comes first', async () => {
  expect(await outcomeAfter(600_000)).toBe('answered')
})
