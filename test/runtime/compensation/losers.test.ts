import { createActor, toPromise } from 'xstate'
import { describe, expect, test } from 'vitest'
import {
  dataType,
  execute,
  executeBatch,
  fromGraph,
  graph,
  optional,
  race,
  RaceLostError,
  step,
  type,
} from '../../../src/index.ts'
import type { CompensateContext, ExecutionEvent } from '../../../src/index.ts'
import { rejectionOf } from '../../loose-api.ts'
import { VirtualTime } from '../virtual-time.ts'

const Hold = dataType('Hold', type<string>())
const Near = dataType('Near', type<string>())
const Far = dataType('Far', type<string>())
const Room = dataType('Room', type<string>())
const Done = dataType('Done', type<string>())
const Night = dataType('Night', type<string>())
const inputs = { Night: 'monday' }

interface Behaviour {
  readonly near?: number
  readonly far?: number
  readonly last?: number
  readonly listens?: boolean
  readonly undo?: (what: string, context: CompensateContext) => unknown
  readonly end?: () => string
}

/** Two hotels are asked for a room: the far one by way of a hold. The first that books it has it, and the other booking is cancelled. */
function hotels(clock: VirtualTime, { near = 10, far = 50, last = 100, listens = false, undo, end }: Behaviour = {}) {
  const log: string[] = []
  const cancelling =
    <Inputs>(what: string) =>
    async (output: string | undefined, context: CompensateContext<Inputs>): Promise<void> => {
      await undo?.(what, context)
      log.push(`${clock.now()} cancel ${what}: ${output}${context.isUncertain ? ' (uncertain)' : ''}`)
    }
  const hold = step({
    name: 'HoldFar',
    inputs: { night: Night },
    output: Hold,
    run: ({ night }) => `hold of ${night}`,
    compensate: cancelling('hold'),
  })
  const bookFar = step({
    name: 'BookFar',
    inputs: { hold: Hold },
    output: Far,
    run: async (_, { signal }) => (await clock.sleep(far, listens ? signal : undefined), 'far'),
    compensate: { run: cancelling('far'), wait: '1s', retry: { maxAttempts: 2, backoff: '1s' } },
  })
  const bookNear = step({
    name: 'BookNear',
    inputs: { night: Night },
    output: Near,
    run: async () => (await clock.sleep(near), 'near'),
    compensate: cancelling('near'),
  })
  const book = race({ name: 'Book', inputs: { near: Near, far: Far }, output: Room })
  const finish = step({
    name: 'Finish',
    inputs: { room: Room },
    output: Done,
    run: async ({ room }) => {
      await clock.sleep(last)
      log.push(`${clock.now()} finished with ${room}`)
      return end?.() ?? room
    },
  })
  const declared = graph({ name: 'hotels', steps: [hold, bookFar, bookNear, book, finish] })
  return { declared, log, hold, bookFar, bookNear, book, finish }
}

describe('the loser of a race', () => {
  test('that succeeds late is undone, and what stood above it, while the execution goes on', async () => {
    const clock = new VirtualTime(0)
    const reasons: unknown[] = []
    const { declared, log } = hotels(clock, { undo: (_, { reason }) => void reasons.push(reason) })
    const events: ExecutionEvent[] = []
    const observers = [(event: ExecutionEvent): void => void events.push(event)]
    expect(await clock.settle(execute(declared, Done, inputs, { clock, observers }))).toBe('near')
    expect(log).toEqual(['50 cancel far: far', '50 cancel hold: hold of monday', '110 finished with near'])
    expect(reasons).toHaveLength(2)
    for (const reason of reasons) expect(reason).toBeInstanceOf(RaceLostError)
    expect(reasons).toMatchObject([
      { race: 'Book', port: 'near', step: 'BookFar' },
      { race: 'Book', port: 'near', step: 'HoldFar' },
    ])
    expect(events.filter(({ type: of }) => of === 'undo.ended')).toMatchObject([
      { step: 'BookFar', status: 'undone' },
      { step: 'HoldFar', status: 'undone' },
    ])
    expect(events.some(({ type: of }) => of === 'execution.compensating')).toBe(false)
  })

  test('that listens to its signal is uncertain', async () => {
    const clock = new VirtualTime(0)
    const { declared, log } = hotels(clock, { listens: true })
    await clock.settle(execute(declared, Done, inputs, { clock }))
    expect(log).toEqual([
      '10 cancel far: undefined (uncertain)',
      '10 cancel hold: hold of monday',
      '110 finished with near',
    ])
  })

  test('that answers to nothing is waited for, and is uncertain then; the race’s value does not wait', async () => {
    const clock = new VirtualTime(0)
    const { declared, log } = hotels(clock, { far: 1e6 })
    expect(await clock.settle(execute(declared, Done, inputs, { clock }))).toBe('near')
    expect(log).toEqual(['110 finished with near'])
    await clock.advance(1_000)
    expect(log.slice(1)).toEqual(['1010 cancel far: undefined (uncertain)', '1010 cancel hold: hold of monday'])
  })

  test('that had done only its first step has that undone', async () => {
    const clock = new VirtualTime(0)
    const { hold, bookNear, book, finish, log } = hotels(clock)
    const bookFar = step({
      name: 'BookFar',
      inputs: { hold: Hold },
      output: Far,
      run: () => {
        throw new Error('no room')
      },
      retry: { maxAttempts: 5, backoff: '1h' },
      compensate: () => void log.push('never'),
    })
    const declared = graph({ name: 'hotels', steps: [hold, bookFar, bookNear, book, finish] })
    await clock.settle(execute(declared, Done, inputs, { clock }))
    expect(log).toEqual(['10 cancel hold: hold of monday', '110 finished with near'])
  })

  test('that has failed before leaves to undo what it was made of', async () => {
    const clock = new VirtualTime(0)
    const { hold, bookNear, book, finish, log } = hotels(clock)
    const bookFar = step({
      name: 'BookFar',
      inputs: { hold: Hold },
      output: Far,
      run: (): string => {
        throw new Error('no room')
      },
      compensate: () => void log.push('never'),
    })
    const declared = graph({ name: 'hotels', steps: [hold, bookFar, bookNear, book, finish] })
    await clock.settle(execute(declared, Done, inputs, { clock }))
    expect(log).toEqual(['10 cancel hold: hold of monday', '110 finished with near'])
  })

  test('that something else needs is not undone', async () => {
    const clock = new VirtualTime(0)
    const { hold, bookFar, bookNear, book, log } = hotels(clock)
    const finish = step({
      name: 'Finish',
      inputs: { room: Room, hold: Hold, far: optional(Far) },
      output: Done,
      run: ({ room, far }) => `${room} ${far}`,
    })
    const declared = graph({ name: 'hotels', steps: [hold, bookFar, bookNear, book, finish] })
    expect(await clock.settle(execute(declared, Done, inputs, { clock }))).toBe('near far')
    expect(log).toEqual([])
  })

  test('of a race within a branch that loses is undone once, as is its winner', async () => {
    const clock = new VirtualTime(0)
    const { hold, bookFar, bookNear, book, log } = hotels(clock)
    const Home = dataType('Home', type<string>())
    const Bed = dataType('Bed', type<string>())
    const Late = dataType('Late', type<string>())
    const late = step({
      name: 'Late',
      inputs: { room: Room },
      output: Late,
      run: async ({ room }) => (await clock.sleep(1_000), room),
    })
    const home = step({ name: 'Home', output: Home, run: async () => (await clock.sleep(200), 'home') })
    const sleep = race({ name: 'Sleep', inputs: { late: Late, home: Home }, output: Bed })
    const declared = graph({ name: 'nights', steps: [hold, bookFar, bookNear, book, late, home, sleep] })
    expect(await clock.settle(execute(declared, Bed, inputs, { clock }))).toBe('home')
    await clock.advance(2_000)
    expect(log).toEqual(['50 cancel far: far', '50 cancel hold: hold of monday', '200 cancel near: near'])
  })

  test('that can’t be undone changes no outcome', async () => {
    const clock = new VirtualTime(0)
    const events: ExecutionEvent[] = []
    const observers = [(event: ExecutionEvent): void => void events.push(event)]
    const { declared, log } = hotels(clock, {
      undo: (what) => {
        if (what === 'far') throw new Error('line is dead')
      },
    })
    expect(await clock.settle(execute(declared, Done, inputs, { clock, observers }))).toBe('near')
    await clock.advance(5_000)
    expect(log).toEqual(['110 finished with near', '1050 cancel hold: hold of monday'])
    expect(events.filter(({ type: of }) => of === 'undo.ended')).toMatchObject([
      { step: 'BookFar', status: 'failed', attempt: 2 },
      { step: 'HoldFar', status: 'undone' },
    ])
  })

  test('is undone once where the execution fails afterwards, or meanwhile', async () => {
    const clock = new VirtualTime(0)
    const { declared, log } = hotels(clock, {
      end: () => {
        throw new Error('no')
      },
    })
    await clock.settle(rejectionOf(execute(declared, Done, inputs, { clock })))
    expect(log).toEqual([
      '50 cancel far: far',
      '50 cancel hold: hold of monday',
      '110 finished with near',
      '110 cancel near: near',
    ])
    const meanwhile = hotels(clock, {
      last: 5,
      undo: async (what) => (what === 'far' ? clock.sleep(500) : undefined),
      end: () => {
        throw new Error('no')
      },
    })
    const at = clock.now()
    const error = await clock.settle(rejectionOf(execute(meanwhile.declared, Done, inputs, { clock })))
    expect(error).not.toHaveProperty('undoErrors')
    expect(meanwhile.log).toEqual([
      `${at + 15} finished with near`,
      `${at + 15} cancel near: near`,
      `${at + 550} cancel far: far`,
      `${at + 550} cancel hold: hold of monday`,
    ])
  })

  test('is undone though the execution is cancelled meanwhile', async () => {
    const clock = new VirtualTime(0)
    const controller = new AbortController()
    const { declared, log } = hotels(clock, { undo: async (what) => (what === 'far' ? clock.sleep(500) : undefined) })
    const outcome = rejectionOf(execute(declared, Done, inputs, { clock, signal: controller.signal }))
    await clock.advance(60)
    controller.abort()
    await outcome
    await clock.advance(1_000)
    expect(log.filter((line) => line.includes('cancel'))).toEqual([
      '60 cancel near: near',
      '550 cancel far: far',
      '550 cancel hold: hold of monday',
    ])
  })

  test('of each item of a batch is undone', async () => {
    const clock = new VirtualTime(0)
    const { declared, log } = hotels(clock, { last: 0 })
    const items = [{ Night: 'monday' }, { Night: 'tuesday' }]
    expect(await clock.settle(executeBatch(declared, Done, items, { clock }))).toEqual(['near', 'near'])
    await clock.advance(1_000)
    expect(log.toSorted()).toEqual([
      '10 finished with near',
      '10 finished with near',
      '50 cancel far: far',
      '50 cancel far: far',
      '50 cancel hold: hold of monday',
      '50 cancel hold: hold of tuesday',
    ])
  })

  test('is undone by an actor that goes on from a snapshot taken meanwhile', async () => {
    const clock = new VirtualTime(0)
    const never = hotels(clock, { undo: () => new Promise(() => {}) })
    const actor = createActor(fromGraph(never.declared, Done), { clock, input: inputs })
    actor.start()
    await clock.advance(60)
    expect(actor.getSnapshot().context.undos).toMatchObject({ BookFar: { status: 'running' } })
    const snapshot = JSON.parse(JSON.stringify(actor.getPersistedSnapshot())) as typeof actor.getPersistedSnapshot
    actor.stop()
    const { declared, log } = hotels(clock)
    const next = createActor(fromGraph(declared, Done), { clock, snapshot: snapshot as never, input: inputs })
    next.start()
    expect(await clock.settle(toPromise(next))).toBe('near')
    // What came when its step had lost is in no snapshot.
    expect(log).toEqual([
      '60 cancel far: undefined (uncertain)',
      '60 cancel hold: hold of monday',
      '160 finished with near',
    ])
  })
})
