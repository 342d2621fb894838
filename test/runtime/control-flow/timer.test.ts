import { AsyncLocalStorage } from 'node:async_hooks'
import { describe, expect, test } from 'vitest'
import { createActor, toPromise } from 'xstate'
import { z } from 'zod'
import {
  createDocket,
  dataType,
  execute,
  executeBatch,
  explain,
  fromGraph,
  graph,
  race,
  RaceLostError,
  step,
  streamBatch,
  StepTimeoutError,
  timer,
  untypedGraph,
} from '../../../src/index.ts'
import type { ExecutionEvent, GraphError } from '../../../src/index.ts'
import { memoryStore } from '../../../stores/memory/index.ts'
import { errorOf } from '../../loose-api.ts'
import { VirtualTime } from '../virtual-time.ts'

const Order = dataType('Order', z.object({ id: z.string(), waitMs: z.number() }))
const Expiry = dataType('Expiry', z.string())
const order = { id: 'o', waitMs: 500 }
const start = 1_000_000

const expire = timer({
  name: 'Expire',
  inputs: { order: Order },
  output: Expiry,
  after: '1h',
  value: ({ order }, { dueAt }) => `${order.id} at ${dueAt.getTime() - start}`,
})
const expiries = graph({ name: 'expiries', steps: [expire] })

const problemsOf = (declaration: object): readonly string[] => {
  try {
    untypedGraph({ name: 'g', steps: [timer({ name: 'T', output: Expiry, ...declaration } as never)] })
    return []
  } catch (error) {
    return (error as GraphError).problems.map(({ message }) => message)
  }
}

describe('a timer', () => {
  test('has its value when its time has come, not before', async () => {
    const clock = new VirtualTime(start)
    let value: unknown
    void execute(expiries, Expiry, { Order: order }, { clock }).then((made) => (value = made))
    await clock.advance(3_599_999)
    expect(value).toBeUndefined()
    await clock.advance(1)
    expect(value).toBe('o at 3600000')
    expect(clock.pending).toBe(0)
  })

  test('waits for a duration or a time that is worked out from its inputs', async () => {
    const clock = new VirtualTime(start)
    const DueA = dataType('DueA', z.object({ dueAt: z.date() }))
    const DueB = dataType('DueB', z.object({ dueAt: z.date() }))
    const a = timer({ name: 'A', inputs: { order: Order }, output: DueA, after: ({ order }) => order.waitMs })
    const b = timer({
      name: 'B',
      inputs: { order: Order },
      output: DueB,
      at: ({ order }) => new Date(start + 2 * order.waitMs),
    })
    const both = graph({ name: 'both', steps: [a, b] })
    expect(await clock.settle(execute(both, DueA, { Order: order }, { clock }))).toEqual({
      dueAt: new Date(start + 500),
    })
    expect(await clock.settle(execute(both, DueB, { Order: order }, { clock }))).toEqual({
      dueAt: new Date(start + 1000),
    })
    expect(clock.now()).toBe(start + 1_000)
  })

  test.each(['at', 'after'] as const)(
    'fails where %s returns a promise, of whose rejection nothing is left',
    async (name) => {
      const unhandled: unknown[] = []
      const listen = (error: unknown): void => void unhandled.push(error)
      process.on('unhandledRejection', listen)
      const odd = timer({ name: 'Odd', output: Expiry, [name]: () => Promise.reject(new Error('late')) } as never)
      const error = await errorOf(execute(untypedGraph({ name: 'g', steps: [odd] }), Expiry, {}))
      await new Promise((resolve) => setImmediate(resolve))
      process.off('unhandledRejection', listen)
      expect(error.message).toContain(`${name} of timer "Odd" must return its answer directly, not a promise`)
      expect(unhandled).toEqual([])
    },
  )

  test('of 0, or of a time that has passed, fires at once', async () => {
    const clock = new VirtualTime(start)
    const zero = timer({ name: 'Zero', output: Expiry, after: 0, value: () => 'now' })
    const past = timer({
      name: 'Past',
      output: Expiry,
      at: () => new Date(5),
      value: (_, { dueAt }) => String(dueAt.getTime()),
    })
    expect(await execute(graph({ name: 'zero', steps: [zero] }), Expiry, {}, { clock })).toBe('now')
    expect(await execute(graph({ name: 'past', steps: [past] }), Expiry, {}, { clock })).toBe('5')
    expect(clock.pending).toBe(0)
  })

  test('may be longer than a timer of the host can be', async () => {
    const set: number[] = []
    class Watched extends VirtualTime {
      override setTimeout(handler: () => void, ms: number): number {
        set.push(ms)
        return super.setTimeout(handler, ms)
      }
    }
    const clock = new Watched(start)
    const long = timer({ name: 'Long', output: Expiry, after: '60d', value: () => 'two months' })
    expect(await clock.settle(execute(graph({ name: 'long', steps: [long] }), Expiry, {}, { clock }))).toBe(
      'two months',
    )
    expect(clock.now()).toBe(start + 60 * 86_400_000)
    expect(Math.max(...set)).toBeLessThanOrEqual(2 ** 31 - 1)
  })

  test('is never early: a host timer that fires a millisecond before its time is set again', async () => {
    class Hasty extends VirtualTime {
      override setTimeout(handler: () => void, ms: number): number {
        return super.setTimeout(handler, Math.max(1, ms - 1))
      }
    }
    const clock = new Hasty(start)
    const soon = timer({ name: 'Soon', output: Expiry, after: 50, value: () => String(clock.now() - start) })
    const value = await clock.settle(execute(graph({ name: 'soon', steps: [soon] }), Expiry, {}, { clock }))
    expect(Number(value)).toBeGreaterThanOrEqual(50)
  })

  test('follows the time of day when that is set', async () => {
    const clock = new VirtualTime(start)
    const done = execute(expiries, Expiry, { Order: order }, { clock })
    await clock.advance(1_000)
    clock.setTimeOfDay(3_600_000)
    expect(await clock.settle(done)).toBe('o at 3600000')
    expect(clock.elapsed()).toBeLessThan(start + 10_000)
  })

  test('is a waiting step meanwhile, in snapshots and events, with the time that it waits for', async () => {
    const clock = new VirtualTime(start)
    const events: ExecutionEvent[] = []
    const logic = fromGraph(expiries, Expiry, { observers: [(event) => void events.push(event)] })
    const actor = createActor(logic, { input: { Order: order }, clock }).start()
    await clock.advance(10)
    const waiting = { status: 'waiting', attempt: 1, startedAt: start, dueAt: start + 3_600_000 }
    expect(actor.getSnapshot().context.steps['Expire']).toMatchObject(waiting)
    expect(events.at(-1)).toMatchObject({ type: 'step.waiting', step: 'Expire', dueAt: start + 3_600_000 })
    await clock.settle(toPromise(actor))
    expect(actor.getSnapshot().context.steps['Expire']).toMatchObject({ status: 'completed', dueAt: undefined })
  })

  test('goes on in a restored actor, and does not start over', async () => {
    const clock = new VirtualTime(start)
    const logic = fromGraph(expiries, Expiry)
    const actor = createActor(logic, { input: { Order: order }, clock }).start()
    await clock.advance(3_000_000)
    const snapshot = JSON.parse(JSON.stringify(actor.getPersistedSnapshot())) as never
    actor.stop()
    const again = createActor(logic, { snapshot, input: { Order: order }, clock }).start()
    await clock.advance(0)
    expect(again.getSnapshot().context.steps['Expire']).toMatchObject({ status: 'waiting', attempt: 1 })
    expect(await clock.settle(toPromise(again))).toBe('o at 3600000')
    expect(clock.now()).toBe(start + 3_600_000)
  })

  test('loses a race without leaving anything behind, and wins one: a deadline', async () => {
    const Answer = dataType('Answer', z.string())
    const Outcome = dataType('Outcome', z.string())
    const clock = new VirtualTime(start)
    let aborted: unknown
    const answer = step({
      name: 'Answer',
      inputs: { order: Order },
      output: Answer,
      run: async ({ order }, { signal }) => {
        signal.addEventListener('abort', () => (aborted = signal.reason))
        await clock.sleep(order.waitMs)
        return 'answered'
      },
    })
    const either = race({ name: 'Either', inputs: { answer: Answer, expiry: Expiry }, output: Outcome })
    const deadline = graph({ name: 'deadline', steps: [answer, expire, either] })
    expect(await clock.settle(execute(deadline, Outcome, { Order: order }, { clock }))).toBe('answered')
    expect(clock.pending).toBe(0)
    expect(clock.now()).toBe(start + 500)
    const late = { id: 'o', waitMs: 4_000_000 }
    expect(await clock.settle(execute(deadline, Outcome, { Order: late }, { clock }))).toBe('o at 3600500')
    expect(aborted).toBeInstanceOf(RaceLostError)
  })

  test('that takes longer than its timeout fails with a StepTimeoutError, or falls back', async () => {
    const clock = new VirtualTime(start)
    const slow = timer({ name: 'Slow', output: Expiry, after: '1h', timeout: '1m', value: () => 'late' })
    const error = await clock.settle(errorOf(execute(graph({ name: 'slow', steps: [slow] }), Expiry, {}, { clock })))
    expect(error.cause).toBeInstanceOf(StepTimeoutError)
    expect(clock.now()).toBe(start + 60_000)
    const safe = timer({
      name: 'Slow',
      output: Expiry,
      after: '1h',
      timeout: '1m',
      value: () => 'late',
      fallback: 'safe',
    })
    expect(await clock.settle(execute(graph({ name: 'safe', steps: [safe] }), Expiry, {}, { clock }))).toBe('safe')
  })

  test('is cleared when its execution is cancelled', async () => {
    const clock = new VirtualTime(start)
    const controller = new AbortController()
    const ended = errorOf(execute(expiries, Expiry, { Order: order }, { clock, signal: controller.signal }))
    controller.abort()
    await ended
    expect(clock.pending).toBe(0)
  })

  test.each([
    ['after', () => 'soon', /^after of timer "T" returned "soon", which is not a duration; use milliseconds/],
    ['after', () => -1, /^after of timer "T" returned -1, which is not a duration/],
    ['after', () => 1e300, /^after of timer "T" returned 1e\+300, which is longer than dates reach$/],
    ['at', () => 'noon', /^at of timer "T" returned "noon", which is not a time; return a Date$/],
    [
      'at',
      () => new Date(Number.NaN),
      /^at of timer "T" returned an invalid Date, which is not a time; return a Date$/,
    ],
  ])('whose %s function gives no time fails (%#)', async (option, make, message) => {
    const bad = untypedGraph({
      name: 'bad',
      steps: [timer({ name: 'T', output: Expiry, [option]: make, value: () => 'x' } as never)],
    })
    const error = await errorOf(execute(bad as never, Expiry as never, {} as never))
    expect((error.cause as Error).message).toMatch(message)
  })

  test('whose value throws, is late, or does not fit, behaves as any step', async () => {
    const clock = new VirtualTime(start)
    const made = (value: () => unknown): Promise<unknown> => {
      const one = timer({ name: 'T', output: Expiry, after: 1, value: value as () => string })
      return clock.settle(execute(graph({ name: 'made', steps: [one] }), Expiry, {}, { clock }))
    }
    expect(await made(() => Promise.resolve('late'))).toBe('late')
    await expect(made(() => Promise.reject(new Error('boom')))).rejects.toMatchObject({ cause: { message: 'boom' } })
    await expect(made(() => 7)).rejects.toMatchObject({ cause: { code: 'OUTPUT_INVALID' } })
  })
})

describe('a batch', () => {
  test('has a timer for each item, and waiting items hold no slot', async () => {
    const clock = new VirtualTime(start)
    const Done = dataType('Done', z.string())
    let running = 0
    let most = 0
    const finish = step({
      name: 'Finish',
      inputs: { expiry: Expiry },
      output: Done,
      run: async ({ expiry }) => {
        most = Math.max(most, ++running)
        await clock.sleep(10)
        running--
        return expiry
      },
    })
    const done = graph({ name: 'done', steps: [expire, finish] })
    const items = Array.from({ length: 20 }, (_, id) => ({ Order: { id: String(id), waitMs: 0 } }))
    const results = await clock.settle(executeBatch(done, Done, items, { clock, concurrency: 2 }))
    expect(results).toEqual(items.map(({ Order: { id } }) => `${id} at 3600000`))
    expect(most).toBe(2)
    expect(clock.now()).toBe(start + 3_600_000 + 100)
  })
})

test('all items of a batch wait at the same time, however many there are; a stream keeps a thousand open', async () => {
  const clock = new VirtualTime(start)
  const items = Array.from({ length: 2_500 }, (_, id) => ({ Order: { id: String(id), waitMs: 0 } }))
  const results = await clock.settle(executeBatch(expiries, Expiry, items, { clock, concurrency: 1 }))
  expect(results).toHaveLength(2_500)
  expect(clock.now()).toBe(start + 3_600_000)
  let seen = 0
  const stream = async (): Promise<void> => {
    for await (const _ of streamBatch(expiries, Expiry, items, { clock, concurrency: 1_000 })) seen++
  }
  await clock.settle(stream())
  expect(seen).toBe(2_500)
  expect(clock.now()).toBeGreaterThan(start + 2 * 3_600_000)
})

describe('graph() refuses', () => {
  test.each([
    [
      'a timer without a time',
      {},
      /^step "T" says neither after what time it fires nor at what time: give it after or at$/,
    ],
    [
      'one with two',
      { after: 1, at: () => new Date() },
      /^step "T" has both after and at: a timer waits for one time$/,
    ],
    [
      'a duration that is none',
      { after: 'soon' },
      /^step "T": after "soon" is neither a duration nor a function that makes one; use/,
    ],
    ['a negative duration', { after: -1 }, /^step "T": after -1 is neither a duration nor/],
    ['a duration without end', { after: Infinity }, /^step "T": after Infinity is neither a duration nor/],
    [
      'a duration that no date reaches',
      { after: '999999999w' },
      /^step "T": after "999999999w" is longer than dates reach$/,
    ],
    [
      'a time that is no function',
      { at: new Date(0) },
      /^step "T": at must be a function of the inputs that gives a Date, not/,
    ],
    [
      'a retry, and says what there is: no run',
      { after: 1, retry: { maxAttempts: 2 } },
      /^step "T" has the unknown option "retry"; known are name, inputs, output, after, at, value, timeout, formerly, when, fallback$/,
    ],
    ['a limit of what waits', { after: 1, concurrency: 1 }, /^step "T" has the unknown option "concurrency"/],
    ['a timeout of 0', { after: 1, timeout: 0 }, /^step "T": timeout is 0/],
  ])('%s', (_, declaration, message) => {
    expect(problemsOf(declaration)).toEqual([expect.stringMatching(message)])
  })
})

test('explain shows a timer as what it is', () => {
  const plan = explain(expiries, Expiry, { Order: order })
  expect(plan.steps).toMatchObject([{ name: 'Expire', kind: 'timer', will: 'run' }])
  expect(String(plan)).toContain('Expire  run      timer(Order) → Expiry')
  expect(plan.toMermaid()).toContain('step0(["Expire"])')
})

describe('in a docket', () => {
  test('the time of a timer is on record, and a process that goes on with it does not start it over', async () => {
    const clock = new VirtualTime(start)
    const store = memoryStore({ now: () => clock.now(), elapsed: () => clock.elapsed() })
    const first = createDocket({ graphs: [expiries], store, clock })
    const handle = await clock.settle(first.start(expiries, Expiry, { Order: order }, { id: 'a' }))
    await clock.advance(1_000_000)
    const { steps } = await clock.settle(store.readSteps(['a']))
    expect(steps).toMatchObject([{ step: 'Expire', status: 'waiting', dueAt: start + 3_600_000 }])
    expect((await clock.settle(handle.details()))!.steps).toMatchObject([
      { step: 'Expire', status: 'waiting', waitsFor: { kind: 'time', at: new Date(start + 3_600_000) } },
    ])
    await clock.settle(first.close())
    const second = createDocket({ graphs: [expiries], store, clock })
    const again = await clock.settle(second.get('a'))
    expect(await clock.settle(again!.result())).toBe('o at 3600000')
    expect(clock.now()).toBeLessThan(start + 3_610_000)
    await clock.settle(second.close())
  })
})

test('what follows a timer runs in the async context of the call', async () => {
  const clock = new VirtualTime(start)
  const call = new AsyncLocalStorage<string>()
  const seen: unknown[] = []
  const See = dataType('See', z.string())
  const wait = timer({
    name: 'Expire',
    inputs: { order: Order },
    output: Expiry,
    after: '1h',
    value: ({ order }) => {
      seen.push(call.getStore())
      return order.id
    },
  })
  const see = step({
    name: 'See',
    inputs: { expiry: Expiry },
    output: See,
    run: ({ expiry }) => {
      seen.push(call.getStore())
      return expiry
    },
  })
  const waiting = graph({ name: 'waiting', steps: [wait, see] })
  const made = call.run('mine', () => execute(waiting, See, { Order: order }, { clock }))
  expect(await clock.settle(made)).toBe('o')
  expect(seen).toEqual(['mine', 'mine'])
})
