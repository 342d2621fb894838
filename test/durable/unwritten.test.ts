import { describe, expect, test } from 'vitest'
import { stepErrorOf } from '../loose-api.ts'
import { World } from './durable-time.ts'
import { line, Third } from './line.ts'
import { WatchedStore } from './watched-store.ts'

const inputs = { Seed: 1 }
const none = { persist: undefined }

function docketOf(options: Parameters<typeof line>[0]) {
  const world = new World()
  const watched = new WatchedStore(world.store)
  const { line: graph, runs } = line(options)
  return { world, watched, graph, runs, docket: world.process({ graphs: [graph], store: watched.store }) }
}

describe('an execution without id whose steps persist nothing', () => {
  test('asks the store for nothing', async () => {
    const { docket, graph, watched } = docketOf({ first: none, second: none, third: none })
    expect(await docket.execute(graph, Third, inputs)).toBe(4)
    expect(watched.calls).toEqual([])
  })

  test('asks the store for nothing when it fails', async () => {
    const fails = {
      persist: undefined,
      run: () => {
        throw new Error('no')
      },
    }
    const { docket, graph, watched } = docketOf({ first: none, second: fails, third: none })
    expect((await stepErrorOf(docket.execute(graph, Third, inputs))).step).toBe('Second')
    expect(watched.calls).toEqual([])
  })

  test('is reported to observers, under an id', async () => {
    const { world, docket, graph } = docketOf({ first: none, second: none, third: none })
    await docket.execute(graph, Third, inputs)
    const ids = new Set(world.events.map(({ executionId }) => executionId))
    expect(ids.size).toBe(1)
    expect(world.events.at(-1)).toMatchObject({ type: 'execution.ended', status: 'completed' })
  })

  test('asks for global results alone where steps are global', async () => {
    const { world, docket, graph, watched } = docketOf({ first: { persist: 'global' }, second: none, third: none })
    expect(await world.clock.settle(docket.execute(graph, Third, inputs))).toBe(4)
    const asked = new Set(watched.calls.map(({ name }) => name))
    for (const name of ['create', 'commit', 'get', 'readSteps', 'list', 'delete']) expect(asked).not.toContain(name)
    expect(watched.count('claimResults')).toBe(1)
    expect(watched.count('commitResults')).toBe(1)
  })
})

describe('an execution is written down', () => {
  test('when it has an id', async () => {
    const { docket, graph, watched } = docketOf({ first: none, second: none, third: none })
    await docket.execute(graph, Third, inputs, { id: 'a' })
    expect(watched.count('create')).toBe(1)
  })

  test('when a step that leads to its target persists in its scope', async () => {
    const { docket, graph, watched } = docketOf({ first: none, third: none })
    await docket.execute(graph, Third, inputs)
    expect(watched.count('create')).toBe(1)
    expect((await docket.list()).executions).toMatchObject([{ status: 'completed' }])
  })

  test('when it is started rather than executed', async () => {
    const { docket, graph, watched } = docketOf({ first: none, second: none, third: none })
    await (await docket.start(graph, Third, inputs)).result()
    expect(watched.count('create')).toBe(1)
  })
})
