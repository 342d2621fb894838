import { describe, expect, expectTypeOf, test } from 'vitest'
import { z } from 'zod'
import { dataType, graph, signal, step } from '../../src/index.ts'
import type { DocketOptions } from '../../src/index.ts'
import { expectNoUnhandledErrors, never } from '../loose-api.ts'
import { World } from './durable-time.ts'

expectNoUnhandledErrors()

const Order = dataType('Order', z.object({ euros: z.number() }))
const Address = dataType('Address', z.string().min(1))
const Charge = dataType('Charge', z.object({ id: z.string() }))
const Label = dataType('Label', z.string())
const Parcel = dataType('Parcel', z.string())
const Receipt = dataType('Receipt', z.string())
const Unused = dataType('Unused', z.string())

/** Charge and Label are made of what was given; Ship fails for a bad label; Receipt is made of all. */
function shop() {
  const ran: string[] = []
  const orders = graph({
    name: 'orders',
    steps: [
      step({
        name: 'ChargeCard',
        inputs: { order: Order },
        output: Charge,
        persist: 'execution',
        run: ({ order }) => {
          ran.push(`charge ${order.euros}`)
          return { id: `c-${order.euros}` }
        },
      }),
      step({
        name: 'PrintLabel',
        inputs: { address: Address },
        output: Label,
        persist: 'execution',
        run: ({ address }) => {
          ran.push(`print ${address}`)
          return address.toUpperCase()
        },
      }),
      step({
        name: 'Ship',
        inputs: { label: Label },
        output: Parcel,
        persist: 'execution',
        run: ({ label }) => {
          ran.push(`ship ${label}`)
          if (label === 'NOWHERE') throw new Error('no such place')
          return `parcel to ${label}`
        },
      }),
      step({
        name: 'Close',
        inputs: { charge: Charge, parcel: Parcel },
        output: Receipt,
        persist: 'execution',
        run: ({ charge, parcel }) => `${charge.id}: ${parcel}`,
      }),
      step({ name: 'Idle', output: Unused, run: () => 'x' }),
    ],
  })
  return { ran, orders }
}

async function failedOrder(more: Partial<DocketOptions> = {}) {
  const world = new World()
  const { ran, orders } = shop()
  const docket = world.process({ graphs: [orders], ...more })
  const start = docket.start(orders, Receipt, { Order: { euros: 30 }, Address: 'nowhere' }, { id: 'a' })
  await expect(world.clock.settle((await world.clock.settle(start)).result())).rejects.toThrow('no such place')
  ran.length = 0
  return { world, docket, ran, orders }
}

describe('a fork with overrides', () => {
  test('gives a failed step another input that a step had made: that step does not run again, the others keep their values', async () => {
    const { world, docket, ran } = await failedOrder()
    const fork = await world.clock.settle(docket.fork('a', { id: 'b', overrides: { Label: 'PARIS' } }))
    expect(await world.clock.settle(fork.result())).toBe('c-30: parcel to PARIS')
    expect(ran).toEqual(['ship PARIS'])
    const { overrides, forkedFrom, steps } = await world.clock.settle(fork.details())
    expect({ overrides, forkedFrom }).toEqual({ overrides: { Label: 'PARIS' }, forkedFrom: 'a' })
    expect(steps.map((one) => one.step)).not.toContain('PrintLabel')
    // History is not rewritten.
    const original = await world.clock.settle((await docket.get('a'))!.details())
    expect(original).toMatchObject({ status: 'failed', overrides: {}, inputs: { Address: 'nowhere' } })
    await docket.close({ deadline: 0 })
  })

  test('gives another leaf input: what is made of it begins anew, and nothing else', async () => {
    const { world, docket, ran } = await failedOrder()
    const fork = await world.clock.settle(docket.fork('a', { overrides: { Address: 'rome' } }))
    expect(await world.clock.settle(fork.result())).toBe('c-30: parcel to ROME')
    expect(ran).toEqual(['print rome', 'ship ROME'])
    expect((await world.clock.settle(fork.details())).inputs).toEqual({ Order: { euros: 30 }, Address: 'rome' })
    await docket.close({ deadline: 0 })
  })

  test('begins anew at another step, too, and goes on so after its process has died', async () => {
    const world = new World()
    const { ran, orders } = shop()
    const first = world.mortal({ graphs: [orders] })
    const start = await first.docket.start(orders, Receipt, { Order: { euros: 1 }, Address: 'nowhere' }, { id: 'a' })
    await start.result().catch(() => {})
    ran.length = 0
    await first.docket.queue('default').pause()
    await world.clock.advance(500)
    await first.docket.fork('a', { id: 'b', from: 'ChargeCard', overrides: { Address: 'oslo', Order: { euros: 2 } } })
    first.die()
    const next = world.process({ graphs: [orders] })
    await next.queue('default').resume()
    await world.clock.advance(10_000)
    expect(await world.clock.settle((await next.get('b'))!.result())).toBe('c-2: parcel to OSLO')
    await next.close({ deadline: 0 })
  })

  test('is another request than its original: its remembered results are its own, and a fork of it keeps its overrides', async () => {
    const { world, docket, ran } = await failedOrder()
    const fork = await world.clock.settle(docket.fork('a', { id: 'b', overrides: { Label: 'PARIS' } }))
    await world.clock.settle(fork.result())
    ran.length = 0
    const [a, b] = await world.store.get(['a', 'b'])
    expect(a!.requestDigest).not.toBe(b!.requestDigest)
    const again = await world.clock.settle(docket.fork('b', { id: 'c', from: 'Ship' }))
    expect(await world.clock.settle(again.result())).toBe('c-30: parcel to PARIS')
    const other = await world.clock.settle(docket.fork('b', { id: 'd', overrides: { Charge: { id: 'free' } } }))
    expect(await world.clock.settle(other.result())).toBe('free: parcel to PARIS')
    expect(ran).toEqual(['ship PARIS'])
    await docket.close({ deadline: 0 })
  })

  test('refuses values that do not fit, types that are not needed, the target, and batches, before anything is written', async () => {
    const { world, docket, orders } = await failedOrder()
    const fork = (overrides: unknown, more: object = {}) =>
      world.clock.settle(docket.fork('a', { id: 'b', overrides, ...more } as never))
    await expect(fork({ Label: 7, Address: '' })).rejects.toMatchObject({ code: 'INPUT_INVALID' })
    await expect(fork({ Order: { euros: 'x' }, Charge: { id: 1 } })).rejects.toMatchObject({ code: 'INPUT_INVALID' })
    await expect(fork({ Charge: { id: 1 } })).rejects.toMatchObject({
      code: 'INPUT_INVALID',
      issues: [{ path: ['Charge', 'id'] }],
    })
    await expect(fork({ Unused: 'x' })).rejects.toThrow('unknown override: Receipt does not need it')
    await expect(fork({ Lable: 'x' })).rejects.toThrow('did you mean "Label"?')
    await expect(fork({ Receipt: 'x' })).rejects.toThrow('is what the execution is to make')
    await expect(fork({ Label: 'x', Address: 'y' })).rejects.toThrow('is needed no more')
    await expect(fork({ Label: 'x' }, { from: 'PrintLabel' })).rejects.toThrow('was given in overrides')
    await expect(world.clock.settle(docket.fork('a', {} as never))).rejects.toThrow('give from')
    await expect(fork([])).rejects.toMatchObject({ code: 'OPTION_INVALID' })
    await world.clock.settle(
      docket.startBatch(orders, Receipt, [{ Order: { euros: 1 }, Address: 'x' }], { id: 'many' }),
    )
    await expect(docket.fork('many', { overrides: { Label: 'x' } })).rejects.toThrow('is a batch')
    expect(await docket.get('b')).toBeUndefined()
    await docket.close({ deadline: 0 })
  })

  test('knows steps and values where the caller names graph and target, which must be the execution’s', async () => {
    const { world, docket, orders } = await failedOrder()
    const call = docket.fork('a', { graph: orders, target: Receipt, id: 'b', overrides: { Label: 'BERN' } })
    const fork = await world.clock.settle(call)
    expectTypeOf(fork.result).returns.resolves.toEqualTypeOf<string>()
    expect(await world.clock.settle(fork.result())).toBe('c-30: parcel to BERN')
    const wrong = docket.fork('a', { graph: orders, target: Parcel, from: 'Ship' })
    await expect(world.clock.settle(wrong)).rejects.toThrow('is for "Receipt" of graph "orders", and not for "Parcel"')
    // @ts-expect-error no step of that name
    void docket.fork('x', { graph: orders, target: Receipt, from: 'Shipp' }).catch(() => {})
    // @ts-expect-error not what the type holds
    void docket.fork('x', { graph: orders, target: Receipt, overrides: { Label: 7 } }).catch(() => {})
    // @ts-expect-error the target does not need it
    void docket.fork('x', { graph: orders, target: Receipt, overrides: { Unused: 'x' } }).catch(() => {})
    await docket.close({ deadline: 0 })
  })

  test('of an execution that runs leaves it alone, and an override takes the place of a signal', async () => {
    const world = new World()
    const Approval = dataType('Approval', z.string())
    const Done = dataType('Done', z.string())
    const approvals = graph({
      name: 'approvals',
      steps: [
        signal(Approval),
        step({ name: 'Hang', output: Parcel, persist: 'execution', run: () => never<string>() }),
        step({
          name: 'Finish',
          inputs: { approval: Approval, parcel: Parcel },
          output: Done,
          persist: 'execution',
          run: ({ approval, parcel }) => `${approval} ${parcel}`,
        }),
      ],
    })
    const docket = world.process({ graphs: [approvals] })
    await docket.start(approvals, Done, {}, { id: 'a' })
    await world.clock.advance(10)
    const overrides = { Approval: 'yes', Parcel: 'box' }
    const fork = await world.clock.settle(docket.fork('a', { id: 'b', overrides }))
    expect(await world.clock.settle(fork.result())).toBe('yes box')
    expect(await world.clock.settle((await docket.get('a'))!.details())).toMatchObject({ status: 'running' })
    await docket.close({ deadline: 0 })
  })
})
