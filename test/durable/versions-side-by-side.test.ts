import { expect, test } from 'vitest'
import { dataType, NonRetryableError, optional, signal, step, type, untypedGraph } from '../../src/index.ts'
import type { AnyGraph } from '../../src/core/graph/graph-index.ts'
import { expectNoUnhandledErrors } from '../loose-api.ts'
import { World } from './durable-time.ts'

expectNoUnhandledErrors()

const Order = dataType('Order', type<string>())
const Paid = dataType('Paid', type<string>())
const Bill = dataType('Bill', type<string>())
const never = (): Promise<string> => new Promise(() => {})

/** How a step is named in each version of the program, and what it was called before. */
const names = {
  1: { name: 'Pay' },
  2: { name: 'Charge', formerly: 'Pay' },
  3: { name: 'Debit', formerly: ['Charge', 'Pay'] },
}

interface Deed {
  readonly step: string
  readonly key: string
}

function shop(
  version: keyof typeof names,
  deeds: Deed[],
  { pay = () => 'paid', print = () => 'printed', compensates = false, persists = true } = {} as {
    readonly pay?: () => string | Promise<string>
    readonly print?: () => string | Promise<string>
    readonly compensates?: boolean
    readonly persists?: boolean
  },
): AnyGraph {
  const pays = step({
    ...names[version],
    inputs: { order: Order },
    output: Paid,
    ...(persists && { persist: 'execution' as const }),
    ...(compensates && { compensate: () => {} }),
    run: (_: unknown, { stepName, idempotencyKey }) => {
      deeds.push({ step: stepName, key: idempotencyKey })
      return pay()
    },
  })
  const prints = step({ name: 'Print', inputs: { paid: Paid }, output: Bill, run: () => print() })
  return untypedGraph({ name: 'shop', steps: [pays as never, prints as never] })
}

const fails = (): never => {
  throw new NonRetryableError('no luck')
}

test('what an older version has completed after a newer one had failed is not done again by the newer one', async () => {
  const deeds: Deed[] = []
  const world = new World()
  // The newer version fails, and is taken back; the older one tries again, and has done it when the newer one is deployed once more.
  const begun = shop(2, deeds, { pay: fails })
  const newer = world.mortal({ graphs: [begun] })
  const handle = await newer.docket.start(begun as never, Bill as never, { Order: 'o' } as never, { id: 'a' })
  await world.clock.settle(handle.result().catch(() => {}))
  newer.die()
  await world.clock.advance(6_000)
  const older = world.mortal({ graphs: [shop(1, deeds, { print: never })] })
  await world.clock.settle(older.docket.retry('a'))
  await world.clock.advance(50)
  older.die()
  await world.clock.advance(6_000)
  const last = world.process({ graphs: [shop(2, deeds)] })
  expect(await world.clock.settle((await last.get('a'))!.result())).toBe('printed')
  expect(deeds.map((deed) => deed.step)).toEqual(['Charge', 'Pay'])
})

test('a step that was running under the first of several names, and left no record, keeps its key', async () => {
  const deeds: Deed[] = []
  const world = new World()
  const begun = shop(1, deeds, { pay: never })
  const first = world.mortal({ graphs: [begun] })
  await first.docket.start(begun as never, Bill as never, { Order: 'o' } as never, { id: 'a' })
  await world.clock.advance(10)
  first.die()
  await world.clock.advance(6_000)
  const third = world.process({ graphs: [shop(3, deeds)] })
  expect(await world.clock.settle((await third.get('a'))!.result())).toBe('printed')
  expect(deeds.map((deed) => deed.step)).toEqual(['Pay', 'Debit'])
  expect(deeds[1]!.key).toBe(deeds[0]!.key)
})

test('what a newer version has undone under a new name is done by an older one under another key', async () => {
  const deeds: Deed[] = []
  const world = new World()
  const options = { print: fails, compensates: true }
  const begun = shop(2, deeds, options)
  const newer = world.mortal({ graphs: [begun] })
  const handle = await newer.docket.start(begun as never, Bill as never, { Order: 'o' } as never, { id: 'a' })
  await world.clock.settle(handle.result().catch(() => {}))
  newer.die()
  await world.clock.advance(6_000)
  const older = world.process({ graphs: [shop(1, deeds, { compensates: true })] })
  await world.clock.settle(older.retry('a'))
  expect(await world.clock.settle((await older.get('a'))!.result())).toBe('printed')
  expect(deeds.map((deed) => deed.step)).toEqual(['Charge', 'Pay'])
  expect(deeds[1]!.key).not.toBe(deeds[0]!.key)
})

const Approval = {
  1: dataType('Approval', type<string>()),
  2: dataType('Consent', type<string>(), { formerly: 'Approval' }),
}

/** Goes on without what it waits for where that does not come in time. */
function patient(version: 1 | 2, go: () => string | Promise<string>): AnyGraph {
  const approval = signal(Approval[version], { timeout: '1m' })
  const inputs = { paid: Paid, approval: optional(Approval[version]) }
  const prints = step({ name: 'Print', inputs, output: Bill, run: ({ approval: by }) => by ?? 'nobody' })
  const pays = step({ name: 'Pay', inputs: { order: optional(Order) }, output: Paid, persist: 'execution', run: go })
  return untypedGraph({ name: 'shop', steps: [approval as never, pays as never, prints as never] })
}

test.each(['execution', 'batch'])(
  'an older version does not wait again for a signal that a newer one has waited for in vain under another name (%s)',
  async (kind) => {
    const world = new World()
    const begun = patient(1, never)
    const first = world.mortal({ graphs: [begun] })
    const [graph, target] = [begun as never, Bill as never]
    if (kind === 'batch') await first.docket.startBatch(graph, target, [{}] as never, { id: 'a' })
    else await first.docket.start(graph, target, {} as never, { id: 'a' })
    await world.clock.advance(10)
    first.die()
    await world.clock.advance(6_000)
    const second = world.mortal({ graphs: [patient(2, never)] })
    await world.clock.advance(90_000)
    second.die()
    await world.clock.advance(6_000)
    world.process({ graphs: [patient(1, () => 'paid')] })
    await world.clock.advance(10_000)
    const [incompatible] = world.events.filter((event) => event.type === 'execution.incompatible')
    expect(incompatible?.reasons).toEqual([
      'step "Consent" has failed, and is called "Approval" here, where it would begin anew',
    ])
    const last = world.process({ graphs: [patient(2, () => 'paid')] })
    const handle = (await world.clock.settle(last.get('a')))!
    expect(await world.clock.settle(handle.result())).toEqual(kind === 'batch' ? ['nobody'] : 'nobody')
  },
)
