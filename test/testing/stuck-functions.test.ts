import { syncBuiltinESMExports } from 'node:module'
import timers from 'node:timers'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { dataType, durableStep, graph, step, type } from '../../src/index.ts'
import { createTestDocket, replaceSteps } from '../../src/testing/index.ts'

const Word = dataType('Word', type<string>())
const Text = dataType('Text', type<string>())
const write = graph({
  name: 'write',
  steps: [step({ name: 'Write', inputs: { word: Word }, output: Text, timeout: '1h', run: ({ word }) => `${word}!` })],
})
const stuck = replaceSteps(write, { Write: () => new Promise(() => {}) })

let warnings: string[]

beforeEach(() => {
  warnings = []
  vi.spyOn(process, 'emitWarning').mockImplementation((warning, type: unknown) => {
    if (type === 'DocketTestWarning') warnings.push(String(warning))
  })
  // Thousands of milliseconds of real time pass at once.
  const real = timers.setTimeout
  vi.spyOn(timers, 'setTimeout').mockImplementation(((handler: () => void, ms: number) =>
    ms === 1 ? timers.setImmediate(handler) : real(handler, ms)) as typeof real)
  syncBuiltinESMExports()
})
afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
  syncBuiltinESMExports()
})

async function warned(): Promise<void> {
  while (warnings.length === 0) await new Promise((resolve) => void timers.setImmediate(resolve))
}

test('a function that never settles is named, once, where a call waits for it', async () => {
  await using docket = createTestDocket({ graphs: [stuck] })
  const text = docket.execute(stuck, Text, { Word: 'a' }, { id: 'one' })
  await warned()
  expect(warnings).toEqual([expect.stringContaining('for step "Write" of execution "one": its time stands still')])
  for (let turns = 0; turns < 20_000; turns++) await new Promise((resolve) => void timers.setImmediate(resolve))
  expect(warnings).toHaveLength(1)
  // As the warning says.
  const timedOut = expect(text).rejects.toThrow('did not answer within 3600000 ms')
  await docket.advance('1h')
  await timedOut
})

test('so is the function of a ctx.step, and many are counted', async () => {
  const calling = graph({
    name: 'calling',
    steps: [
      durableStep({
        name: 'Call',
        inputs: { word: Word },
        output: Text,
        run: (_, ctx) => ctx.step('ring', () => new Promise<string>(() => {})),
      }),
    ],
  })
  const docket = createTestDocket({ graphs: [calling] })
  const words = Array.from({ length: 7 }, (_, index) =>
    docket.execute(calling, Text, { Word: 'a' }, { id: `${index}` }),
  )
  for (const word of words) word.catch(() => {})
  await warned()
  expect(warnings[0]).toContain('for "ring" of step "Call" of execution "0", "ring" of')
  expect(warnings[0]).toContain(', and 2 more: ')
  await docket.close({ deadline: 0 })
})

test('and where a test fakes all timers and clocks', async () => {
  vi.useFakeTimers({
    toFake: ['setTimeout', 'setImmediate', 'queueMicrotask', 'performance', 'Date', 'hrtime'],
  })
  const waiting = replaceSteps(write, {
    Write: () => new Promise((resolve) => void setTimeout(() => resolve('faked'), 1_000)),
  })
  const docket = createTestDocket({ graphs: [waiting] })
  const text = docket.execute(waiting, Text, { Word: 'a' })
  await warned()
  expect(warnings[0]).toContain('for step "Write"')
  vi.advanceTimersByTime(1_000)
  expect(await text).toBe('faked')
  await docket.close()
})
