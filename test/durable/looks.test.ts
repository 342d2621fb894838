import { expect, test } from 'vitest'
import type { AcquireRequest, NewExecution } from '../../src/core/contracts/execution-record.ts'
import { World } from './durable-time.ts'
import { line, Third } from './line.ts'
import { WatchedStore } from './watched-store.ts'

/** Executions that wait for a process, and a docket that has not looked for them yet. */
async function waiting(count: number, slots: number, change: (place: number) => Partial<NewExecution> = () => ({})) {
  const world = new World()
  const { line: graph } = line({ second: { run: () => new Promise<number>(() => {}) } })
  const { line: model } = line()
  const helper = world.process({ graphs: [model], takeOver: false })
  await world.clock.settle(helper.execute(model, Third, { Seed: 1 }, { id: 'model' }))
  const [record] = await world.store.get(['model'])
  await world.store.create(
    Array.from({ length: count }, (_, place) => ({
      ...record!,
      id: `waiting-${String(place).padStart(5, '0')}`,
      owner: undefined,
      startedAt: undefined,
      ...change(place),
    })),
  )
  const watched = new WatchedStore(world.store)
  const docket = world.process({ graphs: [graph], store: watched.store, takeOver: false, work: { default: slots } })
  const limits = (): readonly number[] =>
    watched.calls.filter(({ name }) => name === 'acquire').map(({ given }) => (given[0] as AcquireRequest).limit)
  const epochs = async (): Promise<readonly number[]> =>
    (await world.store.list({ limit: 10_000 })).filter(({ id }) => id !== 'model').map(({ epoch }) => epoch)
  return { world, watched, docket, limits, epochs }
}

test('looks for work bring more and more where executions are small, and no more than there are slots for', async () => {
  const { world, docket, limits, epochs } = await waiting(4_000, 3_500)
  expect(await world.clock.settle(docket.resume())).toBe(3_500)
  expect(limits()[0]).toBe(100)
  expect(Math.max(...limits())).toBeGreaterThanOrEqual(800)
  expect(limits().reduce((sum, limit) => sum + limit, 0)).toBe(3_500)
  expect((await epochs()).filter((epoch) => epoch === 1)).toHaveLength(3_500)
})

test('executions with large values are looked for in small portions', async () => {
  // Blanks at the end of a JSON text change nothing.
  const { inputs } = (await (await waiting(0, 1)).world.store.get(['model']))[0]!
  const large = `${inputs as string}${' '.repeat(50_000)}`
  const { world, docket, limits } = await waiting(450, 1_000, () => ({ inputs: large }))
  expect(await world.clock.settle(docket.resume())).toBe(450)
  expect(limits()).toEqual([100, 100, 100, 100, 100])
})

test('the next look is under way while the records of what the last one brought are read', async () => {
  const { world, watched, docket, limits } = await waiting(1_000, 1_000)
  const { promise: released, resolve: release } = Promise.withResolvers<void>()
  watched.before = ({ name }) => (name === 'readMail' && watched.count('readMail') === 2 ? released : undefined)
  const resuming = docket.resume()
  await world.clock.advance(100)
  // Of the second, nothing has been read; the fourth waits until it has.
  expect(limits()).toHaveLength(3)
  release()
  expect(await world.clock.settle(resuming)).toBe(1_000)
})

test('what fits nobody here is acquired once, however many looks there are', async () => {
  const { world, docket, epochs } = await waiting(1_500, 1_500, (place) =>
    place % 3 === 2 ? { machineVersion: 99 } : {},
  )
  expect(await world.clock.settle(docket.resume())).toBe(1_000)
  expect(new Set(await epochs())).toEqual(new Set([1]))
})

test('a look that fails while another one is under way fails the call, and the next call finds the rest', async () => {
  const { world, watched, docket } = await waiting(1_000, 1_000)
  watched.before = ({ name }) => {
    if (name === 'readMail' && watched.count('readMail') === 2) throw new Error('this read fails')
  }
  await expect(world.clock.settle(docket.resume())).rejects.toThrow('this read fails')
  watched.before = () => {}
  await world.clock.settle(docket.resume())
  const { executions } = await world.clock.settle(docket.list({ status: 'running', limit: 2_000 }))
  expect(executions).toHaveLength(1_000)
})
