import { describe, expect, test } from 'vitest'
import { dataType, execute, explain, graph, OptionError, step, type } from '../../../src/index.ts'
import { VirtualClock } from '../../../src/testing/virtual-clock.ts'

const Id = dataType('Id', type<number>())
const Loaded = dataType('Loaded', type<number>())
const Charged = dataType('Charged', type<string>())
const Receipt = dataType('Receipt', type<string>())

const load = step({ name: 'Load', inputs: { id: Id }, output: Loaded, run: ({ id }) => id * 2 })

describe('what explain shows of remembered results', () => {
  test('a global result is cached until it expires by the given clock', async () => {
    const clock = new VirtualClock()
    const cachedLoad = step({
      name: 'Load',
      inputs: { id: Id },
      output: Loaded,
      persist: { scope: 'global', ttl: '1m' },
      run: ({ id }) => id * 2,
    })
    const loads = graph({ name: 'explain-ttl', steps: [cachedLoad] })
    const will = (id: number) => explain(loads, Loaded, { Id: id }, { clock }).steps[0]!.will
    expect(will(1)).toBe('run')
    await clock.settle(execute(loads, Loaded, { Id: 1 }, { clock }))
    expect([will(1), will(2)]).toEqual(['cached', 'run'])
    await clock.advance(60_000)
    expect(will(1)).toBe('run')
  })

  test('a result of scope execution counts for its id only, whatever the steps before it would make', async () => {
    const charge = step({
      name: 'Charge',
      inputs: { loaded: Loaded },
      output: Charged,
      persist: 'execution',
      run: ({ loaded }) => `paid ${loaded}`,
    })
    const receipt = step({
      name: 'Print',
      inputs: { charged: Charged },
      output: Receipt,
      run: ({ charged }) => `${charged}!`,
    })
    const orders = graph({ name: 'explain-execution-scope', steps: [load, charge, receipt] })
    const will = (options: { id?: string }) =>
      explain(orders, Receipt, { Id: 1 }, options).steps.map((each) => each.will)
    await execute(orders, Receipt, { Id: 1 }, { id: 'order-1' })
    expect(will({ id: 'order-1' })).toEqual(['run', 'cached', 'run'])
    expect(will({ id: 'order-2' })).toEqual(['run', 'run', 'run'])
    expect(will({})).toEqual(['run', 'run', 'run'])
  })

  test('a global result is unknown while its inputs are', () => {
    const price = step({
      name: 'Charge',
      inputs: { loaded: Loaded },
      output: Charged,
      persist: 'global',
      run: ({ loaded }) => `${loaded}`,
    })
    const plan = explain(graph({ name: 'explain-unknown', steps: [load, price] }), Charged, { Id: 1 })
    expect(plan.steps.map((each) => each.will)).toEqual(['run', 'unknown'])
  })

  test('an unknown option is refused', () => {
    const loads = graph({ name: 'explain-options', steps: [load] })
    expect(() => explain(loads, Loaded, { Id: 1 }, { ids: 'x' } as never)).toThrow(OptionError)
  })
})
