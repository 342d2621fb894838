import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { encryption } from '../../src/codecs/index.ts'
import { dataType, durableStep, event, eventType, fixed, graph, signal, step, type } from '../../src/index.ts'
import type { Docket } from '../../src/index.ts'
import { expectNoUnhandledErrors } from '../loose-api.ts'
import { World } from './durable-time.ts'

expectNoUnhandledErrors()

const Order = dataType('Order', type<string>())
const Payment = dataType('Payment', type<string>())
const Approval = dataType('Approval', type<string>())
const Delivered = eventType('Delivered', type<string>())
const Parcel = dataType('Parcel', type<string>())
const Label = dataType('Label', type<string>())
const Receipt = dataType('Receipt', type<string>())

const orders = graph({
  name: 'orders',
  steps: [
    step({ name: 'Pay', inputs: { order: Order }, output: Payment, persist: 'execution', run: ({ order }) => order }),
    signal(Approval),
    event(Delivered, { inputs: { order: Order }, key: ({ order }) => order, output: Parcel }),
    step({
      name: 'Print',
      inputs: { order: Order },
      output: Label,
      persist: 'execution',
      retry: { maxAttempts: 2, backoff: fixed('1h') },
      run: () => {
        throw new Error('out of paper')
      },
    }),
    step({
      name: 'Ship',
      inputs: { payment: Payment, approval: Approval, parcel: Parcel, label: Label },
      output: Receipt,
      run: () => 'shipped',
    }),
  ],
})

const codecsOf = (key: Buffer) => [encryption({ keys: { a: key }, current: 'a', hashKey: Buffer.alloc(32, 1) })]

/** Executions in all the states that values say something of, with values that are encrypted. */
async function encrypted() {
  const world = new World()
  const docket = world.process({ graphs: [orders], codecs: codecsOf(randomBytes(32)) })
  await world.clock.settle(docket.start(orders, Receipt, { Order: 'o' }, { id: 'one' }))
  await world.clock.settle(docket.startBatch(orders, Receipt, [{ Order: 'o' }], { id: 'batch', onError: 'collect' }))
  await world.clock.advance(1_000)
  const stepsOf = async (by: Docket, id: string): Promise<Record<string, string>> => {
    const { steps } = await world.clock.settle((await world.clock.settle(by.get(id)))!.details())
    return Object.fromEntries(
      steps.map(({ step: name, status, waitsFor }) => [name, `${status} ${waitsFor?.kind ?? ''}`]),
    )
  }
  return { world, docket, stepsOf }
}

const onRecord = {
  Pay: 'completed ',
  Approval: 'waiting signal',
  Print: 'retrying retry',
}

test('details show of values that can’t be read that they can’t, and all else, without the graph', async () => {
  const { world, docket, stepsOf } = await encrypted()
  const onlooker = world.process({ graphs: [], takeOver: false })
  // Under which key an event is waited for is encrypted, too.
  expect(await stepsOf(onlooker, 'one')).toEqual({ ...onRecord, Parcel: 'waiting ' })
  // Which items there are is encrypted.
  await expect(stepsOf(onlooker, 'batch')).rejects.toThrow('can’t read the inputs of execution "batch"')
  const details = await world.clock.settle((await world.clock.settle(onlooker.get('one')))!.details())
  expect(details).toMatchObject({ status: 'waiting', inputs: {}, output: undefined })
  expect(details.incompatible).toEqual(
    expect.arrayContaining([
      expect.stringMatching(/can’t read the inputs of execution "one": it was written by a codec "encryption"/),
      expect.stringMatching(/can’t read the output of step "Pay" of execution "one"/),
      expect.stringMatching(/can’t read the error of step "Print" of execution "one"/),
    ]),
  )
  const printed = details.steps.find((one) => one.step === 'Print')!
  expect(printed).toMatchObject({ attempt: 1, error: undefined, dueAt: expect.any(Date) })
  expect(await world.clock.settle(onlooker.why('one', 'Pay'))).toMatchObject({ code: 'step.completed' })
  const ofOwner = await world.clock.settle((await world.clock.settle(docket.get('one')))!.details())
  expect(ofOwner).toMatchObject({ inputs: { Order: 'o' }, incompatible: [] })
  for (const one of [docket, onlooker]) await world.clock.settle(one.close({ deadline: 0 }))
})

test('and with the graph and another key; nothing says then that another version of the graph is wanted', async () => {
  const { world, docket, stepsOf } = await encrypted()
  await world.clock.settle(docket.close({ deadline: 0 }))
  const other = world.process({ graphs: [orders], codecs: codecsOf(randomBytes(32)), takeOver: false })
  expect(await stepsOf(other, 'one')).toMatchObject(onRecord)
  const { situation, incompatible } = await world.clock.settle((await world.clock.settle(other.get('one')))!.details())
  expect(situation).toMatch(/this docket can't go on with it \(.*it can’t be decrypted with the key "a"/)
  expect(incompatible.join()).toMatch(/the inputs of execution "one".*the output of step "Pay"/)
  const onlooker = world.process({ graphs: [], takeOver: false })
  expect((await world.clock.settle(onlooker.why('one'))).text).not.toMatch(/version of graph|formerly/)
  for (const one of [other, onlooker]) await world.clock.settle(one.close({ deadline: 0 }))
})

test('and of verbs of durable functions, whose values can’t be read either, with the graph and another key', async () => {
  const world = new World()
  const call = durableStep({
    name: 'Call',
    inputs: { order: Order },
    output: Receipt,
    run: async ({ order }, ctx) => {
      await ctx.step('ask', () => `answer of ${order}`)
      await ctx.step('fail', () => Promise.reject(new Error('no'))).catch(() => {})
      await ctx.sleep('1h')
      return 'done'
    },
  })
  const calling = graph({ name: 'calling', steps: [call] })
  const docket = world.process({ graphs: [calling], codecs: codecsOf(randomBytes(32)) })
  await world.clock.settle(docket.start(calling, Receipt, { Order: 'o' }, { id: 'one' }))
  await world.clock.advance(1_000)
  const other = world.process({ graphs: [calling], codecs: codecsOf(randomBytes(32)), takeOver: false })
  const handle = (await world.clock.settle(other.get('one')))!
  const { steps, incompatible } = await world.clock.settle(handle.details())
  const shown = steps[0]!.checkpoints?.map(({ kind, status, value }) => [kind, status, value] as const)
  expect(shown?.toSorted(([one], [other]) => one.localeCompare(other))).toEqual([
    ['sleep', 'open', undefined],
    ['step', 'completed', undefined],
    ['step', 'failed', undefined],
  ])
  expect(incompatible.join()).toContain('the inputs of execution "one"')
  expect((await world.clock.settle(handle.why())).text).toContain('execution "one"')
  for (const one of [docket, other]) await world.clock.settle(one.close({ deadline: 0 }))
})
