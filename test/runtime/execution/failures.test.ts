import { describe, expect, test } from 'vitest'
import { DocketError, step } from '../../../src/index.ts'
import {
  expectNoUnhandledErrors,
  graphOf,
  never,
  number,
  recorder,
  rejectionOf,
  run,
  runBatch,
  stepErrorOf,
} from '../../loose-api.ts'
import { VirtualClock } from '../../../src/testing/virtual-clock.ts'

expectNoUnhandledErrors()

const Leaf = number('Leaf')
const Target = number('Target')

/** Prints with every failure; `SEED=… vitest run` repeats one. */
const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 31)

/** Reproducible randomness (mulberry32). */
function randomOf(start: number): () => number {
  let state = start
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

interface Sibling {
  readonly delayMs: number
  readonly error: unknown
}

/** A target that needs one parallel step for each sibling; each fails after its delay, on the virtual clock. */
function failingSiblings(siblings: readonly Sibling[], clock: VirtualClock) {
  const types = siblings.map((_, index) => number(`T${index}`))
  const steps = siblings.map(({ delayMs, error }, index) =>
    step({
      name: `s${index}`,
      output: types[index]!,
      run: () => new Promise<number>((_, reject) => void clock.setTimeout(() => reject(error), delayMs)),
    }),
  )
  const inputs = Object.fromEntries(types.map((type) => [type.name, type]))
  return graphOf([...steps, step({ name: 'combine', inputs, output: Target, run: () => 0 })])
}

function orders(count: number): readonly (readonly number[])[] {
  if (count === 0) return [[]]
  return orders(count - 1).flatMap((order) =>
    Array.from({ length: count }, (_, at) => [...order.slice(0, at), count - 1, ...order.slice(at)]),
  )
}

describe('with failing parallel siblings', () => {
  test.each([...orders(2), ...orders(3)])('the cause is what failed first, in finishing order %j', async (...order) => {
    const clock = new VirtualClock()
    const errors = order.map((_, index) => new Error(`boom ${index}`))
    const graph = failingSiblings(
      order.map((position, index) => ({ delayMs: position * 10, error: errors[index] })),
      clock,
    )
    const error = await clock.settle(stepErrorOf(run(graph, Target, {}, { clock })))
    const first = order.indexOf(0)
    expect(error.cause).toBe(errors[first])
    expect(error.step).toBe(`s${first}`)
  })

  test(`the cause is what failed first among ten in random orders (seed ${seed})`, async () => {
    const random = randomOf(seed)
    for (let round = 0; round < 50; round++) {
      const clock = new VirtualClock()
      const delays = Array.from({ length: 10 }, () => Math.floor(random() * 5))
      const errors = delays.map((_, index) => new Error(`boom ${index}`))
      const graph = failingSiblings(
        delays.map((delayMs, index) => ({ delayMs, error: errors[index] })),
        clock,
      )
      const error = await clock.settle(stepErrorOf(run(graph, Target, {}, { clock })))
      const first = delays.indexOf(Math.min(...delays))
      expect(error.cause, `seed ${seed}, round ${round}, delays ${delays.join()}`).toBe(errors[first])
    }
  })

  test('the cause is what failed first when all fail in the same turn', async () => {
    const clock = new VirtualClock()
    const errors = Array.from({ length: 10 }, (_, index) => new Error(`boom ${index}`))
    const steps = errors.map((error, index) =>
      step({
        name: `s${index}`,
        output: number(`T${index}`),
        run: async () => {
          throw error
        },
      }),
    )
    const inputs = Object.fromEntries(steps.map(({ output }) => [output.name, output]))
    const graph = graphOf([...steps, step({ name: 'combine', inputs, output: Target, run: () => 0 })])
    expect((await stepErrorOf(run(graph, Target, {}, { clock }))).cause).toBe(errors[0])
  })

  test('the first failure starts nothing more, aborts what runs and settles at once', async () => {
    const clock = new VirtualClock()
    const started: string[] = []
    let seen: unknown
    const [A, B, C] = [number('A'), number('B'), number('C')]
    const boom = new Error('boom')
    const graph = graphOf([
      step({
        name: 'deaf',
        output: A,
        run: (_, context) => {
          context.signal.addEventListener('abort', () => (seen = context.signal.reason))
          return never<number>()
        },
      }),
      step({
        name: 'slow',
        output: B,
        run: () => new Promise<number>((resolve) => void clock.setTimeout(() => resolve(1), 50)),
      }),
      step({
        name: 'after slow',
        inputs: { b: B },
        output: C,
        run: () => {
          started.push('after slow')
          return 1
        },
      }),
      step({
        name: 'fails',
        output: number('D'),
        run: () => new Promise<number>((_, reject) => void clock.setTimeout(() => reject(boom), 10)),
      }),
      step({ name: 'combine', inputs: { a: A, c: C, d: number('D') }, output: Target, run: () => 0 }),
    ])
    const failing = stepErrorOf(run(graph, Target, {}, { clock }))
    await clock.advance(10)
    const error = await failing
    expect(clock.now()).toBe(1_000_010)
    expect(error.cause).toBe(boom)
    expect(seen).toBeInstanceOf(DocketError)
    expect((seen as DocketError).code).toBe('EXECUTION_CANCELLED')
    expect((seen as DocketError).cause).toBe(error)
    await clock.advance(1_000)
    expect(started).toEqual([])
    expect(clock.pending).toBe(0)
  })

  test('a synchronous failure starts none of the steps after it', async () => {
    const started: string[] = []
    const boom = new Error('boom')
    const one = step({
      name: 'one',
      output: number('A'),
      run: () => {
        throw boom
      },
    })
    const two = step({ name: 'two', output: number('B'), run: () => (started.push('two'), 1) })
    const graph = graphOf([
      one,
      two,
      step({ name: 'combine', inputs: { a: one.output, b: two.output }, output: Target, run: () => 0 }),
    ])
    expect((await stepErrorOf(run(graph, Target))).cause).toBe(boom)
    expect(started).toEqual([])
  })
})

describe('in batches', () => {
  test.each([50, 100, 101, 200, 1_000])(
    'the cause arrives with its item, with %i items and a limit of 100',
    async (count) => {
      const boom = new Error('boom')
      const clock = new VirtualClock()
      const failing = 7
      const check = step({
        name: 'check',
        inputs: { leaf: Leaf },
        output: Target,
        run: ({ leaf }) =>
          new Promise<number>((resolve, reject) => {
            clock.setTimeout(() => (leaf === failing ? reject(boom) : resolve(leaf)), leaf === failing ? 5 : 50)
          }),
      })
      const items = Array.from({ length: count }, (_, Leaf) => ({ Leaf }))
      const error = await clock.settle(stepErrorOf(runBatch(graphOf([check]), Target, items, { clock })))
      expect(error.cause).toBe(boom)
      expect(error.item).toBe(failing)
      expect(error.message).toContain(`item ${failing}`)
      expect(clock.now()).toBe(1_000_005)
    },
  )

  test('the cause of the first of several failing items arrives', async () => {
    const errors = Array.from({ length: 300 }, (_, index) => new Error(`boom ${index}`))
    const check = step({
      name: 'check',
      inputs: { leaf: Leaf },
      output: Target,
      run: async ({ leaf }) => {
        throw errors[leaf]!
      },
    })
    const error = await stepErrorOf(
      runBatch(
        graphOf([check]),
        Target,
        errors.map((_, Leaf) => ({ Leaf })),
      ),
    )
    expect(error.cause).toBe(errors[0])
    expect(error.item).toBe(0)
  })

  test.each(['sync', 'async'])(
    'a failed item (%s) starts no item that waited for its slot of the step',
    async (kind) => {
      const boom = new Error('boom')
      const started: number[] = []
      const check = step({
        name: 'check',
        inputs: { leaf: Leaf },
        output: Target,
        concurrency: 1,
        run: ({ leaf }) => {
          started.push(leaf)
          if (kind === 'sync' && leaf > 0) throw boom
          return leaf === 0 ? Promise.resolve(0) : Promise.reject(boom)
        },
      })
      const { events, observer } = recorder()
      const items = Array.from({ length: 10 }, (_, Leaf) => ({ Leaf }))
      const error = await stepErrorOf(runBatch(graphOf([check]), Target, items, { observers: [observer] }))
      expect(error.cause).toBe(boom)
      expect(error.item).toBe(1)
      expect(started).toEqual([0, 1])
      expect(events.at(-1)!.type).toBe('execution.ended')
      expect(events.filter((event) => event.type === 'execution.ended')).toHaveLength(1)
    },
  )

  test('the end of a batch starts no item that waited for room in it', async () => {
    const clock = new VirtualClock()
    const boom = new Error('boom')
    const started: string[] = []
    const check = step({
      name: 'check',
      inputs: { leaf: Leaf },
      output: Target,
      retry: { maxAttempts: 2, backoff: 10 },
      run: ({ leaf }, { attempt }) => {
        started.push(`${leaf}#${attempt}`)
        if (leaf === 0 && attempt === 1) throw new Error('again')
        return new Promise<number>((_, reject) => void clock.setTimeout(() => reject(boom), 100))
      },
    })
    // Item 0 backs off and lets item 1 in, then waits for the slot that item 1 gives back when the batch times out.
    const items = [{ Leaf: 0 }, { Leaf: 1 }]
    const batch = runBatch(graphOf([check]), Target, items, { clock, concurrency: 1, timeout: 50 })
    expect(await clock.settle(rejectionOf(batch))).toMatchObject({ code: 'EXECUTION_TIMEOUT' })
    await clock.advance(1_000)
    expect(started).toEqual(['0#1', '1#1'])
  })
})

describe('a StepError', () => {
  test('reports the path of types, the execution, the step, the attempts and no item', async () => {
    const [A, B, C] = [number('A'), number('B'), number('C')]
    const graph = graphOf([
      step({ name: 'a', inputs: { leaf: Leaf }, output: A, run: ({ leaf }) => leaf }),
      step({
        name: 'b',
        inputs: { a: A },
        output: B,
        retry: { maxAttempts: 3 },
        run: () => Promise.reject(new Error('boom')),
      }),
      step({ name: 'c', inputs: { b: B }, output: C, run: ({ b }) => b }),
      step({ name: 't', inputs: { c: C }, output: Target, run: ({ c }) => c }),
    ])
    const clock = new VirtualClock()
    const error = await clock.settle(stepErrorOf(run(graph, Target, { Leaf: 1 }, { clock, id: 'exec-1' })))
    expect(error).toMatchObject({
      code: 'STEP_FAILED',
      name: 'StepError',
      graph: graph.name,
      executionId: 'exec-1',
      step: 'b',
      attempt: 3,
      item: undefined,
      path: ['Target', 'C', 'B'],
    })
    expect(error.message).toContain('"b"')
    expect(error.message).toContain('3 attempts')
    expect(error.message).toContain('boom')
    expect(error.policyError).toBeUndefined()
  })

  test('reports the real number of attempts when retryIf ends the tries early', async () => {
    const clock = new VirtualClock()
    const graph = graphOf([
      step({
        name: 's',
        output: Target,
        retry: { maxAttempts: 5, retryIf: (error) => (error as Error).message !== 'final' },
        run: (_, { attempt }) => Promise.reject(new Error(attempt === 2 ? 'final' : 'transient')),
      }),
    ])
    const error = await clock.settle(stepErrorOf(run(graph, Target, {}, { clock })))
    expect(error.attempt).toBe(2)
    expect(error.message).toContain('2 attempts')
  })
})
