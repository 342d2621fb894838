import { expect, test } from 'vitest'
import { graph, race, step, timer } from '../../src/index.ts'
import { sleep } from '../../src/runtime/environment/clock.ts'
import { expectNoUnhandledErrors, text } from '../loose-api.ts'
import { World } from './durable-time.ts'

expectNoUnhandledErrors()

const Fast = text('Fast')
const Slow = text('Slow')
const Winner = text('Winner')
const Pause = text('Pause')
const End = text('End')

test('what has completed, and undoes the losers of its races, stays completed whoever goes on with it, and whoever cancels it', async () => {
  const world = new World()
  let ends = 0
  let canUndo = false
  const after = (ms: number, value: string) => async (): Promise<string> => {
    await sleep(world.clock, ms)
    return value
  }
  const compensate = (): Promise<void> | void => (canUndo ? undefined : new Promise(() => {}))
  const graphOf = () =>
    graph({
      name: 'deciding',
      steps: [
        step({ name: 'Fast', inputs: {}, output: Fast, persist: 'execution', run: after(10, 'fast') }),
        step({ name: 'Slow', inputs: {}, output: Slow, run: after(50, 'slow'), compensate }),
        race({ name: 'Decide', inputs: { fast: Fast, slow: Slow }, output: Winner }),
        timer({ name: 'Pause', output: Pause, after: '20ms', value: () => 'done' }),
        step({ name: 'End', inputs: { winner: Winner, pause: Pause }, output: End, run: () => `end ${++ends}` }),
      ],
    })
  const begun = graphOf()
  const first = world.mortal({ graphs: [begun] })
  const handle = await first.docket.start(begun, End, {}, { id: 'a' })
  expect(await world.clock.settle(handle.result())).toBe('end 1')
  await world.clock.advance(1_000)
  first.die()
  await world.clock.advance(6_000)
  const second = world.mortal({ graphs: [graphOf()] })
  await world.clock.advance(1_000)
  expect((await world.store.get(['a']))[0]).toMatchObject({ status: 'compensating', epoch: 2 })
  second.die()
  await world.clock.advance(6_000)
  const watcher = world.process({ graphs: [graphOf()], takeOver: false })
  await world.clock.settle((await watcher.get('a'))!.cancel())
  canUndo = true
  const third = world.process({ graphs: [graphOf()] })
  await world.clock.advance(5_000)
  const details = await world.clock.settle((await third.get('a'))!.details())
  expect(details).toMatchObject({ status: 'completed', output: 'end 1', error: undefined })
  expect(ends).toBe(1)
})
