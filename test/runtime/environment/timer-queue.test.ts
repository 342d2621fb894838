import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { fullClockOf } from '../../../src/runtime/environment/clock.ts'
import { TimerQueue } from '../../../src/runtime/environment/timer-queue.ts'
import type { QueuedTimer } from '../../../src/runtime/environment/timer-heap.ts'
import { fireAfter, queuedTimers } from '../../../src/runtime/environment/timers.ts'
import { VirtualClock } from '../../../src/testing/virtual-clock.ts'

const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 31)

function queueOf(): { readonly clock: VirtualClock; readonly queue: TimerQueue } {
  const clock = new VirtualClock(0)
  return { clock, queue: new TimerQueue(fullClockOf(clock)) }
}

describe('timers', () => {
  test('fire in the order of their due times, those of one time in the order of setting', async () => {
    const { clock, queue } = queueOf()
    const fired: string[] = []
    for (const [name, dueAt] of [
      ['c', 30],
      ['a1', 10],
      ['b', 20],
      ['a2', 10],
      ['a3', 10],
      ['a4', 10],
    ] as const) {
      queue.schedule(dueAt, () => fired.push(name))
    }
    await clock.advance(30)
    expect(fired).toEqual(['a1', 'a2', 'a3', 'a4', 'b', 'c'])
    expect(queue.size).toBe(0)
  })

  test('share one timer of the clock, and none is set when the queue is empty', async () => {
    const { clock, queue } = queueOf()
    const timers = [50, 10, 90].map((dueAt) => queue.schedule(dueAt, () => {}))
    expect(clock.pending).toBe(1)
    for (const timer of timers) timer.cancel()
    expect(clock.pending).toBe(0)
    queue.schedule(10, () => {})
    await clock.advance(10)
    expect(clock.pending).toBe(0)
  })

  test('fire at their time when an earlier one was cancelled', async () => {
    const { clock, queue } = queueOf()
    const fired: number[] = []
    const first = queue.schedule(10, () => fired.push(10))
    queue.schedule(20, () => fired.push(clock.now()))
    first.cancel()
    await clock.advance(19)
    expect(fired).toEqual([])
    await clock.advance(1)
    expect(fired).toEqual([20])
  })

  test('cancelled twice, or after they fired, harm nothing', async () => {
    const { clock, queue } = queueOf()
    const fired: string[] = []
    const one = queue.schedule(10, () => fired.push('one'))
    const two = queue.schedule(20, () => fired.push('two'))
    queue.schedule(30, () => fired.push('three'))
    await clock.advance(10)
    one.cancel()
    two.cancel()
    two.cancel()
    await clock.advance(20)
    expect(fired).toEqual(['one', 'three'])
  })

  test('cancelled by one that fires in the same turn do not fire', async () => {
    const { clock, queue } = queueOf()
    const fired: string[] = []
    queue.schedule(10, () => (fired.push('one'), two.cancel()))
    const two: QueuedTimer = queue.schedule(10, () => fired.push('two'))
    await clock.advance(10)
    expect(fired).toEqual(['one'])
    expect(clock.pending).toBe(0)
  })

  test('due in the past fire at the next turn', async () => {
    const { clock, queue } = queueOf()
    await clock.advance(100)
    const fired: number[] = []
    queue.schedule(5, () => fired.push(clock.now()))
    expect(fired).toEqual([])
    await clock.advance(0)
    expect(fired).toEqual([100])
  })

  test('set by one that fires, for now, come after those that are due already', async () => {
    const { clock, queue } = queueOf()
    const fired: string[] = []
    queue.schedule(10, () => {
      fired.push('one')
      queue.schedule(10, () => fired.push('three'))
    })
    queue.schedule(10, () => fired.push('two'))
    await clock.advance(10)
    expect(fired).toEqual(['one', 'two', 'three'])
  })

  test('beyond what setTimeout can wait (24.8 days) wait their full time', async () => {
    const { clock, queue } = queueOf()
    const waits: number[] = []
    const { setTimeout } = clock
    clock.setTimeout = (handler, timeoutMs) => (waits.push(timeoutMs), setTimeout.call(clock, handler, timeoutMs))
    const yearMs = 365 * 24 * 3_600_000
    const fired: number[] = []
    queue.schedule(yearMs, () => fired.push(clock.now()))
    await clock.advance(yearMs - 1)
    expect(fired).toEqual([])
    await clock.advance(1)
    expect(fired).toEqual([yearMs])
    expect(Math.max(...waits)).toBeLessThan(2 ** 31)
  })

  test('that throw do not keep the others from firing', async () => {
    const { clock, queue } = queueOf()
    const fired: string[] = []
    queue.schedule(10, () => {
      throw new Error('boom')
    })
    queue.schedule(10, () => fired.push('two'))
    queue.schedule(20, () => fired.push('three'))
    await clock.advance(10).catch(() => {})
    await clock.advance(20)
    expect(fired).toEqual(['two', 'three'])
  })

  test('of a fraction of a millisecond never fire too early', async () => {
    const { clock, queue } = queueOf()
    const fired: number[] = []
    queue.schedule(10.4, () => fired.push(clock.now()))
    await clock.advance(20)
    expect(fired).toEqual([11])
  })

  test('one queue serves each clock', () => {
    const clock = new VirtualClock()
    for (const ms of [10, 20]) fireAfter(fullClockOf(clock), ms, () => {})
    expect(queuedTimers(fullClockOf(clock))).toBe(2)
    expect(queuedTimers(fullClockOf(new VirtualClock()))).toBe(0)
  })

  test(`set and cancelled at random fire just like in a sorted list (seed ${seed})`, async () => {
    const action = fc.oneof(
      fc.record({ kind: fc.constant('schedule' as const), value: fc.integer({ min: 0, max: 50 }) }),
      fc.record({ kind: fc.constant('cancel' as const), value: fc.nat() }),
      fc.record({ kind: fc.constant('advance' as const), value: fc.integer({ min: 0, max: 20 }) }),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(action, { maxLength: 60 }), async (actions) => {
        const { clock, queue } = queueOf()
        const fired: number[] = []
        const timers: { timer: QueuedTimer; dueAt: number; id: number; isGone: boolean }[] = []
        const expected: number[] = []
        for (const { kind, value } of actions) {
          if (kind === 'schedule') {
            const id = timers.length
            const dueAt = clock.now() + value
            timers.push({ timer: queue.schedule(dueAt, () => fired.push(id)), dueAt, id, isGone: false })
          } else if (kind === 'cancel') {
            const one = timers[value % Math.max(1, timers.length)]
            if (one === undefined) continue
            one.timer.cancel()
            one.isGone = true
          } else {
            const end = clock.now() + value
            await clock.advance(value)
            const due = timers
              .filter((one) => !one.isGone && one.dueAt <= end)
              .toSorted((one, other) => one.dueAt - other.dueAt || one.id - other.id)
            for (const one of due) {
              one.isGone = true
              expected.push(one.id)
            }
          }
          expect(fired).toEqual(expected)
          expect(queue.size).toBe(timers.filter((one) => !one.isGone).length)
          expect(clock.pending).toBe(queue.size === 0 ? 0 : 1)
        }
      }),
      { seed, numRuns: 60 },
    )
  })
})
