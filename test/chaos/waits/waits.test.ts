import { expect, test } from 'vitest'
import { storeKinds } from '../chaos-stores.ts'
import { runWaits, waitsText } from './waits-run.ts'

const plan = {
  workers: 3,
  executions: 40,
  inFlight: 15,
  kills: 6,
  stops: 1,
  closes: 1,
  restarts: 1,
  cuts: 1,
  leaseMs: 1_000,
  longestSettleMs: 150_000,
  pauseMs: 400,
}

// The long form is `npm run chaos -- --waits`.
test.each(storeKinds)(
  'races, timers, signals, children and undoings over %s survive killed, stopped and closed processes, and what happens to the store',
  { timeout: 300_000 },
  async (kind) => {
    const seed = Math.floor(Math.random() * 1e9)
    const outcome = await runWaits(kind, plan, seed)
    console.log(waitsText(kind, seed, outcome))
    expect(outcome.violations).toEqual([])
    expect(outcome.executions).toBeGreaterThanOrEqual(plan.executions)
    expect(outcome.counts.parked).toBeGreaterThan(0)
  },
)
