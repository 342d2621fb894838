import { expect, test } from 'vitest'
import { dataType, execute, executeBatch, graph, step, type } from '../../src/index.ts'
import type { RatePolicy } from '../../src/index.ts'
import { fullClockOf } from '../../src/runtime/environment/clock.ts'
import { queuedTimers } from '../../src/runtime/environment/timers.ts'
import { VirtualTime } from './virtual-time.ts'

const Tenant = dataType('Tenant', type<string>())
const Answer = dataType('Answer', type<string>())

function calls(rate: RatePolicy<{ readonly tenant: string }>, clock: VirtualTime, maxAttempts = 1) {
  const at: number[] = []
  const call = step({
    name: 'Call',
    inputs: { tenant: Tenant },
    output: Answer,
    rate,
    retry: { maxAttempts },
    run: ({ tenant }, { attempt }) => {
      at.push(clock.now())
      if (attempt < maxAttempts) throw new Error('not now')
      return tenant
    },
  })
  return { at, graph: graph({ name: 'calls', steps: [call] }) }
}

test('no more attempts begin in a time than the rate and its burst allow, over all calls of the process', async () => {
  const clock = new VirtualTime()
  const { at, graph: g } = calls({ limit: 10, per: '1s', burst: 5 }, clock)
  const begun = clock.now()
  const all = Promise.all(
    Array.from({ length: 25 }, (_, index) => execute(g, Answer, { Tenant: `t${index}` }, { clock })),
  )
  await clock.advance(10_000)
  expect(await all).toHaveLength(25)
  expect(at.filter((time) => time - begun < 1)).toHaveLength(5)
  expect(at.at(-1)! - begun).toBe(2_000)
  for (const [index, from] of at.entries())
    for (let until = index; until < at.length; until++)
      expect(until - index + 1).toBeLessThanOrEqual(Math.floor((at[until]! - from) / 100 + 1e-6) + 5)
})

test('each key has a rate of its own, retries count, and what is cancelled takes no turn', async () => {
  const clock = new VirtualTime()
  const { at, graph: g } = calls({ limit: 1, per: '10s', key: ({ tenant }) => tenant }, clock, 2)
  const controller = new AbortController()
  const one = execute(g, Answer, { Tenant: 'A' }, { clock })
  const cancelled = execute(g, Answer, { Tenant: 'A' }, { clock, signal: controller.signal })
  const third = execute(g, Answer, { Tenant: 'B' }, { clock })
  cancelled.catch(() => {})
  await clock.advance(1_000)
  expect(at).toHaveLength(2)
  controller.abort()
  await clock.advance(10_000)
  await expect(cancelled).rejects.toMatchObject({ code: 'EXECUTION_CANCELLED' })
  expect(await one).toBe('A')
  expect(await third).toBe('B')
  expect(at).toHaveLength(4)
})

test('the items of a batch are spread over time', async () => {
  const clock = new VirtualTime()
  const { at, graph: g } = calls({ limit: 100, per: '1s' }, clock)
  const batch = executeBatch(
    g,
    Answer,
    Array.from({ length: 50 }, (_, index) => ({ Tenant: `t${index}` })),
    { clock },
  )
  await clock.advance(5_000)
  expect(await batch).toHaveLength(50)
  expect(at.at(-1)! - at[0]!).toBe(490)
})

test('what can’t be a limit or a rate is refused, all problems at once', () => {
  const bad = { limit: 0, per: 'soon', burst: 1.5, key: 'tenant', scope: 'world', version: -1, size: 1 }
  const declared = step({
    name: 'Call',
    output: Answer,
    rate: bad as never,
    concurrency: { limit: 1, version: 1 },
    run: () => '',
  })
  const declare = (): unknown => graph({ name: 'calls', steps: [declared] })
  for (const problem of [
    /rate has the unknown option "size"|unknown option "size"/,
    /rate\.limit must be a whole number/,
    /rate\.per "soon" is not a duration/,
    /rate\.burst must be a whole number/,
    /rate\.key must be a function of the inputs/,
    /rate\.scope must be 'process', 'graph' or 'queue'/,
    /rate\.version must be a whole number/,
    /concurrency\.version says which declaration holds where processes share a limit/,
  ])
    expect(declare).toThrow(problem)
})

test('a key function of a rate that throws, or gives no key, fails its step', async () => {
  const clock = new VirtualTime()
  const { graph: g } = calls({ limit: 1, per: '1s', key: () => '' }, clock)
  await expect(execute(g, Answer, { Tenant: 'A' }, { clock })).rejects.toMatchObject({
    cause: { message: expect.stringContaining('rate.key of step "Call" must return a non-empty string') as string },
  })
})

test('a wait for a turn that is given up leaves no timer behind', async () => {
  const clock = new VirtualTime()
  const { at, graph: g } = calls({ limit: 1, per: '1h' }, clock)
  await execute(g, Answer, { Tenant: 'A' }, { clock })
  const controller = new AbortController()
  const given = [1, 2, 3].map(() => execute(g, Answer, { Tenant: 'A' }, { clock, signal: controller.signal }))
  const ends = Promise.allSettled(given)
  await clock.advance(1_000)
  controller.abort()
  await ends
  expect(queuedTimers(fullClockOf(clock))).toBe(0)
  const later = execute(g, Answer, { Tenant: 'A' }, { clock })
  await clock.advance(3_600_000)
  expect(await later).toBe('A')
  expect(at).toHaveLength(2)
})
