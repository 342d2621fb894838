import { describe, expect, test } from 'vitest'
import { createDocket, DeadlockError, step } from '../../src/index.ts'
import type { Docket } from '../../src/index.ts'
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
