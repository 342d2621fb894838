import { describe, expect, test } from 'vitest'
import { ExecutionCancelledError, fixed } from '../../src/index.ts'
import { rejectionOf } from '../loose-api.ts'
import { World } from './durable-time.ts'
import { door, line, Third } from './line.ts'
import type { LineOptions } from './line.ts'

const inputs = { Seed: 1 }

/** A process that closes after a while with an execution under way; the store stays open. */
async function handedOver(afterMs: number, options: LineOptions) {
  const world = new World()
  await world.process({ graphs: [line({ name: 'stranger' }).line] }).list()
  const { line: graph } = line(options)
  const leaving = world.process({ graphs: [graph] })
  await leaving.start(graph, Third, inputs, { id: 'a' })
  await world.clock.advance(afterMs)
  await world.clock.settle(leaving.close({ deadline: 0 }))
  return world
}

describe('an execution that was handed over', () => {
  test('keeps the time at which its next attempt is due', async () => {
    const retry = { maxAttempts: 3, backoff: fixed('60s') }
    const world = await handedOver(20_000, {
      second: {
        retry,
        run: () => {
          throw new Error('busy')
        },
      },
    })
    const attempts: number[] = []
    const closedAt = world.clock.now()
    const { line: healthy } = line({ second: { retry, run: (value, { attempt }) => (attempts.push(attempt), value) } })
    const staying = world.process({ graphs: [healthy] })
    await world.clock.advance(39_000)
    expect(attempts).toEqual([])
    expect(await world.clock.settle((await staying.get('a'))!.result())).toBe(3)
    expect(attempts).toEqual([2])
    expect(world.clock.now() - closedAt).toBeLessThan(42_000)
  })

  test('has less time left by what its first owner took', async () => {
    const options = { timeout: '60s', second: { run: () => door().promise } }
    const world = await handedOver(50_000, options)
    const begunAt = world.clock.now()
    const staying = world.process({ graphs: [line(options).line] })
    const error = await world.clock.settle(rejectionOf((await staying.get('a'))!.result()))
    expect(error).toMatchObject({ name: 'ExecutionTimeoutError', timeoutMs: 60_000 })
    expect(world.clock.now() - begunAt).toBeLessThan(12_000)
  })

  test('has less time left by what all its owners took', async () => {
    const options = { timeout: '60s', second: { run: () => door().promise } }
    const world = await handedOver(25_000, options)
    const second = world.process({ graphs: [line(options).line] })
    await world.clock.advance(25_000)
    await world.clock.settle(second.close({ deadline: 0 }))
    const begunAt = world.clock.now()
    const staying = world.process({ graphs: [line(options).line] })
    await world.clock.settle(rejectionOf((await staying.get('a'))!.result()))
    expect(world.clock.now() - begunAt).toBeLessThan(12_000)
  })

  test('is no reason to give it up, however often', async () => {
    const world = await handedOver(10, { second: { run: () => door().promise } })
    for (let i = 0; i < 5; i++) {
      const { line: hanging } = line({ second: { run: () => door().promise } })
      const next = world.process({ graphs: [hanging], maxRecoveries: 1 })
      await world.clock.advance(1_000)
      await world.clock.settle(next.close({ deadline: 0 }))
    }
    const staying = world.process({ graphs: [line().line], maxRecoveries: 1 })
    expect(await world.clock.settle((await staying.get('a'))!.result())).toBe(4)
  })

  test('while it waited for a result that another process makes gets it all the same', async () => {
    const world = new World()
    const gate = door()
    const { line: graph, runs } = line({ first: { persist: 'global', run: () => gate.promise } })
    const maker = world.process({ graphs: [graph], takeOver: false })
    const made = maker.execute(graph, Third, inputs, { id: 'maker' })
    await world.clock.advance(10)
    const leaving = world.process({ graphs: [graph] })
    await leaving.start(graph, Third, inputs, { id: 'waits' })
    await world.clock.advance(1_000)
    await world.clock.settle(leaving.close())
    const staying = world.process({ graphs: [graph] })
    await world.clock.advance(1_000)
    gate.resolve(10)
    expect(await world.clock.settle(made)).toBe(12)
    expect(await world.clock.settle((await staying.get('waits'))!.result())).toBe(12)
    expect(runs.filter((name) => name === 'First')).toHaveLength(1)
  })
})

describe('an execution that its caller aborts', () => {
  test('is written down as cancelled, and can be retried', async () => {
    const world = new World()
    const { line: graph } = line()
    const docket = world.process({ graphs: [graph] })
    const handle = await docket.start(graph, Third, inputs, { id: 'a', signal: AbortSignal.abort(new Error('enough')) })
    const error = await world.clock.settle(rejectionOf(handle.result()))
    expect(error).toBeInstanceOf(ExecutionCancelledError)
    expect((await docket.list()).executions).toMatchObject([
      { status: 'cancelled', error: { cause: { message: 'enough' } } },
    ])
    const again = await docket.retry('a')
    expect(await world.clock.settle(again.result())).toBe(4)
  })
})

describe('an execution whose time is over', () => {
  test('keeps what a step brings later', async () => {
    const world = new World()
    const gate = door()
    const { line: graph, runs } = line({ timeout: '1s', second: { run: () => gate.promise } })
    const docket = world.process({ graphs: [graph] })
    const outcome = rejectionOf(docket.execute(graph, Third, inputs, { id: 'a' }))
    expect(await world.clock.settle(outcome)).toMatchObject({ name: 'ExecutionTimeoutError' })
    gate.resolve(10)
    await world.clock.advance(10)
    const again = await docket.retry('a')
    expect(await world.clock.settle(again.result())).toBe(11)
    expect(runs).toEqual(['First', 'Second', 'Third'])
  })

  test('is retried elsewhere once its owner is dead, though a function of it never ended', async () => {
    const world = new World()
    const { line: graph } = line({ timeout: '1s', second: { run: () => door().promise } })
    const { docket, die } = world.mortal({ graphs: [graph] })
    const outcome = rejectionOf(docket.execute(graph, Third, inputs, { id: 'a' }))
    await world.clock.settle(outcome)
    die()
    const other = world.process({ graphs: [line().line] })
    const again = await world.clock.settle(other.retry('a'))
    expect(await world.clock.settle(again.result())).toBe(4)
  })
})
