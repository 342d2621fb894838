import { describe, expect, onTestFinished, test } from 'vitest'
import { createDocket, dataType, graph, step, type } from '../../src/index.ts'
import type { Docket, StepContext, Store } from '../../src/index.ts'
import type { AnyGraph } from '../../src/core/graph/graph-index.ts'
import { storePlaces } from './store-places.ts'

const { sqlStores, redisStores } = await storePlaces()

interface Call {
  readonly step: string
  readonly key: string
}

const Order = dataType('Order', type<number>())
const Purchase = dataType('Purchase', type<number>(), { formerly: 'Order' })
const Rate = dataType('Rate', type<number>())
const Payment = dataType('Payment', type<number>())

const persist = 'execution'
const retry = { maxAttempts: 3 }

const stopped = ({ signal }: StepContext): Promise<number> =>
  new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)))

/** Order → Rate, for everybody; both → Payment, which hangs here. */
function before(calls: Call[]) {
  const note = (_: unknown, context: StepContext): number =>
    calls.push({ step: context.stepName, key: context.idempotencyKey })
  return graph({
    name: 'orders',
    steps: [
      step({ name: 'Rate', inputs: { order: Order }, output: Rate, persist: 'global', run: note }),
      step({
        name: 'Pay',
        inputs: { order: Order, rate: Rate },
        output: Payment,
        persist,
        retry,
        run: (given, context) => {
          note(given, context)
          return stopped(context)
        },
      }),
    ],
  })
}

/** The same under other names. */
function after(calls: Call[]) {
  const note = (_: unknown, context: StepContext): number =>
    calls.push({ step: context.stepName, key: context.idempotencyKey })
  return graph({
    name: 'purchases',
    formerly: 'orders',
    steps: [
      step({
        name: 'FindRate',
        formerly: 'Rate',
        inputs: { order: Purchase },
        output: Rate,
        persist: 'global',
        run: note,
      }),
      step({
        name: 'Charge',
        formerly: 'Pay',
        inputs: { order: Purchase, rate: Rate },
        output: Payment,
        persist,
        retry,
        run: (given, context) => {
          note(given, context)
          return given.order * 100 + given.rate
        },
      }),
    ],
  })
}

function docketOn(store: Store, declared: AnyGraph, takeOver?: boolean): Docket {
  const docket = createDocket({ graphs: [declared], store, takeOver })
  onTestFinished(() => docket.close({ deadline: 0 }))
  return docket
}

describe.each([...sqlStores, ...redisStores])('on %s', (_, newPlace) => {
  test('executions, batches and global results are found under new names, and keep their keys', async () => {
    const newStore = newPlace()
    const calls: Call[] = []
    const old = before(calls)
    const first = docketOn(newStore(), old)
    await first.start(old, Payment, { Order: 1 }, { id: 'one' })
    await first.startBatch(old, Payment, [{ Order: 1 }, { Order: 2 }], { id: 'batch' })
    await expect.poll(() => calls.filter(({ step: name }) => name === 'Pay').length).toBe(3)
    await first.close({ deadline: 0 })
    expect(calls.filter(({ step: name }) => name === 'Rate')).toHaveLength(2)

    const now = after(calls)
    const second = docketOn(newStore(), now, false)
    const listed = (await second.list({ graph: 'purchases' })).executions
    expect(listed.map(({ id }) => id).toSorted()).toEqual(['batch', 'one'])
    expect(listed.find(({ id }) => id === 'one')).toMatchObject({ graph: 'purchases', inputs: { Purchase: 1 } })
    const one = await second.execute(now, Payment, { Purchase: 1 }, { id: 'one' })
    expect(one).toBeGreaterThan(100)
    const batch = await second.startBatch(now, Payment, [{ Purchase: 1 }, { Purchase: 2 }], { id: 'batch' })
    expect(await batch.result()).toEqual([one, expect.toSatisfy((value: number) => value > 200)])
    expect(await second.execute(now, Payment, { Purchase: 2 })).toBeGreaterThan(200)

    const rest = calls.filter(({ step: name }) => name !== 'Rate')
    expect(new Set(rest.map(({ step: name }) => name))).toEqual(new Set(['Pay', 'Charge']))
    expect(rest).toHaveLength(7)
    // That of the last execution is the only one that the old version did not know.
    expect(new Set(rest.map(({ key }) => key)).size).toBe(4)
    const { steps } = await (await second.get('one'))!.details()
    expect(steps.map((info) => info.step).toSorted()).toEqual(['Charge', 'FindRate'])
    expect(steps.find((info) => info.step === 'Charge')).toMatchObject({ status: 'completed', output: one })
  })
})
