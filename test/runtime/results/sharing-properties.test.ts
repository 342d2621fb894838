import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { step } from '../../../src/index.ts'
import { expectNoUnhandledErrors, graphOf, number, run } from '../../loose-api.ts'
import { flush } from '../../../src/testing/virtual-clock.ts'

expectNoUnhandledErrors()

/** Prints with every failure; `SEED=… vitest run` repeats one. */
const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 31)

const Leaf = number('Leaf')
const Target = number('Target')

interface Attempt {
  readonly leaf: number
  readonly signal: AbortSignal
  readonly resolve: (value: number) => void
  readonly reject: (error: unknown) => void
  isOpen: boolean
}

interface Caller {
  readonly leaf: number
  readonly controller: AbortController
  readonly outcome: Promise<PromiseSettledResult<unknown>>
  isCancelled: boolean
  /** What it must get; undefined while it waits. */
  expected: { readonly value?: number; readonly error?: unknown } | undefined
}

type Action =
  | { readonly kind: 'call'; readonly at: number }
  | { readonly kind: 'cancel'; readonly at: number }
  | { readonly kind: 'succeed'; readonly at: number }
  | { readonly kind: 'fail'; readonly at: number }

const actions = fc.array(
  fc.record({
    kind: fc.constantFrom('call', 'call', 'cancel', 'succeed', 'fail'),
    at: fc.nat(20),
  }) as fc.Arbitrary<Action>,
  { maxLength: 30 },
)

/** Callers of one step, and its attempts, which end when the test says so. */
class Scene {
  readonly attempts: Attempt[] = []
  readonly callers: Caller[] = []
  readonly #graph: unknown

  constructor(fields: object) {
    const s = step({
      name: 's',
      inputs: { leaf: Leaf },
      output: Target,
      run: ({ leaf }, { signal }) => {
        const { promise, resolve, reject } = Promise.withResolvers<number>()
        this.attempts.push({ leaf, signal, resolve, reject, isOpen: true })
        return promise
      },
      ...fields,
    })
    this.#graph = graphOf([s])
  }

  call(leaf: number): Caller {
    const controller = new AbortController()
    const outcome = Promise.allSettled([run(this.#graph, Target, { Leaf: leaf }, { signal: controller.signal })])
    const caller: Caller = {
      leaf,
      controller,
      outcome: outcome.then(([settled]) => settled),
      isCancelled: false,
      expected: undefined,
    }
    this.callers.push(caller)
    return caller
  }

  waiting(): readonly Caller[] {
    return this.callers.filter((caller) => caller.expected === undefined && !caller.isCancelled)
  }

  open(): readonly Attempt[] {
    return this.attempts.filter((attempt) => attempt.isOpen && !attempt.signal.aborted)
  }

  cancel(caller: Caller | undefined): void {
    if (caller === undefined) return
    caller.isCancelled = true
    caller.controller.abort()
  }

  async expectOutcomes(): Promise<void> {
    for (const caller of this.callers) {
      const outcome = await caller.outcome
      if (caller.isCancelled)
        expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'EXECUTION_CANCELLED' } })
      else if (caller.expected!.error === undefined)
        expect(outcome).toEqual({ status: 'fulfilled', value: caller.expected!.value })
      else expect((outcome as PromiseRejectedResult).reason.cause).toBe(caller.expected!.error)
    }
  }
}

function pick<Item>(items: readonly Item[], at: number): Item | undefined {
  return items.length === 0 ? undefined : items[at % items.length]
}

test(`equal calls share one computation however they are cancelled (seed ${seed})`, async () => {
  await fc.assert(
    fc.asyncProperty(actions, async (list) => {
      const scene = new Scene({ persist: 'global' })
      let kept: number | undefined
      const settle = (attempt: Attempt | undefined, error: unknown): void => {
        if (attempt === undefined) return
        attempt.isOpen = false
        const value = scene.attempts.indexOf(attempt)
        if (error === undefined) kept ??= value
        for (const caller of scene.waiting()) caller.expected = error === undefined ? { value } : { error }
        if (error === undefined) attempt.resolve(value)
        else attempt.reject(error)
      }
      for (const { kind, at } of list) {
        if (kind === 'call') {
          const caller = scene.call(1)
          if (kept !== undefined) caller.expected = { value: kept }
        } else if (kind === 'cancel') scene.cancel(pick(scene.waiting(), at))
        else settle(pick(scene.open(), at), kind === 'fail' ? new Error('boom') : undefined)
        await flush()
        // One attempt runs if somebody waits, none otherwise.
        expect(scene.open()).toHaveLength(scene.waiting().length === 0 ? 0 : 1)
      }
      settle(scene.open()[0], undefined)
      await flush()
      await scene.expectOutcomes()
    }),
    { seed, numRuns: 300 },
  )
})

test(`a limit is used up and kept to, first come first served, however calls end (seed ${seed})`, async () => {
  await fc.assert(
    fc.asyncProperty(actions, fc.integer({ min: 1, max: 3 }), async (list, limit) => {
      const scene = new Scene({ concurrency: limit })
      const error = new Error('boom')
      let next = 0
      const settle = (attempt: Attempt | undefined, hasFailed: boolean): void => {
        if (attempt === undefined) return
        attempt.isOpen = false
        scene.callers[attempt.leaf]!.expected = hasFailed ? { error } : { value: attempt.leaf }
        if (hasFailed) attempt.reject(error)
        else attempt.resolve(attempt.leaf)
      }
      for (const { kind, at } of list) {
        if (kind === 'call') scene.call(next++)
        else if (kind === 'cancel') scene.cancel(pick(scene.waiting(), at))
        else settle(pick(scene.open(), at), kind === 'fail')
        await flush()
        const running = scene.open().map((attempt) => attempt.leaf)
        expect(running).toHaveLength(Math.min(limit, scene.waiting().length))
        // Those who run asked before those who wait, and began in the order of asking.
        expect(running).toEqual(
          scene
            .waiting()
            .slice(0, running.length)
            .map((caller) => caller.leaf),
        )
      }
      while (scene.open().length > 0) {
        settle(scene.open()[0], false)
        await flush()
      }
      await scene.expectOutcomes()
    }),
    { seed, numRuns: 300 },
  )
})
