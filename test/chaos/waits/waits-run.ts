import { randomUUID } from 'node:crypto'
import { temporaryFolder } from '../../servers/guarded-process.ts'
import { startStore } from '../chaos-stores.ts'
import type { StoreKind } from '../chaos-stores.ts'
import { randomOf } from '../../../src/testing/kit/seeded-random.ts'
import { Storm } from '../storm.ts'
import type { StormCast, StormOutcome, StormPlan } from '../storm.ts'
import type { Verdict } from '../verdict.ts'
import { childrenOf } from './waiting-graphs.ts'
import { waitsVerdict } from './waits-verdict.ts'
import type { WaitCounts } from './waits-verdict.ts'
import type { SignalOrder } from './waiting-worker.ts'

export interface WaitsOutcome extends Verdict {
  readonly counts: WaitCounts
  readonly faults: StormOutcome['faults']
  readonly executions: number
  readonly seconds: number
}

const graphNames = ['approvals', 'orders', 'trips', 'approvals', 'contests', 'orders'] as const

/** Graphs that wait, and those who send signals to them: early, late, doubled, and to what is not there. */
function waitingCast(random: () => number): StormCast {
  const sent: SignalOrder[] = []
  const newSignal = (underWay: readonly string[], ordered: number): SignalOrder => {
    const isAny = random() < 0.1 || underWay.length === 0
    const execution = isAny
      ? `x${Math.floor(random() * (ordered + 3))}`
      : underWay[Math.floor(random() * underWay.length)]!
    const graph = graphNames[Number(execution.slice(1)) % graphNames.length]!
    const id = randomUUID()
    const value = { n: Math.floor(random() * 1e9), tag: id, from: {} }
    const to = graph === 'orders' ? childrenOf(execution)[Math.floor(random() * 2)]! : execution
    return { signal: graph === 'orders' ? 'Bell' : 'Approval', to, id, value }
  }
  return {
    script: 'waits/waiting-worker.ts',
    orderOf: (number) => ({
      execution: `x${number}`,
      graph: graphNames[number % graphNames.length]!,
      leaves: { Seed: Math.floor(random() * 1e9) },
    }),
    besides(workers, underWay, ordered) {
      if (random() > 0.25 || workers.length === 0) return
      const isAgain = sent.length > 0 && random() < 0.2
      const order = isAgain
        ? sent[Math.floor(sent.length - 1 - random() * Math.min(20, sent.length - 1))]!
        : newSignal(underWay, ordered)
      const graph = graphNames[Number(/^x(\d+)/.exec(order.to)![1]) % graphNames.length]!
      if (graph !== 'approvals' && graph !== 'orders') return
      if (!isAgain) sent.push(order)
      for (let times = random() < 0.2 ? 2 : 1; times > 0; times--)
        workers[Math.floor(random() * workers.length)]!.give(order)
    },
  }
}

/** A storm over a fresh store, in which what runs mostly waits. */
export async function runWaits(
  kind: StoreKind,
  plan: StormPlan,
  seed: number,
  { log }: { readonly log?: string | undefined } = {},
): Promise<WaitsOutcome> {
  const beganAt = Date.now()
  await using store = await startStore(kind, { appendfsync: 'always' })
  const path = log ?? `${temporaryFolder('waits-log')}/log.jsonl`
  const random = randomOf(seed)
  const outcome = await new Storm(store, plan, random, path, waitingCast(randomOf(seed + 1))).run()
  const verdict = await waitsVerdict(store, outcome)
  outcome.log.close()
  const seconds = (Date.now() - beganAt) / 1_000
  return { ...verdict, faults: outcome.faults, executions: outcome.orders.size, seconds }
}

/** What came out, in a few lines. */
export function waitsText(kind: StoreKind, seed: number, outcome: WaitsOutcome): string {
  const { faults, executions, effects, counts, violations, seconds } = outcome
  const { kill, stop, close, restart, cut } = faults
  return [
    `${kind}, seed ${seed}: ${executions} executions in ${seconds.toFixed(0)} s; ${kill} kills, ${stop} stops, ${close} closes, ` +
      `${restart} server restarts, ${cut} cuts`,
    `  parked ${counts.parked} times; ${counts.fired} timers fired; ${counts.undone} undone; signals: ${listed(counts.verdicts)}; ` +
      `won by: ${listed(counts.decisions)}`,
    `  repeated side effects: ${effects.repeated} of ${effects.steps} steps (${listed(effects.causes)})`,
    `  ${violations.length === 0 ? 'nothing was violated' : `${violations.length} violations:`}`,
    ...violations.slice(0, 25).map((violation) => `    ${violation}`),
  ].join('\n')
}

function listed(of: Readonly<Record<string, number>>): string {
  return Object.entries(of)
    .map(([what, count]) => `${count} ${what}`)
    .join(', ')
}
