import { performance } from 'node:perf_hooks'
import { dataType, durableStep, graph, step, type } from '../../../src/index.ts'
import { createTestDocket } from '../../../src/testing/index.ts'
import { spreadOf } from '../measure.ts'
import type { Series } from '../measure.ts'
import { duration } from '../table-text.ts'
import type { Result, Workload } from './workload.ts'

/** What is measured of test dockets, by the name that the targets use. */
export const msPerThousand = 'a thousand tests'
const tests = 1_000

const Order = dataType('Order', type<string>())
const Packed = dataType('Packed', type<string>())
const Rested = dataType('Rested', type<string>())
const Sent = dataType('Sent', type<string>())
const orders = graph({
  name: 'orders',
  steps: [
    step({ name: 'Pack', inputs: { order: Order }, output: Packed, run: ({ order }) => `${order}, packed` }),
    durableStep({
      name: 'Rest',
      inputs: { packed: Packed },
      output: Rested,
      run: async ({ packed }, ctx) => {
        await ctx.sleep('30d')
        return `${packed}, rested`
      },
    }),
    step({ name: 'Send', inputs: { rested: Rested }, output: Sent, run: ({ rested }) => `${rested}, sent` }),
  ],
})

async function test(id: string): Promise<void> {
  await using docket = createTestDocket({ graphs: [orders] })
  const handle = await docket.start(orders, Sent, { Order: id }, { id })
  const sent = await handle.result()
  if (sent !== `${id}, packed, rested, sent`) throw new Error(`the test gave ${sent}`)
}

/** Tests of a graph that sleeps for a month, each with a docket of its own in virtual time. */
export const testDockets: Workload = {
  name: 'test-dockets',
  title: `${tests} tests of three steps, one of which sleeps for 30 days, each with a test docket of its own`,
  measure: async (_, { isQuick }): Promise<Result> => {
    const msPerRun: number[] = []
    for (let round = 0; round < (isQuick ? 1 : 5); round++) {
      const beganAt = performance.now()
      for (let each = 0; each < tests; each++) await test(`o${each}`)
      msPerRun.push(performance.now() - beganAt)
    }
    const series: Series = { name: 'Docket', msPerRun }
    const { median, low, high } = spreadOf(msPerRun)
    return {
      name: testDockets.name,
      title: testDockets.title,
      series: [],
      measures: { [msPerThousand]: [series] },
      tables: [
        [
          ['', 'all', 'middle half', 'a test'],
          ['Docket', duration(median), `${duration(low)} – ${duration(high)}`, duration(median / tests)],
        ],
      ],
      notes: [],
    }
  },
}
