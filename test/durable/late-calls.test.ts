import { expect, test } from 'vitest'
import { dataType, graph, step, StoreError, timer, type } from '../../src/index.ts'
import type { AcquireRequest, ExecutionCommit, ExecutionFence } from '../../src/core/contracts/execution-record.ts'
import type { NewMessage } from '../../src/core/contracts/message.ts'
import { alteredStore } from './altered-store.ts'
import { World } from './durable-time.ts'

const Sum = dataType('Sum', type<number>())
const Reminder = dataType('Reminder', type<{ readonly dueAt: Date }>())
const remind = timer({ name: 'Remind', output: Reminder, after: '1h' })
const reminders = graph({ name: 'reminders', steps: [remind] })
const others = graph({ name: 'others', steps: [remind] })
const minute = 60_000

function lost(): StoreError {
  return new StoreError('memory', 'the connection was lost', true)
}

/** A store that gives the first call of a kind up, and what is to be carried out late. */
function givingUp<Given>(
  world: World,
  method: string,
  isMeant: (given: Given) => boolean = () => true,
): { readonly store: ReturnType<typeof alteredStore>; readonly late: Given[] } {
  const late: Given[] = []
  const store = alteredStore(world.store, (called, ask, [given]) => {
    if (called !== method || late.length > 0 || !isMeant(given as Given)) return ask()
    late.push(given as Given)
    throw lost()
  })
  return { store, late }
}

test('a commit whose call had failed, and that arrives late, does not meet the execution that was started anew under the id of a deleted one', async () => {
  const world = new World()
  const { store, late } = givingUp<readonly ExecutionCommit[]>(world, 'commit', (commits) =>
    commits.some(({ head }) => head?.status === 'completed'),
  )
  let value = 1
  const count = step({
    name: 'Count',
    output: Sum,
    persist: 'execution',
    run: async () => {
      await world.clock.sleep(100)
      return value
    },
  })
  const sums = graph({ name: 'sums', steps: [count] })
  const docket = world.process({ graphs: [sums], store })
  expect(await world.clock.settle(docket.execute(sums, Sum, {}, { id: 'a' }))).toBe(1)
  await world.clock.settle(docket.delete('a'))
  value = 2
  const again = await world.clock.settle(docket.start(sums, Sum, {}, { id: 'a' }))
  await world.clock.advance(50)
  expect(await world.store.commit(late[0]!)).toEqual([false])
  expect(await world.clock.settle(again.result())).toBe(2)
  await docket.close()
})

test('a commit that arrives late does not bring back the time that a timer had before it was moved again', async () => {
  const world = new World()
  const sooner = world.clock.now() + 10 * minute
  const { store, late } = givingUp<readonly ExecutionCommit[]>(world, 'commit', (commits) =>
    commits.some(({ steps }) => steps.some(({ dueAt }) => dueAt === sooner)),
  )
  const docket = world.process({ graphs: [reminders], store, park: '10h' })
  const handle = await world.clock.settle(docket.start(reminders, Reminder, {}, { id: 'a' }))
  await world.clock.settle(handle.reschedule(remind, new Date(sooner)))
  await world.clock.advance(minute)
  const later = new Date(sooner + 30 * minute)
  await world.clock.settle(handle.reschedule(remind, later))
  await world.clock.advance(minute)
  expect(await world.store.commit(late[0]!)).toEqual([false])
  expect(await world.store.readSteps(['a'])).toMatchObject({ steps: [{ step: 'Remind', dueAt: later.getTime() }] })
  await docket.close()
})

test('a message that moves a timer, was sent again, and arrives late once more, moves it no second time', async () => {
  const world = new World()
  const { store, late } = givingUp<readonly NewMessage[]>(world, 'post')
  const docket = world.process({ graphs: [reminders], store })
  const handle = await world.clock.settle(docket.start(reminders, Reminder, {}, { id: 'a' }))
  await world.clock.settle(handle.reschedule(remind, '10m'))
  await world.clock.advance(minute)
  const later = new Date(world.clock.now() + 30 * minute)
  await world.clock.settle(handle.reschedule(remind, later))
  await world.clock.advance(minute)
  await world.store.post(late[0]!)
  expect(await world.clock.settle(handle.result())).toEqual({ dueAt: later })
  await docket.close()
})

test('a deletion that arrives late does not delete the execution that was started anew under the id', async () => {
  const world = new World()
  const { store, late } = givingUp<readonly ExecutionFence[]>(world, 'delete')
  const docket = world.process({ graphs: [reminders], store, park: '10s' })
  await world.clock.settle(docket.start(reminders, Reminder, {}, { id: 'a' }))
  expect(await world.clock.settle(docket.delete('a'))).toBe(true)
  const again = await world.clock.settle(docket.start(reminders, Reminder, {}, { id: 'a' }))
  await world.clock.advance(minute)
  await world.clock.settle(again.reschedule(remind, '30m'))
  await world.clock.advance(1_000)
  // The process has acquired both of them once: so they are in the same epoch.
  expect(await world.store.get(['a'])).toMatchObject([{ owner: late[0]![0]!.owner, epoch: late[0]![0]!.epoch }])
  expect(await world.store.delete(late[0]!)).toEqual([false])
  await docket.close()
})

test('what an acquisition brings late to a process that does not serve its queue is given back', async () => {
  const world = new World()
  const starting = world.process({ graphs: [reminders], work: false })
  await world.clock.settle(starting.start(reminders, Reminder, {}, { id: 'a' }))
  const { store, late } = givingUp<AcquireRequest>(world, 'acquire', ({ ids }) => ids !== undefined)
  const docket = world.process({ graphs: [others], store, work: { other: 1 } })
  const handle = (await world.clock.settle(docket.get('a')))!
  await expect(world.clock.settle(handle.detach())).rejects.toThrow('does not know graph')
  await world.clock.advance(1_000)
  expect(await world.store.acquire(late[0]!)).toHaveLength(1)
  await world.clock.advance(minute)
  expect((await world.store.get(['a']))[0]!.owner).toBeUndefined()
  await Promise.all([starting.close(), docket.close()])
})

test('what a process that takes nothing over has started in a call whose answers were lost goes on elsewhere', async () => {
  const world = new World()
  const made: string[] = []
  const make = step({
    name: 'Make',
    output: Sum,
    run: () => {
      made.push('made')
      return 1
    },
  })
  const sums = graph({ name: 'sums', steps: [make] })
  let isAway = false
  const store = alteredStore(world.store, async (called, ask) => {
    const answer = await ask()
    isAway ||= called === 'create'
    if (isAway && called !== 'renewOwner') throw lost()
    return answer
  })
  const starter = world.process({ graphs: [sums], store, takeOver: false })
  await expect(world.clock.settle(starter.start(sums, Sum, {}, { id: 'a' }))).rejects.toThrow(StoreError)
  isAway = false
  world.process({ graphs: [sums] })
  await world.clock.advance(10_000)
  expect(made).toEqual([])
  await world.clock.advance(30_000)
  expect(made).toEqual(['made'])
})
