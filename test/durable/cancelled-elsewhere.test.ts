import { expect, test } from 'vitest'
import { dataType, ExecutionCancelledError, graph, step, type } from '../../src/index.ts'
import { World } from './durable-time.ts'
import { asker, started } from './placed.ts'

const Scene = dataType('Scene', type<string>())
const Film = dataType('Film', type<string>())
const Mail = dataType('Mail', type<string>())

test('a cancelled execution stops its child in another process’s queue, whether that runs or waits for a slot, and the slot is free', async () => {
  const world = new World()
  const began: string[] = []
  const stopped: unknown[] = []
  const render = step({
    name: 'Render',
    inputs: { scene: Scene },
    output: Film,
    queue: 'gpu',
    run: ({ scene }, { signal }) => {
      began.push(scene)
      if (scene === 'last') return 'film of last'
      return new Promise<string>((_, reject) =>
        signal.addEventListener('abort', () => {
          stopped.push(signal.reason)
          reject(signal.reason as Error)
        }),
      )
    },
  })
  const mail = step({ name: 'Mail', inputs: { film: Film }, output: Mail, run: ({ film }) => `see ${film}` })
  const films = graph({ name: 'films', steps: [render, mail] })
  world.process({ graphs: [films], work: { default: 5 } })
  world.process({ graphs: [films], work: { gpu: 1 } })
  const api = asker(world, films)
  const start = (scene: string) => started(world, api.start(films, Mail, { Scene: scene }, { id: scene }))
  const running = await start('running')
  await world.clock.advance(2_000)
  const queued = await start('queued')
  await world.clock.advance(2_000)
  expect(began).toEqual(['running'])
  const last = await start('last')
  await world.clock.settle(Promise.all([running.cancel('enough'), queued.cancel('enough')]))
  await world.clock.advance(5_000)
  expect(stopped).toEqual([expect.any(ExecutionCancelledError)])
  const statusOf = async (id: string): Promise<string | undefined> =>
    (await world.clock.settle(world.store.get([id])))[0]?.status
  for (const id of ['running', 'queued'])
    expect([await statusOf(id), await statusOf(`${id}/Render`)], id).toEqual(['cancelled', 'cancelled'])
  expect(await world.clock.settle(last.result())).toBe('see film of last')
  expect(began).toEqual(['running', 'last'])
})
