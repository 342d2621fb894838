import { startStore } from './chaos-stores.ts'
import type { StoreKind, StoreSettings } from './chaos-stores.ts'
import { randomOf } from '../../src/testing/kit/seeded-random.ts'
import { Storm } from './storm.ts'
import type { StormOutcome, StormPlan } from './storm.ts'
import { verdictOf } from './verdict.ts'
import type { Verdict } from './verdict.ts'
import { temporaryFolder } from '../servers/guarded-process.ts'

export interface ChaosOutcome extends Verdict {
  readonly faults: StormOutcome['faults']
  readonly executions: number
  readonly seconds: number
}

/** A storm over a fresh store, and what it did. */
export async function runChaos(
  kind: StoreKind,
  plan: StormPlan,
  seed: number,
  settings: StoreSettings & { readonly log?: string | undefined },
): Promise<ChaosOutcome> {
  const beganAt = Date.now()
  await using store = await startStore(kind, settings)
  const path = settings.log ?? `${temporaryFolder('chaos-log')}/log.jsonl`
  const outcome = await new Storm(store, plan, randomOf(seed), path).run()
  const verdict = await verdictOf(store, outcome)
  outcome.log.close()
  const seconds = (Date.now() - beganAt) / 1_000
  return { ...verdict, faults: outcome.faults, executions: outcome.orders.size, seconds }
}

/** What came out, in a few lines. */
export function summaryOf(kind: StoreKind, seed: number, outcome: ChaosOutcome): string {
  const { faults, executions, effects, violations, seconds } = outcome
  const { kill, stop, close, restart, cut } = faults
  const why = Object.entries(effects.causes).map(([cause, count]) => `${count} ${cause}`)
  const explanation = why.length === 0 ? '' : `, all in the window (${why.join(', ')})`
  return [
    `${kind}, seed ${seed}: ${executions} executions in ${seconds.toFixed(0)} s; ${kill} kills, ${stop} stops, ${close} closes, ` +
      `${restart} server restarts, ${cut} cuts`,
    `  repeated side effects: ${effects.repeated} of ${effects.steps} steps${explanation}`,
    `  ${violations.length === 0 ? 'nothing was violated' : `${violations.length} violations:`}`,
    ...violations.slice(0, 25).map((violation) => `    ${violation}`),
  ].join('\n')
}
