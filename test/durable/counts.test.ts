import { describe, expect, test } from 'vitest'
import { OptionError } from '../../src/index.ts'
import { line, Third } from './line.ts'
import { World } from './durable-time.ts'

const inputs = { Seed: 1 }
let isSick = true
const { line: graph } = line({
  first: {
    run: (value) => {
      if (value < 0 && isSick) throw new Error('below zero')
      return value
    },
  },
})

async function filled() {
  isSick = true
  const world = new World()
  const docket = world.process({ graphs: [graph] })
  const began = world.clock.now()
  for (const [id, Seed] of [
    ['a', 1],
    ['b', -1],
    ['c', -2],
  ] as const) {
    await world.clock.settle((await docket.start(graph, Third, { Seed }, { id })).result().catch(() => {}))
    await world.clock.advance(10)
  }
  const waiting = world.process({ graphs: [graph], work: false })
  await waiting.start(graph, Third, inputs, { id: 'd', queue: 'mail', key: 'ann' })
  return { world, docket, began }
}

describe('docket.count', () => {
  test('counts by status what list would find', async () => {
    const { docket, began, world } = await filled()
    const one = { count: 1, isMore: false }
    expect(await docket.count()).toEqual({ pending: one, completed: one, failed: { count: 2, isMore: false } })
    expect(await docket.count({ status: 'failed' })).toEqual({ failed: { count: 2, isMore: false } })
    expect(await docket.count({ graph: 'line', queue: 'mail', key: 'ann' })).toEqual({ pending: one })
    expect(await docket.count({ errorCode: 'STEP_FAILED' })).toEqual({ failed: { count: 2, isMore: false } })
    expect(await docket.count({ from: new Date(began + 5), before: new Date(began + 15) })).toEqual({ failed: one })
    expect(await docket.count({ from: new Date(world.clock.now() + 1) })).toEqual({})
  })

  test('stops at ten thousand, and says so', async () => {
    const world = new World()
    const store = new Proxy(world.store, {
      get: (target, key) => {
        if (key === 'count') return async ({ upTo }: { readonly upTo: number }) => ({ failed: upTo, running: upTo - 1 })
        const value: unknown = Reflect.get(target, key)
        return typeof value === 'function' ? (value.bind(target) as unknown) : value
      },
    })
    expect(await world.process({ graphs: [graph], store }).count()).toEqual({
      failed: { count: 10_000, isMore: true },
      running: { count: 10_000, isMore: false },
    })
  })

  test('refuses what is no filter, with all problems', async () => {
    const docket = new World().process({ graphs: [graph] })
    const loose = docket as unknown as { count(query: unknown): Promise<unknown> }
    await expect(loose.count({ limit: 3, status: 'gone', errorCode: '' })).rejects.toThrow(OptionError)
    await expect(loose.count({ limit: 3, status: 'gone', errorCode: '' })).rejects.toThrow(
      /unknown option "limit".*status must be.*errorCode must be/s,
    )
  })
})

describe('docket.list({ errorCode })', () => {
  test('finds what ended with an error of the code, until it goes on', async () => {
    const { docket, world } = await filled()
    const ids = async (errorCode: string): Promise<string> =>
      (await docket.list({ errorCode })).executions.map(({ id }) => id).join(' ')
    expect(await ids('STEP_FAILED')).toBe('c b')
    expect(await ids('below zero')).toBe('')
    await docket.cancel('d')
    expect(await ids('EXECUTION_CANCELLED')).toBe('d')
    isSick = false
    await world.clock.settle((await docket.retry('b')).result())
    expect(await ids('STEP_FAILED')).toBe('c')
  })
})
