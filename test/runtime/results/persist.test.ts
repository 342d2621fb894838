import { describe, expect, test } from 'vitest'
import { dataType, exponential, step, type } from '../../../src/index.ts'
import type { StepContext } from '../../../src/core/language/step.ts'
import {
  expectNoUnhandledErrors,
  graphOf,
  looseGraph,
  number,
  recorder,
  rejectionOf,
  run,
  stepErrorOf,
  uniqueName,
} from '../../loose-api.ts'
import { VirtualClock } from '../../../src/testing/virtual-clock.ts'

expectNoUnhandledErrors()

const Leaf = dataType('Leaf', type<unknown>())
const Target = dataType('Target', type<unknown>())

/** A graph whose one step is remembered, and how often the step ran. */
function remembering(
  persist: unknown = 'global',
  more: object = {},
  make: (leaf: unknown, context: StepContext) => unknown = (leaf) => leaf,
) {
  const counted = { runs: 0 }
  const s = step({
    name: 's',
    inputs: { leaf: Leaf },
    output: Target,
    persist: (persist ?? undefined) as 'global',
    run: ({ leaf }, context) => (counted.runs++, make(leaf, context)),
    ...more,
  })
  const graph = graphOf([s])
  return { counted, graph, s, go: (leaf: unknown, options?: object) => run(graph, Target, { Leaf: leaf }, options) }
}

describe("persist: 'global'", () => {
  test('a second equal call takes the result and starts no attempt', async () => {
    const { counted, go } = remembering('global', {}, () => ({ made: 1 }))
    const { events, observer } = recorder()
    expect(await go(1)).toEqual({ made: 1 })
    expect(await go(1, { observers: [observer] })).toEqual({ made: 1 })
    expect(counted.runs).toBe(1)
    expect(events.map((event) => event.type)).toEqual([
      'execution.started',
      'step.started',
      'cache.hit',
      'step.ended',
      'execution.ended',
    ])
    expect(events[2]).toMatchObject({ scope: 'global', shared: false })
    expect(events[3]).toMatchObject({ status: 'cached', attempt: 0 })
  })

  test('a miss is reported before the first attempt', async () => {
    const { go } = remembering()
    const { events, observer } = recorder()
    await go(1, { observers: [observer] })
    expect(events.map((event) => event.type)).toEqual([
      'execution.started',
      'step.started',
      'cache.miss',
      'attempt.started',
      'step.ended',
      'execution.ended',
    ])
  })

  test('other inputs are another result', async () => {
    const { counted, go } = remembering()
    expect(await go(1)).toBe(1)
    expect(await go(2)).toBe(2)
    expect(counted.runs).toBe(2)
  })

  test('a step without persist is run each time, and its inputs are never looked at', async () => {
    const { counted, go } = remembering(null)
    const unreadable = new Proxy(
      {},
      { ownKeys: () => raise(new Error('looked')), getPrototypeOf: () => raise(new Error('looked')) },
    )
    await go(unreadable)
    await go(unreadable)
    expect(counted.runs).toBe(2)
  })

  describe('a result is another one with another', () => {
    const variants: readonly (readonly [name: string, change: { graph?: string; step?: object; type?: object }])[] = [
      ['graph', { graph: uniqueName() }],
      ['step name', { step: { name: 'other' } }],
      ['step version', { step: { version: '2' } }],
      ['output type', { type: { name: 'Other' } }],
      ['version of the output type', { type: { version: '2' } }],
    ]
    test.each(variants)('%s', async (_, change) => {
      const name = uniqueName()
      let runs = 0
      const make = ({ graph = name, step: policy = {}, type: otherType = {} }: (typeof variants)[number][1]) => {
        const output = { ...Target, ...otherType } as typeof Target
        const s = step({ name: 's', inputs: { leaf: Leaf }, output, persist: 'global', run: () => ++runs, ...policy })
        return run(looseGraph({ name: graph, steps: [s] }), output, { Leaf: 1 })
      }
      expect(await make({})).toBe(1)
      expect(await make(change)).toBe(2)
      expect(await make({})).toBe(1)
    })

    test('a namespace shares results between graphs on purpose', async () => {
      const namespace = uniqueName('namespace')
      const one = remembering({ scope: 'global', namespace })
      const two = remembering({ scope: 'global', namespace })
      await one.go(1)
      await two.go(1)
      expect([one.counted.runs, two.counted.runs]).toEqual([1, 0])
    })
  })
})

describe('ttl', () => {
  test('holds to the last millisecond before it ends, and no longer', async () => {
    const clock = new VirtualClock()
    const { counted, go } = remembering({ scope: 'global', ttl: '1s' })
    await go(1, { clock })
    await clock.advance(999)
    await go(1, { clock })
    expect(counted.runs).toBe(1)
    await clock.advance(1)
    await go(1, { clock })
    expect(counted.runs).toBe(2)
  })

  test('counts from the commit, not from the start or the last use', async () => {
    const clock = new VirtualClock()
    const { counted, go } = remembering(
      { scope: 'global', ttl: 100 },
      {},
      () => new Promise((resolve) => void clock.setTimeout(() => resolve(1), 50)),
    )
    await clock.settle(go(1, { clock }))
    await clock.advance(99)
    await go(1, { clock })
    expect(counted.runs).toBe(1)
    await clock.advance(1)
    await clock.settle(go(1, { clock }))
    expect(counted.runs).toBe(2)
  })

  test('left out means for ever', async () => {
    const clock = new VirtualClock()
    const { counted, go } = remembering()
    await go(1, { clock })
    await clock.advance(1e12)
    await go(1, { clock })
    expect(counted.runs).toBe(1)
  })
})

describe('capacity', () => {
  test('drops the least recently used', async () => {
    const { counted, go } = remembering({ scope: 'global', capacity: 2 })
    await go('a')
    await go('b')
    await go('a')
    await go('c')
    expect(counted.runs).toBe(3)
    await go('a')
    await go('c')
    expect(counted.runs).toBe(3)
    await go('b')
    expect(counted.runs).toBe(4)
  })

  test('of one step drops nothing of another', async () => {
    const one = remembering({ scope: 'global', capacity: 1 })
    const two = remembering({ scope: 'global', capacity: 1 })
    await one.go('a')
    await two.go('b')
    await two.go('c')
    await one.go('a')
    expect(one.counted.runs).toBe(1)
  })
})

describe('keys are canonical', () => {
  const equal: readonly (readonly [name: string, one: unknown, other: unknown])[] = [
    ['property order', { a: 1, b: { c: 2, d: 3 } }, { b: { d: 3, c: 2 }, a: 1 }],
    ['a property that is undefined and one that is missing', { a: 1, b: undefined }, { a: 1 }],
    ['NaN', { a: Number.NaN }, { a: Number.NaN }],
    [
      'a Map in another order',
      new Map([
        ['a', 1],
        ['b', 2],
      ]),
      new Map([
        ['b', 2],
        ['a', 1],
      ]),
    ],
    ['a Set in another order', new Set([1, 2]), new Set([2, 1])],
    ['dates', new Date(5), new Date(5)],
    ['no prototype', Object.assign(Object.create(null) as object, { a: 1 }), { a: 1 }],
  ]
  test.each(equal)('the same in spite of %s', async (_, one, other) => {
    const { counted, go } = remembering('global', {}, () => 1)
    await go(one)
    await go(other)
    expect(counted.runs).toBe(1)
  })

  const different: readonly (readonly [name: string, one: unknown, other: unknown])[] = [
    ['NaN and null', Number.NaN, null],
    ['10n and 10', 10n, 10],
    ['1 and "1"', 1, '1'],
    ['0 and -0', 0, -0],
    ['a Map and an object', new Map([['a', 1]]), { a: 1 }],
    ['two Maps', new Map([['a', 1]]), new Map([['a', 2]])],
    ['two Sets', new Set([1]), new Set([2])],
    ['a date and its text', new Date(0), new Date(0).toISOString()],
    ['undefined and null in a list', [undefined], [null]],
    ['two bytes', new Uint8Array([1]), new Uint8Array([2])],
    ['parts of a text', ['ab', 'c'], ['a', 'bc']],
    ['nested and flat', { a: { b: 1 } }, { 'a.b': 1 }],
  ]
  test.each(different)('never the same for %s', async (_, one, other) => {
    const { counted, go } = remembering('global', {}, () => 1)
    await go(one)
    await go(other)
    expect(counted.runs).toBe(2)
  })

  test('the port counts, not only the value', async () => {
    let runs = 0
    const [A, B] = [number('A'), number('B')]
    const s = step({ name: 's', inputs: { a: A, b: B }, output: Target, persist: 'global', run: () => ++runs })
    const graph = graphOf([s])
    expect(await run(graph, Target, { A: 1, B: 2 })).toBe(1)
    expect(await run(graph, Target, { A: 2, B: 1 })).toBe(2)
  })
})

function value() {
  return { list: [1], map: new Map([['a', { b: 1 }]]), date: new Date(5), bytes: new Uint8Array([1]) }
}

describe('what is kept is a copy', () => {
  type Value = ReturnType<typeof value>

  function spoil(result: unknown): void {
    const spoiled = result as Value
    spoiled.list.push(2)
    spoiled.map.get('a')!.b = 2
    spoiled.date.setTime(6)
    spoiled.bytes[0] = 2
  }

  test('changing the first caller’s result changes nothing for the next', async () => {
    const { go } = remembering('global', {}, value)
    spoil(await go(1))
    expect(await go(1)).toEqual(value())
  })

  test('changing a hit changes nothing for the next', async () => {
    const { go } = remembering('global', {}, value)
    await go(1)
    spoil(await go(1))
    expect(await go(1)).toEqual(value())
  })

  test('changing the object that the step keeps changes nothing', async () => {
    const kept = value()
    const { go } = remembering('global', {}, () => kept)
    await go(1)
    spoil(kept)
    expect(await go(1)).toEqual(value())
  })

  test('followers of one computation share nothing mutable', async () => {
    const open = Promise.withResolvers<void>()
    const { counted, go } = remembering('global', {}, () => open.promise.then(value))
    const calls = [go(1), go(1), go(1)]
    open.resolve()
    const results = await Promise.all(calls)
    expect(counted.runs).toBe(1)
    spoil(results[0])
    spoil(results[1])
    expect(results[2]).toEqual(value())
    expect(await go(1)).toEqual(value())
  })

  test('followers get the value as it was made, though a step after it changes the leader’s at once', async () => {
    const open = Promise.withResolvers<void>()
    const made = step({
      name: 'made',
      inputs: { leaf: Leaf },
      output: Target,
      persist: 'global',
      run: () => open.promise.then(value),
    })
    const After = dataType('After', type<unknown>())
    const spoils = step({
      name: 'spoils',
      inputs: { made: Target },
      output: After,
      run: ({ made }) => (spoil(made), 1),
    })
    const graph = graphOf([made, spoils])
    const calls = [run(graph, After, { Leaf: 1 }), run(graph, Target, { Leaf: 1 })]
    open.resolve()
    expect((await Promise.all(calls))[1]).toEqual(value())
  })

  test('a step that changes its input is remembered under the input that it got', async () => {
    const { counted, go } = remembering('global', {}, (leaf) => ((leaf as number[]).push(9), 1))
    for (let call = 0; call < 5; call++) await go([1])
    expect(counted.runs).toBe(1)
  })
})

describe('failures', () => {
  const boom = new Error('boom')

  test('are not remembered', async () => {
    const { counted, go } = remembering('global', {}, () => (counted.runs === 1 ? Promise.reject(boom) : 'good'))
    expect((await stepErrorOf(go(1))).cause).toBe(boom)
    expect(await go(1)).toBe('good')
    expect(await go(1)).toBe('good')
    expect(counted.runs).toBe(2)
  })

  test('fallback values are not remembered', async () => {
    const { counted, go } = remembering('global', { fallback: 'instead' }, () =>
      counted.runs === 1 ? Promise.reject(boom) : 'good',
    )
    expect(await go(1)).toBe('instead')
    expect(await go(1)).toBe('good')
    expect(counted.runs).toBe(2)
  })

  test('an invalid result is not remembered', async () => {
    const Checked = dataType('Checked', {
      '~standard': {
        version: 1 as const,
        vendor: 'test',
        validate: (value: unknown) => (value === 'bad' ? { issues: [{ message: 'bad' }] } : { value: value as string }),
      },
    })
    let runs = 0
    const graph = graphOf([
      step({ name: 's', output: Checked, persist: 'global', run: () => (++runs === 1 ? 'bad' : 'good') }),
    ])
    await rejectionOf(run(graph, Checked))
    expect(await run(graph, Checked)).toBe('good')
  })

  test('a failure after an expired success is not remembered: the next call runs the step again', async () => {
    const clock = new VirtualClock()
    const { counted, go } = remembering({ scope: 'global', ttl: 10 }, {}, () =>
      counted.runs === 2 ? Promise.reject(boom) : counted.runs,
    )
    expect(await go(1, { clock })).toBe(1)
    await clock.advance(10)
    await rejectionOf(go(1, { clock }))
    expect(await go(1, { clock })).toBe(3)
    expect(await go(1, { clock })).toBe(3)
  })
})

describe('retries', () => {
  test('of a remembered step happen within one claim, and the value that came at last is kept', async () => {
    const clock = new VirtualClock()
    const more = { retry: { maxAttempts: 3, backoff: exponential(10) } }
    const { counted, go } = remembering('global', more, () =>
      counted.runs < 3 ? Promise.reject(new Error('again')) : 'good',
    )
    const calls = Promise.all([go(1, { clock }), go(1, { clock })])
    expect(await clock.settle(calls)).toEqual(['good', 'good'])
    expect(counted.runs).toBe(3)
  })
})

function raise(thrown: unknown): never {
  throw thrown
}
