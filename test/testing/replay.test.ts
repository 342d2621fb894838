import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { all, createDocket, dataType, durableStep, graph, signal, step, timer } from '../../src/index.ts'
import type { AnyGraph, ExportedExecution } from '../../src/index.ts'
import { encryption } from '../../src/codecs/index.ts'
import { createTestDocket } from '../../src/testing/index.ts'
import { memoryStore } from '../../stores/memory/index.ts'
import { World } from '../durable/durable-time.ts'
import { errorOf, expectNoUnhandledErrors, number } from '../loose-api.ts'

expectNoUnhandledErrors()

const Order = dataType('Order', z.object({ id: z.string(), at: z.date() }))
const Charge = dataType('Charge', z.object({ paid: z.bigint() }))
const Receipt = dataType('Receipt', z.string())

/** Charges, then writes a receipt, which `write` does. */
function orders(ran: string[], write: (paid: bigint) => string, output = Charge) {
  return graph({
    name: 'orders',
    steps: [
      step({
        name: 'Pay',
        inputs: { order: Order },
        output,
        persist: 'execution',
        run: ({ order }) => {
          ran.push(`pay ${order.id}`)
          return { paid: 30n }
        },
      }),
      step({
        name: 'Write',
        inputs: { charge: output },
        output: Receipt,
        persist: 'execution',
        run: ({ charge }) => {
          ran.push('write')
          return write(charge.paid)
        },
      }),
    ],
  })
}

const fails = (): string => {
  throw new TypeError('no template')
}
const at = new Date('2026-05-01T00:00:00Z')

/** Every place in a document, but for the middle of long texts. */
function pathsIn(value: unknown, path: readonly (string | number)[] = []): readonly (readonly (string | number)[])[] {
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, one]) => {
    const place = [...path, Array.isArray(value) ? Number(key) : key]
    return [place, ...pathsIn(one, place)]
  })
}

/** A copy with something else in one place; nothing there where it is undefined. */
function altered(document: ExportedExecution, path: readonly (string | number)[], value: unknown): ExportedExecution {
  const copy = throughJson(document)
  const parent = path.slice(0, -1).reduce<object>((one, key) => Reflect.get(one, key) as object, copy)
  if (value === undefined) Reflect.deleteProperty(parent, path.at(-1)!)
  else Reflect.set(parent, path.at(-1)!, value)
  return copy
}

/** Whether an error is one of ours; else where it comes from. */
function ours(error: unknown): string {
  return typeof (error as { readonly code?: unknown }).code === 'string' ? 'refused' : String((error as Error).stack)
}

/** `replayed`, `refused` by one of our errors, or what broke. */
async function replay(graphs: readonly AnyGraph[], from: ExportedExecution): Promise<string> {
  try {
    await using local = createTestDocket({ graphs: graphs as never, from, park: 0 })
    const id = String(from.execution['id'])
    const handle = await local.get(id)
    if (handle === undefined) return 'refused'
    const seen = await handle.details().then(() => 'replayed', ours)
    if (seen !== 'replayed') return seen
    for (const look of [() => local.why(id), () => local.export(id), () => local.list()]) {
      const outcome = await look().then(() => 'replayed', ours)
      if (outcome !== 'replayed' && outcome !== 'refused') return outcome
    }
    return await local.retry(id).then(() => 'replayed', ours)
  } catch (error) {
    return ours(error)
  }
}

async function exportOfTalk(): Promise<ExportedExecution> {
  const world = new World()
  const docket = world.process({ graphs: [talk([], fails)] })
  const handle = await world.clock.settle(docket.startByName('talks', 'Receipt', {}, { id: 't' }))
  await world.clock.settle(handle.result()).catch(() => {})
  const from = throughJson(await world.clock.settle(docket.export('t')))
  await docket.close({ deadline: 0 })
  return from
}

/** As a file has it. */
function throughJson(exported: ExportedExecution): ExportedExecution {
  return JSON.parse(JSON.stringify(exported)) as ExportedExecution
}

/** A durable function that calls something twice; `last` is the second. */
function talk(calls: string[], last: () => string) {
  return graph({
    name: 'talks',
    steps: [
      durableStep({
        name: 'Talk',
        output: Receipt,
        run: async (_, ctx) => {
          const first = await ctx.step('first', () => {
            calls.push('first')
            return 'one'
          })
          return `${first} ${await ctx.step('last', () => {
            calls.push('last')
            return last()
          })}`
        },
      }),
    ],
  })
}

async function failedInProduction(more: object = {}, output = Charge) {
  const world = new World()
  const ran: string[] = []
  const broken = orders(ran, fails, output)
  const docket = world.process({ graphs: [broken], work: { billing: 1 }, ...more })
  const deadline = new Date(world.clock.now() + 60_000)
  const options = { id: 'o-1', queue: 'billing', key: 'ada', deadline, headers: { tenant: 'a' } }
  const handle = await world.clock.settle(docket.start(broken, Receipt, { Order: { id: 'x', at } }, options))
  await world.clock.settle(handle.result()).catch(() => {})
  expect(ran).toEqual(['pay x', 'write'])
  return { world, docket, exported: (decode = false) => world.clock.settle(docket.export('o-1', { decode })) }
}

describe('an exported execution', () => {
  test('is replayed: what steps had made stays, and the failed one runs the local code', async () => {
    const { docket, exported } = await failedInProduction()
    const from = throughJson(await exported())
    expect(from.execution).toMatchObject({ id: 'o-1', status: 'failed', queue: 'billing', headers: { tenant: 'a' } })
    await docket.close({ deadline: 0 })
    const ran: string[] = []
    const mended = orders(ran, (paid) => `paid ${paid}`)
    await using local = createTestDocket({ graphs: [mended], from })
    expect(local.now()).toEqual(new Date(from.exportedAt))
    const before = (await (await local.get('o-1'))!.details())!
    expect(before).toMatchObject({ status: 'failed', inputs: { Order: { id: 'x', at } } })
    expect(before.error).toMatchObject({ code: 'STEP_FAILED', cause: { name: 'TypeError', message: 'no template' } })
    expect((await local.why('o-1', 'Write')).code).toBe('step.failed')
    expect(await (await local.retry('o-1')).result()).toBe('paid 30')
    expect(ran).toEqual(['write'])
  })

  test('that has not ended goes on where it was, with its signals and timers', async () => {
    const world = new World()
    const Approval = dataType('Approval', z.string())
    const Later = dataType('Later', z.object({ dueAt: z.date() }))
    const waiting = graph({
      name: 'waiting',
      steps: [
        signal(Approval),
        timer({ name: 'Pause', output: Later, after: '1d' }),
        step({
          name: 'End',
          inputs: { approval: Approval, later: Later },
          output: Receipt,
          run: ({ approval }) => approval,
        }),
      ],
    })
    const docket = world.process({ graphs: [waiting] })
    const handle = await world.clock.settle(docket.start(waiting, Receipt, {}, { id: 'w' }))
    await world.clock.settle(handle.signal(Approval, 'by Ada'))
    await world.clock.advance(3_600_000)
    const from = throughJson(await world.clock.settle(docket.export('w')))
    await world.clock.settle(docket.close({ deadline: 0 }))
    await using local = createTestDocket({ graphs: [waiting], from })
    const begun = local.now().getTime()
    const replayed = (await local.get('w'))!
    expect(await replayed.result()).toBe('by Ada')
    expect(local.now().getTime() - begun).toBe(23 * 3_600_000)
    expect(await replayed.get(Approval)).toBe('by Ada')
  })

  test('of a durable function goes on after what its verbs gave', async () => {
    const world = new World()
    const docket = world.process({ graphs: [talk([], fails)] })
    const handle = await world.clock.settle(docket.startByName('talks', 'Receipt', {}, { id: 't' }))
    await world.clock.settle(handle.result()).catch(() => {})
    const from = throughJson(await world.clock.settle(docket.export('t')))
    expect(from.checkpoints.length).toBeGreaterThan(0)
    await docket.close({ deadline: 0 })
    const calls: string[] = []
    await using local = createTestDocket({ graphs: [talk(calls, () => 'two')], from })
    expect(await (await local.retry('t')).result()).toBe('one two')
  })

  test('of a batch keeps what its items had made', async () => {
    const world = new World()
    const Count = number('Count')
    const summed = (ran: string[], isBroken: boolean) =>
      graph({
        name: 'sums',
        steps: [
          step({
            name: 'Pay',
            inputs: { order: Order },
            output: Charge,
            persist: 'execution',
            run: ({ order }) => {
              ran.push(order.id)
              return { paid: BigInt(order.id) }
            },
          }),
          step({
            name: 'Sum',
            inputs: { charges: all(Charge) },
            output: Count,
            persist: 'execution',
            run: ({ charges }) => {
              if (isBroken) throw new Error('no sum')
              return Number(charges.reduce((sum, { paid }) => sum + paid, 0n))
            },
          }),
        ],
      })
    const broken = summed([], true)
    const docket = world.process({ graphs: [broken] })
    const items = ['1', '2', '3'].map((id) => ({ Order: { id, at } }))
    const handle = await world.clock.settle(docket.startBatch(broken, Count, items, { id: 'b' }))
    await world.clock.settle(handle.result()).catch(() => {})
    const from = throughJson(await world.clock.settle(docket.export('b')))
    await docket.close({ deadline: 0 })
    const ran: string[] = []
    await using local = createTestDocket({ graphs: [summed(ran, false)], from })
    expect(await (await local.retry('b')).result()).toEqual([6, 6, 6])
    expect(ran).toEqual([])
  })

  test('closes what is sensitive: the step that made it runs anew, and closed inputs are given by type', async () => {
    const Secret = dataType('Charge', Charge.schema as z.ZodType<{ paid: bigint }, { paid: bigint }>, {
      sensitive: true,
    })
    const { docket, exported } = await failedInProduction({}, Secret as never)
    const from = throughJson(await exported(true))
    await docket.close({ deadline: 0 })
    expect(from.sensitive).toEqual(['Charge'])
    expect(from.steps.find(({ step: name }) => name === 'Pay')?.['output']).toEqual({ closed: 'sensitive' })
    expect(JSON.stringify(from)).not.toContain('"30"')
    const ran: string[] = []
    await using local = createTestDocket({ graphs: [orders(ran, (paid) => `paid ${paid}`, Secret as never)], from })
    expect(await (await local.retry('o-1')).result()).toBe('paid 30')
    expect(ran).toEqual(['pay x', 'write'])

    const Password = dataType('Password', z.string(), { sensitive: true })
    const logins = graph({
      name: 'logins',
      steps: [
        step({
          name: 'Login',
          inputs: { password: Password },
          output: Receipt,
          run: ({ password }) => `${password.length}`,
        }),
      ],
    })
    const world = new World()
    const production = world.process({ graphs: [logins], work: false })
    await world.clock.settle(production.start(logins, Receipt, { Password: 'hunter2' }, { id: 'l' }))
    await world.clock.settle(production.startBatch(logins, Receipt, [{ Password: 'hunter3' }], { id: 'many' }))
    const [one, many] = [
      await world.clock.settle(production.export('l')),
      await world.clock.settle(production.export('many')),
    ]
    expect(JSON.stringify([one, many])).not.toContain('hunter')
    expect(() => createTestDocket({ graphs: [logins], from: one })).toThrow(
      'has no value of Password, which is sensitive',
    )
    for (const [from, result] of [
      [one, '5'],
      [many, ['5']],
    ] as const) {
      await using replay = createTestDocket({ graphs: [logins], from, values: { Password: 'guess' } })
      expect(await (await replay.get(String(from.execution['id'])))!.result()).toEqual(result)
    }
    await world.clock.settle(production.close({ deadline: 0 }))
  })

  test('keeps what is encrypted encrypted, unless it is decoded on demand', async () => {
    const codecs = [encryption({ keys: { a: Buffer.alloc(32, 7) }, current: 'a' } as never)]
    const { docket, exported } = await failedInProduction({ codecs })
    const sealed = throughJson(await exported())
    const decoded = throughJson(await exported(true))
    await docket.close({ deadline: 0 })
    expect(sealed.execution['inputs']).toMatchObject({ closed: 'encoded' })
    expect(JSON.stringify(sealed)).not.toContain('no template')
    expect(JSON.stringify(decoded)).toContain('no template')
    for (const [from, more] of [
      [sealed, { codecs }],
      [decoded, {}],
    ] as const) {
      const ran: string[] = []
      await using local = createTestDocket({ graphs: [orders(ran, () => 'ok')], from, ...more, work: { billing: 1 } })
      expect(await (await local.retry('o-1')).result()).toBe('ok')
      expect(ran).toEqual(['write'])
    }
    // Without the key, whoever calls says why.
    await using keyless = createTestDocket({ graphs: [orders([], () => 'ok')], from: sealed })
    expect((await errorOf(keyless.get('o-1'))).message).toContain('which is not among the codecs')
  })

  test('is refused where it is none', () => {
    const graphs = [orders([], () => 'ok')]
    for (const from of [{}, { format: 'docket-execution/9' }, { format: 'docket-execution/1', execution: {} }, 7])
      expect(() => createTestDocket({ graphs, from: from as never })).toThrow(/export/)
  })

  test('that was altered since is refused with what is wrong, or replayed with what it says: it never breaks with another error', async () => {
    const [one, two] = await Promise.all([failedInProduction(), exportOfTalk()])
    const exported = [throughJson(await one.exported()), two]
    await one.docket.close({ deadline: 0 })
    const graphs = [orders([], () => 'ok'), talk([], () => 'two')]
    const odd: readonly unknown[] = [undefined, null, -1.5, 'odd', true, [], { json: {} }]
    const broken: string[] = []
    let refused = 0
    for (const document of exported)
      for (const [place, path] of pathsIn(document).entries())
        // All of them in each place are as many seconds as these are tenths; none of those broke either.
        for (const value of [odd[place % odd.length], odd[(place * 2 + 1) % odd.length]]) {
          const from = altered(document, path, value)
          const outcome = await replay(graphs, from)
          if (outcome === 'refused') refused++
          else if (outcome !== 'replayed') broken.push(`${path.join('.')} = ${JSON.stringify(value)}: ${outcome}`)
        }
    expect(broken).toEqual([])
    expect(refused).toBeGreaterThan(100)
  })

  test('has what is wrong with it in the message, all at once', async () => {
    const { docket, exported } = await failedInProduction()
    const from = throughJson(await exported())
    await docket.close({ deadline: 0 })
    const { execution, steps, ...rest } = from
    const wrong = { ...rest, execution: { ...execution, status: 'odd' }, steps: [{ ...steps[0], attempt: 'one' }] }
    expect(() => createTestDocket({ graphs: [], from: wrong as never })).toThrow(
      'the exported execution is damaged: execution.status can’t be "odd"; steps[0].attempt can’t be "one"',
    )
  })

  test('takes no values that are in the place of nothing', async () => {
    const { docket, exported } = await failedInProduction()
    const from = throughJson(await exported())
    await docket.close({ deadline: 0 })
    const graphs = [orders([], () => 'ok')]
    expect(() => createTestDocket({ graphs, from, values: { Ordr: 1 } })).toThrow('is of type "Ordr"; none is closed')
    expect(() => createTestDocket({ graphs, values: { Order: 1 } } as never)).toThrow(
      'values take the place of what is closed',
    )
    expect(() => createTestDocket({ graphs, from, values: 7 as never })).toThrow('values must be an object')
    const inputs = { json: { Order: { $closed: 'sensitive' } } }
    const closed = { ...from, execution: { ...from.execution, inputs } }
    expect(() => createTestDocket({ graphs, from: closed, values: { Ordr: 1 } })).toThrow('did you mean "Order"?')
  })

  test('is of one that is there, and one that is not is a conflict', async () => {
    await using docket = createDocket({ graphs: [orders([], () => 'ok')], store: memoryStore(), work: false })
    expect(await errorOf(docket.export('nobody'))).toMatchObject({ code: 'EXECUTION_CONFLICT' })
    await expect(docket.export('x', { decoded: true } as never)).rejects.toThrow('did you mean "decode"?')
  })
})
