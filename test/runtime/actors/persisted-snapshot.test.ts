import { describe, expect, test } from 'vitest'
import { createActor, setup, toPromise } from 'xstate'
import type { Snapshot } from 'xstate'
import { stepMachine } from '../../../machines/index.ts'
import {
  dataType,
  fixed,
  fromGraph,
  graph,
  optional,
  SerializationError,
  step,
  StepError,
  type,
} from '../../../src/index.ts'
import { expectNoUnhandledErrors, uniqueName } from '../../loose-api.ts'
import { VirtualTime } from '../virtual-time.ts'

const Id = dataType('Id', type<number>())
const Left = dataType('Left', type<number>())
const Right = dataType('Right', type<number>())
const Hint = dataType('Hint', type<number>())
const More = dataType('More', type<number>())
const Sum = dataType('Sum', type<number>())

expectNoUnhandledErrors()

/** Left takes 10 ms; Right 20 and fails once, with 100 between; Hint fails for good after 15, More is skipped then; Sum takes 5. */
function sums(clock: VirtualTime, log: string[], lastly: 'adds' | 'fails' = 'adds') {
  const work = async (name: string, ms: number, attempt: number): Promise<void> => {
    log.push(`${name}.${attempt} starts`)
    await clock.sleep(ms)
    log.push(`${name}.${attempt} ends`)
  }
  const left = step({
    name: 'MakeLeft',
    inputs: { id: Id },
    output: Left,
    run: async ({ id }, { attempt }) => {
      await work('left', 10, attempt)
      return id
    },
  })
  const right = step({
    name: 'MakeRight',
    inputs: { id: Id },
    output: Right,
    retry: { maxAttempts: 5, backoff: fixed(100) },
    run: async ({ id }, { attempt }) => {
      await work('right', 20, attempt)
      if (attempt === 1) throw new Error('right failed', { cause: new RangeError('deep inside') })
      return id * 10
    },
  })
  const hint = step({
    name: 'GiveHint',
    inputs: { id: Id },
    output: Hint,
    run: async (_, { attempt }): Promise<number> => {
      await work('hint', 15, attempt)
      throw new Error('no hint')
    },
  })
  const more = step({ name: 'GiveMore', inputs: { hint: Hint }, output: More, run: ({ hint }) => hint })
  const add = step({
    name: 'Add',
    inputs: { left: Left, right: Right, hint: optional(Hint), more: optional(More) },
    output: Sum,
    run: async ({ left, right, hint, more }, { attempt }) => {
      await work('add', 5, attempt)
      if (lastly === 'fails') throw new Error('no sum')
      return left + right + (hint ?? 0.5) + (more ?? 0.25)
    },
  })
  return graph({ name: 'sums', steps: [left, right, hint, more, add] })
}

const throughJson = (snapshot: Snapshot<unknown>): Snapshot<unknown> =>
  JSON.parse(JSON.stringify(snapshot)) as Snapshot<unknown>
const statuses = (actor: {
  getSnapshot(): { context: { steps: Readonly<Record<string, { status: string; attempt: number }>> } }
}) =>
  Object.fromEntries(
    Object.entries(actor.getSnapshot().context.steps).map(([name, { status, attempt }]) => [
      name,
      `${status} ${attempt}`,
    ]),
  )

describe('getPersistedSnapshot', () => {
  // Every millisecond at which something happens, the one before and the one after.
  test.each([0, 9, 10, 11, 14, 15, 16, 19, 20, 21, 60, 119, 120, 121, 139, 140, 141, 144, 145])(
    'taken after %s ms continues without running a completed step again',
    async (ms) => {
      const clock = new VirtualTime()
      const log: string[] = []
      const logic = fromGraph(sums(clock, log), Sum)
      const first = createActor(logic, { input: { Id: 1 }, clock }).start()
      await clock.advance(ms)
      const json = throughJson(first.getPersistedSnapshot())
      const before = statuses(first)
      first.stop()
      await clock.advance(1_000)
      const ended = log.filter((line) => line.endsWith('ends')).map((line) => line.split('.')[0]!)
      const begun = log.length

      const second = createActor(logic, { snapshot: json, clock, input: undefined as never })
      // Attempts that were under way are lost: their steps wait to begin the next one.
      expect(statuses(second)).toEqual(
        Object.fromEntries(Object.entries(before).map(([name, text]) => [name, text.replace('running', 'pending')])),
      )
      expect(await clock.settle(toPromise(second.start()))).toBe(11.75)
      expect(second.getSnapshot().context.executionId).toBe(first.getSnapshot().context.executionId)
      const again = log
        .slice(begun)
        .filter((line) => line.endsWith('starts'))
        .map((line) => line.split('.')[0]!)
      for (const [name, text] of Object.entries(before)) {
        const short = { MakeLeft: 'left', MakeRight: 'right', GiveHint: 'hint', Add: 'add' }[name]
        if (short !== undefined && /completed|failed/.test(text)) expect(again).not.toContain(short)
      }
      expect(ended.length).toBeGreaterThanOrEqual(0)
      expect(second.getPersistedSnapshot()).toMatchObject({ status: 'done', output: 11.75 })
    },
  )

  test('keeps counting attempts, and a backoff ends when it was due', async () => {
    const clock = new VirtualTime()
    const log: string[] = []
    const logic = fromGraph(sums(clock, log), Sum)
    const first = createActor(logic, { input: { Id: 1 }, clock }).start()
    await clock.advance(50)
    const json = throughJson(first.getPersistedSnapshot())
    first.stop()
    await clock.advance(20)
    log.length = 0
    const second = createActor(logic, { snapshot: json, clock, input: undefined as never }).start()
    expect(second.getSnapshot().context.steps['MakeRight']).toMatchObject({ status: 'retrying', attempt: 1 })
    await clock.advance(49)
    expect(log).toEqual([])
    await clock.advance(1)
    expect(log).toEqual(['right.2 starts'])
  })

  test('stores errors as data that come back as Errors, causes and own fields too', async () => {
    const clock = new VirtualTime()
    const logic = fromGraph(sums(clock, []), Sum)
    const first = createActor(logic, { input: { Id: 1 }, clock }).start()
    await clock.advance(50)
    const json = throughJson(first.getPersistedSnapshot())
    first.stop()
    const second = createActor(logic, { snapshot: json, clock, input: undefined as never }).start()
    const { error } = second.getSnapshot().context.steps['MakeRight']!
    expect(error).toBeInstanceOf(Error)
    expect(error).toMatchObject({
      name: 'Error',
      message: 'right failed',
      cause: { name: 'RangeError', message: 'deep inside' },
    })
    expect((error as Error).cause).toBeInstanceOf(Error)
    expect((error as Error).stack).toContain('right failed')
    second.stop()
  })

  test.each([
    ['done', 'adds', { status: 'done', value: 'completed', output: 11.75 }],
    [
      'error',
      'fails',
      {
        status: 'error',
        value: 'failed',
        error: { name: 'StepError', code: 'STEP_FAILED', step: 'Add', cause: { message: 'no sum' } },
      },
    ],
  ] as const)(
    'of an execution with status %s gives one that has ended, and runs nothing',
    async (_, lastly, expected) => {
      const clock = new VirtualTime()
      const log: string[] = []
      const logic = fromGraph(sums(clock, log, lastly), Sum)
      const first = createActor(logic, { input: { Id: 1 }, clock })
      const ended = toPromise(first).catch(() => {})
      first.start()
      await clock.settle(ended)
      const begun = log.length
      const second = createActor(logic, {
        snapshot: throughJson(first.getPersistedSnapshot()),
        clock,
        input: undefined as never,
      })
      second.subscribe({ error() {} })
      second.start()
      await clock.advance(1_000)
      expect(second.getSnapshot()).toMatchObject(expected)
      expect(statuses(second)).toEqual(statuses(first))
      expect(second.getSnapshot().matches(expected.value)).toBe(true)
      expect(log.length).toBe(begun)
      expect(throughJson(second.getPersistedSnapshot())).toEqual(throughJson(first.getPersistedSnapshot()))
    },
  )

  test('of a stopped execution stays stopped', async () => {
    const clock = new VirtualTime()
    const log: string[] = []
    const logic = fromGraph(sums(clock, log), Sum)
    const first = createActor(logic, { input: { Id: 1 }, clock }).start()
    await clock.advance(12)
    first.stop()
    const second = createActor(logic, {
      snapshot: throughJson(first.getPersistedSnapshot()),
      clock,
      input: undefined as never,
    }).start()
    expect(second.getSnapshot()).toMatchObject({ status: 'stopped', value: 'cancelled' })
    await clock.advance(1_000)
    expect(log).toEqual([
      'left.1 starts',
      'right.1 starts',
      'hint.1 starts',
      'left.1 ends',
      'hint.1 ends',
      'right.1 ends',
    ])
  })

  test('before the start gives an execution that begins from the beginning', async () => {
    const clock = new VirtualTime()
    const logic = fromGraph(sums(clock, []), Sum)
    const json = throughJson(createActor(logic, { input: { Id: 1 }, clock }).getPersistedSnapshot())
    expect(
      await clock.settle(toPromise(createActor(logic, { snapshot: json, clock, input: undefined as never }).start())),
    ).toBe(11.75)
  })

  test('taken by a subscriber between the failure of a step and the end still leads to the same end', async () => {
    const clock = new VirtualTime()
    const log: string[] = []
    const logic = fromGraph(sums(clock, log, 'fails'), Sum)
    const first = createActor(logic, { input: { Id: 1 }, clock })
    let json: Snapshot<unknown> | undefined
    first.subscribe({
      next: ({ context, status }) => {
        if (status === 'active' && context.steps['Add']?.status === 'failed')
          json ??= throughJson(first.getPersistedSnapshot())
      },
      error() {},
    })
    first.start()
    await clock.advance(1_000)
    expect(json).toBeDefined()
    const begun = log.length
    const second = createActor(logic, { snapshot: json!, clock, input: undefined as never })
    const ended = toPromise(second).catch((thrown: unknown) => thrown)
    second.start()
    const error = await clock.settle(ended)
    expect(error).toBeInstanceOf(StepError)
    expect(error).toMatchObject({ step: 'Add', attempt: 1, cause: { message: 'no sum' } })
    expect(log.length).toBe(begun)
  })

  test('holds each step that has begun as a child whose snapshot the real step machine takes', async () => {
    const clock = new VirtualTime()
    const first = createActor(fromGraph(sums(clock, []), Sum), { input: { Id: 1 }, clock }).start()
    await clock.advance(50)
    const { children } = throughJson(first.getPersistedSnapshot()) as unknown as {
      children: Record<string, { src: string; snapshot: Snapshot<unknown> }>
    }
    expect(Object.fromEntries(Object.entries(children).map(([name, { src }]) => [name, src]))).toEqual({
      MakeLeft: 'step',
      MakeRight: 'step',
      GiveHint: 'step',
      GiveMore: 'step',
    })
    for (const [name, { snapshot }] of Object.entries(children)) {
      const restored = createActor(stepMachine, { snapshot, input: { step: name } }).start()
      const live = first.getSnapshot().children[name]!.getSnapshot()
      expect(restored.getSnapshot().value).toBe(live.value)
      expect(restored.getSnapshot().status).toBe(live.status)
      expect(restored.getSnapshot().output).toBe(live.output)
      expect({ ...restored.getSnapshot().context, error: undefined }).toEqual({ ...live.context, error: undefined })
    }
    const retrying = createActor(stepMachine, {
      snapshot: children['MakeRight']!.snapshot,
      input: { step: 'MakeRight' },
    }).start()
    retrying.send({ type: 'START', attempt: 2, at: 1 })
    expect(retrying.getSnapshot()).toMatchObject({ value: 'running', context: { attempt: 2, dueAt: undefined } })
    first.stop()
  })

  test('of a machine that has invoked the execution holds it, and continues it', async () => {
    const clock = new VirtualTime()
    const log: string[] = []
    const machine = setup({ actors: { sums: fromGraph(sums(clock, log), Sum) } }).createMachine({
      initial: 'adding',
      states: {
        adding: { invoke: { id: 'sums', src: 'sums', input: { Id: 1 }, onDone: 'done' } },
        done: { type: 'final' },
      },
    })
    const first = createActor(machine, { clock }).start()
    await clock.advance(130)
    const json = throughJson(first.getPersistedSnapshot())
    first.stop()
    await clock.advance(1_000)
    log.length = 0
    const second = createActor(machine, { snapshot: json, clock })
    const done = toPromise(second)
    second.start()
    await clock.settle(done)
    expect(second.getSnapshot().value).toBe('done')
    expect(log).toEqual(['right.3 starts', 'right.3 ends', 'add.1 starts', 'add.1 ends'])
  })

  test('of something else is refused with a message that says so', () => {
    const logic = fromGraph(sums(new VirtualTime(), []), Sum)
    const actor = createActor(logic, {
      snapshot: { status: 'active', output: undefined, error: undefined } as never,
      input: undefined as never,
    })
    expect(actor.getSnapshot().error).toBeInstanceOf(SerializationError)
    expect((actor.getSnapshot().error as Error).message).toContain('give what getPersistedSnapshot() returned')
  })

  test('of a step that is remembered globally, taken during its backoff, still remembers what it makes', async () => {
    const clock = new VirtualTime()
    let runs = 0
    const make = step({
      name: 'Make',
      inputs: { id: Id },
      output: Sum,
      persist: 'global',
      retry: { maxAttempts: 3, backoff: fixed(100) },
      run: async ({ id }, { attempt }) => {
        runs++
        if (attempt === 1) throw new Error('once')
        return id
      },
    })
    const logic = fromGraph(graph({ name: uniqueName(), steps: [make] }), Sum)
    const first = createActor(logic, { input: { Id: 4 }, clock }).start()
    await clock.advance(50)
    const json = throughJson(first.getPersistedSnapshot())
    first.stop()
    const second = createActor(logic, { snapshot: json, clock, input: undefined as never }).start()
    await clock.advance(49)
    expect(runs).toBe(1)
    expect(await clock.settle(toPromise(second))).toBe(4)
    expect(runs).toBe(2)
    expect(await clock.settle(toPromise(createActor(logic, { input: { Id: 4 }, clock }).start()))).toBe(4)
    expect(runs).toBe(2)
  })
})
