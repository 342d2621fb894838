import { expect, test } from 'vitest'
import { VirtualClock } from '../../../src/testing/virtual-clock.ts'

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++)
    await new Promise<void>((resolve) => {
      setImmediate(resolve)
    })
}

test('what needs turns of the event loop takes none of a virtual clock’s time', async () => {
  const clock = new VirtualClock()
  clock.setTimeout(() => {}, 1_000)
  const begunAt = clock.now()
  await clock.settle(turns(20))
  expect(clock.now()).toBe(begunAt)
  await new VirtualClock().settle(turns(20))
})

test('what waits for each turn for ever does not keep a virtual clock', async () => {
  const clock = new VirtualClock()
  let isOver = false
  const again = (): void => {
    if (!isOver) setImmediate(again)
  }
  again()
  let fired = false
  clock.setTimeout(() => (fired = true), 1_000)
  await clock.advance(1_000)
  isOver = true
  expect(fired).toBe(true)
})

test('a virtual clock moves on past any number of timers, as long as the time moves', { timeout: 60_000 }, async () => {
  const clock = new VirtualClock(0)
  let fired = 0
  const again = (): void => {
    fired++
    clock.setTimeout(again, 1)
  }
  clock.setTimeout(again, 1)
  await clock.advance(110_000)
  expect([fired, clock.now()]).toEqual([110_000, 110_000])
})
