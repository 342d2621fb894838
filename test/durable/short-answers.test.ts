import { expect, test } from 'vitest'
import { expectNoUnhandledErrors, rejectionOf } from '../loose-api.ts'
import { alteredStore } from './altered-store.ts'
import { World } from './durable-time.ts'
import { line, Third } from './line.ts'

expectNoUnhandledErrors()

const methods = ['create', 'get', 'claimResults', 'commitResults', 'post'] as const

test.each(methods)(
  'a store whose %s leaves answers out is refused: what is missing passes for no answer',
  async (method) => {
    const world = new World()
    let isShort = false
    const store = alteredStore(world.store, async (name, ask) => {
      const answers = await ask()
      return isShort && name === method ? (answers as readonly unknown[]).slice(1) : answers
    })
    const isOfResult = method === 'claimResults' || method === 'commitResults'
    const { line: graph } = line({ persist: isOfResult ? 'global' : 'execution' })
    const docket = world.process({ graphs: [graph], store })
    await docket.list()
    const { line: slow } = line({ second: { run: () => new Promise(() => {}) } })
    const owner = world.process({ graphs: [slow] })
    if (method === 'post') await world.clock.settle(owner.start(slow, Third, { Seed: 1 }, { id: 'elsewhere' }))
    isShort = true
    const call =
      method === 'get'
        ? docket.get('a')
        : method === 'post'
          ? docket.cancel('elsewhere')
          : docket.execute(graph, Third, { Seed: 1 }, { id: 'a', timeout: '20s' })
    const error = await world.clock.settle(rejectionOf(call))
    const chain = [error, (error as Error).cause, ((error as Error).cause as Error | undefined)?.cause].map(String)
    expect(chain.join('\n')).toMatch(/gave 0 answers to 1; a store answers each, in their order/)
    isShort = false
    await world.clock.settle(docket.close({ deadline: 0 }))
  },
)
