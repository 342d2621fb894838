import { expect, test } from 'vitest'
import { graph, step } from '../../src/index.ts'
import { World } from './durable-time.ts'
import { door, First, line, Seed, Third } from './line.ts'
import type { Link } from './line.ts'
import { WatchedStore } from './watched-store.ts'
import { PausedClock } from './paused-clock.ts'

/** A process that sleeps for longer than its lease, while another one goes on with its execution; what it runs when it wakes up. */
async function runsAfterSleep(second: Link, whileAsleep: () => void = () => {}) {
  const world = new World()
  const clock = new PausedClock(world.clock)
  const { line: graph, runs } = line({ second })
  const sleeper = world.process({ graphs: [graph], clock, lease: '5s' })
  const handle = await sleeper.start(graph, Third, { Seed: 1 }, { id: 'a' })
  const { line: healthy } = line({ second: { ...second, run: (value) => value * 100 } })
  world.process({ graphs: [healthy], lease: '5s' })
  await world.clock.advance(10)
  clock.pause()
  await world.clock.advance(8_000)
  whileAsleep()
  runs.length = 0
  await clock.resume()
  expect(await world.clock.settle(handle.result())).toBe(201)
  return runs
}

test('a process that slept through the end of its lease begins no step that was ready when it woke up', async () => {
  const gate = door()
  const unpersisted = { run: () => gate.promise, persist: undefined }
  expect(await runsAfterSleep(unpersisted, () => gate.resolve(7))).toEqual([])
})

test('a process that slept through the end of its lease begins no attempt that came due meanwhile', async () => {
  const failing = {
    run: () => {
      throw new Error('not now')
    },
    retry: { maxAttempts: 5, backoff: '1s' },
  }
  expect(await runsAfterSleep(failing)).toEqual([])
})

test.each([
  [
    'begins no attempt of which it hears then that it is on record',
    'commit',
    { retry: { maxAttempts: 5 }, concurrency: 1 },
  ],
  ['begins nothing of an execution of which it hears then that it was created', 'create', {}],
] as const)('a process that slept through the end of its lease %s', async (_, call, policies) => {
  const world = new World()
  const clock = new PausedClock(world.clock)
  const runs: string[] = []
  const graphOf = (name: string) => {
    const run = ({ value }: { readonly value: number }): number => {
      runs.push(name)
      return value
    }
    const first = { name: 'First', inputs: { value: Seed }, output: First, persist: 'execution', run } as const
    return graph({ name: 'line', steps: [step({ ...first, ...policies })] })
  }
  const heard = door<void>()
  const watched = new WatchedStore(world.store)
  watched.after = ({ name }) => (name === call ? heard.promise : undefined)
  const own = graphOf('sleeper')
  const sleeper = world.process({ graphs: [own], clock, store: watched.store, lease: '5s' })
  const started = sleeper.start(own, First, { Seed: 1 }, { id: 'a' })
  await world.clock.advance(10)
  world.process({ graphs: [graphOf('other')], lease: '5s' })
  clock.pause()
  await world.clock.advance(8_000)
  heard.resolve()
  await clock.resume()
  const handle = await world.clock.settle(started)
  expect(await world.clock.settle(handle.result())).toBe(1)
  expect(runs).toEqual(['other'])
})
