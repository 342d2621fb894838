import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { dataType, execute, graph, step, timer } from '../../../src/index.ts'
import { VirtualTime } from '../virtual-time.ts'

const Order = dataType('Order', z.object({ id: z.string() }))
const Expiry = dataType('Expiry', z.string())
const order = { id: 'o' }
const start = 1_000_000

const expire = timer({
  name: 'Expire',
  inputs: { order: Order },
  output: Expiry,
  after: '1h',
  value: ({ order: of }, { dueAt }) => `${of.id} at ${dueAt.getTime() - start}`,
})
const expiries = graph({ name: 'expiries', steps: [expire] })

describe("an execution's timeout", () => {
  const Report = dataType('Report', z.string())
  const slow = graph({
    name: 'slow',
    steps: [
      expire,
      step({ name: 'Report', inputs: { expiry: Expiry }, output: Report, run: () => new Promise<string>(() => {}) }),
    ],
  })

  test('does not count the time in which it only waits, and a deadline does', async () => {
    const clock = new VirtualTime(start)
    const made = execute(expiries, Expiry, { Order: order }, { clock, timeout: '1m' })
    expect(await clock.settle(made)).toBe('o at 3600000')
    const deadline = clock.now() + 60_000
    const late = execute(expiries, Expiry, { Order: order }, { clock, deadline })
    await expect(clock.settle(late)).rejects.toMatchObject({ code: 'EXECUTION_TIMEOUT' })
    expect(clock.now()).toBe(deadline)
  })

  test('counts what runs before and after a wait', async () => {
    const clock = new VirtualTime(start)
    const failing = execute(slow, Report, { Order: order }, { clock, timeout: '1m' })
    await expect(clock.settle(failing)).rejects.toMatchObject({ code: 'EXECUTION_TIMEOUT' })
    expect(clock.now()).toBe(start + 3_660_000)
  })

  test('counts waits while something else runs', async () => {
    const clock = new VirtualTime(start)
    const Busy = dataType('Busy', z.string())
    const both = graph({
      name: 'both',
      steps: [
        expire,
        step({ name: 'Busy', output: Busy, run: () => new Promise<string>(() => {}) }),
        step({ name: 'Report', inputs: { expiry: Expiry, busy: Busy }, output: Report, run: () => 'done' }),
      ],
    })
    const failing = execute(both, Report, { Order: order }, { clock, timeout: '1m' })
    await expect(clock.settle(failing)).rejects.toMatchObject({ code: 'EXECUTION_TIMEOUT' })
    expect(clock.now()).toBe(start + 60_000)
  })
})
