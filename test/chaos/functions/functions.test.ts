import { expect, test } from 'vitest'
import type { LogLine } from '../chaos-log.ts'
import { storeKinds } from '../chaos-stores.ts'
import type { Sent } from './correspondent.ts'
import { functionsText, runFunctions } from './functions-run.ts'
import { checkCart, checkGiven, checkLedger } from './functions-verdict.ts'

const plan = {
  workers: 2,
  executions: 12,
  inFlight: 10,
  kills: 5,
  stops: 1,
  closes: 1,
  restarts: 1,
  cuts: 0,
  leaseMs: 1_000,
  longestSettleMs: 150_000,
  pauseMs: 250,
}

const kind = storeKinds[Date.now() % storeKinds.length]!

// The long form is `npm run chaos -- --functions`, over all stores; here it is another one each time.
test(
  `durable functions and machines over ${kind} survive killed, stopped and closed processes: each verb gives one value, each message is taken once, each update answered once`,
  { timeout: 300_000 },
  async () => {
    const seed = Math.floor(Math.random() * 1e9)
    const outcome = await runFunctions(kind, plan, seed)
    console.log(functionsText(kind, seed, outcome))
    expect(outcome.violations).toEqual([])
    expect(outcome.counts.taken).toBeGreaterThan(0)
  },
)

const line = (kind: LogLine['kind'], more: Partial<LogLine> = {}): LogLine => ({
  kind,
  at: 0,
  worker: 'w1',
  execution: 'x1',
  ...more,
})
const sent = (...ids: readonly string[]): Sent[] =>
  ids.map((id, at) => ({
    execution: 'x1',
    type: id.startsWith('out') ? 'CheckOut' : id.startsWith('item') ? 'AddItem' : 'Deposit',
    id,
    verdict: 'accepted',
    sentAt: at,
    storedAt: at,
  }))
const reportsOf = (check: (report: (what: string) => void) => unknown): readonly string[] => {
  const reports: string[] = []
  check((what) => reports.push(what))
  return reports
}

test('a verb that gives another value than it gave before is found', () => {
  const [first, again] = [line('given', { step: 'a', tag: '1' }), line('given', { step: 'a', tag: '2', worker: 'w2' })]
  expect(reportsOf((report) => checkGiven([first, first, { ...again, step: 'b' }], report))).toEqual([])
  expect(reportsOf((report) => checkGiven([first, again], report))).toEqual(['x1 a gave 1, and 2 in w2'])
})

test('a letter that is taken twice, out of its order or never is found', () => {
  const waits = [1, 2, 3].map((n) => line('given', { step: `receive ${n}`, tag: 'nothing', at: 10_000 * n }))
  const lines = [line('given', { step: 'open', tag: 't' }), ...waits]
  const judged = (taken: readonly string[], wanted: number): readonly string[] => {
    const letters = sent('a', 'b', 'c')
    return reportsOf((report) =>
      checkLedger({ taken, turn: 0, value: 0, last: 't' }, { letters, lines, wanted }, report),
    )
  }
  expect(judged(['a', 'b'], 2)).toEqual([])
  expect(judged(['a', 'b', 'b'], 3)).toHaveLength(2)
  expect(judged(['b', 'a'], 2)).toEqual(['took b, a, and was sent a, b, c'])
  expect(judged(['a', 'b'], 3)).toEqual(['ended for want of letters, and c was stored 9998 ms before two waits for it'])
})

test('a cart that is charged for what it does not have, or is abandoned too early, is found', () => {
  const charge = [
    line('begin', { step: 'charge', from: { before: 'item1' } }),
    line('end', { step: 'charge', tag: 'r' }),
  ]
  const paid = (items: readonly string[]): readonly string[] => {
    const letters = sent('item1', 'out', 'item2')
    return reportsOf((report) => checkCart({ items, end: 'paid', receipt: 'r' }, letters, charge, report))
  }
  expect(paid(['item1'])).toEqual([])
  expect(paid(['item1', 'item2'])).toHaveLength(2)
  const left = (at: number): readonly string[] => {
    const delays = [line('armed', { at: 0 }), line('fired', { at })]
    return reportsOf((report) => checkCart({ items: [], end: 'abandoned', receipt: '' }, [], delays, report))
  }
  expect(left(6_000)).toEqual([])
  expect(left(5_000)).toEqual(['was abandoned after 5000 ms'])
})
