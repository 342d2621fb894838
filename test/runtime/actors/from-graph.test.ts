import { describe, expect, expectTypeOf, test } from 'vitest'
import { assign, createActor, setup, SimulatedClock, toPromise, waitFor } from 'xstate'
import type { OutputFrom } from 'xstate'
import {
  dataType,
  ExecutionCancelledError,
  ExecutionTimeoutError,
  fixed,
  fromGraph,
  graph,
  InputError,
  OptionError,
  step,
  StepError,
  type,
} from '../../../src/index.ts'
import { expectNoUnhandledErrors } from '../../loose-api.ts'
import { flush } from '../../../src/testing/virtual-clock.ts'
import { VirtualTime } from '../virtual-time.ts'

const Id = dataType('Id', type<number>())
const Left = dataType('Left', type<number>())
const Right = dataType('Right', type<number>())
const Sum = dataType('Sum', type<number>())

expectNoUnhandledErrors()

const plain = graph({
  name: 'plain',
  steps: [
    step({ name: 'MakeLeft', inputs: { id: Id }, output: Left, run: async ({ id }) => id }),
    step({ name: 'MakeRight', inputs: { id: Id }, output: Right, run: ({ id }) => id * 10 }),
    step({ name: 'Add', inputs: { left: Left, right: Right }, output: Sum, run: ({ left, right }) => left + right }),
  ],
})

/** Left takes 10, Right 20, Sum 5 milliseconds; Right fails as often as told. */
function slow(
  clock: { sleep(ms: number, signal?: AbortSignal): Promise<void> },
  rightFailures = 0,
  log: string[] = [],
) {
  const wait = async (name: string, ms: number, signal: AbortSignal): Promise<void> => {
    log.push(`${name} starts`)
    signal.addEventListener('abort', () => log.push(`${name} aborted`))
    await clock.sleep(ms, signal)
  }
  const left = step({
    name: 'MakeLeft',
    inputs: { id: Id },
    output: Left,
    run: async ({ id }, { signal }) => {
      await wait('left', 10, signal)
      return id
    },
  })
  const right = step({
    name: 'MakeRight',
    inputs: { id: Id },
    output: Right,
    retry: { maxAttempts: 3, backoff: fixed(100) },
    run: async ({ id }, { signal, attempt }) => {
      await wait('right', 20, signal)
      if (attempt <= rightFailures) throw new Error(`right failed ${attempt}`)
      return id * 10
    },
  })
  const add = step({
    name: 'Add',
    inputs: { left: Left, right: Right },
    output: Sum,
    run: async ({ left, right }, { signal }) => {
      await wait('add', 5, signal)
      return left + right
    },
  })
  return graph({ name: 'slow', steps: [left, right, add] })
}

describe('an execution as an actor', () => {
  test('gives its output to toPromise, typed', async () => {
    const logic = fromGraph(plain, Sum)
    const output = await toPromise(createActor(logic, { input: { Id: 3 } }).start())
    expect(output).toBe(33)
    expectTypeOf<OutputFrom<typeof logic>>().toEqualTypeOf<number>()
    expectTypeOf(output).toEqualTypeOf<number>()
  })

  test('starts nothing before start()', async () => {
    const log: string[] = []
    const actor = createActor(fromGraph(slow(new VirtualTime(), 0, log), Sum), { input: { Id: 1 } })
    await flush()
    expect(log).toEqual([])
    expect(actor.getSnapshot()).toMatchObject({ status: 'active', value: 'pending' })
  })

  test('goes from pending over running to completed, and reports the progress of each step', async () => {
    const clock = new VirtualTime()
    const actor = createActor(fromGraph(slow(clock, 1), Sum), { input: { Id: 1 }, clock })
    const seen: unknown[] = []
    actor.subscribe(({ value, context: { steps, settled } }) =>
      seen.push([value, settled, ...Object.values(steps).map(({ status }) => status)]),
    )
    actor.start()
    await clock.settle(toPromise(actor))
    expect(seen.filter((each, at) => at === 0 || JSON.stringify(each) !== JSON.stringify(seen[at - 1]))).toEqual([
      ['pending', 0, 'pending', 'pending', 'pending'],
      ['running', 0, 'pending', 'pending', 'pending'],
      ['running', 0, 'running', 'running', 'pending'],
      ['running', 1, 'completed', 'running', 'pending'],
      ['running', 1, 'completed', 'retrying', 'pending'],
      ['running', 1, 'completed', 'running', 'pending'],
      ['running', 2, 'completed', 'completed', 'running'],
      ['running', 3, 'completed', 'completed', 'completed'],
      ['completed', 3, 'completed', 'completed', 'completed'],
    ])
    const { context, output, status } = actor.getSnapshot()
    expect([status, output, context.target, context.total]).toEqual(['done', 11, 'Sum', 3])
    expect(context.steps['MakeRight']).toMatchObject({ attempt: 2, output: 10, error: undefined })
    expect(context.steps['MakeRight']!.endedAt! - context.steps['MakeRight']!.startedAt!).toBe(140)
    expect(context.endedAt! - context.startedAt!).toBe(145)
  })

  test('an old snapshot keeps the old state', async () => {
    const clock = new VirtualTime()
    const actor = createActor(fromGraph(slow(clock, 2), Sum), { input: { Id: 1 }, clock })
    const seen: { readonly snapshot: object; readonly told: string }[] = []
    const unread: (typeof actor)['getSnapshot'] extends () => infer Snapshot ? Snapshot[] : never = []
    actor.subscribe((snapshot) => {
      unread.push(snapshot)
      if (unread.length % 2 === 0) seen.push({ snapshot, told: JSON.stringify(snapshot.context) })
    })
    actor.start()
    await clock.settle(toPromise(actor))
    for (const { snapshot, told } of seen) expect(JSON.stringify((snapshot as { context: unknown }).context)).toBe(told)
    // Read for the first time after all is over, a snapshot still tells its own moment.
    expect(unread.map(({ context }) => context.settled)).toEqual(unread.map(({ context }) => context.settled).sort())
    expect(unread[0]!.context.steps['MakeRight']!.status).toBe('pending')
    expect(() => ((unread.at(-1)!.context.steps as Record<string, unknown>)['MakeRight'] = 1)).not.toThrow()
  })

  test('waitFor finds a state', async () => {
    const clock = new VirtualTime()
    const actor = createActor(fromGraph(slow(clock), Sum), { input: { Id: 1 }, clock }).start()
    const added = waitFor(actor, (snapshot) => snapshot.context.steps['Add']?.status === 'running')
    expect((await clock.settle(added)).matches('running')).toBe(true)
    const done = await clock.settle(waitFor(actor, ({ status }) => status === 'done'))
    expect(done.output).toBe(11)
  })

  test('a failure puts it into status error with the StepError, its cause untouched', async () => {
    const clock = new VirtualTime()
    const actor = createActor(fromGraph(slow(clock, 3), Sum), { input: { Id: 1 }, clock }).start()
    const error = await clock.settle(toPromise(actor).catch((thrown: unknown) => thrown))
    expect(error).toBeInstanceOf(StepError)
    expect(error).toMatchObject({
      step: 'MakeRight',
      attempt: 3,
      cause: { message: 'right failed 3' },
      path: ['Sum', 'Right'],
    })
    const snapshot = actor.getSnapshot()
    expect(snapshot).toMatchObject({ status: 'error', value: 'failed', output: undefined })
    expect(snapshot.error).toBe(error)
    expect(snapshot.context.steps['Add']).toMatchObject({ status: 'cancelled', attempt: 0 })
    expect((error as StepError).executionId).toBe(snapshot.context.executionId)
  })

  test('stop() cancels it: status stopped, running steps aborted, nothing starts any more', async () => {
    const clock = new VirtualTime()
    const log: string[] = []
    const actor = createActor(fromGraph(slow(clock, 0, log), Sum), { input: { Id: 1 }, clock }).start()
    await clock.advance(15)
    let completed = 0
    actor.subscribe({ complete: () => completed++ })
    actor.stop()
    expect(actor.getSnapshot()).toMatchObject({
      status: 'stopped',
      value: 'cancelled',
      output: undefined,
      error: undefined,
    })
    expect(Object.values(actor.getSnapshot().context.steps).map(({ status }) => status)).toEqual([
      'completed',
      'cancelled',
      'cancelled',
    ])
    expect(actor.getSnapshot().context.steps['MakeRight']!.error).toBeInstanceOf(ExecutionCancelledError)
    expect(completed).toBe(1)
    await clock.advance(1_000)
    expect(log).toEqual(['left starts', 'right starts', 'right aborted'])
    expect(clock.pending).toBe(0)
  })

  test('an actor that is stopped by its own subscriber starts nothing more', async () => {
    const clock = new VirtualTime()
    const log: string[] = []
    const actor = createActor(fromGraph(slow(clock, 0, log), Sum), { input: { Id: 1 }, clock })
    actor.subscribe(({ context }) => context.settled === 1 && actor.stop())
    actor.start()
    await clock.advance(1_000)
    expect(actor.getSnapshot().status).toBe('stopped')
    expect(log).toEqual(['left starts', 'right starts', 'right aborted'])
  })

  test('an aborted signal cancels it', async () => {
    const clock = new VirtualTime()
    const controller = new AbortController()
    const actor = createActor(fromGraph(slow(clock), Sum, { signal: controller.signal }), {
      input: { Id: 1 },
      clock,
    }).start()
    const ended = toPromise(actor).catch((thrown: unknown) => thrown)
    controller.abort(new Error('enough'))
    expect(await ended).toBeInstanceOf(ExecutionCancelledError)
    expect(actor.getSnapshot()).toMatchObject({
      status: 'error',
      value: 'cancelled',
      error: { cause: { message: 'enough' } },
    })
  })

  test.each([
    [{}, /Id: missing/],
    [{ Id: 1, Ib: 2 }, /Ib: unknown input/],
    [undefined, /Id: missing/],
    ['text', /must be a plain object keyed by type names/],
  ])('wrong input %j puts it into status error before anything runs', async (input, message) => {
    const actor = createActor(fromGraph(plain, Sum), { input: input as never })
    await expect(toPromise(actor.start())).rejects.toThrow(message)
    expect(actor.getSnapshot()).toMatchObject({
      status: 'error',
      value: 'failed',
      context: { settled: 0, startedAt: undefined },
    })
    expect(actor.getSnapshot().error).toBeInstanceOf(InputError)
    expect(actor.getPersistedSnapshot()).toMatchObject({ status: 'error' })
  })

  test('a failure that is there at once still reaches who waits right after the start', async () => {
    const fails = step({
      name: 'Fails',
      output: Sum,
      run: (): number => {
        throw new Error('at once')
      },
    })
    const actor = createActor(fromGraph(graph({ name: 'fails', steps: [fails] }), Sum), { input: {} })
    await expect(toPromise(actor.start())).rejects.toMatchObject({ cause: { message: 'at once' } })
  })

  test('wrong input emits no event: the execution has not begun', async () => {
    const types: string[] = []
    const logic = fromGraph(plain, Sum, { observers: [({ type }) => void types.push(type)] })
    await expect(toPromise(createActor(logic, { input: {} as never }).start())).rejects.toThrow(/Id: missing/)
    expect(types).toEqual([])
  })

  test('wrong options and an unknown target are reported when the logic is made', () => {
    expect(() => fromGraph(plain, Sum, { clock: 1 } as never)).toThrow(OptionError)
    expect(() => fromGraph(plain, dataType('None', type<1>()) as never)).toThrow(/no step produces "None"/)
  })

  test('events that strangers send change nothing', async () => {
    const clock = new VirtualTime()
    const actor = createActor(fromGraph(slow(clock), Sum), { input: { Id: 1 }, clock }).start()
    await clock.advance(5)
    const before = JSON.stringify(actor.getSnapshot().context)
    const at = clock.now()
    for (const type of ['START', 'SUCCEED', 'FAIL', 'CANCEL', 'PROGRESS', 'anything'])
      actor.send({ type, at, output: 1, error: 1, settled: 3 } as never)
    expect(JSON.stringify(actor.getSnapshot().context)).toBe(before)
    expect(await clock.settle(toPromise(actor))).toBe(11)
  })
})

describe('the clock of the actor system', () => {
  test("xstate's SimulatedClock drives retries and timeouts", async () => {
    const clock = new SimulatedClock()
    const attempts: number[] = []
    const flaky = step({
      name: 'Flaky',
      inputs: { id: Id },
      output: Sum,
      timeout: '1s',
      retry: { maxAttempts: 3, backoff: fixed('10s') },
      run: ({ id }, { attempt }) => {
        attempts.push(attempt)
        if (attempt === 1) throw new Error('once')
        return attempt === 2 ? new Promise<never>(() => {}) : id
      },
    })
    const actor = createActor(fromGraph(graph({ name: 'simulated', steps: [flaky] }), Sum), {
      input: { Id: 7 },
      clock,
    }).start()
    const moments: unknown[] = []
    for (const ms of [0, 9_999, 1, 999, 1, 9_999, 1]) {
      clock.increment(ms)
      await flush()
      moments.push([clock.now(), actor.getSnapshot().context.steps['Flaky']!.status, attempts.length])
    }
    expect(moments).toEqual([
      [0, 'retrying', 1],
      [9_999, 'retrying', 1],
      [10_000, 'running', 2],
      [10_999, 'running', 2],
      [11_000, 'retrying', 2],
      [20_999, 'retrying', 2],
      [21_000, 'completed', 3],
    ])
    expect(await toPromise(actor)).toBe(7)
  })

  test('is the clock of invoked executions too, and the execution timeout goes by it', async () => {
    const clock = new SimulatedClock()
    const hangs = step({ name: 'Hangs', output: Sum, run: () => new Promise<never>(() => {}) })
    const machine = setup({
      types: {} as { context: { error: unknown } },
      actors: { hangs: fromGraph(graph({ name: 'hangs', steps: [hangs], timeout: '1m' }), Sum) },
    }).createMachine({
      context: { error: undefined },
      initial: 'running',
      states: {
        running: {
          invoke: {
            src: 'hangs',
            input: {},
            onError: { target: 'failed', actions: assign({ error: ({ event }) => event.error }) },
          },
        },
        failed: {},
      },
    })
    const actor = createActor(machine, { clock }).start()
    clock.increment(59_999)
    expect(actor.getSnapshot().value).toBe('running')
    clock.increment(1)
    expect(actor.getSnapshot().value).toBe('failed')
    expect(actor.getSnapshot().context.error).toBeInstanceOf(ExecutionTimeoutError)
  })
})
