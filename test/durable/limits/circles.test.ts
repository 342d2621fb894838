import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, expect, test } from 'vitest'
import { createDocket, dataType, DeadlockError, graph, step, StepError, type } from '../../../src/index.ts'
import type { AnyGraph, Docket } from '../../../src/index.ts'
import { memoryStore } from '../../../stores/memory/index.ts'

// A step of a limit that all processes share may call what needs a slot of that limit.

const N = dataType('N', type<number>())
const Depth = dataType('Depth', type<number>())
const Other = dataType('Other', type<number>())
let docket: Docket

async function called(graph: AnyGraph, target: typeof Depth, n: number): Promise<number> {
  return (await docket.execute(graph as never, target as never, { N: n } as never)) as number
}

/** Calls itself so many times, one within the other. */
function nested(limit: number, key?: (inputs: { readonly n: number }) => string): AnyGraph {
  const own: AnyGraph = graph({
    name: 'nested',
    steps: [
      step({
        name: 'Nest',
        inputs: { n: N },
        output: Depth,
        concurrency: { limit, scope: 'graph', ...(key && { key }) },
        run: async ({ n }): Promise<number> => (n === 1 ? 1 : 1 + (await called(own, Depth, n - 1))),
      }),
    ],
  })
  return own
}

function deadlockOf(error: unknown): DeadlockError {
  let cause = error
  while (cause instanceof StepError) ({ cause } = cause)
  expect(cause).toBeInstanceOf(DeadlockError)
  return cause as DeadlockError
}

afterEach(() => docket.close())

function open(...graphs: AnyGraph[]): void {
  docket = createDocket({ graphs, store: memoryStore() })
}

test('what needs a slot that the steps around hold fails, and the way round is named', async () => {
  const graph = nested(2)
  open(graph)
  expect(await called(graph, Depth, 2)).toBe(2)
  const { message } = deadlockOf(await called(graph, Depth, 3).catch((error: unknown) => error))
  expect(message).toMatch(
    /^step "Nest" waits for itself: step "Nest" .* → step "Nest" .* → step "Nest" .*, which needs a slot of concurrency 2 that the first holds/,
  )
  // Its slots are free again.
  expect(await called(graph, Depth, 2)).toBe(2)
})

test('what needs a slot of another key goes on', async () => {
  const graph = nested(1, ({ n }) => `${n}`)
  open(graph)
  expect(await called(graph, Depth, 5)).toBe(5)
})

test('what needs a slot that somebody else holds waits for it', async () => {
  const graph = nested(2)
  open(graph)
  const busy = called(graph, Depth, 1)
  expect(await Promise.all([called(graph, Depth, 1), called(graph, Depth, 2), busy])).toEqual([1, 2, 1])
})

test('steps that hold what the other one waits for: the wait that closes the ring fails, and the other one goes on', async () => {
  const both = { Depth: Promise.withResolvers<void>(), Other: Promise.withResolvers<void>() }
  const crossing = (name: string, own: typeof Depth, other: typeof Depth, itself: () => AnyGraph): AnyGraph =>
    graph({
      name,
      steps: [
        step({
          name: `Make${name}`,
          inputs: { n: N },
          output: own,
          concurrency: { limit: 1, scope: 'graph' },
          run: async ({ n }): Promise<number> => {
            if (n === 0) return 0
            both[own.name as 'Depth'].resolve()
            await both[other.name as 'Depth'].promise
            return called(itself(), other, 0)
          },
        }),
      ],
    })
  const one: AnyGraph = crossing('one', Depth, Other as never, () => other)
  const other: AnyGraph = crossing('other', Other as never, Depth, () => one)
  open(one, other)
  const outcomes = await Promise.allSettled([called(one, Depth, 1), called(other, Other as never, 1)])
  expect(outcomes.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected'])
  const failed = outcomes.find((outcome) => outcome.status === 'rejected')!
  expect(deadlockOf(failed.reason).message).toMatch(/by way of others: .*needs a slot of its concurrency 1/)
})

test.each(['graph', 'process'] as const)(
  'what an attempt calls that was given up waits for a slot of scope %s that a later attempt has',
  async (scope) => {
    const isOver = Promise.withResolvers<void>()
    const called = Promise.withResolvers<readonly [Promise<unknown>]>()
    const own = graph({
      name: 'late',
      steps: [
        step({
          name: 'Late',
          inputs: { n: N },
          output: Depth,
          concurrency: { limit: 1, scope },
          timeout: 100,
          retry: { maxAttempts: 2 },
          run: async ({ n }, { attempt }): Promise<number> => {
            if (n === 0) return 0
            if (attempt === 1) {
              await isOver.promise
              called.resolve([docket.execute(own as never, Depth as never, { N: 0 } as never)])
              return new Promise(() => {})
            }
            isOver.resolve()
            await called.promise
            // Until it is known to wait.
            await sleep(50)
            return 2
          },
        }),
      ],
    })
    open(own)
    expect(await docket.execute(own, Depth, { N: 1 })).toBe(2)
    expect(await (await called.promise)[0]).toBe(0)
  },
)

test.each(['graph', 'process'] as const)(
  'where several hold all slots of scope %s, and each waits for one more, the last one fails, and the others go on, as does what only wants a slot',
  async (scope) => {
    const limit = 3
    const all = Promise.withResolvers<void>()
    let begun = 0
    const own: AnyGraph = graph({
      name: 'all',
      steps: [
        step({
          name: 'Each',
          inputs: { n: N },
          output: Depth,
          concurrency: { limit, scope },
          run: async ({ n }): Promise<number> => {
            if (n === 0) return 0
            if (++begun === limit) all.resolve()
            await all.promise
            // Something else waits for a slot by then, and is not to blame.
            await sleep(100)
            return 1 + (await called(own, Depth, 0))
          },
        }),
      ],
    })
    open(own)
    const calls = Array.from({ length: limit }, () => called(own, Depth, 1))
    await all.promise
    const onlooker = called(own, Depth, 0)
    const outcomes = await Promise.allSettled(calls)
    expect(outcomes.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'fulfilled', 'rejected'])
    expect(await onlooker).toBe(0)
    const { message } = deadlockOf(outcomes.find((outcome) => outcome.status === 'rejected')!.reason)
    expect(message).toMatch(/waits for itself by way of others: .*needs a slot of its concurrency 3/)
  },
)

test('what an attempt waits for that was given up holds up nobody while its step waits for the next one', async () => {
  const isHeld = Promise.withResolvers<void>()
  const isGivenUp = Promise.withResolvers<void>()
  const hold: AnyGraph = graph({
    name: 'hold',
    steps: [
      step({
        name: 'Hold',
        inputs: { n: N },
        output: Other,
        concurrency: { limit: 1, scope: 'graph' },
        run: async ({ n }): Promise<number> => {
          if (n === 0) return 0
          isHeld.resolve()
          await isGivenUp.promise
          return called(make, Depth, 5)
        },
      }),
    ],
  })
  const make: AnyGraph = graph({
    name: 'make',
    steps: [
      step({
        name: 'Make',
        inputs: { n: N },
        output: Depth,
        persist: 'global',
        timeout: 200,
        retry: { maxAttempts: 2, backoff: 500 },
        run: async ({ n }, { attempt, signal }): Promise<number> => {
          if (attempt === 2) return n
          signal.addEventListener('abort', () => setTimeout(isGivenUp.resolve, 50))
          return called(hold, Other as never, 0)
        },
      }),
    ],
  })
  open(hold, make)
  const holder = called(hold, Other as never, 1)
  await isHeld.promise
  expect(await Promise.all([called(make, Depth, 5), holder])).toEqual([5, 5])
})
