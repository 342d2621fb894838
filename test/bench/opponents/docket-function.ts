import { createDocket, dataType, durableStep, graph, type } from '../../../src/index.ts'
import { chainLength } from '../durable/engine.ts'
import type { Engine, Places } from '../durable/engine.ts'
import { openStore } from './durable-docket.ts'
import type { StoreKind } from './durable-docket.ts'

/** What a function is called back with, before each of its steps and at its end. */
export interface FunctionWatcher {
  readonly beforeStep?: (index: number) => void
  readonly afterSteps?: () => void
}

/** A durable function of so many steps, each adding one, that sleeps for a while where it is given one. */
export function durableFunction({ beforeStep = () => {}, afterSteps = () => {} }: FunctionWatcher = {}) {
  const Length = dataType('Length', type<number>())
  const Sleep = dataType('Sleep', type<number>())
  const Sum = dataType('Sum', type<number>())
  const add = durableStep({
    name: 'Add',
    inputs: { length: Length, sleepMs: Sleep },
    output: Sum,
    run: async ({ length, sleepMs }, context) => {
      let sum = 0
      for (let index = 0; index < length; index++) {
        beforeStep(index)
        const before = sum
        sum = await context.step(`s${index}`, async () => before + 1)
      }
      afterSteps()
      if (sleepMs > 0) await context.sleep(sleepMs)
      return sum
    },
  })
  return { functions: graph({ name: 'functions', steps: [add] }), Sum }
}

/** Docket on one of its stores: the chain of ten as the body of one function. */
export async function openFunction(kind: StoreKind, places: Places): Promise<Engine> {
  const { functions, Sum } = durableFunction()
  const docket = createDocket({ graphs: [functions], store: openStore(kind, places) })
  return {
    run: () => docket.execute(functions, Sum, { Length: chainLength, Sleep: 0 }),
    close: () => docket.close(),
  }
}
