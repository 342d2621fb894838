import { describe, expect, test } from 'vitest'
import {
  all,
  dataType,
  execute,
  executeBatch,
  graph,
  GraphError,
  optional,
  step,
  streamBatch,
  type,
} from '../../../src/index.ts'
import { VirtualTime } from '../virtual-time.ts'

const Id = dataType('Id', type<number>())
const Scale = dataType('Scale', type<number>())
const Made = dataType('Made', type<number>())
const Total = dataType('Total', type<number>())
const Share = dataType('Share', type<number>())
const Rank = dataType('Rank', type<number>())

const ids = (...numbers: readonly number[]) => numbers.map((Id) => ({ Id }))
const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0)

/** Id → Made → Total over all → Share of each; tells what has happened. */
function shares(clock: VirtualTime, msOf: (id: number) => number = () => 1) {
  const log: string[] = []
  const make = step({
    name: 'Make',
    inputs: { id: Id },
    output: Made,
    run: async ({ id }) => {
      await clock.sleep(msOf(id))
      if (id < 0) throw new Error(`no ${id}`)
      log.push(`made ${id}`)
      return id
    },
  })
  const total = step({
    name: 'Total',
    inputs: { made: all(Made) },
    output: Total,
    run: ({ made }, { item, failedItems }) => {
      log.push(`total of ${made.join(' ')}, item ${item}, ${failedItems} failed`)
      return sum(made)
    },
  })
  const share = step({
    name: 'Share',
    inputs: { made: Made, total: Total },
    output: Share,
    run: ({ made, total }) => {
      log.push(`share of ${made}`)
      return made / total
    },
  })
  return { graph: graph({ name: 'shares', steps: [make, total, share] }), log }
}

describe('a step with an all(T) port', () => {
  test('runs once, when all items have made T, gets the values in their order, and shares what it makes', async () => {
    const clock = new VirtualTime()
    const { graph, log } = shares(clock, (id) => 100 - id)
    const batch = executeBatch(graph, Share, ids(1, 2, 5), { clock })
    expect(await clock.settle(batch)).toEqual([1 / 8, 2 / 8, 5 / 8])
    expect(log.slice(0, 4)).toEqual(['made 5', 'made 2', 'made 1', 'total of 1 2 5, item undefined, 0 failed'])
    expect(log.slice(4).sort()).toEqual(['share of 1', 'share of 2', 'share of 5'])
  })

  test('is the only barrier: steps that do not need it run ahead', async () => {
    const clock = new VirtualTime()
    const log: string[] = []
    const tell = async (text: string, ms: number): Promise<number> => {
      await clock.sleep(ms)
      log.push(text)
      return ms
    }
    const make = step({ name: 'Make', inputs: { id: Id }, output: Made, run: ({ id }) => tell(`made ${id}`, id) })
    const rank = step({
      name: 'Rank',
      inputs: { made: Made },
      output: Rank,
      run: ({ made }) => tell(`ranked ${made}`, 5),
    })
    const total = step({
      name: 'Total',
      inputs: { made: all(Made) },
      output: Total,
      run: ({ made }) => tell('total', made.length),
    })
    const share = step({
      name: 'Share',
      inputs: { rank: Rank, total: Total },
      output: Share,
      run: ({ rank, total }) => rank + total,
    })
    const ahead = graph({ name: 'ahead', steps: [make, rank, total, share] })
    expect(await clock.settle(executeBatch(ahead, Share, ids(10, 100), { clock }))).toEqual([7, 7])
    expect(log).toEqual(['made 10', 'ranked 10', 'made 100', 'total', 'ranked 100'])
  })

  test('may be the target, which is then the same for every item', async () => {
    const { graph } = shares(new VirtualTime())
    const withTotal = executeBatch(graph, Total, [{}, {}, {}], { overrides: { Made: 2 } })
    expect(await withTotal).toEqual([6, 6, 6])
  })

  test('takes a leaf type of the items', async () => {
    const total = step({ name: 'Total', inputs: { ids: all(Id) }, output: Total, run: ({ ids }) => sum(ids) })
    const share = step({
      name: 'Share',
      inputs: { id: Id, total: Total },
      output: Share,
      run: ({ id, total }) => id / total,
    })
    const leaves = graph({ name: 'leaves', steps: [total, share] })
    expect(await executeBatch(leaves, Share, ids(1, 3))).toEqual([0.25, 0.75])
    expect(await executeBatch(leaves, Total, ids(1, 3))).toEqual([4, 4])
  })

  test('gets as many equal values as there are items of a type that is shared', async () => {
    const base = step({ name: 'Base', inputs: { scale: Scale }, output: Made, run: ({ scale }) => scale * 10 })
    const total = step({
      name: 'Total',
      inputs: { made: all(Made), scale: all(Scale) },
      output: Total,
      run: ({ made, scale }) => sum(made) + sum(scale),
    })
    const share = step({
      name: 'Share',
      inputs: { id: Id, total: Total },
      output: Share,
      run: ({ id, total }) => id + total,
    })
    const copies = graph({ name: 'copies', steps: [base, total, share] })
    expect(await executeBatch(copies, Share, ids(1, 2, 3), { shared: { Scale: 2 } })).toEqual([67, 68, 69])
  })

  test('may follow another one: its all(T) holds one value for each item', async () => {
    const total = step({ name: 'Total', inputs: { ids: all(Id) }, output: Total, run: ({ ids }) => sum(ids) })
    const rank = step({
      name: 'Rank',
      inputs: { totals: all(Total), one: Total },
      output: Rank,
      run: ({ totals, one }) => sum(totals) + one,
    })
    const share = step({
      name: 'Share',
      inputs: { id: Id, rank: Rank },
      output: Share,
      run: ({ id, rank }) => id + rank,
    })
    const chained = graph({ name: 'chained', steps: [total, rank, share] })
    expect(await executeBatch(chained, Share, ids(1, 2))).toEqual([10, 11])
    expect(await execute(chained, Share, { Id: 5 }), 'a batch of one').toBe(15)
  })

  test('may follow steps of the items that follow another one', async () => {
    const total = step({ name: 'Total', inputs: { ids: all(Id) }, output: Total, run: ({ ids }) => sum(ids) })
    const share = step({
      name: 'Share',
      inputs: { id: Id, total: Total },
      output: Share,
      run: ({ id, total }) => id / total,
    })
    const most = step({
      name: 'Most',
      inputs: { shares: all(Share) },
      output: Made,
      run: ({ shares }) => Math.max(...shares),
    })
    const rank = step({
      name: 'Rank',
      inputs: { share: Share, most: Made },
      output: Rank,
      run: ({ share, most }) => share / most,
    })
    const twice = graph({ name: 'twice', steps: [total, share, most, rank] })
    expect(await executeBatch(twice, Rank, ids(1, 2, 5))).toEqual([0.2, 0.4, 1])
  })

  test('under execute gets an array of the one value', async () => {
    const { graph } = shares(new VirtualTime())
    expect(await execute(graph, Share, { Id: 3 }, { overrides: { Made: 3 } })).toBe(1)
  })

  test('gets an overriding value as often as there are items', async () => {
    const clock = new VirtualTime()
    const { graph, log } = shares(clock)
    const batch = executeBatch(graph, Share, [{}, {}], { clock, overrides: { Made: 7 } })
    expect(await clock.settle(batch)).toEqual([0.5, 0.5])
    expect(log.filter((line) => line.startsWith('made'))).toEqual([])
  })

  test('does not run when its own type is overridden, nor does what only it needs', async () => {
    const clock = new VirtualTime()
    const { graph, log } = shares(clock)
    const batch = executeBatch(graph, Total, [{}, {}] as never, { clock, overrides: { Total: 9 } as never })
    expect(await clock.settle(batch)).toEqual([9, 9])
    expect(log).toEqual([])
  })

  test.each([
    [
      'a leaf input of the items',
      { id: Id },
      [],
      /input "id" \("Id"\) differs from item to item; give "Id" once in shared, or take it as all\(Id\)/,
    ],
    [
      'what a step makes of an item',
      { id: Made },
      [step({ name: 'Make', inputs: { id: Id }, output: Made, run: ({ id }) => id })],
      /input "id" \("Made"\) differs from item to item; take it as all\(Made\) too/,
    ],
  ])('is an error with another port that takes %s', async (_, port, more, message) => {
    const total = step({ name: 'Total', inputs: { ids: all(Id), ...port }, output: Total, run: ({ ids }) => sum(ids) })
    const mixed = graph({ name: 'mixed', steps: [total, ...more] as never }) as never
    const error = await executeBatch(mixed, Total as never, ids(1) as never).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(GraphError)
    expect((error as Error).message).toMatch(message)
    expect((error as Error).message).toContain('step "Total" runs once for the whole batch')
  })

  test('may have another port that takes a shared leaf input', async () => {
    const total = step({
      name: 'Total',
      inputs: { ids: all(Id), scale: Scale },
      output: Total,
      run: ({ ids, scale }) => sum(ids) * scale,
    })
    const mixed = graph({ name: 'mixed', steps: [total] })
    expect(await executeBatch(mixed, Total, ids(1, 2), { shared: { Scale: 10 } })).toEqual([30, 30])
  })
})

describe('an all(T) port and failing items', () => {
  test('the path of the failure leads from the target through the step to what the item lacked', async () => {
    const clock = new VirtualTime()
    const { graph } = shares(clock)
    await expect(clock.settle(executeBatch(graph, Total, ids(1, -2) as never, { clock }))).rejects.toMatchObject({
      item: 1,
      path: ['Total', 'Made'],
    })
  })

  test("onError: 'fail' rejects with the item's failure; the step never runs", async () => {
    const clock = new VirtualTime()
    const { graph, log } = shares(clock)
    await expect(clock.settle(executeBatch(graph, Share, ids(1, -2, 3), { clock }))).rejects.toMatchObject({
      item: 1,
      step: 'Make',
    })
    await clock.advance(100)
    expect(log.filter((text) => text.startsWith('total'))).toEqual([])
  })

  test("onError: 'collect' leaves failed items out of the array, and ctx.failedItems counts them", async () => {
    const clock = new VirtualTime()
    const { graph, log } = shares(clock)
    const outcomes = await clock.settle(executeBatch(graph, Share, ids(1, -2, 3, -4), { clock, onError: 'collect' }))
    expect(outcomes.map(({ value }) => value)).toEqual([0.25, undefined, 0.75, undefined])
    expect(outcomes.map(({ error }) => (error as { item?: number } | undefined)?.item)).toEqual([
      undefined,
      1,
      undefined,
      3,
    ])
    expect(log).toContain('total of 1 3, item undefined, 2 failed')
  })

  test('items that do not fit are left out of the array too', async () => {
    const clock = new VirtualTime()
    const { graph, log } = shares(clock)
    const items = [{ Id: 1 }, {}, { Id: 3 }] as never
    const outcomes = await clock.settle(executeBatch(graph, Share, items, { clock, onError: 'collect' }))
    expect(outcomes).toMatchObject([{ value: 0.25 }, { error: { code: 'INPUT_INVALID' } }, { value: 0.75 }])
    expect(log).toContain('total of 1 3, item undefined, 1 failed')
  })

  test('where every item fails, the step does not run: nobody is left to take what it makes', async () => {
    const clock = new VirtualTime()
    const { graph, log } = shares(clock)
    const outcomes = await clock.settle(executeBatch(graph, Share, ids(-1, -2), { clock, onError: 'collect' }))
    expect(outcomes.every(({ error }) => error !== undefined)).toBe(true)
    expect(log.filter((text) => text.startsWith('total'))).toEqual([])
  })

  test.each(['fail', 'collect'] as const)(
    'a failure of the step itself reaches all items (onError: %s)',
    async (onError) => {
      const cause = new Error('no total')
      const total = step({ name: 'Total', inputs: { ids: all(Id) }, output: Total, run: () => Promise.reject(cause) })
      const share = step({ name: 'Share', inputs: { id: Id, total: Total }, output: Share, run: ({ id }) => id })
      const outcomes = await executeBatch(graph({ name: 'f', steps: [total, share] }), Share, ids(1, 2), {
        onError,
      }).catch((thrown: unknown) => thrown)
      if (onError === 'fail') expect(outcomes).toMatchObject({ step: 'Total', cause, path: ['Share', 'Total'] })
      else expect(outcomes).toMatchObject([{ error: { step: 'Total', cause } }, { error: { step: 'Total', cause } }])
    },
  )

  test.each(['fail', 'collect'] as const)(
    'a step that takes its result as optional goes on without it (onError: %s)',
    async (onError) => {
      const total = step({
        name: 'Total',
        inputs: { ids: all(Id) },
        output: Total,
        run: () => Promise.reject(new Error('no total')),
      })
      const share = step({
        name: 'Share',
        inputs: { id: Id, total: optional(Total) },
        output: Share,
        run: ({ id, total }) => total ?? -id,
      })
      const results = await executeBatch(graph({ name: 'o', steps: [total, share] }), Share, ids(1, 2), { onError })
      expect(results).toEqual(onError === 'fail' ? [-1, -2] : [{ value: -1 }, { value: -2 }])
    },
  )

  test.each(['fail', 'collect'] as const)(
    'an item whose value is missing fails nobody who takes the result as optional, as under execute (onError: %s)',
    async (onError) => {
      const make = step({
        name: 'Make',
        inputs: { id: Id },
        output: Made,
        run: async ({ id }) => {
          if (id < 0) throw new Error(`no ${id}`)
          return id
        },
      })
      const total = step({ name: 'Total', inputs: { made: all(Made) }, output: Total, run: ({ made }) => sum(made) })
      const share = step({
        name: 'Share',
        inputs: { id: Id, total: optional(Total) },
        output: Share,
        run: ({ id, total }) => (total ?? 0) + id / 10,
      })
      const lenient = graph({ name: 'lenient', steps: [make, total, share] })
      expect(await execute(lenient, Share, { Id: -2 })).toBe(-0.2)
      const results = await executeBatch(lenient, Share, ids(1, -2, 3), { onError })
      // Where all must succeed, there is no total of some; where failures are collected, it is the total of the others.
      if (onError === 'fail') expect(results).toEqual([0.1, -0.2, 0.3])
      else expect(results).toEqual([{ value: 4.1 }, { value: 3.8 }, { value: 4.3 }])
    },
  )
})

test('an item that lacks its value and then fails too is left out once', async () => {
  const make = step({
    name: 'Make',
    inputs: { id: Id },
    output: Made,
    run: async ({ id }) => {
      if (id < 0) throw new Error(`no ${id}`)
      return id
    },
  })
  const rank = step({
    name: 'Rank',
    inputs: { id: Id, made: optional(Made) },
    output: Rank,
    run: async ({ made }) => {
      if (made === undefined) throw new Error('no rank')
      return made
    },
  })
  const total = step({ name: 'Total', inputs: { made: all(Made) }, output: Total, run: ({ made }) => sum(made) })
  const share = step({
    name: 'Share',
    inputs: { rank: Rank, total: optional(Total) },
    output: Share,
    run: ({ rank, total }) => rank / total!,
  })
  const steps = graph({ name: 'twice out', steps: [make, rank, total, share] })
  const outcomes = await executeBatch(steps, Share, ids(-1, 1, 3), { onError: 'collect' })
  expect(outcomes).toMatchObject([{ error: { step: 'Rank', item: 0 } }, { value: 0.25 }, { value: 0.75 }])
})

test('a streamed batch with an all(T) port reads all items first, and gives the same', async () => {
  const clock = new VirtualTime()
  const { graph, log } = shares(clock)
  const results: number[] = []
  const read = async (): Promise<void> => {
    for await (const value of streamBatch(graph, Share, ids(...Array.from({ length: 300 }, () => 1)), {
      clock,
      concurrency: 10,
    }))
      results.push(value)
  }
  await clock.settle(read())
  expect(results).toEqual(Array.from({ length: 300 }, () => 1 / 300))
  expect(log.filter((text) => text.startsWith('total')).length).toBe(1)
})
