import { setTimeout as delay } from 'node:timers/promises'
import { expect, test, vi } from 'vitest'
import { assign, fromPromise, setup } from 'xstate'
import {
  createDocket,
  dataType,
  durableStep,
  graph,
  machineStep,
  OptionError,
  step,
  subgraph,
  timer,
  type,
} from '../../src/index.ts'
import { createTestDocket, replaceSteps } from '../../src/testing/index.ts'
import { Approval, Decision, Expense, expenses, Notice } from './expenses.ts'

const day = 86_400_000
const start = Date.UTC(2000, 0, 1)
const Word = dataType('Word', type<string>())
const Text = dataType('Text', type<string>())
const write = graph({
  name: 'write',
  steps: [step({ name: 'Write', inputs: { word: Word }, output: Text, run: ({ word }) => `${word}!` })],
})

test('a month of sleep passes while a result is awaited, and stops at the due time', async () => {
  await using docket = createTestDocket({ graphs: [expenses] })
  const lunch = await docket.start(expenses, Notice, { Expense: { euros: 30 } })
  expect(docket.now().getTime()).toBe(start)
  expect(await lunch.result()).toBe('30 euros: expired')
  expect(docket.now().getTime()).toBe(start + 30 * day)
})

test('time stands still between calls, and moves by hand', async () => {
  await using docket = createTestDocket({ graphs: [expenses], now: new Date('2026-05-04T12:00:00Z') })
  const lunch = await docket.start(expenses, Notice, { Expense: { euros: 30 } }, { id: 'lunch' })
  await delay(20)
  expect(docket.now().toISOString()).toBe('2026-05-04T12:00:00.000Z')
  await docket.advance('1d')
  expect(docket.now().toISOString()).toBe('2026-05-05T12:00:00.000Z')
  expect((await lunch.details()).status).toBe('waiting')
  expect(await lunch.signal(Approval, { by: 'Ada' })).toBe('accepted')
  expect(await lunch.result()).toBe('30 euros: approved by Ada')
  expect(docket.now().toISOString()).toBe('2026-05-05T12:00:00.000Z')
})

test('time that has moved by hand moves on at the next call at once', async () => {
  await using docket = createTestDocket({ graphs: [expenses] })
  const lunch = await docket.start(expenses, Notice, { Expense: { euros: 30 } }, { id: 'lunch' })
  await docket.advance('1d')
  await docket.advance('1d')
  await docket.advance('28d')
  expect(docket.now().getTime()).toBe(start + 30 * day)
  expect(await lunch.result()).toBe('30 euros: expired')
})

test('an open call does not run away from a test that advances the time', async () => {
  await using docket = createTestDocket({ graphs: [expenses] })
  const notice = docket.execute(expenses, Notice, { Expense: { euros: 30 } }, { id: 'lunch' })
  await docket.advance('29d')
  expect(docket.now().getTime()).toBe(start + 29 * day)
  await (await docket.get('lunch'))!.signal(Approval, { by: 'Ada' })
  expect(await notice).toBe('30 euros: approved by Ada')
})

test('time does not move while the function of a step is at work', async () => {
  const slow = replaceSteps(expenses, {
    Notify: async () => {
      await delay(50)
      return 'sent'
    },
  })
  await using docket = createTestDocket({ graphs: [slow] })
  const lunch = await docket.start(slow, Notice, { Expense: { euros: 30 } })
  expect(await lunch.result()).toBe('sent')
  expect(docket.now().getTime()).toBe(start + 30 * day)
})

test('time does not move while the function of a ctx.step is at work', async () => {
  const called = graph({
    name: 'called',
    steps: [
      durableStep({
        name: 'Call',
        output: Text,
        run: (_, ctx) => ctx.step('call', () => delay(50).then(() => 'answered'), { timeout: '1m' }),
      }),
    ],
  })
  await using docket = createTestDocket({ graphs: [called] })
  expect(await docket.execute(called, Text, {})).toBe('answered')
  expect(docket.now().getTime()).toBe(start)
})

test('a step that sleeps in virtual time takes that time, and its timeout comes meanwhile', async () => {
  const Slow = dataType('Slow', type<string>())
  const call = step({ name: 'Call', inputs: { word: Word }, output: Slow, timeout: '1m', run: ({ word }) => word })
  const calls = graph({ name: 'calls', steps: [call] })
  const asleep = replaceSteps(calls, {
    Call: async ({ word }) => {
      await docket.sleep(word === 'long' ? '1h' : '30s')
      return `slow ${word}`
    },
  })
  await using docket = createTestDocket({ graphs: [asleep] })
  expect(await docket.execute(asleep, Slow, { Word: 'short' })).toBe('slow short')
  expect(docket.now().getTime()).toBe(start + 30_000)
  await expect(docket.execute(asleep, Slow, { Word: 'long' })).rejects.toThrow('did not answer within 60000 ms')
})

test('backoffs of hours take no time', async () => {
  let tries = 0
  const flaky = step({
    name: 'Flaky',
    inputs: { word: Word },
    output: Text,
    retry: { maxAttempts: 4, backoff: '8h' },
    run: ({ word }) => {
      if (++tries < 4) throw new Error('not yet')
      return word
    },
  })
  const tried = graph({ name: 'tried', steps: [flaky] })
  await using docket = createTestDocket({ graphs: [tried] })
  expect(await docket.execute(tried, Text, { Word: 'x' }, { id: 'x' })).toBe('x')
  expect(docket.now().getTime()).toBe(start + 24 * 3_600_000)
})

test('a killed process is followed by another one, with open calls and handles, and no completed step runs again', async () => {
  let charged = 0
  const Payment = dataType('Payment', type<string>())
  const Pause = dataType('Pause', type<{ readonly dueAt: Date }>())
  const Parcel = dataType('Parcel', type<string>())
  const orders = graph({
    name: 'orders',
    steps: [
      step({
        name: 'Pay',
        inputs: { word: Word },
        output: Payment,
        persist: 'execution',
        run: ({ word }) => `${word} ${++charged}`,
      }),
      timer({ name: 'Pause', inputs: { payment: Payment }, output: Pause, after: '1d' }),
      step({
        name: 'Ship',
        inputs: { payment: Payment, pause: Pause },
        output: Parcel,
        run: ({ payment }) => `${payment}, shipped`,
      }),
    ],
  })
  await using docket = createTestDocket({ graphs: [orders] })
  const parcel = docket.execute(orders, Parcel, { Word: 'paid' }, { id: 'order' })
  await docket.advance('1s')
  const handle = (await docket.get('order'))!
  await docket.restart()
  expect((await handle.details()).status).not.toBe('completed')
  await docket.advance('1h')
  await docket.restart()
  expect(await parcel).toBe('paid 1, shipped')
  expect(await handle.result()).toBe('paid 1, shipped')
  expect(charged).toBe(1)
  expect(docket.events.steps('order')).toEqual(['Pay completed', 'Pause completed', 'Ship completed'])
})

test('a restart may bring another version of the program', async () => {
  await using docket = createTestDocket({ graphs: [expenses] })
  const lunch = await docket.start(expenses, Notice, { Expense: { euros: 30 } })
  await docket.advance('1d')
  await docket.restart({ graphs: [replaceSteps(expenses, { Notify: ({ decision }) => `new: ${decision}` })] })
  expect(await lunch.result()).toBe('new: expired')
})

test('a call that nothing can settle is an error that says what waits', async () => {
  await using docket = createTestDocket({ graphs: [expenses] })
  const only = replaceSteps(expenses, { Notify: () => 'x' })
  const waiting = graph({ name: 'waiting', steps: only.steps.filter(({ name }) => name === 'Approval') as never })
  await docket.restart({ graphs: [waiting] })
  await expect(docket.execute(waiting, Approval as never, {} as never, { id: 'stuck' })).rejects.toThrow(
    /nothing is left that could settle it: execution "stuck": .*waits for signal "Approval"/,
  )
})

test('events are recorded over restarts, found by what they are about, and awaited', async () => {
  await using docket = createTestDocket({ graphs: [expenses, write] })
  await docket.execute(write, Text, { Word: 'a' }, { id: 'a' })
  const lunch = await docket.start(expenses, Notice, { Expense: { euros: 30 } }, { id: 'lunch' })
  const decided = await docket.nextEvent({ type: 'step.ended', step: 'Decide' })
  expect(decided.status).toBe('completed')
  await lunch.result()
  expect(docket.events.steps('a')).toEqual(['Write completed'])
  expect(docket.events.of({ type: 'execution.ended' }).map(({ executionId }) => executionId)).toEqual(['a', 'lunch'])
  expect(docket.events.of({ type: 'step.ended', execution: 'lunch', step: 'Notify' })[0]?.at).toBe(start + 30 * day)
  expect([...docket.events]).toEqual(docket.events.all)
  docket.events.clear()
  expect(docket.events.all).toEqual([])
})

test('one seed gives the same ids, another one others', async () => {
  expect(await idOf(7)).toBe(await idOf(7))
  expect(await idOf(7)).not.toBe(await idOf(8))
})

test('the fake timers of a test are those of its steps; the docket has its own', async () => {
  vi.useFakeTimers()
  try {
    const slow = replaceSteps(expenses, {
      Notify: () => new Promise((resolve) => void setTimeout(() => resolve('sent'), 5_000)),
    })
    const docket = createTestDocket({ graphs: [slow] })
    const notice = docket.execute(slow, Notice, { Expense: { euros: 30 } })
    await docket.advance('30d')
    await vi.advanceTimersByTimeAsync(5_000)
    expect(await notice).toBe('sent')
    expect(docket.now().getTime()).toBe(start + 30 * day)
    await docket.close()
  } finally {
    vi.useRealTimers()
  }
})

test('fake timers that take microtasks as well, as those of Jest do, hold up nothing', async () => {
  const Weather = dataType('Weather', type<string>())
  const asking = setup({
    types: {} as { context: { answer: string }; output: string },
    actors: { ask: fromPromise(() => Promise.resolve('sunny')) },
  }).createMachine({
    context: { answer: '' },
    output: ({ context }) => context.answer,
    initial: 'asleep',
    states: {
      asleep: { after: { [day]: 'asking' } },
      asking: {
        invoke: {
          src: 'ask',
          onDone: { target: 'done', actions: assign({ answer: ({ event }) => event.output }) },
        },
      },
      done: { type: 'final' },
    },
  })
  const limited = graph({
    name: 'limited',
    steps: [
      machineStep({ name: 'Ask', machine: asking, output: Weather }),
      step({
        name: 'Write',
        inputs: { weather: Weather, word: Word },
        output: Text,
        concurrency: 1,
        run: ({ weather, word }) => `${weather} ${word}`,
      }),
    ],
  })
  const { performance } = globalThis
  vi.useFakeTimers({ toFake: ['setTimeout', 'setImmediate', 'queueMicrotask', 'performance', 'Date', 'hrtime'] })
  try {
    await using docket = createTestDocket({ graphs: [limited] })
    const texts = ['a', 'b'].map((word) => docket.execute(limited, Text, { Word: word }))
    expect(await Promise.all(texts)).toEqual(['sunny a', 'sunny b'])
    expect(docket.events.of({ type: 'execution.released' })).toHaveLength(2)
    // What nothing can settle is told after real seconds.
    const began = performance.now()
    await expect(docket.nextEvent({ type: 'lease.lost' })).rejects.toThrow('nothing is left that could settle it')
    expect(performance.now() - began).toBeGreaterThan(1_500)
  } finally {
    vi.useRealTimers()
  }
})

test('another docket on its store is another process', async () => {
  await using docket = createTestDocket({ graphs: [expenses] })
  await docket.start(expenses, Notice, { Expense: { euros: 30 } }, { id: 'lunch' })
  const other = createDocket({ graphs: [], takeOver: false, store: docket.store, clock: docket.clock })
  expect((await other.list()).executions.map(({ id }) => id)).toEqual(['lunch'])
})

test('a parked batch of a thousand sleepers wakes', async () => {
  const Nap = dataType('Nap', type<{ readonly dueAt: Date }>())
  const naps = graph({
    name: 'naps',
    steps: [
      timer({ name: 'Nap', inputs: { word: Word }, output: Nap, after: '1d' }),
      step({ name: 'Wake', inputs: { word: Word, nap: Nap }, output: Text, run: ({ word }) => word }),
    ],
  })
  await using docket = createTestDocket({ graphs: [naps] })
  const handles = await Promise.all(
    Array.from({ length: 1_000 }, (_, n) => docket.start(naps, Text, { Word: String(n) }, { id: `nap ${n}` })),
  )
  expect((await Promise.all(handles.map((handle) => handle.result()))).map(Number)).toEqual(handles.map((_, n) => n))
  expect(docket.now().getTime()).toBeLessThanOrEqual(start + day + 1_000)
})

test.each([
  [undefined, 'options must be an object, not undefined'],
  [{ graphs: [write], store: {} }, 'store is its own'],
  [{ graphs: [write], lease: '1s', clock: {} }, 'clock, lease are its own'],
  [{ graphs: [write], seed: 0.5 }, 'seed must be a whole number'],
  [{ graphs: [write], now: new Date(NaN) }, 'now must be a Date'],
  [{ graphs: 3 }, 'graphs must be an array'],
])('options that do not fit are refused: %#', (options, message) => {
  expect(() => createTestDocket(options as never)).toThrow(OptionError)
  expect(() => createTestDocket(options as never)).toThrow(message)
})

test('advance and sleep refuse what is no duration', async () => {
  await using docket = createTestDocket({ graphs: [write] })
  expect(() => docket.advance('soon' as never)).toThrow('is not a duration')
  expect(() => docket.sleep(-1)).toThrow('is not a duration')
})

test('replaced steps are typed and checked by name', () => {
  expect(() => replaceSteps(expenses, { Notifi: () => 'x' } as never)).toThrow(
    'has no step "Notifi"; did you mean "Notify"?',
  )
  expect(() => replaceSteps(expenses, { Decide: () => 'x' } as never)).toThrow('is a race')
  expect(() => replaceSteps(expenses, { Notify: 'x' } as never)).toThrow('must be a function')
  // @ts-expect-error a notice is text
  replaceSteps(expenses, { Notify: () => 42 })
  // @ts-expect-error there is no such step
  expect(() => replaceSteps(expenses, { Other: () => 'x' })).toThrow('has no step "Other"')
  const typed = replaceSteps(expenses, {
    Notify: ({ expense, decision }) => `${expense.euros.toFixed(0)} ${decision.trim()}`,
  })
  expect(typed.name).toBe('expenses')
  expect([Decision.name, Expense.name]).toEqual(['Decision', 'Expense'])
})

test('what takes the place of a subgraph is typed by the leaves and the output of that', async () => {
  const Home = dataType('Home', type<string>())
  const parents = graph({
    name: 'parents',
    steps: [subgraph(write, Text, { name: 'WriteHome', inputs: { Word: Home } })],
  })
  const tested = replaceSteps(parents, { WriteHome: ({ Word: word }) => word.toUpperCase() })
  await using docket = createTestDocket({ graphs: [tested] })
  expect(await docket.execute(tested, Text, { Home: 'street' })).toBe('STREET')
  replaceSteps(parents, { WriteHome: () => 'sent' })
  replaceSteps(parents, { WriteHome: { run: () => 'sent', compensate: (value) => value?.trim() } })
  // @ts-expect-error a text is made
  replaceSteps(parents, { WriteHome: () => 42 })
  // @ts-expect-error the graph has no such leaf
  replaceSteps(parents, { WriteHome: ({ Home: home }) => String(home) })
})

test('what takes the place of a durable function is tried, and timed out, as that is', async () => {
  const called = graph({
    name: 'called',
    steps: [
      durableStep({
        name: 'Call',
        output: Text,
        timeout: '1m',
        retry: { maxAttempts: 3, backoff: '1h' },
        run: (_, ctx) => ctx.step('call', () => 'real'),
      }),
    ],
  })
  let calls = 0
  const answers = async (): Promise<string> => {
    const call = ++calls
    await sleep(call === 1 ? '1d' : '1s')
    return `call ${call}`
  }
  const tested = replaceSteps(called, { Call: answers })
  await using docket = createTestDocket({ graphs: [tested] })
  const { sleep } = docket
  expect(await docket.execute(tested, Text, {})).toBe('call 2')
})

test('what is no graph, or no replacement, is refused by name', () => {
  expect(() => replaceSteps({} as never, {} as never)).toThrow('replaceSteps: graph must be made by graph()')
  expect(() => replaceSteps(undefined as never, {} as never)).toThrow(OptionError)
  expect(() => replaceSteps(write, undefined as never)).toThrow('replaceSteps: replacements must be an object')
})

async function idOf(seed: number): Promise<string> {
  await using docket = createTestDocket({ graphs: [write], seed })
  return (await docket.start(write, Text, { Word: 'a' })).id
}
