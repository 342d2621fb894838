import { afterAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { createDocket, dataType, durableStep, graph, signal, step } from '../../src/index.ts'
import type { Docket, Store } from '../../src/index.ts'
import { errorOf, never } from '../loose-api.ts'
import { placeMaker, storeKinds } from './place.ts'
import { memoryStore } from '../../stores/memory/index.ts'

const newPlace = await placeMaker()

const Order = dataType('Order', z.object({ id: z.string(), at: z.date() }))
const Charge = dataType('Charge', z.object({ paid: z.bigint() }))
const Approval = dataType('Approval', z.string())
const Receipt = dataType('Receipt', z.string())

function orders(ran: string[]) {
  return graph({
    name: 'orders',
    steps: [
      step({
        name: 'Pay',
        inputs: { order: Order },
        output: Charge,
        persist: 'execution',
        run: ({ order }) => {
          ran.push(`pay ${order.id}`)
          return { paid: 30n }
        },
      }),
      signal(Approval),
      step({
        name: 'Close',
        inputs: { charge: Charge, approval: Approval },
        output: Receipt,
        persist: 'execution',
        run: ({ charge, approval }) => {
          ran.push('close')
          if (approval === 'no') throw new Error('refused')
          return `${charge.paid} ${approval}`
        },
      }),
    ],
  })
}

const dockets: Docket[] = []
afterAll(() => Promise.all(dockets.map((docket) => docket.close({ deadline: 0 }))))

function open(store: Store, ran: string[], more: object = {}): Docket {
  const docket = createDocket({ graphs: [orders(ran)], store, park: 0, ...more })
  dockets.push(docket)
  return docket
}

const Order1 = { id: 'o', at: new Date('2026-05-01') }

/** Moved once the process has parked it, which it does when it has read everything. */
async function moveOnceParked(from: Docket, to: Docket, id: string): Promise<void> {
  for (;;) {
    const [outcome] = await from.moveTo(to, [id])
    if (outcome!.verdict !== undefined) return
    expect(outcome!.error).toMatchObject({ code: 'EXECUTION_CONFLICT', message: expect.stringContaining('it runs in') })
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

async function waiting(docket: Docket, id: string): Promise<void> {
  for (;;) {
    const { steps, lease } = (await (await docket.get(id))!.details())!
    const isPaid = steps.some((one) => one.step === 'Pay' && one.status === 'completed')
    if (isPaid && lease === undefined) return
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

const stores = {
  memory: async () => memoryStore(),
  ...Object.fromEntries(storeKinds.map((kind) => [kind, async () => (await newPlace(kind)).createStore()])),
}

describe.each(Object.entries(stores))('an execution that moves through %s', (_, newStore) => {
  test('goes on in the other store, there alone, with what it has made, its inputs, and a message that was unread; and back', async () => {
    const [ran, ranThere]: [string[], string[]] = [[], []]
    const [here, there] = [open(memoryStore(), ran), open(await newStore(), ranThere, { work: false })]
    const graphHere = orders(ran)
    void graphHere
    const handle = await here.startByName('orders', 'Receipt', { Order: Order1 }, { id: 'a', headers: { tenant: 't' } })
    await waiting(here, 'a')
    for (let call = 0; call < 2; call++)
      expect(await here.moveTo(there, ['a'])).toEqual([{ id: 'a', verdict: 'moved' }])
    const error = await errorOf(handle.result())
    expect(error.message).toContain('was moved to another store')
    expect(await handle.signal(Approval, 'late')).toBe('ended')
    const details = (await (await there.get('a'))!.details())!
    expect(details).toMatchObject({ inputs: { Order: Order1 }, headers: { tenant: 't' } })
    expect(details.steps.find((one) => one.step === 'Pay')).toMatchObject({
      status: 'completed',
      output: { paid: 30n },
    })
    // Nobody serves it there yet: a message waits for whoever will.
    expect(await (await there.get('a'))!.signal(Approval, 'yes')).toBe('accepted')
    const back = open(memoryStore(), ranThere)
    expect(await there.moveTo(back, ['a'])).toEqual([{ id: 'a', verdict: 'moved' }])
    expect(await (await back.get('a'))!.result()).toBe('30 yes')
    expect([ran, ranThere]).toEqual([['pay o'], ['close']])
  })

  test('takes along what messages came to, by their ids', async () => {
    const Line = dataType('Line', z.string())
    const collecting = graph({
      name: 'collecting',
      steps: [
        durableStep({
          name: 'Collect',
          output: Receipt,
          receives: [Line],
          run: async (_, ctx) => {
            const lines: string[] = []
            while (lines.at(-1) !== 'end') {
              lines.push((await ctx.receive(Line)).value)
              read.push(lines.at(-1)!)
            }
            return lines.join(' ')
          },
        }),
      ],
    })
    const read: string[] = []
    let last = 'long'
    const [here, there, back] = [memoryStore(), await newStore(), memoryStore()].map((store) =>
      open(store, [], { graphs: [collecting] }),
    )
    const handle = await here!.start(collecting, Receipt, {}, { id: 'm' })
    const long = `${'Ünïcode '.repeat(40)}a`
    const send = async (docket: Docket | undefined, id: string) =>
      (await docket!.get('m'))!.signal(Line, id === long ? 'long' : id, { id })
    for (const id of ['a', long]) expect(await send(here, id)).toBe('accepted')
    for (const [from, to, id] of [
      [here, there, 'b'],
      [there, back, 'end'],
    ] as const) {
      while (read.at(-1) !== last) await new Promise((resolve) => setTimeout(resolve, 20))
      await moveOnceParked(from!, to!, 'm')
      last = id
      for (const sent of ['a', long, id]) expect(await send(to, sent)).toBe('accepted')
    }
    expect(await (await back!.get('m'))!.result()).toBe('a long b end')
    await errorOf(handle.result())
  })

  test('that has ended is copied, and is retried there with what it had', async () => {
    const [ran, ranThere]: [string[], string[]] = [[], []]
    const [here, there] = [open(await newStore(), ran), open(memoryStore(), ranThere)]
    const handle = await here.startByName('orders', 'Receipt', { Order: Order1 }, {
      id: 'f',
      signals: { Approval: 'no' },
    } as never)
    await handle.result().catch(() => {})
    expect(await here.moveTo(there, ['f', 'nobody'])).toMatchObject([
      { id: 'f', verdict: 'copied' },
      { id: 'nobody', error: { code: 'EXECUTION_CONFLICT' } },
    ])
    const copied = (await (await there.get('f'))!.details())!
    expect(copied).toMatchObject({ status: 'failed', error: { cause: { message: 'refused' } } })
    expect((await (await here.get('f'))!.details()).status).toBe('failed')
    expect(await here.moveTo(there, ['f'])).toEqual([{ id: 'f', verdict: 'copied' }])
    expect(ranThere).toEqual([])
  })
})

test('one that a process has is not moved', async () => {
  const hanging = graph({
    name: 'hanging',
    steps: [step({ name: 'Hang', output: Receipt, persist: 'execution', run: () => never<string>() })],
  })
  await using here = createDocket({ graphs: [hanging], store: memoryStore() })
  await using there = createDocket({ graphs: [hanging], store: memoryStore() })
  await here.start(hanging, Receipt, {}, { id: 'x' })
  const [outcome] = await here.moveTo(there, ['x'])
  expect((outcome!.error as Error).message).toContain('it runs in this process: pause its queue')
  expect(await there.get('x')).toBeUndefined()
  await expect(here.moveTo({} as never, ['x'])).rejects.toMatchObject({ code: 'OPTION_INVALID' })
  await here.close({ deadline: 0 })
})
