import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import {
  dataType,
  execute,
  executeBatch,
  graph,
  InputError,
  optional,
  OptionError,
  step,
  type,
} from '../../../src/index.ts'
import { runBatch } from '../../loose-api.ts'
import { VirtualTime } from '../virtual-time.ts'

const Id = dataType('Id', type<number>())
const Scale = dataType('Scale', type<number>())
const Loaded = dataType('Loaded', type<number>())
const Scaled = dataType('Scaled', type<number>())

const load = step({ name: 'Load', inputs: { id: Id }, output: Loaded, run: ({ id }) => id * 10 })
const scale = step({
  name: 'Scale',
  inputs: { loaded: Loaded, scale: Scale },
  output: Scaled,
  run: async ({ loaded, scale }) => loaded * scale,
})
const scales = graph({ name: 'scales', steps: [load, scale] })
const ids = (...numbers: readonly number[]) => numbers.map((Id) => ({ Id }))

describe('items', () => {
  test('each item gives the value that execute gives for it', async () => {
    const items = [1, 2, 3].map((Id) => ({ Id, Scale: Id + 1 }))
    const alone = await Promise.all(items.map((item) => execute(scales, Scaled, item)))
    expect(await executeBatch(scales, Scaled, items)).toEqual(alone)
  })

  test('results stand in the order of the items, whatever the order in which they finish', async () => {
    const clock = new VirtualTime()
    const finished: number[] = []
    const slow = step({
      name: 'Slow',
      inputs: { id: Id },
      output: Loaded,
      run: async ({ id }, { signal }) => {
        await clock.sleep(100 - id * 10, signal)
        finished.push(id)
        return id
      },
    })
    const batch = executeBatch(graph({ name: 'slow', steps: [slow] }), Loaded, ids(1, 2, 3, 4), { clock })
    expect(await clock.settle(batch)).toEqual([1, 2, 3, 4])
    expect(finished).toEqual([4, 3, 2, 1])
  })

  test('items pass through their steps on their own: a quick one is done before a slow one has left its first step', async () => {
    const clock = new VirtualTime()
    const log: string[] = []
    const first = step({
      name: 'First',
      inputs: { id: Id },
      output: Loaded,
      run: async ({ id }, { signal }) => {
        await clock.sleep(id * 100, signal)
        log.push(`first ${id}`)
        return id
      },
    })
    const second = step({
      name: 'Second',
      inputs: { loaded: Loaded },
      output: Scaled,
      run: async ({ loaded }, { signal }) => {
        await clock.sleep(10, signal)
        log.push(`second ${loaded}`)
        return loaded
      },
    })
    await clock.settle(executeBatch(graph({ name: 'flow', steps: [first, second] }), Scaled, ids(2, 1), { clock }))
    expect(log).toEqual(['first 1', 'second 1', 'first 2', 'second 2'])
  })

  test('an empty batch gives an empty array and runs nothing', async () => {
    let runs = 0
    const counted = step({ name: 'Counted', output: Loaded, run: () => ++runs })
    const events: string[] = []
    const empty = graph({ name: 'empty', steps: [counted, scale], observers: [({ type }) => events.push(type)] })
    expect(await executeBatch(empty, Scaled, [], { shared: { Scale: 2 } })).toEqual([])
    expect(runs).toBe(0)
    expect(events).toEqual([])
  })

  test('20,000 synchronous items of three steps each need no stack', async () => {
    const chain = [Id, Loaded, Scaled, Scale] as const
    const inc = (at: 0 | 1 | 2) =>
      step({ name: `Inc${at}`, inputs: { value: chain[at] }, output: chain[at + 1]!, run: ({ value }) => value + 1 })
    const incs = graph({ name: 'incs', steps: [inc(0), inc(1), inc(2)] as never }) as unknown as typeof scales
    const items = Array.from({ length: 20_000 }, (_, Id) => ({ Id }))
    const results = await executeBatch(incs, Scale as never, items as never, { concurrency: 1 })
    expect(results.length).toBe(20_000)
    expect(results[19_999]).toBe(20_002)
  })

  test('the target may be a leaf input of the items', async () => {
    expect(await executeBatch(scales, Id as never, ids(7, 8) as never)).toEqual([7, 8])
  })

  test('overrides hold for all items, and what only the overridden steps need may be left out', async () => {
    const loadedFor: number[] = []
    const counted = step({
      name: 'Counted',
      inputs: { id: Id },
      output: Loaded,
      run: ({ id }) => {
        loadedFor.push(id)
        return id * 10
      },
    })
    const overridable = graph({ name: 'overridable', steps: [counted, scale] })
    const items = [{ Scale: 2 }, { Id: 2, Scale: 3 }]
    expect(await executeBatch(overridable, Scaled, items, { overrides: { Loaded: 5 } })).toEqual([10, 15])
    expect(loadedFor).toEqual([])
  })

  test('an item with a type that a step makes is refused: rows from outside override nothing', async () => {
    const batch = runBatch(scales, Scaled, [{ Id: 1, Scale: 2, Loaded: 0 }], { onError: 'collect' })
    expect(await batch).toMatchObject([{ error: { code: 'INPUT_INVALID', issues: [{ path: ['Loaded'] }] } }])
    await expect(runBatch(scales, Scaled, [{ Id: 1, Scale: 2 }], { shared: { Loaded: 0 } })).rejects.toThrow(
      /Loaded: step "Load" makes it.*overrides/,
    )
  })

  test('an optional input that some items leave out is undefined for those', async () => {
    const maybe = step({
      name: 'Maybe',
      inputs: { id: Id, scale: optional(Scale) },
      output: Scaled,
      run: ({ id, scale }) => id * (scale ?? 1),
    })
    const items = [{ Id: 1 }, { Id: 2, Scale: 5 }]
    expect(await executeBatch(graph({ name: 'maybe', steps: [maybe] }), Scaled, items)).toEqual([1, 10])
  })
})

describe('what all items share', () => {
  test('a leaf input in shared is given to every item', async () => {
    expect(await executeBatch(scales, Scaled, ids(1, 2, 3), { shared: { Scale: 2 } })).toEqual([20, 40, 60])
  })

  test('steps that need nothing of an item run once for the whole batch', async () => {
    const runs: (number | undefined)[] = []
    const base = step({
      name: 'Base',
      inputs: { scale: Scale },
      output: Loaded,
      run: async ({ scale }, { item }) => {
        runs.push(item)
        return scale * 100
      },
    })
    const add = step({
      name: 'Add',
      inputs: { id: Id, base: Loaded },
      output: Scaled,
      run: ({ id, base }) => id + base,
    })
    const sums = graph({ name: 'sums', steps: [base, add] })
    expect(await executeBatch(sums, Scaled, ids(1, 2, 3), { shared: { Scale: 2 } })).toEqual([201, 202, 203])
    expect(runs).toEqual([undefined])
  })

  test('a target that needs nothing of an item is made once and given for each', async () => {
    let runs = 0
    const once = step({ name: 'Once', output: Loaded, run: () => ++runs })
    expect(await executeBatch(graph({ name: 'once', steps: [once] }), Loaded, [{}, {}, {}] as never)).toEqual([1, 1, 1])
    expect(runs).toBe(1)
  })

  test('an item may not give what shared gives already', async () => {
    const batch = runBatch(scales, Scaled, [{ Id: 1, Scale: 3 }], { shared: { Scale: 2 } })
    await expect(batch).rejects.toThrow(/Scale: is given in shared already/)
  })

  test('an unknown name in shared is an error before anything runs', async () => {
    const batch = runBatch(scales, Scaled, ids(1), { shared: { Scael: 2 } })
    await expect(batch).rejects.toThrow(/Scael: unknown input/)
  })

  test('a failing shared step fails the batch with its cause', async () => {
    const cause = new Error('no base')
    const base = step({ name: 'Base', output: Loaded, run: () => Promise.reject(cause) })
    const batch = executeBatch(graph({ name: 'f', steps: [base, scale] }), Scaled, [{ Scale: 1 }, { Scale: 2 }])
    await expect(batch).rejects.toMatchObject({ code: 'STEP_FAILED', step: 'Base', item: undefined, cause })
  })

  test('a failing shared step is the outcome of every item that needs it, where failures are collected', async () => {
    const cause = new Error('no base')
    const base = step({ name: 'Base', output: Loaded, run: () => Promise.reject(cause) })
    const collected = graph({ name: 'c', steps: [base, scale] })
    const outcomes = await executeBatch(collected, Scaled, [{ Scale: 1 }, { Scale: 2 }], { onError: 'collect' })
    expect(outcomes).toMatchObject([{ error: { step: 'Base' } }, { error: { step: 'Base' } }])
    for (const { error } of outcomes) expect((error as Error).cause).toBe(cause)
  })

  test.each(['fail', 'collect'] as const)(
    'a failing shared step that items take as optional is undefined to them (onError: %s)',
    async (onError) => {
      const base = step({ name: 'Base', output: Loaded, run: () => Promise.reject(new Error('no base')) })
      const add = step({
        name: 'Add',
        inputs: { id: Id, base: optional(Loaded) },
        output: Scaled,
        run: ({ id, base }) => id + (base ?? 0.5),
      })
      const batch = await executeBatch(graph({ name: 'o', steps: [base, add] }), Scaled, ids(1, 2), { onError })
      expect(batch).toEqual(onError === 'fail' ? [1.5, 2.5] : [{ value: 1.5 }, { value: 2.5 }])
    },
  )
})

describe('wrong calls', () => {
  const Named = dataType('Named', z.object({ name: z.string() }))
  const runs: string[] = []
  const greet = step({
    name: 'Greet',
    inputs: { named: Named },
    output: Loaded,
    run: ({ named }) => runs.push(named.name),
  })
  const greetings = graph({ name: 'greetings', steps: [greet] })

  test('one wrong item rejects the batch before anything runs, naming item and path', async () => {
    runs.length = 0
    const items = [{ Named: { name: 'a' } }, { Named: { name: 1 } }]
    const error = await executeBatch(greetings, Loaded, items as never).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(InputError)
    expect(error).toMatchObject({ code: 'INPUT_INVALID', item: 1, issues: [{ path: ['Named', 'name'] }] })
    expect(runs).toEqual([])
  })

  test('where schemas are asynchronous too, one wrong item rejects the batch before anything runs', async () => {
    runs.length = 0
    const Checked = dataType(
      'Checked',
      z.string().refine(async (name) => name !== 'bad', { message: 'is bad' }),
    )
    const note = step({
      name: 'Note',
      inputs: { checked: Checked },
      output: Loaded,
      run: ({ checked }) => runs.push(checked),
    })
    const batch = executeBatch(graph({ name: 'late', steps: [note] }), Loaded, [
      { Checked: 'good' },
      { Checked: 'bad' },
    ])
    await expect(batch).rejects.toMatchObject({ code: 'INPUT_INVALID', item: 1, issues: [{ message: 'is bad' }] })
    expect(runs).toEqual([])
  })

  test('a wrong shared value rejects the batch before anything runs', async () => {
    runs.length = 0
    const add = step({ name: 'Add', inputs: { id: Id, named: Named }, output: Loaded, run: () => runs.push('ran') })
    const batch = runBatch(graph({ name: 's', steps: [add] }), Loaded, ids(1), { shared: { Named: {} } })
    await expect(batch).rejects.toMatchObject({ code: 'INPUT_INVALID', issues: [{ path: ['Named', 'name'] }] })
    expect(runs).toEqual([])
  })

  test('where failures are collected, a wrong item has its own error and the others run', async () => {
    const items = [
      { Named: { name: 'a' } },
      { Named: { name: 1 } },
      {},
      'no record',
      { Named: { name: 'b' }, Nmaed: 1 },
    ]
    const outcomes = await executeBatch(greetings, Loaded, items as never, { onError: 'collect' })
    expect(outcomes.map(({ error }) => (error as InputError | undefined)?.message)).toEqual([
      undefined,
      expect.stringContaining('Named.name'),
      expect.stringContaining('Named: missing'),
      expect.stringContaining(
        'of item 3 for "Loaded" of graph "greetings": an item must be a plain object keyed by type names',
      ),
      expect.stringContaining('Nmaed: unknown input'),
    ])
    expect(outcomes.map(({ error }) => (error as InputError | undefined)?.item)).toEqual([undefined, 1, 2, 3, 4])
  })

  test('where one failure ends the batch, all wrong items are reported at once and nothing runs', async () => {
    runs.length = 0
    const items = [{ Named: { name: 1 } }, { Named: { name: 'a' } }, { Nmaed: 1 }]
    const error = await executeBatch(greetings, Loaded, items as never).catch((thrown: unknown) => thrown as InputError)
    expect(error).toMatchObject({ code: 'INPUT_INVALID', item: 0 })
    expect((error as InputError).issues).toMatchObject([
      { item: 0, path: ['Named', 'name'] },
      { item: 2, path: ['Nmaed'] },
      { item: 2, path: ['Named'] },
    ])
    expect((error as InputError).message).toMatch(/2 items don't fit:[^]*item 0 [^]*item 2 .*did you mean "Named"/)
    expect(runs).toEqual([])
  })

  test('items that are no array are refused', async () => {
    await expect(executeBatch(greetings, Loaded, 'text' as never)).rejects.toThrow(/items must be an array, not "text"/)
  })

  test.each([
    [{ concurrency: 0 }, /concurrency must be a whole number of at least 1, not 0/],
    [{ concurrency: 1.5 }, /concurrency must be a whole number/],
    [{ onError: 'ignore' }, /onError must be 'fail' or 'collect', not "ignore"/],
    [{ shared: 3 }, /shared must be an object/],
    [{ concurency: 3 }, /unknown option "concurency"/],
    [{ ordered: false }, /unknown option "ordered"/],
  ])('options %j are refused', async (options, message) => {
    const batch = executeBatch(greetings, Loaded, [{ Named: { name: 'a' } }], options as never)
    await expect(batch).rejects.toThrow(message)
    await expect(batch).rejects.toBeInstanceOf(OptionError)
  })
})
