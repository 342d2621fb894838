import { expect, test } from 'vitest'
import type { ExecutionCommit, Store } from '../../src/index.ts'
import { durableStep, graph, signal, step } from '../../src/index.ts'
import { StoreError } from '../../src/index.ts'
import { memoryStore } from '../../stores/memory/index.ts'
import { expectNoUnhandledErrors, number, text } from '../loose-api.ts'
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
    expect((await world.clock.settle((await here.get('x'))!.details())).isDetached).toBe(true)
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
