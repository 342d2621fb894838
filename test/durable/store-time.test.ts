import { describe, expect, test } from 'vitest'
import { ExecutionTimeoutError } from '../../src/index.ts'
import type { Clock } from '../../src/index.ts'
import { rejectionOf } from '../loose-api.ts'
import { World } from './durable-time.ts'
import type { DurableTime } from './durable-time.ts'
import { door, line, Third } from './line.ts'

const inputs = { Seed: 1 }
const hour = 3_600_000

/** The clock of a process whose time of day differs from the world's, and can be set. */
function settable(clock: DurableTime, byMs = 0) {
  const state = { byMs }
  const own: Clock = {
    now: () => clock.now() + state.byMs,
    elapsed: () => clock.elapsed(),
    setTimeout: (handler, ms) => clock.setTimeout(handler, ms),
    clearTimeout: (handle: number) => clock.clearTimeout(handle),
    setImmediate: (handler) => clock.setImmediate(handler),
  }
  return { own, set: (ms: number): void => void (state.byMs = ms) }
}

describe.each([
  ['ahead', 2 * hour],
  ['behind', -2 * hour],
])('a process whose clock is two hours %s', (_, byMs) => {
  test('notes when a retry is due in the store’s time', async () => {
    const world = new World()
    let fails = true
    const again = {
      retry: { maxAttempts: 3, backoff: '60s' },
      run: (value: number) => {
        if (fails) throw new Error('busy')
        return value + 1
      },
    }
    const { line: graph } = line({ second: again })
    const wrong = world.process({ graphs: [graph], clock: settable(world.clock, byMs).own })
    await wrong.start(graph, Third, inputs, { id: 'a' })
    await world.clock.advance(1_000)
    await wrong.close({ deadline: 0 })
    fails = false
    const right = world.process({ graphs: [graph] })
    const handle = (await right.get('a'))!
    const before = await handle.details()
    await world.clock.advance(50_000)
    expect((await handle.details()).status).toBe('running')
    await world.clock.advance(11_000)
    expect(await handle.details()).toMatchObject({ status: 'completed', output: 4 })
    expect(Math.abs(before.createdAt.getTime() - world.clock.now())).toBeLessThan(hour)
  })

  test('begins what is to begin later when it means it, though that is its first call, and its clock is set meanwhile', async () => {
    const world = new World()
    const { own, set } = settable(world.clock, byMs)
    const { line: graph } = line()
    const wrong = world.process({ graphs: [graph], clock: own, maxPending: '1h' })
    const startAt = new Date(own.now!() + 10_000)
    const handles = [
      wrong.start(graph, Third, inputs, { id: 'a', startAt }),
      wrong.startBatch(graph, Third, [inputs], { id: 'b', startAt }),
    ]
    // Before the store has said what time it is.
    set(3 * byMs)
    await world.clock.settle(Promise.all(handles))
    for (const record of await world.store.get(['a', 'b'])) {
      const at = startAt.getTime() - byMs
      expect(record).toMatchObject({ status: 'pending', startAt: at, deadline: at + hour })
    }
    await world.clock.advance(12_000)
    for (const record of await world.store.get(['a', 'b'])) expect(record).toMatchObject({ status: 'completed' })
  })

  test('ends its executions, and batches, when their deadline has come, as it means it and as others do', async () => {
    const world = new World()
    const { own } = settable(world.clock, byMs)
    const { line: graph } = line({ second: { run: () => door().promise } })
    const wrong = world.process({ graphs: [graph], clock: own })
    const deadline = own.now!() + 10_000
    const handles = [
      await wrong.start(graph, Third, inputs, { id: 'a', deadline }),
      await wrong.startBatch(graph, Third, [inputs], { id: 'b', deadline }),
    ]
    const failures = handles.map((handle) => rejectionOf(handle.result() as Promise<unknown>))
    await world.clock.advance(9_000)
    for (const handle of handles) {
      const details = await handle.details()
      expect(details.status).toBe('running')
      expect(details.deadline!.getTime()).toBe(deadline - byMs)
    }
    await world.clock.advance(1_500)
    for (const failure of await Promise.all(failures)) expect(failure).toBeInstanceOf(ExecutionTimeoutError)
  })

  test('means a deadline by the clock as it was at the call, though that is its first call, and its clock is set meanwhile', async () => {
    const world = new World()
    const { own, set } = settable(world.clock, byMs)
    const { line: graph } = line({ second: { run: () => door().promise } })
    const wrong = world.process({ graphs: [graph], clock: own, maxRunning: '1h' })
    const deadline = own.now!() + 10_000
    const handles = [
      wrong.start(graph, Third, inputs, { id: 'a', deadline }),
      wrong.startBatch(graph, Third, [inputs], { id: 'b', deadline }),
    ]
    // Before the store has said what time it is.
    set(3 * byMs)
    const begun = await world.clock.settle(Promise.all(handles))
    for (const record of await world.store.get(['a', 'b'])) expect(record!.deadline).toBe(deadline - byMs)
    const failures = begun.map((handle) => rejectionOf(handle.result() as Promise<unknown>))
    await world.clock.advance(10_500)
    for (const failure of await Promise.all(failures)) expect(failure).toBeInstanceOf(ExecutionTimeoutError)
  })

  test('gives an execution that failed a new deadline in its own time', async () => {
    const world = new World()
    const { own } = settable(world.clock, byMs)
    const { line: graph } = line({ second: { run: (_, { signal }) => world.clock.sleep(hour, signal).then(() => 1) } })
    const wrong = world.process({ graphs: [graph], clock: own })
    const first = await wrong.start(graph, Third, inputs, { id: 'a', deadline: own.now!() + 1_000 })
    const failed = rejectionOf(first.result())
    await world.clock.advance(2_500)
    await failed
    const again = await world.clock.settle(
      wrong.start(graph, Third, inputs, { id: 'a', deadline: own.now!() + 20_000 }),
    )
    await world.clock.advance(10_000)
    expect((await again.details()).status).toBe('running')
    await world.clock.advance(11_500)
    expect((await again.details()).status).toBe('failed')
  })
})

test('a process whose clock is set while it runs writes no other times, and keeps its deadlines', async () => {
  const world = new World()
  const { own, set } = settable(world.clock)
  const gate = door()
  const { line: graph } = line({ second: { run: () => gate.promise } })
  const docket = world.process({ graphs: [graph], clock: own })
  const deadline = world.clock.now() + hour
  const handle = await docket.start(graph, Third, inputs, { id: 'a', deadline })
  await world.clock.advance(10)
  set(5 * hour)
  await world.clock.advance(60_000)
  expect((await handle.details()).status).toBe('running')
  gate.resolve(2)
  expect(await world.clock.settle(handle.result())).toBe(3)
  const { endedAt, deadline: stored } = await handle.details()
  expect(Math.abs(endedAt!.getTime() - world.clock.now())).toBeLessThan(1_000)
  expect(stored!.getTime()).toBe(deadline)
  expect(await docket.purge({ olderThan: '1h' })).toBe(0)
})

test('a deadline is stored as it was given where the clocks agree to within a second', async () => {
  const world = new World()
  const { own } = settable(world.clock, 400)
  const { line: graph } = line()
  const docket = world.process({ graphs: [graph], clock: own })
  const deadline = new Date(own.now!() + 12_345)
  const handle = await docket.start(graph, Third, inputs, { id: 'a', deadline })
  expect((await handle.details()).deadline).toEqual(deadline)
})
