import { load } from '../packages.ts'
import type { Opponent } from './opponent.ts'

type Effect<Value> = Iterable<unknown> & { readonly value?: Value }

interface EffectModule {
  readonly Effect: {
    promise<Value>(evaluate: () => Promise<Value>): Effect<Value>
    all<Value>(effects: readonly Effect<Value>[], options: { concurrency: 'unbounded' }): Effect<readonly Value[]>
    gen<Value>(body: () => Generator<unknown, Value, unknown>): Effect<Value>
    runPromise<Value>(effect: Effect<Value>): Promise<Value>
  }
}

/** Effect: a program that goes level by level, the steps of a level unbounded in parallel. Fibers, no graph. */
export const effect: Opponent = {
  name: 'Effect',
  prepare: async ({ steps, layers }, work) => {
    const { Effect } = await load<EffectModule>('effect')
    const effects = steps.map((_, step) => Effect.promise(() => work(step)))
    const program = Effect.gen(function* () {
      let value: unknown
      for (const layer of layers) {
        const members = layer.map((step) => effects[step]!)
        value = yield* members.length === 1 ? members[0]! : Effect.all(members, { concurrency: 'unbounded' })
      }
      return value
    })
    return () => Effect.runPromise(program)
  },
}
