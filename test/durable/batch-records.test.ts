import { describe, expect, test } from 'vitest'
import { all, dataType, graph, GraphError, SerializationError, step, type } from '../../src/index.ts'
import type { Store } from '../../src/core/contracts/store.ts'
import { alteredStore } from './altered-store.ts'
import { World } from './durable-time.ts'

const Row = dataType('Row', type<number>())
const Text = dataType('Text', type<string>())
const Charge = dataType('Charge', type<string>())
const Checked = dataType('Checked', type<string>())
const Sum = dataType('Sum', type<string>())
const Line = dataType('Line', type<string>())

const rows = [1, 2, 3].map((n) => ({ Row: n }))

/** A persisted step for each item, a sum of all, and a slow end that is not persisted. */
function charges(world: World) {
  const charged: number[] = []
  const charge = step({
    name: 'Charge',
    inputs: { row: Row },
    output: Charge,
    persist: 'execution',
    run: ({ row }) => {
      charged.push(row)
      return `c${row}`
    },
  })
  const check = step({
    name: 'Check',
    inputs: { charge: Charge, row: Row },
    output: Checked,
    persist: 'execution',
    run: async ({ charge: text, row }) => {
      if (row === 1) throw new Error('row 1 is broken')
      if (row === 3) await world.clock.sleep(5_000)
      return text
    },
  })
  const sum = step({
    name: 'Sum',
    inputs: { parts: all(Charge) },
    output: Sum,
    persist: 'execution',
    run: ({ parts }) => parts.join('+'),
  })
  const line = step({
    name: 'Line',
    inputs: { sum: Sum, row: Row },
    output: Line,
    run: async ({ sum: text, row }) => {
      if (row === 3) await world.clock.sleep(5_000)
      return `${row} of ${text}`
    },
  })
  return { charged, charge, check, sum, line }
}

describe('a batch that takes all values of a type', () => {
  test('runs no finished step of a finished item again', async () => {
    const world = new World()
    const { charged, charge, sum, line } = charges(world)
    const lines = graph({ name: 'lines', steps: [charge, sum, line] })
    const { docket, die } = world.mortal({ graphs: [lines] })
    await docket.startBatch(lines, Line, rows, { id: 'b' })
    await world.clock.advance(500)
    die()
    const survivor = world.process({ graphs: [lines] })
    const handle = await world.clock.settle(survivor.get('b'))
    expect(await world.clock.settle(handle!.result())).toEqual(rows.map(({ Row: n }) => `${n} of c1+c2+c3`))
    expect(charged).toEqual([1, 2, 3])
  })

  test('leaves an item failed that had failed, and runs none of its steps again', async () => {
    const world = new World()
    const { charged, charge, check } = charges(world)
    const sum = step({
      name: 'Sum',
      inputs: { parts: all(Checked) },
      output: Sum,
      persist: 'execution',
      run: ({ parts }) => parts.join('+'),
    })
    const lines = graph({ name: 'lines', steps: [charge, check, sum] })
    const { docket, die } = world.mortal({ graphs: [lines] })
    await docket.startBatch(lines, Sum, rows, { id: 'b', onError: 'collect' })
    await world.clock.advance(500)
    die()
    const survivor = world.process({ graphs: [lines] })
    const handle = await world.clock.settle(survivor.get('b'))
    expect(await world.clock.settle(handle!.result())).toMatchObject([
      { error: { message: expect.stringContaining('row 1 is broken') } },
      { value: 'c2+c3' },
      { value: 'c2+c3' },
    ])
    expect(charged).toEqual([1, 2, 3])
  })
})

/** Of the type and of the step that ships there may be several versions. */
const shopOf = (world: World, charged: number[], stepVersion: string, typeVersion: string | undefined) => {
  const Shipped = dataType('Shipped', type<string>(), typeVersion === undefined ? {} : { version: typeVersion })
  const charge = step({
    name: 'Charge',
    inputs: { row: Row },
    output: Charge,
    persist: 'execution',
    run: ({ row }) => {
      charged.push(row)
      return `c${row}`
    },
  })
  const ship = step({
    name: 'Ship',
    version: stepVersion,
    inputs: { charge: Charge, row: Row },
    output: Shipped,
    persist: 'execution',
    run: async ({ charge: text, row }) => {
      await world.clock.sleep(row * 1_000)
      return `${text} shipped`
    },
  })
  return { Shipped, shop: graph({ name: 'shop', steps: [charge, ship] }) }
}

describe('a batch whose graph has changed', () => {
  test('goes on with its records as they are where they fit: no migration sees it', async () => {
    const world = new World()
    const charged: number[] = []
    const { shop, Shipped } = shopOf(world, charged, '1', undefined)
    const { docket, die } = world.mortal({ graphs: [shop] })
    await docket.startBatch(shop, Shipped, rows, { id: 'b' })
    await world.clock.advance(500)
    die()
    let seen = 0
    const survivor = world.process({
      graphs: [shopOf(world, charged, '2', undefined).shop],
      migrate: {
        shop: (execution) => {
          seen++
          return { ...execution, steps: {} }
        },
      },
    })
    const handle = await world.clock.settle(survivor.get('b'))
    expect(await world.clock.settle(handle!.result())).toEqual(['c1 shipped', 'c2 shipped', 'c3 shipped'])
    expect(charged).toEqual([1, 2, 3])
    expect(seen).toBe(0)
  })

  test('is reported as incompatible where they don’t fit', async () => {
    const world = new World()
    const { shop, Shipped } = shopOf(world, [], '1', undefined)
    const { docket, die } = world.mortal({ graphs: [shop] })
    await docket.startBatch(shop, Shipped, rows, { id: 'b' })
    await world.clock.advance(1_500)
    die()
    const survivor = world.process({
      graphs: [shopOf(world, [], '1', '2').shop],
      migrate: { shop: (execution) => execution },
    })
    await world.clock.advance(20_000)
    const { executions } = await world.clock.settle(survivor.list())
    expect(executions).toMatchObject([
      { status: 'running', incompatible: [expect.stringContaining('made version (none) of "Shipped"')] },
    ])
  })
})

/** A step that fails for row 2, perhaps with a fallback. */
const textsWith = (fallback: boolean) =>
  graph({
    name: 'texts',
    steps: [
      step({
        name: 'Tell',
        inputs: { row: Row },
        output: Text,
        persist: 'execution',
        ...(fallback && { fallback: 'nothing' }),
        run: ({ row }) => {
          if (row === 2) throw new Error('broken')
          return `row ${row}`
        },
      }),
    ],
  })

describe('the results of a completed batch', () => {
  test('are there where a value falls back', async () => {
    const world = new World()
    const texts = textsWith(true)
    const docket = world.process({ graphs: [texts] })
    const batch = await docket.startBatch(texts, Text, rows, { id: 'b' })
    expect(await world.clock.settle(batch.result())).toEqual(['row 1', 'nothing', 'row 3'])
    const other = await world.clock.settle(world.process({ graphs: [texts] }).get('b'))
    expect(await world.clock.settle(other!.result())).toEqual(['row 1', 'nothing', 'row 3'])
  })

  test('are there where the target is overridden, and its overrides are those of its id', async () => {
    const world = new World()
    const texts = textsWith(false)
    const docket = world.process({ graphs: [texts] })
    const start = (text: string) =>
      docket.startBatch(texts, Text, [{ Row: 1 }, { Row: 2 }], { id: 'b', overrides: { Text: text } as never })
    expect(await world.clock.settle((await start('given')).result())).toEqual(['given', 'given'])
    const other = await world.clock.settle(world.process({ graphs: [texts] }).get('b'))
    expect(await world.clock.settle(other!.result())).toEqual(['given', 'given'])
    await expect(start('another')).rejects.toMatchObject({ code: 'EXECUTION_CONFLICT' })
  })

  test('are those of its last life', async () => {
    const world = new World()
    let isBroken = true
    const tell = step({
      name: 'Tell',
      inputs: { row: Row },
      output: Text,
      persist: 'execution',
      run: async ({ row }) => {
        if (row === 3) await world.clock.sleep(60_000)
        if (row === 2 && isBroken) throw new Error('broken')
        return `row ${row}`
      },
    })
    const texts = graph({ name: 'texts', steps: [tell] })
    const docket = world.process({ graphs: [texts] })
    const batch = await docket.startBatch(texts, Text, rows, { id: 'b', onError: 'collect' })
    await world.clock.advance(1_000)
    await world.clock.settle(batch.cancel())
    isBroken = false
    const again = await world.clock.settle(docket.startBatch(texts, Text, rows, { id: 'b', onError: 'collect' }))
    const values = ['row 1', 'row 2', 'row 3'].map((value) => ({ value }))
    await world.clock.advance(70_000)
    expect(await world.clock.settle(again.result())).toEqual(values)
    const other = await world.clock.settle(world.process({ graphs: [texts] }).get('b'))
    expect(await world.clock.settle(other!.result())).toEqual(values)
  })

  test('name the item whose result is not there', async () => {
    const world = new World()
    const texts = textsWith(true)
    const docket = world.process({ graphs: [texts] })
    const batch = await docket.startBatch(texts, Text, rows, { id: 'b', key: ({ Row: n }) => `row-${n}` })
    await world.clock.settle(batch.result())
    const without = (lost: string, item?: string): Store =>
      alteredStore(world.store, async (method, ask) => {
        const answer = await ask()
        if (method !== 'readSteps') return answer
        const page = answer as Awaited<ReturnType<Store['readSteps']>>
        return { ...page, steps: page.steps.filter((one) => one.step !== lost || (item ?? one.item) !== one.item) }
      })
    const resultWith = async (store: Store): Promise<unknown> => {
      const other = await world.clock.settle(world.process({ graphs: [texts], store }).get('b'))
      return world.clock.settle(other!.result()).catch((error: unknown) => error)
    }
    const missing = await resultWith(without('Tell', 'row-3'))
    expect(missing).toBeInstanceOf(SerializationError)
    expect(String(missing)).toContain('batch "b" is damaged: the result of its item "row-3" is not there')
    expect(String(await resultWith(without('$items')))).toContain('only 0 of its 3 items are there')
  })
})

describe('what is reported of a batch', () => {
  test('are its steps and what was given once, not how it is kept', async () => {
    const world = new World()
    const Unit = dataType('Unit', type<string>())
    const tell = step({
      name: 'Tell',
      inputs: { row: Row, unit: Unit },
      output: Text,
      persist: 'execution',
      run: ({ row, unit }) => `${row} ${unit}`,
    })
    const show = step({ name: 'Show', inputs: { text: Text }, output: Line, run: ({ text }) => `<${text}>` })
    const lines = graph({ name: 'lines', steps: [tell, show] })
    const docket = world.process({ graphs: [lines] })
    const batch = await docket.startBatch(lines, Line, rows, { id: 'b', shared: { Unit: 'kg' } })
    expect(await world.clock.settle(batch.result())).toEqual(['<1 kg>', '<2 kg>', '<3 kg>'])
    const { steps, inputs } = await batch.details()
    expect(steps.map(({ step: name, item }) => `${name} ${item}`)).toEqual(['Tell 0', 'Tell 1', 'Tell 2'])
    expect(inputs).toEqual({ Unit: 'kg' })
    expect((await docket.list()).executions).toMatchObject([{ id: 'b', inputs: { Unit: 'kg' }, incompatible: [] }])
  })

  test('has names that no step can have', () => {
    const named = step({ name: '$item', inputs: { row: Row }, output: Text, run: () => '' })
    const make = (): unknown => graph({ name: 'reserved', steps: [named] })
    expect(make).toThrow(GraphError)
    expect(make).toThrow('step "$item": names that begin with "$" are reserved')
  })
})
