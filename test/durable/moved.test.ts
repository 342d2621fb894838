import { expect, test } from 'vitest'
import type { ExecutionCommit, Store } from '../../src/index.ts'
import { durableStep, graph, signal, step } from '../../src/index.ts'
import { StoreError } from '../../src/index.ts'
import { memoryStore } from '../../stores/memory/index.ts'
import { expectNoUnhandledErrors, number, rejectionOf, text } from '../loose-api.ts'
import { World } from './durable-time.ts'

expectNoUnhandledErrors()

const Approval = text('Approval')
const Goal = number('Goal')
const approvals = graph({
  name: 'approvals',
  steps: [
    signal(Approval),
    step({ name: 'End', inputs: { approval: Approval }, output: Goal, persist: 'execution', run: () => 1 }),
  ],
})

/** A store of which one commit fails for good: the one that `isIt` names. */
function failingOnce(inner: Store, isIt: (commit: ExecutionCommit) => boolean): Store {
  let isArmed = true
  return new Proxy(inner, {
    get: (target, key) => {
      const value: unknown = Reflect.get(target, key)
      if (typeof value !== 'function') return value
      return async (...given: readonly unknown[]): Promise<unknown> => {
        if (key === 'commit' && isArmed && (given[0] as readonly ExecutionCommit[]).some(isIt)) {
          isArmed = false
          throw new StoreError('memory', 'the disk is full', false)
        }
        return (value as (...all: readonly unknown[]) => unknown).apply(target, [...given])
      }
    },
  })
}

const isWriting = ({ head }: ExecutionCommit): boolean => head?.status === 'waiting' && head.recoveries === 0
const isOfItems = ({ steps }: ExecutionCommit): boolean => steps.some(({ step: name }) => name === '$items')
const isOpening = ({ head }: ExecutionCommit): boolean => head?.isReleased === true && head.graphHash !== undefined

test.each([
  ['is written', isWriting, 'waiting'],
  ['is opened', isOpening, 'cancelled'],
] as const)(
  'a move that is cut off before it %s is never run twice, and the same call goes on with it',
  async (_, isIt, statusHere) => {
    const world = new World()
    const here = world.process({ graphs: [approvals], park: 0 })
    await world.clock.settle(here.start(approvals, Goal, {}, { id: 'x' }))
    await world.clock.advance(1_000)
    const inner = memoryStore({ now: () => world.clock.now(), elapsed: () => world.clock.elapsed() })
    const there = world.process({ graphs: [approvals], store: failingOnce(inner, isIt), park: 0 })
    const [cut] = await world.clock.settle(here.moveTo(there, ['x']))
    expect(cut!.error).toMatchObject({ code: 'STORE_FAILED' })
    expect((await world.clock.settle((await here.get('x'))!.details())).status).toBe(statusHere)
    // Workers there look, and leave it alone.
    await world.clock.advance(10_000)
    const [half] = await inner.get(['x'])
    expect(half!.graphHash).toMatch(/^moving:/)
    expect(await world.clock.settle(here.moveTo(there, ['x']))).toEqual([{ id: 'x', verdict: 'moved' }])
    await world.clock.settle((await there.get('x'))!.signal(Approval, 'yes'))
    expect(await world.clock.settle((await there.get('x'))!.result())).toBe(1)
    const { isDetached, situation } = await world.clock.settle((await here.get('x'))!.details())
    expect([isDetached, situation]).toEqual([true, 'it was moved to another store, and goes on there'])
    expect((await world.clock.settle(here.why('x'))).text).toBe(`execution "x" ${situation.slice('it '.length)}`)
    expect((await world.clock.settle(here.list({ errorCode: 'EXECUTION_CONFLICT' }))).executions).toHaveLength(1)
    await expect(world.clock.settle(here.fork('x', { from: 'End' }))).rejects.toThrow(
      'was moved to another store, and goes on there',
    )
    for (const one of [here, there]) await world.clock.settle(one.close({ deadline: 0 }))
  },
)

const Letter = number('Letter')
const letters = graph({
  name: 'letters',
  steps: [
    durableStep({
      name: 'Count',
      output: Goal,
      receives: [Letter],
      run: async (_, ctx) => {
        for (let count = 1; ; count++) if ((await ctx.receive(Letter)).value < 0) return count
      },
    }),
  ],
})

test('a move takes all messages with it, however many there are', async () => {
  const world = new World()
  const here = world.process({ graphs: [letters], work: false })
  const handle = await world.clock.settle(here.start(letters, Goal, {}, { id: 'x' }))
  for (let sent = 0; sent < 1_100; sent++) await world.clock.settle(handle.signal(Letter, sent))
  await world.clock.settle(handle.signal(Letter, -1))
  const store = memoryStore({ now: () => world.clock.now(), elapsed: () => world.clock.elapsed() })
  const there = world.process({ graphs: [letters], store })
  expect(await world.clock.settle(here.moveTo(there, ['x']))).toEqual([{ id: 'x', verdict: 'moved' }])
  await world.clock.advance(60_000)
  expect((await world.clock.settle((await there.get('x'))!.details())).status).toBe('completed')
  expect(await world.clock.settle((await there.get('x'))!.result())).toBe(1_101)
  for (const one of [here, there]) await world.clock.settle(one.close({ deadline: 0 }))
})

test('a message that came just before a move that was cut off is there once the call is repeated', async () => {
  const world = new World()
  const here = world.process({ graphs: [letters], work: false })
  const handle = await world.clock.settle(here.start(letters, Goal, {}, { id: 'x' }))
  await world.clock.settle(handle.signal(Letter, 1))
  const inner = memoryStore({ now: () => world.clock.now(), elapsed: () => world.clock.elapsed() })
  let posts = 0
  const store = new Proxy(failingOnce(inner, isOpening), {
    get: (target, key) => {
      const value: unknown = Reflect.get(target, key)
      if (key !== 'post') return value
      return async (...given: readonly unknown[]): Promise<unknown> => {
        // The first one is forwarded, and the other one is not.
        if (++posts === 2) throw new StoreError('memory', 'the disk is full', false)
        const answer: unknown = await (value as (...all: readonly unknown[]) => unknown).apply(target, [...given])
        if (posts === 1) await handle.signal(Letter, -1)
        return answer
      }
    },
  })
  const there = world.process({ graphs: [letters], store })
  const verdicts = []
  for (let call = 0; call < 3; call++) {
    const [outcome] = await world.clock.settle(here.moveTo(there, ['x']))
    verdicts.push(outcome!.verdict)
  }
  expect(verdicts).toEqual([undefined, undefined, 'moved'])
  await world.clock.advance(60_000)
  expect((await world.clock.settle((await there.get('x'))!.details())).status).toBe('completed')
  expect(await world.clock.settle((await there.get('x'))!.result())).toBe(2)
  for (const one of [here, there]) await world.clock.settle(one.close({ deadline: 0 }))
})

test.each(['abc', undefined])('a move of %s, which is no list of ids, is refused', async (ids) => {
  const world = new World()
  const [here, there] = [world.process({ graphs: [letters] }), world.process({ graphs: [letters] })]
  await expect(here.moveTo(there, ids as never)).rejects.toMatchObject({ code: 'OPTION_INVALID' })
  for (const one of [here, there]) await world.clock.settle(one.close({ deadline: 0 }))
})

/** Two dockets on two stores; of the second one's store, a commit may fail. */
async function twoPlaces(isIt: (commit: ExecutionCommit) => boolean = () => false) {
  const world = new World()
  const inner = memoryStore({ now: () => world.clock.now(), elapsed: () => world.clock.elapsed() })
  const here = world.process({ graphs: [approvals], park: 0 })
  const there = world.process({ graphs: [approvals], store: failingOnce(inner, isIt), park: 0 })
  await world.clock.settle(here.start(approvals, Goal, {}, { id: 'x' }))
  await world.clock.advance(1_000)
  const close = async (): Promise<void> => {
    for (const one of [here, there]) await world.clock.settle(one.close({ deadline: 0 }))
  }
  return { world, inner, here, there, close, settle: world.clock.settle.bind(world.clock) }
}

test('a move that is called again once it came to its end says the same, and changes nothing', async () => {
  const { here, there, close, settle } = await twoPlaces()
  expect(await settle(here.moveTo(there, ['x']))).toEqual([{ id: 'x', verdict: 'moved' }])
  expect(await settle(here.moveTo(there, ['x']))).toEqual([{ id: 'x', verdict: 'moved' }])
  await settle((await there.get('x'))!.signal(Approval, 'yes'))
  expect(await settle((await there.get('x'))!.result())).toBe(1)
  expect(await settle(here.moveTo(there, ['x']))).toEqual([{ id: 'x', verdict: 'moved' }])
  // One that has ended is copied, and is the same copy the second time.
  const back = await settle(there.moveTo(here, ['x']))
  expect(back[0]!.error).toMatchObject({ message: expect.stringContaining('the other store has one of this id') })
  await settle(here.start(approvals, Goal, {}, { id: 'y' }))
  await settle(here.cancel('y'))
  for (let call = 0; call < 2; call++)
    expect(await settle(here.moveTo(there, ['y']))).toEqual([{ id: 'y', verdict: 'copied' }])
  await settle(there.retry('y'))
  const [changed] = await settle(here.moveTo(there, ['y']))
  expect(changed!.error).toMatchObject({ message: expect.stringContaining('delete it there first') })
  // What is gone from both places can't be found again.
  await settle(there.delete('x'))
  const [gone] = await settle(here.moveTo(there, ['x']))
  expect(gone!.error).toMatchObject({
    message: expect.stringContaining('it was taken out of its docket, and is not in'),
  })
  await close()
})

test.each([
  ['is written', isWriting],
  ['is opened', isOpening],
] as const)(
  'what is done to an execution of which a move has left halves, cut off before it %s, reaches no half alone',
  async (_, isIt) => {
    const { here, there, inner, world, close, settle } = await twoPlaces(isIt)
    const [cut] = await settle(here.moveTo(there, ['x']))
    expect(cut!.error).toMatchObject({ code: 'STORE_FAILED' })
    await world.clock.advance(10_000)
    const refused = { code: 'EXECUTION_CONFLICT', message: expect.stringContaining('call moveTo once more') }
    const acts = [
      () => there.delete('x'),
      () => there.retry('x'),
      () => there.fork('x', { from: 'End' }),
      ...(isIt === isWriting ? [] : [() => here.delete('x'), () => here.retry('x')]),
    ]
    for (const act of acts) expect(await settle(rejectionOf(act()))).toMatchObject(refused)
    expect(await inner.get(['x'])).toMatchObject([{ id: 'x' }])
    expect(await settle(here.moveTo(there, ['x']))).toEqual([{ id: 'x', verdict: 'moved' }])
    await settle((await there.get('x'))!.signal(Approval, 'yes'))
    expect(await settle((await there.get('x'))!.result())).toBe(1)
    // Then each is whole.
    expect(await settle(there.delete('x'))).toBe(true)
    expect(await settle(here.delete('x'))).toBe(true)
    await close()
  },
)

test('whoever wants nothing undone gets rid of a half that nobody moves on', async () => {
  const { here, there, close, settle } = await twoPlaces(isOpening)
  await settle(here.moveTo(there, ['x']))
  expect(await settle(there.delete('x', { undo: false }))).toBe(true)
  expect(await settle(here.delete('x', { undo: false }))).toBe(true)
  await close()
})

test('an execution that is to be deleted, or retried, is not moved before it is', async () => {
  const { here, there, world, inner, close, settle } = await twoPlaces()
  const at = world.clock.now()
  const message = { execution: 'x', class: 'control', andEnded: true, payload: undefined, at } as const
  await world.store.post([{ ...message, kind: 'delete' }])
  const [outcome] = await settle(here.moveTo(there, ['x']))
  expect(outcome!.error).toMatchObject({ message: expect.stringContaining('somebody has requested to delete it') })
  expect(await inner.get(['x'])).toEqual([undefined])
  await close()
})

test('a deletion that is under way while its execution is moved away says so', async () => {
  const { here, there, world, close, settle } = await twoPlaces()
  const other = world.process({ graphs: [approvals], work: false })
  let deletion: Promise<unknown> | undefined
  const store = Reflect.get(there.options as object, 'store') as Store
  const create = store.create.bind(store)
  // The process that moves it has it: the deletion leaves a message.
  Object.assign(store, {
    create: async (...given: Parameters<Store['create']>) => {
      deletion ??= other.delete('x').then(String, (error: Error) => error.message)
      await new Promise((resolve) => setImmediate(resolve))
      return create(...given)
    },
  })
  await settle(here.moveTo(there, ['x']))
  expect(await settle(deletion!)).toContain('was taken out of this docket meanwhile; delete it where it goes on')
  await settle((await there.get('x'))!.signal(Approval, 'yes'))
  expect(await settle((await there.get('x'))!.result())).toBe(1)
  await settle(other.close({ deadline: 0 }))
  await close()
})

test('one that has ended keeps the code of what it failed with', async () => {
  const world = new World()
  const failing = graph({
    name: 'failing',
    steps: [
      step({
        name: 'End',
        output: Goal,
        run: () => {
          throw new Error('no luck')
        },
      }),
    ],
  })
  const here = world.process({ graphs: [failing] })
  const handle = await world.clock.settle(here.start(failing, Goal, {}, { id: 'x' }))
  await world.clock.settle(handle.result().catch(() => {}))
  const store = memoryStore({ now: () => world.clock.now(), elapsed: () => world.clock.elapsed() })
  const there = world.process({ graphs: [failing], store })
  expect(await world.clock.settle(here.moveTo(there, ['x']))).toEqual([{ id: 'x', verdict: 'copied' }])
  expect((await world.clock.settle(there.list({ errorCode: 'STEP_FAILED' }))).executions).toHaveLength(1)
})

test('moves of one execution come to an end, also where a docket has another owner since the first was called', async () => {
  const world = new World()
  const starts = world.process({ graphs: [approvals], park: 0 })
  await world.clock.settle(starts.start(approvals, Goal, {}, { id: 'x' }))
  await world.clock.advance(1_000)
  await world.clock.settle(starts.close())
  let chance = 0.1
  const inner = memoryStore({ now: () => world.clock.now(), elapsed: () => world.clock.elapsed() })
  const options = { graphs: [], takeOver: false, name: 'mover', lease: 1_000 } as const
  const here = world.mortal({ ...options, random: () => chance })
  const there = world.mortal({ ...options, random: () => 0.5 }, inner)
  await world.clock.settle(Promise.all([here.docket.list(), there.docket.list()]))
  there.stall()
  const first = here.docket.moveTo(there.docket, ['x'])
  await world.clock.advance(100)
  const second = here.docket.moveTo(there.docket, ['x'])
  await world.clock.advance(100)
  chance = 0.9
  here.stall()
  await world.clock.advance(3_000)
  here.wake()
  await world.clock.advance(1_000)
  const third = here.docket.moveTo(there.docket, ['x'])
  await world.clock.advance(1_000)
  there.wake()
  const outcomes = await world.clock.settle(Promise.all([first, second, third]))
  expect(outcomes.map(([outcome]) => outcome!.id)).toEqual(['x', 'x', 'x'])
})

/** A store whose driver sends the first acquisition twice, and gives one of both answers. */
function acquiringTwice(inner: Store, answer: 'first' | 'second'): Store {
  let isArmed = true
  return new Proxy(inner, {
    get: (target, key) => {
      const value: unknown = Reflect.get(target, key)
      if (typeof value !== 'function') return value
      return async (...given: readonly unknown[]): Promise<unknown> => {
        const call = (): unknown => (value as (...all: readonly unknown[]) => unknown).apply(target, [...given])
        if (key !== 'acquire' || !isArmed) return call()
        isArmed = false
        const answers = [await call(), await call()]
        return answers[answer === 'first' ? 0 : 1]
      }
    },
  })
}

test('an execution that a driver has acquired twice by itself, and was answered the second time, is moved', async () => {
  const world = new World()
  const starts = world.process({ graphs: [approvals], park: 0 })
  await world.clock.settle(starts.start(approvals, Goal, {}, { id: 'x' }))
  await world.clock.advance(1_000)
  await world.clock.settle(starts.close())
  const here = world.process({ graphs: [], takeOver: false, store: acquiringTwice(world.store, 'second') })
  const inner = memoryStore({ now: () => world.clock.now(), elapsed: () => world.clock.elapsed() })
  const there = world.process({ graphs: [], takeOver: false, store: inner })
  expect(await world.clock.settle(here.moveTo(there, ['x']))).toEqual([{ id: 'x', verdict: 'moved' }])
})

test('what a driver has acquired twice by itself, and was answered the first time, does not stay with the process that was to move it', async () => {
  const world = new World()
  let calls = 0
  const run = (): number => {
    if (++calls === 1) throw new Error('the bank is closed')
    return calls
  }
  const bank = graph({ name: 'bank', steps: [step({ name: 'Pay', inputs: {}, output: Goal, run })] })
  const pays = world.process({ graphs: [approvals, bank], park: 0 })
  await world.clock.settle(pays.start(approvals, Goal, {}, { id: 'open' }))
  await world.clock.settle(rejectionOf(pays.execute(bank, Goal, {}, { id: 'ended' })))
  await world.clock.advance(1_000)
  const inner = memoryStore({ now: () => world.clock.now(), elapsed: () => world.clock.elapsed() })
  const there = world.process({ graphs: [], takeOver: false, store: inner })
  for (const id of ['open', 'ended']) {
    const here = world.process({ graphs: [], takeOver: false, store: acquiringTwice(world.store, 'first') })
    await world.clock.settle(here.moveTo(there, [id]))
    await world.clock.advance(40_000)
  }
  await world.clock.settle((await pays.get('open'))!.signal(Approval, 'yes'))
  expect(await world.clock.settle((await pays.get('open'))!.result())).toBe(1)
  expect(await world.clock.settle((await pays.retry('ended')).result())).toBe(2)
})

test('a batch whose items are not all written is not moved: nobody could go on with it there', async () => {
  const world = new World()
  const cutOff = new Proxy(world.store, {
    get: (target, key) => {
      const value: unknown = Reflect.get(target, key)
      if (typeof value !== 'function') return value
      return (...given: readonly unknown[]): unknown =>
        key === 'commit' && (given[0] as readonly ExecutionCommit[]).some(isOfItems)
          ? new Promise(() => {})
          : (value as (...all: readonly unknown[]) => unknown).apply(target, [...given])
    },
  })
  const dying = world.mortal({ graphs: [approvals] }, cutOff)
  void dying.docket.startBatch(approvals, Goal, [{}, {}], { id: 'b' }).catch(() => {})
  await world.clock.advance(100)
  dying.die()
  await world.clock.advance(10_000)
  const here = world.process({ graphs: [], takeOver: false })
  const store = memoryStore({ now: () => world.clock.now(), elapsed: () => world.clock.elapsed() })
  const there = world.process({ graphs: [], takeOver: false, store })
  const [outcome] = await world.clock.settle(here.moveTo(there, ['b']))
  expect(String(outcome!.error)).toContain('only 0 of its 2 items are written')
  expect(await store.get(['b'])).toEqual([undefined])
})
