import { expect, test } from 'vitest'
import { dataType, graph, signal, step, timer, type } from '../../src/index.ts'
import { World } from './durable-time.ts'

const First = dataType('First', type<string>())
const Slow = dataType('Slow', type<string>())
const Approval = dataType('Approval', type<string>())
const Later = dataType('Later', type<{ dueAt: Date }>())
const Sum = dataType('Sum', type<string>())

function sums(slow: Promise<string>) {
  return graph({
    name: 'sums',
    steps: [
      step({ name: 'First', output: First, run: () => 'first' }),
      step({ name: 'Slow', inputs: { first: First }, output: Slow, run: () => slow }),
      signal(Approval),
      timer({ name: 'Later', output: Later, after: '1h' }),
      step({
        name: 'Sum',
        inputs: { slow: Slow, approval: Approval, later: Later },
        output: Sum,
        run: ({ slow: one, approval }) => one + approval,
      }),
    ],
  })
}

async function running() {
  const world = new World()
  const slow = Promise.withResolvers<string>()
  const declared = sums(slow.promise)
  const owner = world.mortal({ graphs: [declared], lease: '5s' })
  await world.clock.settle(owner.docket.start(declared, Sum, {}, { id: 'a' }))
  await world.clock.advance(1_000)
  return { world, slow, declared, owner }
}

const stepsOf = ({ steps }: { readonly steps: readonly { readonly step: string; readonly status: string }[] }) =>
  Object.fromEntries(steps.map(({ step: name, status }) => [name, status]))

test('details from another process show with live what only the owner knows, and leave no message', async () => {
  const { world, declared, slow } = await running()
  const other = world.process({ graphs: [declared], takeOver: false })
  const stranger = world.process({ graphs: [], takeOver: false })
  for (const docket of [other, stranger]) {
    const handle = (await world.clock.settle(docket.get('a')))!
    const recorded = await world.clock.settle(handle.details())
    if (docket === other) expect(stepsOf(recorded)).toMatchObject({ First: 'unknown', Slow: 'unknown' })
    const details = await world.clock.settle(handle.details({ live: true }))
    expect(stepsOf(details)).toEqual({
      First: 'completed',
      Slow: 'running',
      Approval: 'waiting',
      Later: 'waiting',
      Sum: 'pending',
    })
    const [, running_, approval, later, sum] = details.steps
    expect(running_).toMatchObject({ attempt: 1, since: new Date(1_000_000), waitsFor: undefined })
    expect(approval).toMatchObject({ waitsFor: { kind: 'signal', signal: 'Approval', until: undefined } })
    expect(later!.waitsFor).toEqual({ kind: 'time', at: new Date(1_000_000 + 3_600_000) })
    expect(sum!.waitsFor).toEqual({ kind: 'inputs', steps: ['Slow', 'Approval', 'Later'] })
    expect(details.situation).toContain('it runs in process')
  }
  const [record] = await world.store.get(['a'])
  expect(await world.store.readMail({ owner: record!.owner!, limit: 10 })).toEqual([])
  slow.resolve('slow')
  await world.clock.advance(100)
  const handle = (await world.clock.settle(other.get('a')))!
  expect(stepsOf(await world.clock.settle(handle.details({ live: true })))).toMatchObject({ Slow: 'completed' })
})

test('details with live say what the records say where the owner does not answer in time, is dead, or has parked the execution', async () => {
  const { world, declared, owner, slow } = await running()
  const other = world.process({ graphs: [declared], takeOver: false })
  const handle = (await world.clock.settle(other.get('a')))!
  owner.stall()
  const before = world.clock.now()
  expect(stepsOf(await world.clock.settle(handle.details({ live: true })))).toMatchObject({ Slow: 'unknown' })
  expect(world.clock.now() - before).toBeGreaterThanOrEqual(2_000)
  owner.die()
  await world.clock.advance(10_000)
  const late = world.clock.now()
  expect(stepsOf(await world.clock.settle(handle.details({ live: '1h' })))).toMatchObject({ Slow: 'unknown' })
  expect(world.clock.now()).toBe(late)
  slow.resolve('slow')
  const last = world.process({ graphs: [declared] })
  await world.clock.advance(30_000)
  const parked = await world.clock.settle(handle.details({ live: true }))
  expect(parked).toMatchObject({ status: 'waiting', lease: undefined })
  expect(stepsOf(parked)).toMatchObject({ Approval: 'waiting', Slow: 'completed' })
  await expect(handle.details({ live: 'soon' as never })).rejects.toThrow('live must be a boolean or a duration')
  await world.clock.settle(last.close())
})

test('several look at one execution at the same time, and each gets an answer', async () => {
  const { world, declared } = await running()
  const others = Array.from({ length: 5 }, () => world.process({ graphs: [declared], takeOver: false }))
  const looks = others.map(async (docket) => (await docket.get('a'))!.details({ live: true }))
  for (const details of await world.clock.settle(Promise.all(looks)))
    expect(stepsOf(details)).toMatchObject({ Slow: 'running' })
})

test('a look that can not be read keeps nothing from going on, and stays in no mailbox', async () => {
  const { world, slow } = await running()
  const message = { execution: 'a', class: 'control', kind: 'look', payload: 'no JSON', at: world.clock.now() } as const
  expect(await world.store.post([message])).toEqual(['accepted'])
  await world.clock.advance(5_000)
  const [record] = await world.store.get(['a'])
  expect(await world.store.readMail({ owner: record!.owner!, limit: 10 })).toEqual([])
  slow.resolve('slow')
  await world.clock.advance(30_000)
  expect((await world.store.get(['a']))[0]).toMatchObject({ status: 'waiting', owner: undefined })
})
