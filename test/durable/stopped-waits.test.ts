import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { dataType, DocketClosedError, graph, race, step, timer } from '../../src/index.ts'
import { expectNoUnhandledErrors, rejectionOf } from '../loose-api.ts'
import { World } from './durable-time.ts'

expectNoUnhandledErrors()

const Seed = dataType('Seed', z.string())
const Work = dataType('Work', z.string())
const Late = dataType('Late', z.string())
const Either = dataType('Either', z.string())
const Result = dataType('Result', z.string())
const inputs = { Seed: 's' }

interface Life {
  readonly work?: () => string | Promise<string>
  readonly result?: () => string | Promise<string>
  readonly value?: () => string | Promise<string>
}

/** A result that needs some work and a timer of a minute. */
function both({ work = () => 'work', result = () => 'result', value = () => 'late' }: Life) {
  const worker = step({ name: 'Worker', inputs: { seed: Seed }, output: Work, run: () => work() })
  const late = timer({ name: 'Timer', inputs: { seed: Seed }, output: Late, after: '1m', value: () => value() })
  const last = step({ name: 'Last', inputs: { work: Work, late: Late }, output: Result, run: () => result() })
  return graph({ name: 'both', steps: [worker, late, last] })
}

/** A result that needs whichever of the two comes first. */
function either({ work = () => 'work', result = () => 'result', value = () => 'late' }: Life) {
  const worker = step({ name: 'Worker', inputs: { seed: Seed }, output: Work, run: () => work() })
  const late = timer({ name: 'Timer', inputs: { seed: Seed }, output: Late, after: '1m', value: () => value() })
  const first = race({ name: 'First', inputs: { work: Work, late: Late }, output: Either })
  const last = step({ name: 'Last', inputs: { either: Either }, output: Result, run: () => result() })
  return graph({ name: 'either', steps: [worker, late, first, last] })
}

/** Fails until it may succeed, once what begins with it has begun. */
function failing(): { mayPass: boolean; readonly run: () => Promise<string> } {
  const task = {
    mayPass: false,
    async run(): Promise<string> {
      await Promise.resolve()
      if (!task.mayPass) throw new Error('not now')
      return 'done'
    },
  }
  return task
}

describe('an execution that ended while a timer of it was open', () => {
  test.each(['retry', 'execute'] as const)('goes on with %s under the same id', async (way) => {
    const world = new World()
    const task = failing()
    const declared = both({ work: task.run })
    const docket = world.process({ graphs: [declared] })
    await world.clock.settle(rejectionOf(docket.execute(declared, Result, inputs, { id: 'a' })))
    task.mayPass = true
    if (way === 'retry') await world.clock.settle(docket.retry('a'))
    expect(await world.clock.settle(docket.execute(declared, Result, inputs, { id: 'a' }))).toBe('result')
  })

  test('goes on after it was cancelled', async () => {
    const world = new World()
    const declared = both({})
    const docket = world.process({ graphs: [declared] })
    const handle = await world.clock.settle(docket.start(declared, Result, inputs, { id: 'a' }))
    await world.clock.settle(handle.cancel())
    await world.clock.settle(rejectionOf(handle.result()))
    const again = await world.clock.settle(docket.retry('a'))
    expect(await world.clock.settle(again.result())).toBe('result')
  })

  test('has no owner any more, and is purged', async () => {
    const world = new World()
    const declared = both({ work: failing().run })
    const docket = world.process({ graphs: [declared] })
    await world.clock.settle(rejectionOf(docket.execute(declared, Result, inputs, { id: 'a' })))
    await world.clock.advance(1_000)
    expect(await world.store.get(['a'])).toMatchObject([{ status: 'failed', owner: undefined }])
    expect(await world.clock.settle(docket.purge({ olderThan: 1 }))).toBe(1)
  })

  test('goes on as a batch, and is purged', async () => {
    const world = new World()
    const task = failing()
    const declared = both({ work: task.run })
    const docket = world.process({ graphs: [declared] })
    const batch = await world.clock.settle(docket.startBatch(declared, Result, [inputs, { Seed: 't' }], { id: 'a' }))
    await world.clock.settle(rejectionOf(batch.result()))
    await world.clock.advance(1_000)
    expect(await world.store.get(['a'])).toMatchObject([{ status: 'failed', owner: undefined }])
    task.mayPass = true
    const again = await world.clock.settle(docket.retry('a'))
    expect(await world.clock.settle(again.result())).toEqual(['result', 'result'])
    await world.clock.advance(1_000)
    expect(await world.clock.settle(docket.purge({ olderThan: 1 }))).toBe(1)
  })

  test.each(['execution', 'batch'] as const)('goes on although its timer had lost a race before: %s', async (kind) => {
    const world = new World()
    const task = failing()
    const declared = either({ work: async () => 'work', result: task.run })
    const docket = world.process({ graphs: [declared] })
    const begun =
      kind === 'batch'
        ? docket.startBatch(declared, Result, [inputs], { id: 'a' })
        : docket.start(declared, Result, inputs, { id: 'a' })
    const handle = await world.clock.settle<{ result(): Promise<unknown> }>(begun)
    await world.clock.settle(rejectionOf(handle.result()))
    await world.clock.advance(1_000)
    expect(await world.store.get(['a'])).toMatchObject([{ status: 'failed', owner: undefined }])
    task.mayPass = true
    const again = await world.clock.settle(docket.retry('a'))
    expect([await world.clock.settle(again.result())].flat()).toEqual(['done'])
  })

  test('is held until the value that a timer makes has come, which is kept', async () => {
    const world = new World()
    const gate = Promise.withResolvers<string>()
    const fails = Promise.withResolvers<string>()
    const declared = both({ work: () => fails.promise, value: () => gate.promise })
    const docket = world.process({ graphs: [declared] })
    const handle = await world.clock.settle(docket.start(declared, Result, inputs, { id: 'a' }))
    await world.clock.advance(61_000)
    fails.reject(new Error('not now'))
    await world.clock.settle(rejectionOf(handle.result()))
    await world.clock.advance(1_000)
    expect((await world.store.get(['a']))[0]!.owner).toBeDefined()
    gate.resolve('late')
    await world.clock.advance(1_000)
    expect((await world.store.get(['a']))[0]!.owner).toBeUndefined()
    const { steps } = await world.store.readSteps(['a'])
    expect(steps.find((record) => record.step === 'Timer')).toMatchObject({ status: 'completed' })
  })
})

/** Where the timer stands, as the records say it. */
async function timerIn({ store }: World): Promise<string | undefined> {
  const { steps } = await store.readSteps(['a'])
  return steps.find((record) => record.step === 'Timer')?.status
}

const never = (): Promise<string> => new Promise(() => {})

describe('a timer that lost its race', () => {
  test.each(['execution', 'batch'] as const)('is cancelled on record at once, not at the end: %s', async (kind) => {
    const world = new World()
    const gate = Promise.withResolvers<string>()
    const declared = either({ work: () => gate.promise, result: never })
    const docket = world.process({ graphs: [declared] })
    await world.clock.settle<unknown>(
      kind === 'batch'
        ? docket.startBatch(declared, Result, [inputs], { id: 'a' })
        : docket.start(declared, Result, inputs, { id: 'a' }),
    )
    await world.clock.advance(100)
    expect(await timerIn(world)).toBe('waiting')
    gate.resolve('work')
    await world.clock.advance(100)
    expect(await timerIn(world)).toBe('cancelled')
  })

  test('is cancelled once: a process that goes on without a timer of that name does not miss it', async () => {
    const world = new World()
    const gate = Promise.withResolvers<string>()
    const declared = either({ work: () => gate.promise, result: never })
    const { docket, die } = world.mortal({ graphs: [declared], lease: '2s' })
    await world.clock.settle(docket.start(declared, Result, inputs, { id: 'a' }))
    await world.clock.advance(100)
    gate.resolve('work')
    await world.clock.advance(100)
    die()
    const other = step({ name: 'Other', inputs: { seed: Seed }, output: Late, run: never })
    const changed = graph({
      name: 'either',
      steps: either({}).steps.map((one) => (one.name === 'Timer' ? other : one)),
    } as never)
    const next = world.process({ graphs: [changed] })
    await world.clock.advance(10_000)
    expect(await world.clock.settle((await next.get('a'))!.result())).toBe('result')
    const ends = world.events.filter((event) => event.type === 'step.cancelled' && event.step === 'Timer')
    expect(ends).toHaveLength(1)
  })

  test('is cancelled on record while it makes its value, too', async () => {
    const world = new World()
    const gate = Promise.withResolvers<string>()
    const declared = either({ work: () => gate.promise, value: never, result: never })
    const docket = world.process({ graphs: [declared] })
    await world.clock.settle(docket.start(declared, Result, inputs, { id: 'a' }))
    await world.clock.advance(61_000)
    gate.resolve('work')
    await world.clock.advance(100)
    expect(await timerIn(world)).toBe('cancelled')
  })
})

describe('a docket that closes', () => {
  test.each(['execution', 'batch'] as const)(
    'does not begin the value of a timer that falls due then: %s',
    async (kind) => {
      const world = new World()
      const made: string[] = []
      const value = (): string => {
        made.push('late')
        return 'late'
      }
      const declared = both({ work: never, value })
      // Keeps the store open.
      world.process({ graphs: [declared], takeOver: false })
      const docket = world.process({ graphs: [declared] })
      await world.clock.settle<unknown>(
        kind === 'batch'
          ? docket.startBatch(declared, Result, [inputs], { id: 'a' })
          : docket.start(declared, Result, inputs, { id: 'a' }),
      )
      await world.clock.advance(55_000)
      const closed = docket.close({ drain: false, deadline: '20s' })
      await world.clock.advance(15_000)
      expect(made).toEqual([])
      await world.clock.settle(closed)
      expect(await timerIn(world)).toBe('waiting')
      const next = world.process({ graphs: [both({ value })] })
      expect(await world.clock.settle((await next.get('a'))!.result())).toEqual(
        kind === 'batch' ? ['result'] : 'result',
      )
      expect(made).toEqual(['late'])
    },
  )

  test('has not failed a timer whose value needs it', async () => {
    const world = new World()
    const closing = Promise.withResolvers<void>()
    const declared = both({
      value: async () => {
        await closing.promise
        throw new DocketClosedError('closed', {})
      },
    })
    // Keeps the store open.
    world.process({ graphs: [declared], takeOver: false })
    const docket = world.process({ graphs: [declared] })
    const handle = await world.clock.settle(docket.start(declared, Result, inputs, { id: 'a' }))
    void handle.result().catch(() => {})
    await world.clock.advance(61_000)
    const closed = docket.close({ deadline: '5s' })
    await world.clock.advance(100)
    closing.resolve()
    await world.clock.settle(closed)
    const next = world.process({ graphs: [both({})] })
    expect(await world.clock.settle((await next.get('a'))!.result())).toBe('result')
  })
})
