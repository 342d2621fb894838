import { expect, test } from 'vitest'
import { Intake } from '../../src/inspector/intake.ts'

/** What became of a program that sends as fast as it is read from, of which each message takes so many milliseconds, over a time. */
function flooded({ messageMs = 0.02, bytes = 200, leftOutMs = 0.002, programs = 1, forMs = 60_000 }) {
  const found = { taken: 0, leftOut: 0, busyMs: 0, longestTurnMs: 0 }
  let now = 0
  let isPaused = false
  const timers: { readonly dueAt: number; readonly handler: () => void }[] = []
  const work = (ms: number): void => {
    now += ms
    found.busyMs += ms
  }
  const intake = new Intake(
    { pause: () => (isPaused = true), resume: () => (isPaused = false) },
    {
      take: () => {
        found.taken++
        work(messageMs)
      },
      leaveOut: () => {
        found.leftOut++
        work(leftOutMs)
      },
      programs: () => programs,
    },
    {
      elapsed: () => now,
      setTimeout: (handler, ms) => {
        timers.push({ dueAt: now + ms, handler })
      },
      clearTimeout: () => undefined,
    },
  )
  const message = Buffer.alloc(bytes)
  while (now < forMs) {
    const beganAt = now
    do intake.receive(message)
    while (timers.length === 0)
    found.longestTurnMs = Math.max(found.longestTurnMs, now - beganAt)
    const { dueAt, handler } = timers.pop()!
    now = Math.max(now, dueAt)
    expect(isPaused).toBe(true)
    handler()
    expect(isPaused).toBe(false)
  }
  return found
}

test('a program that floods the page has a fifth of the time at the most, in short turns, and what is too much is left out', () => {
  const { taken, leftOut, busyMs, longestTurnMs } = flooded({})
  expect(busyMs).toBeLessThan(1_000 + 0.22 * 60_000)
  expect(longestTurnMs).toBeLessThan(21)
  // All that it may, and not only the first of it.
  expect(taken).toBeGreaterThan(100_000)
  expect(leftOut).toBeGreaterThan(100_000)
})

test('all programs together have no more', () => {
  expect(flooded({ programs: 16 }).busyMs).toBeLessThan(1_000 + (0.22 / 16) * 60_000)
})

test('what a program has to say at first is taken whole', () => {
  // A thousand machines with their definitions.
  expect(flooded({ messageMs: 0.4, forMs: 700 })).toMatchObject({ leftOut: 0 })
})

test('messages that each take long are few', () => {
  const { taken, leftOut, busyMs } = flooded({ messageMs: 100, bytes: 1024 * 1024, leftOutMs: 2 })
  expect(taken).toBeLessThanOrEqual(71)
  expect(leftOut).toBeGreaterThan(100)
  expect(busyMs).toBeLessThan(1_000 + 0.22 * 60_000)
})

test('a message of more than a megabyte is left out, whenever it comes', () => {
  expect(flooded({ bytes: 1024 * 1024 + 1, forMs: 100 })).toMatchObject({ taken: 0 })
})
