import { createActor, toPromise } from 'xstate'
import { describe, expect, test } from 'vitest'
import { encryption } from '../../src/codecs/index.ts'
import { dataType, ExecutionConflictError, fromGraph, step, type, untypedGraph } from '../../src/index.ts'
import type { Docket, StepContext } from '../../src/index.ts'
import type { AnyDataType } from '../../src/core/language/data-type.ts'
import type { AnyGraph } from '../../src/core/graph/graph-index.ts'
import { expectNoUnhandledErrors, rejectionOf } from '../loose-api.ts'
import { alteredStore } from './altered-store.ts'
import { World } from './durable-time.ts'
import { pagedStore } from './pages.ts'

expectNoUnhandledErrors()

interface Call {
  readonly step: string
  readonly attempt: number
  readonly key: string
  readonly given: unknown
}

interface Program {
  readonly graph: AnyGraph
  readonly Order: AnyDataType
  readonly Receipt: AnyDataType
  inputs(order: number): never
}

type Run = (context: StepContext) => number | Promise<number>

const never = (): Promise<number> => new Promise(() => {})
const fine = (): number => 5
const half: Run = ({ item, attempt }) => (item === 1 && attempt === 1 ? never() : 4 + item!)
const fails = (): number => {
  throw new Error('no luck')
}

/** Order → (Pay) → Payment → (Print) → Receipt; in version 2 all of it has other names, of which each says what it was, if `knows`. */
function program(
  version: 1 | 2,
  calls: Call[],
  {
    pay = fine,
    print = fine,
    knows = true,
  }: { readonly pay?: Run; readonly print?: Run; readonly knows?: boolean } = {},
): Program {
  const isNew = version === 2
  const named = (old: string, now: string) =>
    isNew ? { name: now, ...(knows && { formerly: old }) } : { name: old, formerly: undefined }
  const typed = (old: string, now: string) => {
    const { name, formerly } = named(old, now)
    return dataType(name, type<number>(), { version: '1', formerly })
  }
  const [Order, Payment, Receipt] = [typed('Order', 'Purchase'), typed('Payment', 'Charge'), typed('Receipt', 'Bill')]
  const runOf = (run: Run) => (given: unknown, context: StepContext) => {
    const { stepName, attempt, idempotencyKey: key } = context
    calls.push({ step: stepName, attempt, key, given })
    return run(context)
  }
  const steps = [
    step({
      ...named('Pay', 'ChargeCard'),
      inputs: { order: Order },
      output: Payment,
      persist: 'execution',
      retry: { maxAttempts: 3, backoff: '1h' },
      run: runOf(pay),
    }),
    step({
      ...named('Print', 'PrintBill'),
      inputs: { payment: Payment },
      output: Receipt,
      persist: 'execution',
      run: runOf(print),
    }),
  ]
  const graph = untypedGraph({ ...named('orders', 'purchases'), steps })
  return { graph, Order, Receipt, inputs: (order) => ({ [Order.name]: order }) as never }
}

const codecs = [encryption({ keys: { k: new Uint8Array(32).fill(1) }, current: 'k', isRequired: true })]

function start({ graph, Receipt, inputs }: Program, docket: Docket, id = 'a') {
  return docket.start(graph, Receipt as never, inputs(7), { id })
}

function batch({ graph, Receipt, inputs }: Program, docket: Docket) {
  return docket.startBatch(graph, Receipt as never, [inputs(1), inputs(2)] as never, { id: 'b' })
}

async function statuses({ store }: World, id = 'a'): Promise<string[]> {
  return (await store.readSteps([id])).steps.map((row) => `${row.step}${row.item && ` ${row.item}`} ${row.status}`)
}

/** What the old version left behind when its process died. */
async function leftBehind(
  options: { readonly pay?: Run; readonly print?: Run },
  more: { readonly isBatch?: boolean } = {},
) {
  const world = new World()
  const calls: Call[] = []
  const old = program(1, calls, options)
  const { docket, die } = world.mortal({ graphs: [old.graph], codecs })
  await (more.isBatch === true ? batch(old, docket) : start(old, docket))
  await world.clock.advance(10)
  die()
  await world.clock.advance(6_000)
  return { world, calls, old }
}

async function resultOf(world: World, docket: Docket, id = 'a'): Promise<unknown> {
  return world.clock.settle((await docket.get(id))!.result())
}

describe('an execution whose graph, steps and types have other names now', () => {
  test('goes on with a step that was running: with its next attempt, and the same idempotency key', async () => {
    const { world, calls } = await leftBehind({ pay: never })
    const docket = world.process({ graphs: [program(2, calls).graph], codecs })
    expect(await resultOf(world, docket)).toBe(5)
    expect(calls).toMatchObject([
      { step: 'Pay', attempt: 1 },
      { step: 'ChargeCard', attempt: 2, given: { order: 7 } },
      { step: 'PrintBill', attempt: 1, given: { payment: 5 } },
    ])
    expect(calls[1]!.key).toBe(calls[0]!.key)
    expect(world.events.filter(({ type: kind }) => kind === 'execution.incompatible')).toEqual([])
    expect((await statuses(world)).toSorted()).toEqual(['ChargeCard completed', 'Pay cancelled', 'PrintBill completed'])
    const { steps, graph, target, inputs } = await (await docket.get('a'))!.details()
    expect({ graph, target, inputs }).toEqual({ graph: 'purchases', target: 'Bill', inputs: { Purchase: 7 } })
    expect(steps.map(({ step: name, status }) => `${name} ${status}`)).toEqual([
      'ChargeCard completed',
      'PrintBill completed',
    ])
  })

  test('waits for the time at which its next attempt was due', async () => {
    const { world, calls } = await leftBehind({ pay: fails })
    const docket = world.process({ graphs: [program(2, calls).graph], codecs })
    await world.clock.advance(60_000)
    const handle = (await docket.get('a'))!
    expect((await handle.details()).steps).toMatchObject([
      { step: 'ChargeCard', status: 'retrying', attempt: 1, error: { message: 'no luck' } },
      { step: 'PrintBill' },
    ])
    expect(calls).toHaveLength(1)
    await world.clock.advance(3_600_000)
    expect(await world.clock.settle(handle.result())).toBe(5)
    expect(calls[1]).toMatchObject({ step: 'ChargeCard', attempt: 2, key: calls[0]!.key })
  })

  test('does not do again what is done, and keeps the key of a step that left no record', async () => {
    const { world, calls } = await leftBehind({ pay: () => 6, print: never })
    const docket = world.process({ graphs: [program(2, calls).graph], codecs })
    expect(await resultOf(world, docket)).toBe(5)
    expect(calls).toMatchObject([
      { step: 'Pay' },
      { step: 'Print' },
      { step: 'PrintBill', attempt: 1, given: { payment: 6 } },
    ])
    expect(calls[2]!.key).toBe(calls[1]!.key)
  })

  test('keeps its keys over one more death, and when `formerly` is taken away after that', async () => {
    const { world, calls } = await leftBehind({ pay: () => 6, print: never })
    for (let life = 0; life < 2; life++) {
      const { docket, die } = world.mortal({ graphs: [program(2, calls, { print: never }).graph], codecs })
      await docket.list()
      await world.clock.advance(2_000)
      die()
      await world.clock.advance(6_000)
    }
    const begun = program(2, calls, { pay: never })
    const { docket, die } = world.mortal({ graphs: [begun.graph], codecs, takeOver: false })
    await start(begun, docket, 'late')
    await world.clock.advance(10)
    die()
    await world.clock.advance(6_000)
    const last = world.process({ graphs: [program(2, calls, { knows: false }).graph], codecs })
    expect(await resultOf(world, last, 'late')).toBe(5)
    const keysOf = (name: string) => calls.filter(({ step: one }) => one === name).map(({ key }) => key)
    expect(new Set([...keysOf('Print'), ...keysOf('PrintBill').slice(0, 2)]).size).toBe(1)
    expect(keysOf('ChargeCard')).toHaveLength(2)
    expect(new Set(keysOf('ChargeCard')).size).toBe(1)
  })

  test('is found by its graph’s present name, among those that began under it, page by page', async () => {
    const { world, calls } = await leftBehind({ pay: never })
    const now = program(2, calls, { pay: never })
    const docket = world.process({ graphs: [now.graph], codecs, takeOver: false })
    const [before] = (await docket.list({ graph: 'purchases' })).executions
    expect(before).toMatchObject({
      id: 'a',
      graph: 'purchases',
      target: 'Bill',
      inputs: { Purchase: 7 },
      incompatible: [],
    })
    await start(now, docket, 'b')
    await world.clock.advance(10)
    await start(now, docket, 'c')
    const ids: string[] = []
    let after: string | undefined
    do {
      const page = await docket.list({ graph: 'purchases', limit: 1, after })
      ids.push(...page.executions.map(({ id }) => id))
      after = page.next
    } while (after !== undefined)
    expect(ids).toEqual(['c', 'b', 'a'])
  })

  test('is the same one when it is started again: while it is open, while it runs here, and once it is done', async () => {
    const { world, calls } = await leftBehind({ pay: never })
    const gate = Promise.withResolvers<number>()
    const now = program(2, calls, { print: () => gate.promise })
    const docket = world.process({ graphs: [now.graph], codecs, takeOver: false })
    const first = await world.clock.settle(start(now, docket))
    await world.clock.advance(10)
    const second = await world.clock.settle(start(now, docket))
    const other = rejectionOf(docket.start(now.graph, now.Receipt as never, now.inputs(8), { id: 'a' }))
    expect(await world.clock.settle(other)).toBeInstanceOf(ExecutionConflictError)
    gate.resolve(5)
    expect(await world.clock.settle(Promise.all([first.result(), second.result()]))).toEqual([5, 5])
    const third = await world.clock.settle(start(now, world.process({ graphs: [now.graph], codecs })))
    expect(await world.clock.settle(third.result())).toBe(5)
    expect(calls.map(({ step: name }) => name)).toEqual(['Pay', 'ChargeCard', 'PrintBill'])
  })

  test('is retried, forked and detached', async () => {
    const world = new World()
    const calls: Call[] = []
    const old = program(1, calls, { print: fails })
    const before = world.process({ graphs: [old.graph], codecs })
    await world.clock.settle((await start(old, before)).result().catch(() => {}))
    const now = program(2, calls)
    const docket = world.process({ graphs: [now.graph], codecs })
    const forks = [await docket.fork('a', { from: 'PrintBill' }), await docket.fork('a', { from: 'Print' })]
    for (const fork of forks) {
      expect(await world.clock.settle(fork.result())).toBe(5)
      // Stored under present names: it does not need the former ones any more.
      const later = world.process({ graphs: [program(2, calls, { knows: false }).graph], codecs })
      expect((await later.list({ graph: 'purchases' })).executions.map(({ id }) => id)).toContain(fork.id)
      const again = docket.start(now.graph, now.Receipt as never, now.inputs(7), { id: fork.id })
      expect(await world.clock.settle((await world.clock.settle(again)).result())).toBe(5)
    }
    const retried = await world.clock.settle(docket.retry('a'))
    expect(await world.clock.settle(retried.result())).toBe(5)
    expect(calls.filter(({ step: name }) => name === 'Pay' || name === 'ChargeCard')).toHaveLength(1)

    const left = await leftBehind({ pay: () => 6, print: never })
    const onlooker = left.world.process({ graphs: [program(2, left.calls).graph], codecs, takeOver: false })
    const snapshot = await left.world.clock.settle((await onlooker.get('a'))!.detach())
    const now2 = program(2, left.calls, { print: () => 8 })
    const actor = createActor(fromGraph(now2.graph, now2.Receipt as never), { input: now2.inputs(7), snapshot }).start()
    expect(await toPromise(actor)).toBe(8)
    expect(left.calls.at(-1)).toMatchObject({ step: 'PrintBill', given: { payment: 6 } })
  })

  test('leaves what it has to a step of its own name where that has more', async () => {
    const world = new World()
    const calls: Call[] = []
    // A deploy that forgot `formerly` has begun it anew under the new name, and done it.
    const first = program(2, calls, { pay: () => 9, print: never, knows: false })
    const { docket, die } = world.mortal({ graphs: [first.graph] })
    await start(first, docket)
    await world.clock.advance(10)
    die()
    await world.clock.advance(6_000)
    const now = program(2, calls)
    const later = world.process({ graphs: [now.graph] })
    expect(await resultOf(world, later)).toBe(5)
    expect(calls.map(({ step: name }) => name)).toEqual(['ChargeCard', 'PrintBill', 'PrintBill'])
    expect(calls[2]!.key).toBe(calls[1]!.key)
  })
})

describe('a batch whose graph, steps and types have other names now', () => {
  test('goes on, item by item, and is the same one when it is started again', async () => {
    const { world, calls } = await leftBehind({ pay: half, print: half }, { isBatch: true })
    const now = program(2, calls, { pay: half, print: ({ item }) => 10 + item! })
    const docket = world.process({ graphs: [now.graph], codecs })
    expect(await resultOf(world, docket, 'b')).toEqual([4, 11])
    const keys = calls.filter(({ given }) => JSON.stringify(given) === '{"order":2}')
    expect(keys).toMatchObject([
      { step: 'Pay', attempt: 1 },
      { step: 'ChargeCard', attempt: 2, key: keys[0]!.key },
    ])
    const again = await world.clock.settle(batch(now, docket))
    expect(await world.clock.settle(again.result())).toEqual([4, 11])
    expect(calls).toHaveLength(5)
    const elsewhere = world.process({ graphs: [program(1, []).graph], codecs })
    expect(await resultOf(world, elsewhere, 'b')).toEqual([4, 11])
    expect((await statuses(world, 'b')).filter((row) => row.endsWith('running'))).toEqual([])
  })

  test('is the same one while it is open', async () => {
    const { world, calls } = await leftBehind({ pay: never }, { isBatch: true })
    const now = program(2, calls, { print: never })
    const docket = world.process({ graphs: [now.graph], codecs, takeOver: false })
    await world.clock.settle(batch(now, docket))
    await world.clock.advance(10)
    await world.clock.settle(batch(now, docket))
    const other = docket.startBatch(now.graph, now.Receipt as never, [now.inputs(9)] as never, { id: 'b' })
    expect(await world.clock.settle(rejectionOf(other))).toBeInstanceOf(ExecutionConflictError)
    expect(calls.map(({ step: name, attempt }) => `${name} ${attempt}`).toSorted()).toEqual([
      'ChargeCard 2',
      'ChargeCard 2',
      'Pay 1',
      'Pay 1',
      'PrintBill 1',
      'PrintBill 1',
    ])
  })

  test('goes on wherever a process dies that writes its records under their new names, and keeps its keys', async () => {
    const deaths = 8
    for (let death = 0; death < deaths; death++) {
      const { world, calls } = await leftBehind({ pay: half, print: half }, { isBatch: true })
      const now = program(2, calls, { pay: half, print: ({ item }) => 10 + item! })
      let writes = 0
      const cut = alteredStore(world.store, (method, ask) =>
        method === 'commit' && writes++ >= death ? new Promise(() => {}) : ask(),
      )
      const second = world.mortal({ graphs: [now.graph], codecs }, pagedStore(cut, 1))
      await world.clock.advance(100)
      second.die()
      await world.clock.advance(6_000)
      const third = world.process({ graphs: [now.graph], codecs, store: pagedStore(world.store, 1) })
      expect(await resultOf(world, third, 'b'), `death ${death}`).toEqual([4, 11])
      const paid = calls.filter(({ given }) => JSON.stringify(given) === '{"order":2}')
      expect(paid.at(-1)).toMatchObject({ step: 'ChargeCard' })
      expect(new Set(paid.map(({ key }) => key)).size, `death ${death}`).toBe(1)
      expect((await statuses(world, 'b')).filter((row) => row.endsWith('running'))).toEqual([])
    }
  })
})
