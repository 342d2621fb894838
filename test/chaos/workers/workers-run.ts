import { setTimeout as sleep } from 'node:timers/promises'
import { createDocket } from '../../../src/index.ts'
import { temporaryFolder } from '../../servers/guarded-process.ts'
import { randomOf } from '../../../src/testing/kit/seeded-random.ts'
import { startStore } from '../chaos-stores.ts'
import type { StoreUnderTest } from '../chaos-stores.ts'
import { Storm } from '../storm.ts'
import type { StormCast, StormOutcome, StormPlan } from '../storm.ts'
import { engineOn, openWorkersStore } from './engine-under-test.ts'
import type { EngineKind, EngineUnderTest } from './engine-under-test.ts'
import { ResultWatch } from './result-watch.ts'
import { customerOf } from './versioned-graphs.ts'
import type { ProgramVersion } from './versioned-graphs.ts'
import type { PlacedOrder, VersionedWorkerSettings } from './versioned-worker.ts'
import { workersVerdict } from './workers-verdict.ts'
import type { WorkersVerdict } from './workers-verdict.ts'

export interface WorkersOutcome extends WorkersVerdict {
  readonly faults: StormOutcome['faults']
  readonly executions: number
  /** Workers that were started. */
  readonly born: number
  /** Results that somebody has looked at again and again. */
  readonly watched: number
  readonly seconds: number
}

/** Where a storm is, and what wakes its workers. */
export interface WorkersPlace {
  readonly store: 'redis' | 'postgres'
  readonly engine: 'bullmq' | 'none'
  readonly log?: string | undefined
}

/** How bad it is, by its length and the number of workers. */
export function workersPlan(forMs: number, more: Partial<StormPlan> = {}): StormPlan {
  const pauseMs = more.pauseMs ?? 600
  const faults = Math.ceil(forMs / pauseMs)
  const part = (of: number): number => Math.max(1, Math.round(faults * of))
  return {
    workers: 4,
    executions: 40,
    afterwards: 60,
    inFlight: 30,
    kills: part(0.42),
    stops: part(0.12),
    closes: part(0.18),
    restarts: part(0.04),
    cuts: part(0.06),
    aways: part(0.1),
    empties: part(0.08),
    leaseMs: 1_500,
    longestStepMs: 120,
    pauseMs,
    ...more,
  }
}

/** For something of what has been started to end, once there is peace. */
const restMs = 60_000

const graphNames = ['parcels', 'letters', 'parcels', 'greetings', 'letters'] as const
/** So many workers begin between a change of the version that most of them have, and the next. */
const birthsOfRelease = 7

/** Orders with places, and workers of two versions: one of each lives at least, as the other is rolled out, and back. */
function workersCast(engine: EngineUnderTest | undefined, random: () => number): StormCast {
  const versions = new Map<string, ProgramVersion>()
  let born = 0
  return {
    script: 'workers/versioned-worker.ts',
    engine,
    orderOf(number): PlacedOrder {
      return {
        execution: `x${number}`,
        graph: graphNames[number % graphNames.length]!,
        leaves: { Seed: Math.floor(random() * 1e9) },
        key: customerOf(number),
        priority: Math.floor(random() * 3),
        eager: random() < 0.5,
      }
    },
    settingsOf(name, living): Pick<VersionedWorkerSettings, 'version' | 'engine'> {
      const present = Math.floor(born++ / birthsOfRelease) % 2 === 0 ? 1 : 2
      const missing = ([1, 2] as const).find((version) => !living.some((other) => versions.get(other) === version))
      const version = missing ?? present
      versions.set(name, version)
      return { version, engine: engine && { kind: engine.kind, url: engine.url } }
    },
  }
}

/** Starts nothing by the clock any more, and waits for what has been started, as long as some of it ends. */
async function comeToRest({ kind, url }: StoreUnderTest): Promise<void> {
  await using docket = createDocket({ graphs: [], store: openWorkersStore(kind, url), takeOver: false })
  await docket.schedules.pause('tick')
  const status = ['pending', 'running', 'waiting'] as const
  let until = Date.now() + restMs
  for (let left = Infinity; Date.now() < until; await sleep(100)) {
    const { executions } = await docket.list({ status, limit: 1_000 })
    if (executions.length === 0) return
    if (executions.length < left) until = Date.now() + restMs
    left = executions.length
  }
}

/** A storm over a fresh store in which workers of two versions share queues, limits and a schedule. */
export async function runWorkers(place: WorkersPlace, plan: StormPlan, seed: number): Promise<WorkersOutcome> {
  const beganAt = Date.now()
  await using store = await startStore(place.store, { appendfsync: 'always' })
  const kind: EngineKind = place.store
  await using engine = place.engine === 'none' ? undefined : await engineOn(kind, store.url)
  const path = place.log ?? `${temporaryFolder('workers-log')}/log.jsonl`
  const watch = new ResultWatch(store, randomOf(seed + 2))
  const cast = { ...workersCast(engine, randomOf(seed + 1)), beforeEnd: () => comeToRest(store) }
  const outcome = await new Storm(store, plan, randomOf(seed), path, cast).run()
  await watch.end()
  const verdict = await workersVerdict(store, outcome, plan.leaseMs)
  outcome.log.close()
  const born = outcome.log.lines.filter(({ kind }) => kind === 'ready').length
  return {
    ...verdict,
    violations: [...verdict.violations, ...watch.violations],
    faults: outcome.faults,
    executions: outcome.orders.size,
    born,
    watched: watch.results,
    seconds: (Date.now() - beganAt) / 1_000,
  }
}

/** What came out, in a few lines. */
export function workersText({ store, engine }: WorkersPlace, seed: number, outcome: WorkersOutcome): string {
  const { faults, executions, born, watched, effects, limits, ticks, left, shared, violations, seconds } = outcome
  const { kill, stop, close, restart, cut, away, empty } = faults
  return [
    `${store}, engine ${engine}, seed ${seed}: ${executions} executions and ${ticks} by the clock in ${seconds.toFixed(0)} s, in ${born} workers; ` +
      `${kill} kills, ${stop} stops, ${close} closes, ${restart} server restarts, ${cut} cuts, the engine ${away} times away and ${empty} times emptied`,
    `  ${shared} executions in both versions, left to the other ${left} times; most at the same time: ${listed(limits.most)}, at the end: ${listed(limits.mostAtTheEnd)}; ${watched} results watched`,
    `  repeated side effects: ${effects.repeated} of ${effects.steps} steps (${listed(effects.causes)})`,
    `  ${violations.length === 0 ? 'nothing was violated' : `${violations.length} violations:`}`,
    ...violations.slice(0, 25).map((violation) => `    ${violation.slice(0, 600)}`),
  ].join('\n')
}

function listed(of: Readonly<Record<string, number>>): string {
  return Object.entries(of)
    .map(([what, count]) => `${count} ${what}`)
    .join(', ')
}
