import { expect, test } from 'vitest'
import { runChaos, summaryOf } from './chaos-run.ts'
import { storeKinds } from './chaos-stores.ts'

/** Enough for each kind of fault; the long form is `npm run chaos`. */
const plan = {
  workers: 3,
  executions: 40,
  inFlight: 12,
  kills: 7,
  stops: 2,
  closes: 1,
  restarts: 1,
  cuts: 1,
  leaseMs: 1_000,
  longestSettleMs: 150_000,
  pauseMs: 350,
}

// The same storm can't be had twice: the seed determines what happens, not when the processes are struck.
test.each(storeKinds)(
  'executions over %s survive killed, stopped and closed processes, and what happens to the store',
  { timeout: 300_000 },
  async (kind) => {
    const seed = Math.floor(Math.random() * 1e9)
    // With `everysec` a killed Redis loses what it has confirmed, for it puts off writing while its disk is slow.
    const outcome = await runChaos(kind, plan, seed, { appendfsync: 'always' })
    console.log(summaryOf(kind, seed, outcome))
    expect(outcome.violations).toEqual([])
    expect(outcome.executions).toBeGreaterThanOrEqual(plan.executions)
    expect(outcome.faults).toMatchObject({ kill: plan.kills, stop: plan.stops, close: plan.closes })
  },
)
