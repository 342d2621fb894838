import { temporaryFolder } from '../../servers/guarded-process.ts'
import { randomOf } from '../../../src/testing/kit/seeded-random.ts'
import { startStore } from '../chaos-stores.ts'
import type { StoreKind } from '../chaos-stores.ts'
import { Storm } from '../storm.ts'
import type { StormCast, StormOutcome, StormPlan } from '../storm.ts'
import { Correspondent } from './correspondent.ts'
import { functionsVerdict } from './functions-verdict.ts'
import type { FunctionsVerdict } from './functions-verdict.ts'

export interface FunctionsOutcome extends FunctionsVerdict {
  readonly faults: StormOutcome['faults']
  readonly executions: number
  readonly seconds: number
}

const graphNames = ['ledgers', 'carts', 'ledgers'] as const
const graphOf = (id: string): string => graphNames[Number(id.slice(1)) % graphNames.length]!

/** A storm over a fresh store, in which durable functions and machines run, and somebody writes to them. */
export async function runFunctions(
  kind: StoreKind,
  plan: StormPlan,
  seed: number,
  { log }: { readonly log?: string | undefined } = {},
): Promise<FunctionsOutcome> {
  const beganAt = Date.now()
  await using store = await startStore(kind, { appendfsync: 'always' })
  const path = log ?? `${temporaryFolder('functions-log')}/log.jsonl`
  const [ordering, writing] = [randomOf(seed + 1), randomOf(seed + 2)]
  const correspondent = new Correspondent(store, writing)
  const cast: StormCast = {
    script: 'functions/function-worker.ts',
    orderOf: (number) => ({
      execution: `x${number}`,
      graph: graphOf(`x${number}`),
      leaves: { Seed: Math.floor(ordering() * 1e9) },
    }),
    besides: (_, underWay) => correspondent.write(underWay, graphOf),
  }
  const outcome = await new Storm(store, plan, randomOf(seed), path, cast).run()
  await correspondent.end()
  const verdict = await functionsVerdict(store, outcome, correspondent)
  outcome.log.close()
  const seconds = (Date.now() - beganAt) / 1_000
  return { ...verdict, faults: outcome.faults, executions: outcome.orders.size, seconds }
}

/** What came out, in a few lines. */
export function functionsText(kind: StoreKind, seed: number, outcome: FunctionsOutcome): string {
  const { faults, executions, effects, counts, violations, seconds } = outcome
  const { kill, stop, close, restart, cut } = faults
  const causes = Object.entries(effects.causes).map(([cause, count]) => `${count} ${cause}`)
  return [
    `${kind}, seed ${seed}: ${executions} executions in ${seconds.toFixed(0)} s; ${kill} kills, ${stop} stops, ${close} closes, ` +
      `${restart} server restarts, ${cut} cuts`,
    `  ${counts.letters} letters stored, ${counts.taken} taken; ${counts.answers} updates answered, ${counts.late} too late; ` +
      `verbs gave ${counts.given} times what ${counts.verbs} had come to; ${counts.abandoned} delays fired; parked ${counts.parked} times`,
    `  repeated side effects: ${effects.repeated} of ${effects.steps} (${causes.join(', ')})`,
    `  ${violations.length === 0 ? 'nothing was violated' : `${violations.length} violations:`}`,
    ...violations.slice(0, 25).map((violation) => `    ${violation.slice(0, 600)}`),
  ].join('\n')
}
