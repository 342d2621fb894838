import { createActor, toPromise } from 'xstate'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import {
  dataType,
  ExecutionCancelledError,
  ExecutionConflictError,
  fromGraph,
  graph,
  OptionError,
  step,
  StoreError,
  subgraph,
  untypedGraph,
} from '../../src/index.ts'
import type { AnyStep } from '../../src/index.ts'
import type { Store } from '../../src/core/contracts/store.ts'
import { expectNoUnhandledErrors, rejectionOf } from '../loose-api.ts'
import { alteredStore } from './altered-store.ts'
import { World } from './durable-time.ts'
import { door, line, Third } from './line.ts'
import { Approval, isParking, orders, parked, Shipment } from './parked-orders.ts'

expectNoUnhandledErrors()

const inputs = { Seed: 1 }
const End = dataType('End', z.string())

/** An execution whose Second waits at a door, and a healthy copy of its graph. */
async function running() {
  const world = new World()
  let reason: unknown
  const { line: graph } = line({
    second: {
      run: (_, { signal }) => {
        signal.addEventListener('abort', () => (reason = signal.reason))
        return door().promise
      },
    },
  })
  const docket = world.process({ graphs: [graph] })
  const handle = await docket.start(graph, Third, inputs, { id: 'a' })
  await world.clock.advance(10)
  const { line: healthy, runs } = line({ second: { run: (value) => value * 100 } })
  return { world, docket, graph, handle, healthy, runs, reasonOf: () => reason }
}

describe('detach', () => {
  test('gives a snapshot that goes on as an actor, with what was done, under the same id', async () => {
    const { world, handle, healthy, runs, reasonOf } = await running()
    const snapshot = JSON.parse(JSON.stringify(await world.clock.settle(handle.detach()))) as Awaited<
      ReturnType<typeof handle.detach>
    >
    expect(reasonOf()).toBeInstanceOf(ExecutionCancelledError)
    const actor = createActor(fromGraph(healthy, Third), { input: inputs, snapshot }).start()
    expect(await toPromise(actor)).toBe(201)
    expect(runs).toEqual(['Second', 'Third'])
    expect(actor.getSnapshot()).toMatchObject({ context: { executionId: 'a' } })
  })

  test('is seen in list, get and details, and events say that it was released', async () => {
    const { world, docket, handle } = await running()
    const outcome = rejectionOf(handle.result())
    await world.clock.settle(handle.detach())
    expect(await world.clock.settle(outcome)).toBeInstanceOf(ExecutionConflictError)
    expect((await docket.list()).executions).toMatchObject([{ id: 'a', status: 'cancelled', isDetached: true }])
    const details = await (await docket.get('a'))!.details()
    expect(details).toMatchObject({ isDetached: true, error: { code: 'EXECUTION_CONFLICT' } })
    expect(world.events.at(-1)).toMatchObject({ type: 'execution.released', cause: 'detach' })
  })

  test('leaves nothing that a docket could go on with, but what can be deleted or purged', async () => {
    const { world, docket, graph, handle } = await running()
    await world.clock.settle(handle.detach())
    const other = world.process({ graphs: [line().line] })
    await world.clock.advance(20_000)
    expect(await other.resume()).toBe(0)
    const calls = [
      () => docket.retry('a'),
      () => docket.start(graph, Third, inputs, { id: 'a' }),
      () => docket.fork('a', { from: 'Second' }),
      () => other.retry('a'),
      () => handle.detach(),
    ]
    for (const call of calls)
      expect(await world.clock.settle(rejectionOf(call()))).toBeInstanceOf(ExecutionConflictError)
    expect((await docket.list()).executions).toMatchObject([{ isDetached: true }])
    expect(await world.clock.settle(docket.delete('a'))).toBe(true)
    const again = await docket.start(graph, Third, inputs, { id: 'a' })
    await world.clock.advance(10)
    await world.clock.settle(again.detach())
    await world.clock.advance(10)
    expect(await docket.purge({ olderThan: 0 })).toBe(1)
  })

  test('of one that nobody runs makes the snapshot of its records', async () => {
    const { world, docket, healthy, runs } = await running()
    const onlooker = world.process({ graphs: [healthy], takeOver: false })
    await onlooker.list()
    expect(String(await rejectionOf((await onlooker.get('a'))!.detach()))).toContain('runs in another process')
    await world.clock.settle(docket.close({ deadline: 0 }))
    const snapshot = await world.clock.settle((await onlooker.get('a'))!.detach())
    expect(await toPromise(createActor(fromGraph(healthy, Third), { input: inputs, snapshot }).start())).toBe(201)
    expect(runs).toEqual(['Second', 'Third'])
    expect((await onlooker.list()).executions).toMatchObject([{ isDetached: true }])
  })

  test('of one that is just being parked makes the snapshot of its records', async () => {
    const world = new World()
    const answer = Promise.withResolvers<void>()
    let isParked = false
    const store = alteredStore(world.store, async (method, ask, given) => {
      const answered: unknown = await ask()
      if (!isParking(method, given)) return answered
      isParked = true
      await answer.promise
      return answered
    })
    const { handle } = await parked(world, [], { store })
    expect(isParked).toBe(true)
    const detached = handle.detach()
    await world.clock.advance(10)
    answer.resolve()
    expect(await world.clock.settle(detached)).toMatchObject({ status: 'active' })
    expect((await world.clock.settle(handle.details())).isDetached).toBe(true)
  })

  test('is refused for one that has ended, and for a batch', async () => {
    const world = new World()
    const { line: graph } = line()
    const docket = world.process({ graphs: [graph] })
    const handle = await docket.start(graph, Third, inputs, { id: 'a' })
    await world.clock.settle(handle.result())
    expect(await rejectionOf(handle.detach())).toBeInstanceOf(ExecutionConflictError)
    const { line: slow } = line({ name: 'slow', first: { run: () => door().promise } })
    const other = world.process({ graphs: [slow] })
    const batch = await other.startBatch(slow, Third, [inputs], { id: 'b' })
    expect(await rejectionOf(batch.detach())).toBeInstanceOf(OptionError)
  })

  test.each([
    ['both run', '1h'],
    ['both are parked', '10s'],
  ])('is refused while a child has not ended, which would go on beside the actor: %s', async (_, park) => {
    const world = new World()
    const declared = orders([])
    const parent = graph({
      name: 'parent',
      steps: [
        subgraph(declared, Shipment, { name: 'Child' }),
        step({ name: 'End', inputs: { shipment: Shipment }, output: End, run: ({ shipment }) => shipment }),
      ],
    })
    const docket = world.process({ graphs: [parent], park })
    const handle = await world.clock.settle(docket.start(parent, End, { Order: { id: 'o' } }, { id: 'a' }))
    await world.clock.advance(30_000)
    const refused = await world.clock.settle(rejectionOf(handle.detach()))
    expect(refused).toBeInstanceOf(ExecutionConflictError)
    expect(String(refused)).toContain(`can't be detached before its child "a/Child" has ended`)
    const child = (await world.clock.settle(docket.get('a/Child')))!
    expect(await world.clock.settle(child.signal(Approval, { by: 'Ada' }))).toBe('accepted')
    expect(await world.clock.settle(handle.result())).toBe('prepared o, for Ada')
  })

  test.each([
    [1, 'begins after the first look for children: it is refused'],
    [2, 'would begin after the last look for children: it begins in the actor alone'],
  ])('leaves no child beside the actor: at look %i, one %s', async (at) => {
    const world = new World()
    const { parent, begin, finish } = beginningChild()
    const store = slowlyLooking(world, at, begin)
    const docket = world.process({ graphs: [parent], store })
    const handle = await docket.start(parent, End, {}, { id: 'a' })
    await world.clock.advance(10)
    const outcome = await world.clock.settle(handle.detach().catch((error: unknown) => error))
    finish()
    const children = await world.store.list({ parent: 'a', limit: 10 })
    if (at === 1) {
      expect(String(outcome)).toContain(`can't be detached before its child "a/Child" has ended`)
      expect(children).toMatchObject([{ id: 'a/Child', status: 'running' }])
      expect(await world.clock.settle(handle.result())).toBe('o, named')
      return
    }
    expect(children).toEqual([])
    expect(outcome).toMatchObject({ status: 'active' })
    const snapshot = outcome as Awaited<ReturnType<typeof handle.detach>>
    expect(await toPromise(createActor(fromGraph(parent, End), { input: {}, snapshot }).start())).toBe('o, named')
    expect(await world.store.list({ parent: 'a', limit: 10 })).toEqual([])
  })

  test('is refused where it ends meanwhile, also with a child that was about to begin', async () => {
    const world = new World()
    const { parent, begin } = beginningChild()
    const store = slowlyLooking(world, 2, () => {
      begin()
      world.clock.setTimeout(() => void handle.cancel(), 10)
    })
    const docket = world.process({ graphs: [parent], store })
    const handle = await docket.start(parent, End, {}, { id: 'a' })
    const ended = rejectionOf(handle.result())
    await world.clock.advance(10)
    const refused = await world.clock.settle(rejectionOf(handle.detach()))
    expect(refused).toBeInstanceOf(ExecutionConflictError)
    expect(await world.clock.settle(ended)).toBeInstanceOf(ExecutionCancelledError)
    expect(await world.store.list({ parent: 'a', limit: 10 })).toEqual([])
  })

  test('takes out at once what has something on its way to the store all the time', async () => {
    const world = new World()
    const slept = (ms: number): Promise<void> => new Promise((resolve) => void world.clock.setTimeout(resolve, ms))
    // Each result is on its way for 100 ms, those of the one chain between those of the other.
    const chain = (name: string, firstMs: number): readonly AnyStep[] => {
      const types = Array.from({ length: 50 }, (_, index) => dataType(`${name}${index}`, z.string()))
      return types.map((output, index) =>
        step({
          name: output.name,
          inputs: index === 0 ? {} : { before: types[index - 1]! },
          output,
          persist: 'execution',
          async run() {
            await slept(index === 0 ? firstMs : 5)
            return name
          },
        }),
      )
    }
    const [even, odd] = [chain('even', 5), chain('odd', 55)]
    const inputs = { even: even.at(-1)!.output, odd: odd.at(-1)!.output }
    const both = step({ name: 'End', inputs: inputs as never, output: End, run: () => 'ended' })
    const busy = untypedGraph({ name: 'busy', steps: [...even, ...odd, both] })
    const store = alteredStore(world.store, async (method, ask) => {
      const answer: unknown = await ask()
      if (method === 'commit') await slept(100)
      return answer
    })
    const docket = world.process({ graphs: [busy], store })
    const handle = await docket.startByName('busy', 'End', {}, { id: 'a' })
    await world.clock.advance(1_000)
    const calledAt = world.clock.elapsed()
    expect(await world.clock.settle(handle.detach())).toMatchObject({ status: 'active' })
    expect(world.clock.elapsed() - calledAt).toBeLessThan(500)
  })

  test('that fails while a child is held back leaves the execution here, which begins it: one that was parked meanwhile waited for it for ever', async () => {
    const world = new World()
    const { parent, begin, finish } = beginningChild()
    finish()
    const failing = slowlyLooking(world, 2, begin, 300, () => {
      throw new StoreError('memory', 'it is read no more', false)
    })
    const docket = world.process({ graphs: [parent], store: failing, park: 50 })
    const handle = await docket.start(parent, End, {}, { id: 'a' })
    await world.clock.advance(10)
    await expect(world.clock.settle(handle.detach())).rejects.toThrow('it is read no more')
    await world.clock.advance(60_000)
    expect(await world.store.get(['a'])).toMatchObject([{ status: 'completed' }])
  })

  test('is refused where a child has begun since the look for them, in the process that has left it', async () => {
    const world = new World()
    const { parent, begin, finish } = beginningChild()
    const docket = world.process({ graphs: [parent] })
    await docket.start(parent, End, {}, { id: 'a' })
    await world.clock.advance(10)
    // The store stays open.
    await world.process({ graphs: [], takeOver: false }).list()
    const store = slowlyLooking(world, 1, () => {
      begin()
      world.clock.setTimeout(() => void docket.close({ deadline: 0 }), 10)
    })
    const onlooker = world.process({ graphs: [parent], takeOver: false, store })
    const handle = (await world.clock.settle(onlooker.get('a')))!
    const refused = await world.clock.settle(rejectionOf(handle.detach()))
    expect(String(refused)).toContain(`can't be detached before its child "a/Child" has ended`)
    world.process({ graphs: [parent] })
    finish()
    expect(await world.clock.settle(handle.result())).toBe('o, named')
  })
})

/** A parent that begins its child when told to, and the child ends when told to. */
function beginningChild() {
  const started = door<string>()
  const naming = door<string>()
  const Id = dataType('Id', z.string())
  const Name = dataType('Name', z.string())
  const run = async ({ id }: { readonly id: string }): Promise<string> => `${id}, ${await naming.promise}`
  const within = graph({ name: 'within', steps: [step({ name: 'Name', inputs: { id: Id }, output: Name, run })] })
  const parent = graph({
    name: 'parent',
    steps: [
      step({ name: 'Start', output: Id, run: () => started.promise }),
      subgraph(within, Name, { name: 'Child' }),
      step({ name: 'End', inputs: { name: Name }, output: End, run: ({ name }) => name }),
    ],
  })
  return { parent, begin: () => started.resolve('o'), finish: () => naming.resolve('named') }
}

/** A store whose answer to one of the looks for the children of "a" takes its time, in which something happens. */
function slowlyLooking(
  { store, clock }: World,
  at: number,
  happen: () => void,
  forMs = 100,
  andThen = () => {},
): Store {
  let looks = 0
  return alteredStore(store, async (method, ask, [query]) => {
    const answer: unknown = await ask()
    const isLook = method === 'list' && JSON.stringify(query).includes('"parent":"a"')
    if (!isLook || ++looks !== at) return answer
    happen()
    await new Promise<void>((resolve) => void clock.setTimeout(resolve, forMs))
    andThen()
    return answer
  })
}
