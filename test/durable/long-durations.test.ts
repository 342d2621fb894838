import { expect, onTestFinished, test } from 'vitest'
import { createDocket, dataType, graph, OptionError, step, type } from '../../src/index.ts'
import type { Docket, Duration } from '../../src/index.ts'
import { memoryStore } from '../../stores/memory/index.ts'
import { sqliteStore } from '../../stores/sqlite/index.ts'

const Out = dataType('Out', type<string>())
const work = step({ name: 'S', output: Out, persist: 'execution', run: () => 'ok' })
const works = graph({ name: 'works', steps: [work] })

const stores = [
  ['memory', () => memoryStore()],
  ['sqlite', () => sqliteStore(':memory:')],
] as const

/** What takes a duration, by what it is called. */
const uses: Readonly<Record<string, (given: Duration, docketOf: (lease?: Duration) => Docket) => Promise<unknown>>> = {
  lease: (lease, docketOf) => docketOf(lease).execute(works, Out, {}, { id: 'a' }),
  timeout: (timeout, docketOf) => docketOf().execute(works, Out, {}, { id: 'a', timeout }),
  olderThan: async (olderThan, docketOf) => {
    const docket = docketOf()
    await docket.execute(works, Out, {}, { id: 'a' })
    return (await docket.purge({ olderThan })) === 0 ? 'ok' : 'purged'
  },
}

test.each(stores.flatMap(([kind, newStore]) => Object.keys(uses).map((use) => [kind, use, newStore] as const)))(
  'on a %s store, %s may be 200 years, and may be neither without end nor no number',
  async (_, use, newStore) => {
    const docketOf = (lease?: Duration): Docket => {
      const docket = createDocket({ graphs: [works], store: newStore(), lease })
      onTestFinished(() => docket.close({ deadline: 0 }))
      return docket
    }
    for (const long of [200 * 31_557_600_000, '73050d', 1e15]) expect(await uses[use]!(long, docketOf)).toBe('ok')
    for (const wrong of [Infinity, NaN])
      await expect(async () => uses[use]!(wrong, docketOf)).rejects.toBeInstanceOf(OptionError)
  },
)
