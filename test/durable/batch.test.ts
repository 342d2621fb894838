import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { all, dataType, ExecutionConflictError, graph, InputError, OptionError, step, type } from '../../src/index.ts'
import { World } from './durable-time.ts'

const Row = dataType('Row', z.object({ n: z.number() }))
const Doubled = dataType('Doubled', type<number>())
const Shown = dataType('Shown', type<string>())
const Sum = dataType('Sum', type<number>())
const Total = dataType('Total', type<string>())

function works(world: World) {
  const calls: number[] = []
  const faults = new Map<number, number>()
  const double = step({
    name: 'Double',
    inputs: { row: Row },
    output: Doubled,
    persist: 'execution',
    run: async ({ row }) => {
      await world.clock.sleep(100)
      calls.push(row.n)
      const left = faults.get(row.n) ?? 0
      faults.set(row.n, left - 1)
      if (left > 0) throw new Error(`row ${row.n} is broken`)
      return row.n * 2
    },
  })
  const show = step({ name: 'Show', inputs: { n: Doubled }, output: Shown, run: ({ n }) => `<${n}>` })
  const sum = step({
    name: 'Sum',
    inputs: { all: all(Doubled) },
    output: Sum,
    persist: 'execution',
    run: ({ all: values }) => values.reduce((total, value) => total + value, 0),
  })
  return { calls, faults, rows: graph({ name: 'rows', steps: [double, show, sum] }) }
}

const items = [1, 2, 3, 4, 5].map((n) => ({ Row: { n } }))

describe('a durable batch', () => {
  test('gives its results in the items’ order, here and in another process', async () => {
    const world = new World()
    const { rows, calls } = works(world)
    const docket = world.process({ graphs: [rows] })
    const batch = await docket.startBatch(rows, Shown, items, { id: 'b' })
    expect(await world.clock.settle(batch.result())).toEqual(['<2>', '<4>', '<6>', '<8>', '<10>'])
    const other = world.process({ graphs: [rows] })
    const again = await other.startBatch(rows, Shown, items, { id: 'b' })
    expect(await world.clock.settle(again.result())).toEqual(['<2>', '<4>', '<6>', '<8>', '<10>'])
    expect(calls).toHaveLength(5)
  })

  test('of no items completes at once', async () => {
    const world = new World()
    const { rows } = works(world)
    const docket = world.process({ graphs: [rows] })
    const batch = await docket.startBatch(rows, Shown, [], { id: 'b' })
    expect(await world.clock.settle(batch.result())).toEqual([])
  })

  test('goes on where its process died: items that were done are not done again', async () => {
    const world = new World()
    const { rows, calls } = works(world)
    const { docket, die } = world.mortal({ graphs: [rows] })
    await docket.startBatch(rows, Shown, items, { id: 'b', concurrency: 2, key: (item) => `row-${item.Row.n}` })
    await world.clock.advance(250)
    expect(calls).toEqual([1, 2, 3, 4])
    die()
    const survivor = world.process({ graphs: [rows] })
    await world.clock.advance(6_000)
    const handle = await survivor.get('b')
    expect(await world.clock.settle(handle!.result())).toEqual(['<2>', '<4>', '<6>', '<8>', '<10>'])
    expect(calls.filter((n) => n === 1)).toHaveLength(1)
    expect(calls.filter((n) => n === 2)).toHaveLength(1)
    const { steps } = await handle!.details()
    expect(steps.filter(({ step: name }) => name === 'Double').map(({ item }) => item)).toEqual([
      'row-1',
      'row-2',
      'row-3',
      'row-4',
      'row-5',
    ])
  })

  test('with a step that takes all items goes on, too', async () => {
    const world = new World()
    const { rows, calls } = works(world)
    const { docket, die } = world.mortal({ graphs: [rows] })
    await docket.startBatch(rows, Sum, items, { id: 'b', concurrency: 2 })
    await world.clock.advance(150)
    die()
    const survivor = world.process({ graphs: [rows] })
    await world.clock.advance(6_000)
    const handle = await survivor.get('b')
    expect(await world.clock.settle(handle!.result())).toEqual([30, 30, 30, 30, 30])
    expect(calls.filter((n) => n <= 2)).toEqual([1, 2])
  })

  test('that collects reports each failure, and keeps it through a restart', async () => {
    const world = new World()
    const { rows, faults } = works(world)
    faults.set(3, 1)
    const docket = world.process({ graphs: [rows] })
    const batch = await docket.startBatch(rows, Shown, items, { id: 'b', onError: 'collect' })
    const results = await world.clock.settle(batch.result())
    expect(results.map((outcome) => ('value' in outcome ? outcome.value : String(outcome.error)))).toEqual([
      '<2>',
      '<4>',
      expect.stringContaining('row 3 is broken'),
      '<8>',
      '<10>',
    ])
    const other = await world.process({ graphs: [rows] }).get('b')
    const same = (await world.clock.settle(other!.result())) as typeof results
    expect(same.map((outcome) => 'value' in outcome)).toEqual([true, true, false, true, true])
  })

  test('that failed tries the failed item again when it is started again', async () => {
    const world = new World()
    const { rows, calls, faults } = works(world)
    faults.set(5, 1)
    const docket = world.process({ graphs: [rows] })
    const batch = await docket.startBatch(rows, Shown, items, { id: 'b', concurrency: 1 })
    await expect(world.clock.settle(batch.result())).rejects.toThrow('row 5 is broken')
    const again = await docket.startBatch(rows, Shown, items, { id: 'b', concurrency: 1 })
    expect(await world.clock.settle(again.result())).toEqual(['<2>', '<4>', '<6>', '<8>', '<10>'])
    expect(calls).toEqual([1, 2, 3, 4, 5, 5])
  })

  test('refuses its id to other items, and keys that are not distinct', async () => {
    const world = new World()
    const { rows } = works(world)
    const docket = world.process({ graphs: [rows] })
    await docket.startBatch(rows, Shown, items, { id: 'b' })
    await expect(docket.startBatch(rows, Shown, items.slice(1), { id: 'b' })).rejects.toThrow(ExecutionConflictError)
    await expect(docket.startBatch(rows, Shown, items, { key: () => 'same' })).rejects.toThrow(OptionError)
  })

  test('with an item that does not fit is not written down', async () => {
    const world = new World()
    const { rows } = works(world)
    const docket = world.process({ graphs: [rows] })
    const wrong = [...items, { Row: { n: 'six' } }] as never
    await expect(docket.startBatch(rows, Shown, wrong, { id: 'b' })).rejects.toThrow(InputError)
    expect((await docket.list()).executions).toEqual([])
  })

  test('whose items all come to the same keeps that once', async () => {
    const world = new World()
    const { rows } = works(world)
    const total = step({ name: 'Total', inputs: { sum: Sum }, output: Total, run: ({ sum: n }) => `total ${n}` })
    const totals = graph({ name: 'totals', steps: [...rows.steps, total] })
    const docket = world.process({ graphs: [totals] })
    const batch = await docket.startBatch(totals, Total, items, { id: 'b' })
    expect(await world.clock.settle(batch.result())).toEqual(Array.from({ length: 5 }, () => 'total 30'))
    const other = await world.process({ graphs: [totals] }).get('b')
    expect(await world.clock.settle(other!.result())).toEqual(Array.from({ length: 5 }, () => 'total 30'))
    const { steps } = await world.store.readSteps(['b'])
    expect(steps.filter(({ output }) => output === '"total 30"')).toHaveLength(1)
  })

  test('is handed over on close, and goes on elsewhere', async () => {
    const world = new World()
    const { rows, calls } = works(world)
    const first = world.process({ graphs: [rows] })
    await first.startBatch(rows, Shown, items, { id: 'b', concurrency: 1 })
    await world.clock.advance(150)
    const second = world.process({ graphs: [rows] })
    await world.clock.settle(first.close())
    const handle = await second.get('b')
    expect(await world.clock.settle(handle!.result())).toEqual(['<2>', '<4>', '<6>', '<8>', '<10>'])
    expect(calls).toEqual([1, 2, 3, 4, 5])
  })
})
