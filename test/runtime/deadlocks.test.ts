import { describe, expect, onTestFinished, test } from 'vitest'
import { createDocket, DeadlockError, step } from '../../src/index.ts'
import type { Docket, ExecutionHandle } from '../../src/index.ts'
import type { AnyGraph } from '../../src/core/graph/graph-index.ts'
import { memoryStore } from '../../stores/memory/index.ts'
import { expectNoUnhandledErrors, graphOf, number, rejectionOf, run, runBatch, uniqueName } from '../loose-api.ts'

expectNoUnhandledErrors()

const N = number('N')
const Out = number('Out')

/** The DeadlockError in a chain of causes. */
function deadlockOf(error: unknown): DeadlockError {
  let one = error
  while (one instanceof Error && !(one instanceof DeadlockError)) one = one.cause
  expect(one).toBeInstanceOf(DeadlockError)
  return one as DeadlockError
}

/** A graph of one step that calls `again` with one less, down to 1. */
function factorial(again: (n: number) => Promise<unknown>, more: object): AnyGraph {
  const runStep = async ({ n }: { readonly n: number }): Promise<number> =>
    n <= 1 ? 1 : n * Number(await again(n - 1))
  return graphOf([step({ name: 'Factorial', inputs: { n: N }, output: Out, run: runStep, ...more })])
}

describe('a step that waits for a slot', () => {
  test('which it holds itself fails, and the way round is named', async () => {
    const graph: AnyGraph = factorial((n) => run(graph, Out, { N: n }, { id: `with ${n}` }), { concurrency: 1 })
    const error = deadlockOf(await rejectionOf(run(graph, Out, { N: 3 }, { id: 'with 3' })))
    expect(error).toMatchObject({ code: 'DEADLOCK', step: 'Factorial', executionId: 'with 2' })
    expect(error.message).toMatch(
      /^step "Factorial" waits for itself: step "Factorial" \(execution "with 3"\) → step "Factorial" \(execution "with 2"\), which needs a slot of concurrency 1/,
    )
  })

  test('goes on where the limit allows as many as are called, and fails where it does not', async () => {
    const graph: AnyGraph = factorial((n) => run(graph, Out, { N: n }), { concurrency: 3 })
    expect(await run(graph, Out, { N: 3 })).toBe(6)
    deadlockOf(await rejectionOf(run(graph, Out, { N: 4 })))
  })

  test('waits for a slot that somebody else holds', async () => {
    const graph: AnyGraph = factorial((n) => run(graph, Out, { N: n }), { concurrency: 2 })
    const [first, second] = await Promise.all([run(graph, Out, { N: 1 }), run(graph, Out, { N: 2 })])
    expect([first, second]).toEqual([1, 2])
  })

  test('leaves its slot to others when it has failed so', async () => {
    let isCalled = false
    const again = (n: number): Promise<unknown> => ((isCalled = true), run(graph, Out, { N: n }))
    const graph: AnyGraph = factorial(again, { concurrency: 1 })
    await rejectionOf(run(graph, Out, { N: 2 }))
    expect(isCalled).toBe(true)
    expect(await run(graph, Out, { N: 1 })).toBe(1)
  })
})

describe('a global step that calls for', () => {
  test('its own result fails', async () => {
    const graph: AnyGraph = factorial(() => run(graph, Out, { N: 3 }), { persist: 'global' })
    expect(deadlockOf(await rejectionOf(run(graph, Out, { N: 3 }))).message).toContain(
      'needs the result that the first is making',
    )
  })

  test('its own result by way of another step fails', async () => {
    const Middle = number('Middle')
    const middle: AnyGraph = graphOf([
      step({ name: 'Middle', output: Middle, concurrency: 5, run: () => run(outer, Out, { N: 3 }) as Promise<number> }),
    ])
    const outer: AnyGraph = factorial(() => run(middle, Middle), { persist: 'global' })
    const { message } = deadlockOf(await rejectionOf(run(outer, Out, { N: 3 })))
    expect(message).toMatch(/"Factorial" .*→ step "Middle" .*→ step "Factorial"/)
  })

  test('other inputs goes on', async () => {
    const graph: AnyGraph = factorial((n) => run(graph, Out, { N: n }), { persist: 'global' })
    expect(await run(graph, Out, { N: 4 })).toBe(24)
  })
})

describe('a step of a durable execution that waits for', () => {
  test.each([
    ['persisted', { persist: 'execution' }],
    ['not persisted', {}],
  ])('that execution fails: %s', async (_, more) => {
    let docket: Docket
    const id = uniqueName('me')
    const again = (n: number): Promise<unknown> =>
      docket.execute(graph as never, Out as never, { N: n + 1 } as never, { id })
    const graph: AnyGraph = factorial(again, more)
    docket = createDocket({ graphs: [graph], store: memoryStore() } as never)
    const error = deadlockOf(await rejectionOf(docket.execute(graph as never, Out as never, { N: 3 } as never, { id })))
    expect(error.message).toContain(`the result of execution "${id}"`)
    await docket.close()
  })

  test('another one goes on, and gets its result', async () => {
    let docket: Docket
    const prefix = uniqueName('n')
    const of = (n: number): Promise<unknown> =>
      docket.execute(graph as never, Out as never, { N: n } as never, { id: prefix + String(n) })
    const graph: AnyGraph = factorial(of, { persist: 'execution' })
    docket = createDocket({ graphs: [graph], store: memoryStore() } as never)
    expect(await of(3)).toBe(6)
    await docket.close()
  })
})

/** An execution whose step holds the only slot, and starts the next one; how, and what it waits for then, is up to the test. */
async function startNext(
  wait: (started: ExecutionHandle<unknown>) => unknown,
  startNextOf?: (docket: Docket, graph: AnyGraph, n: number) => Promise<ExecutionHandle<unknown>>,
) {
  let docket: Docket
  const prefix = uniqueName('next')
  const start = async (n: number): Promise<ExecutionHandle<unknown>> =>
    docket.start(graph as never, Out as never, { N: n } as never, { id: `${prefix} ${n}` })
  const next = async (n: number): Promise<ExecutionHandle<unknown>> =>
    (await startNextOf?.(docket, graph, n)) ?? start(n)
  const graph: AnyGraph = graphOf([
    step({
      name: 'Next',
      inputs: { n: N },
      output: Out,
      persist: 'execution',
      concurrency: 1,
      run: async ({ n }) => {
        if (n > 1) await wait(await next(n - 1))
        return n
      },
    }),
  ])
  docket = createDocket({ graphs: [graph], store: memoryStore() } as never)
  onTestFinished(() => docket.close({ deadline: 0 }))
  return { first: await start(2), next: async () => (await docket.get(`${prefix} 1`))!.result() }
}

describe('a step that holds the only slot, and starts another execution which needs it,', () => {
  test('goes on where it does not wait for it, and the other one runs after it', async () => {
    const { first, next } = await startNext(() => {})
    expect(await first.result()).toBe(2)
    expect(await next()).toBe(1)
  })

  test('goes on where that is a run of a schedule that it triggers', async () => {
    const started = Promise.withResolvers<ExecutionHandle<unknown>>()
    const { first } = await startNext(
      (handle) => started.resolve(handle),
      async (docket, graph, n) => {
        const name = uniqueName('schedule')
        await docket.schedule(name, { graph, target: Out, inputs: { N: n }, every: '1h' } as never)
        return (await docket.get(await docket.schedules.trigger(name)))!
      },
    )
    expect(await first.result()).toBe(2)
    expect(await (await started.promise).result()).toBe(1)
  })

  test('fails where it waits for it', async () => {
    const { first } = await startNext((started) => started.result())
    deadlockOf(await rejectionOf(first.result()))
  })
})

describe('a batch that is waited for within a step', () => {
  test('fails where its items need the slot of that step', async () => {
    const graph: AnyGraph = factorial((n) => runBatch(graph, Out, [{ N: n }]), { concurrency: 1 })
    expect(deadlockOf(await rejectionOf(run(graph, Out, { N: 2 }))).message).toContain('needs a slot of concurrency 1')
  })

  test('goes on where its items need other slots', async () => {
    const graph: AnyGraph = factorial(async (n) => (await runBatch(graph, Out, [{ N: n }]))[0], { concurrency: 3 })
    expect(await run(graph, Out, { N: 3 })).toBe(6)
  })

  test('fails where its items need the result that the step makes, or the step is of one of its items', async () => {
    const graph: AnyGraph = factorial(() => runBatch(graph, Out, [{ N: 3 }]), { persist: 'global' })
    deadlockOf(await rejectionOf(run(graph, Out, { N: 3 })))
    deadlockOf(await rejectionOf(runBatch(graph, Out, [{ N: 3 }])))
  })

  test('fails where the step is of one of its items, and the batch is durable', async () => {
    let docket: Docket
    const id = uniqueName('batch')
    const again = async (n: number): Promise<unknown> =>
      (await docket.startBatch(graph as never, Out as never, [{ N: n + 1 }] as never, { id })).result()
    const graph: AnyGraph = factorial(again, { persist: 'execution' })
    docket = createDocket({ graphs: [graph], store: memoryStore() } as never)
    onTestFinished(() => docket.close({ deadline: 0 }))
    expect(deadlockOf(await rejectionOf(again(2))).message).toContain(`the result of execution "${id}"`)
  })
})

test('items of a batch that begin where another one ends are not taken for called by it', async () => {
  const graph = graphOf([
    step({
      name: 'One',
      inputs: { n: N },
      output: Out,
      persist: 'global',
      concurrency: 1,
      run: ({ n }) => Promise.resolve(n),
    }),
  ])
  const items = Array.from({ length: 20 }, (_, index) => ({ N: index % 3 }))
  expect(await runBatch(graph, Out, items, { concurrency: 2 })).toEqual(items.map((item) => item.N))
})

describe('a ring of steps, each of which waits for the next,', () => {
  const P = number('P')
  const Q = number('Q')

  /** Two graphs of a step of one slot each; both begin before either calls the other. */
  function crossed() {
    const gates = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    const stepOf = (name: string, output: typeof P | typeof Q, mine: number, other: () => Promise<unknown>): AnyGraph =>
      graphOf([
        step({
          name,
          inputs: { n: N },
          output: output as typeof P,
          concurrency: 1,
          run: async ({ n }): Promise<number> => {
            if (n === 0) return 1
            gates[mine]!.resolve()
            await gates[1 - mine]!.promise
            return Number(await other()) + 1
          },
        }),
      ])
    const left: AnyGraph = stepOf('Left', P, 0, () => run(right, Q, { N: 0 }, { id: 'right 0' }))
    const right: AnyGraph = stepOf('Right', Q, 1, () => run(left, P, { N: 0 }, { id: 'left 0' }))
    return { left, right }
  }

  test('through the slots that they hold, fails at the wait that closes it, and the others go on', async () => {
    const { left, right } = crossed()
    const [one, other] = await Promise.allSettled([
      run(left, P, { N: 1 }, { id: 'left 1' }),
      run(right, Q, { N: 1 }, { id: 'right 1' }),
    ])
    expect(one).toEqual({ status: 'fulfilled', value: 2 })
    const { message } = deadlockOf((other as PromiseRejectedResult).reason)
    expect(message).toMatch(/^step "Left" waits for itself by way of others: /)
    expect(message).toContain('step "Right" (execution "right 1") → step "Left" (execution "left 0") needs a slot')
    expect(message).toContain('step "Left" (execution "left 1") → step "Right" (execution "right 0") needs a slot')
  })

  /** Hold has the one slot, and calls for the result that Make is about to make once it has that slot. */
  function holdAndMake(whenHeld: (make: () => Promise<unknown>) => Promise<unknown>) {
    const worker = {
      concurrency: { limit: 1, key: () => 'k' },
      persist: 'global' as const,
      inputs: { n: N },
      output: P,
    }
    const make: () => Promise<unknown> = () => run(graph, P, { N: 2 })
    const graph: AnyGraph = graphOf([
      step({ ...worker, name: 'Work', run: async ({ n }) => (n === 1 ? Number(await whenHeld(make)) : n) }),
    ])
    return { graph, make }
  }

  test('through a slot and the result of an equal call that waits for it, fails', async () => {
    const others: Promise<unknown>[] = []
    const entered = Promise.withResolvers<void>()
    const called = Promise.withResolvers<void>()
    const { graph, make } = holdAndMake(async (again) => {
      entered.resolve()
      await called.promise
      return again()
    })
    const held = run(graph, P, { N: 1 })
    await entered.promise
    // Its computation is under way, and waits for the slot, when the holder calls for the same.
    others.push(make())
    called.resolve()
    expect(deadlockOf(await rejectionOf(held)).message).toMatch(/needs the result that step "Work" .* is making/)
    expect(await Promise.all(others)).toEqual([2])
  })

  test('through the results of two durable executions, fails', async () => {
    let docket: Docket
    const ids = { one: uniqueName('one'), other: uniqueName('other') }
    const gates = { one: Promise.withResolvers<void>(), other: Promise.withResolvers<void>() }
    const graph: AnyGraph = graphOf([
      step({
        name: 'Ask',
        inputs: { n: N },
        output: Out,
        persist: 'execution',
        run: async ({ n }): Promise<number> => {
          const [mine, its] = n === 1 ? (['one', 'other'] as const) : (['other', 'one'] as const)
          gates[mine].resolve()
          await gates[its].promise
          return (await (await docket.get(ids[its]))!.result()) as number
        },
      }),
    ])
    docket = createDocket({ graphs: [graph], store: memoryStore() } as never)
    const execute = (n: number, id: string): Promise<unknown> =>
      docket.execute(graph as never, Out as never, { N: n } as never, { id })
    const outcomes = await Promise.all([rejectionOf(execute(1, ids.one)), rejectionOf(execute(2, ids.other))])
    const { message } = deadlockOf(outcomes[0])
    for (const id of Object.values(ids)) expect(message).toContain(`waits for the result of execution "${id}"`)
    await docket.close()
  })

  test('is none where one of them only waits for its turn', async () => {
    const waits = [Promise.withResolvers<void>()]
    const slow: AnyGraph = graphOf([
      step({
        name: 'Slow',
        inputs: { n: N },
        output: Q,
        concurrency: 1,
        run: ({ n }) => waits[0]!.promise.then(() => n),
      }),
    ])
    const outer: AnyGraph = graphOf([
      step({
        name: 'Outer',
        inputs: { n: N },
        output: P,
        concurrency: 2,
        run: async ({ n }) => Number(await run(slow, Q, { N: n })),
      }),
    ])
    const all = Promise.all([1, 2, 3, 4].map((n) => run(outer, P, { N: n })))
    await new Promise((resolve) => setTimeout(resolve))
    waits[0]!.resolve()
    expect(await all).toEqual([1, 2, 3, 4])
  })
})
