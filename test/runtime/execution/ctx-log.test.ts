import { describe, expect, test } from 'vitest'
import { step } from '../../../src/index.ts'
import { expectNoUnhandledErrors, graphOf, number, run, uniqueName } from '../../loose-api.ts'
import { VirtualClock } from '../../../src/testing/virtual-clock.ts'

expectNoUnhandledErrors()

const Leaf = number('Leaf')
const Target = number('Target')

describe('ctx.log', () => {
  test('is bound to execution, step and attempt, and made only when looked at', async () => {
    const bindings: unknown[] = []
    const logger = {
      debug() {},
      info() {},
      warn() {},
      error() {},
      child: (bound: object) => (bindings.push(bound), logger),
    }
    const clock = new VirtualClock()
    const graph = graphOf([
      step({ name: 'quiet', output: Leaf, run: () => 1 }),
      step({
        name: 'loud',
        inputs: { leaf: Leaf },
        output: Target,
        retry: { maxAttempts: 2 },
        run: (_, { log, attempt }) => (log.info({}, 'hello'), attempt === 1 ? Promise.reject(new Error('again')) : 1),
      }),
    ])
    const id = uniqueName('id')
    await clock.settle(run(graph, Target, {}, { clock, id, logger }))
    expect(bindings).toMatchObject([1, 2].map((attempt) => ({ executionId: id, step: 'loud', attempt })))
  })

  test('comes from the first observer with a logger when the call has none, and is silent otherwise', async () => {
    const said: unknown[] = []
    const loggerOf = (name: string) => {
      const logger = {
        debug() {},
        info: (_: object, message?: string) => void said.push([name, message]),
        warn() {},
        error() {},
        child: () => logger,
      }
      return logger
    }
    const graph = graphOf([step({ name: 's', output: Target, run: (_, { log }) => (log.info({}, 'hello'), 1) })])
    const observers = [() => {}, { next() {}, logger: loggerOf('observer') }, { next() {}, logger: loggerOf('second') }]
    await run(graph, Target)
    await run(graph, Target, {}, { observers })
    await run(graph, Target, {}, { observers, logger: loggerOf('call') })
    expect(said).toEqual([
      ['observer', 'hello'],
      ['call', 'hello'],
    ])
  })
})
