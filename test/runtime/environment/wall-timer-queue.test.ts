import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { dataType, executeBatch, graph, timer, type } from '../../../src/index.ts'
import { VirtualClock } from '../../../src/testing/virtual-clock.ts'
import { childProgram } from '../../child-program.ts'

const N = dataType('N', type<number>())
const Woken = dataType('Woken', type<number>())
const waitingItems = join(import.meta.dirname, 'waiting-items.ts')
const start = 1_000_000_000
const minute = 60_000
const pause = timer({ name: 'Pause', inputs: { n: N }, output: Woken, at: ({ n }) => new Date(n), value: ({ n }) => n })
const pauses = graph({ name: 'pauses', steps: [pause] })

/** Counts how often the time of day is read. */
class CountingClock extends VirtualClock {
  readings = 0

  override now(): number {
    this.readings++
    return super.now()
  }
}

/** Items that wait for so many times of day, and whether all have come. */
function wait(clock: VirtualClock, times: readonly number[]) {
  const items = times.map((at) => ({ N: at }))
  const found = { all: executeBatch(pauses, Woken, items, { clock, concurrency: items.length }), areOver: false }
  void found.all.then(() => (found.areOver = true))
  return found
}

describe('what waits for times of day', () => {
  test('is looked after by one look a second, however much waits', async () => {
    const clock = new CountingClock(start)
    const times = Array.from({ length: 500 }, (_, index) => start + 5 * minute + index)
    const found = wait(clock, times)
    await clock.advance(0)
    const before = clock.readings
    await clock.advance(60_000)
    expect(clock.readings - before).toBeLessThan(60 * 3)
    expect(clock.pending).toBe(1)
    await clock.advance(5 * minute)
    expect(await found.all).toEqual(times)
    expect(clock.pending).toBe(0)
  })

  test('notices within a second that the time of day was set forward, and comes in the order of the times', async () => {
    const clock = new CountingClock(start)
    const found = wait(clock, [start + 2 * minute, start + minute, start + 3 * minute])
    await clock.advance(10_000)
    clock.setTimeOfDay(2 * minute)
    await clock.advance(1_000)
    expect(found.areOver).toBe(false)
    clock.setTimeOfDay(minute)
    await clock.advance(1_000)
    expect(found.areOver).toBe(true)
    expect(clock.pending).toBe(0)
  })

  test('waits longer where the time of day is set back', async () => {
    const clock = new CountingClock(start)
    const found = wait(clock, [start + minute])
    await clock.advance(1_000)
    clock.setTimeOfDay(-minute)
    await clock.advance(minute)
    expect(found.areOver).toBe(false)
    await clock.advance(minute)
    expect(found.areOver).toBe(true)
  })

  test('comes in time when it begins just after the time of day was set forward, though others wait', async () => {
    const clock = new CountingClock(start)
    const found = wait(clock, [start + 5 * minute])
    await clock.advance(100)
    clock.setTimeOfDay(minute)
    const late = wait(clock, [clock.now() + 200])
    await clock.advance(199)
    expect(late.areOver).toBe(false)
    await clock.advance(1)
    expect(late.areOver).toBe(true)
    await clock.advance(5 * minute)
    await found.all
  })

  test('sets one timer of the host, and none once nothing waits', async () => {
    // In a process of its own: whoever runs the tests has timers too, which come and go.
    const { stdout } = await promisify(execFile)(process.execPath, [childProgram(waitingItems)])
    expect(JSON.parse(stdout)).toEqual({ before: 0, meanwhile: 1, reason: 'enough', after: 0 })
  })
})
