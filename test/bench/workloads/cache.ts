import { hash } from 'node:crypto'
import { copyOf } from '../../../src/core/values/copy.ts'
import { canonicalize, digest } from '../../../src/core/values/keys.ts'
import { dataType, execute, graph, step, type } from '../../../src/index.ts'
import { race } from '../measure.ts'
import type { Contender } from '../measure.ts'
import { docketExecute } from '../opponents/docket.ts'
import { keepOneInFlight } from '../opponents/opponent.ts'
import { load } from '../packages.ts'
import type { Workload } from './workload.ts'

interface StableStringify {
  readonly default: (value: unknown) => string | undefined
}

const Doc = dataType('Doc', type<object>())
const Score = dataType('Score', type<{ readonly score: number; readonly label: string }>())
const score = { score: 0.97, label: 'positive' }
const run = async () => score

const remembered = graph({
  name: 'remembered',
  steps: [step({ name: 'score', inputs: { doc: Doc }, output: Score, persist: { scope: 'global' }, run })],
})
const forgotten = graph({
  name: 'forgotten',
  steps: [step({ name: 'score', inputs: { doc: Doc }, output: Score, run })],
})

/** A document of about so many bytes of JSON. */
function document(bytes: number): object {
  const small = { id: 'user-123456789', name: 'Ada Lovelace', email: 'ada@example.com', age: 36, active: true }
  if (bytes <= 100) return small
  const lines = Array.from({ length: Math.round((bytes - 100) / 90) }, (_, i) => ({
    sku: `SKU-${1_000 + i}`,
    quantity: i,
    price: 9.99 + i,
    label: `Item number ${i} of the basket`,
  }))
  return { ...small, lines }
}

/** A hit in the memory cache, against the least that anybody must do for one. */
export const cache: Workload = {
  name: 'cache',
  title: 'memory-cache hit',
  measure: async (effort) => {
    await keepOneInFlight(docketExecute)
    const { default: stringify } = await load<StableStringify>('safe-stable-stringify')
    const contenders: Contender[] = []
    for (const [size, bytes] of [
      ['100 B', 100],
      ['1 KB', 1_000],
      ['10 KB', 10_000],
    ] as const) {
      const doc = document(bytes)
      const byHash = new Map([[hash('sha256', stringify({ doc })!, 'hex'), score]])
      const byDigest = new Map([[digest(canonicalize({ doc })), score]])
      await execute(remembered, Score, { Doc: doc })
      contenders.push(
        { name: `${size}: cheapest`, run: async () => byHash.get(hash('sha256', stringify({ doc })!, 'hex')) },
        {
          name: `${size}: Docket's key, lookup and copy`,
          run: async () => copyOf(byDigest.get(digest(canonicalize({ doc })))),
        },
        { name: `${size}: Docket hit`, run: () => execute(remembered, Score, { Doc: doc }) },
        { name: `${size}: Docket without persist`, run: () => execute(forgotten, Score, { Doc: doc }) },
      )
    }
    const notes = ['cheapest = safe-stable-stringify + crypto.hash + Map.get, in an async function']
    return { name: 'cache', title: cache.title, series: await race(contenders, effort), base: '1 KB: cheapest', notes }
  },
}
