// `npm run chaos`: real processes and servers, killed, stopped and restarted at random moments, for as long as it takes.
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { runChaos, summaryOf } from './chaos-run.ts'
import { storeKinds } from './chaos-stores.ts'
import type { StoreKind } from './chaos-stores.ts'
import { judgedKinds, judgementText, judgeOwnServer } from './judge/judge-run.ts'
import { countRemains } from './remains/count-remains.ts'
import { defaultLeaseMs, measureRecovery } from './recovery.ts'
import type { StormPlan } from './storm.ts'
import { functionsText, runFunctions } from './functions/functions-run.ts'
import { runWaits, waitsText } from './waits/waits-run.ts'
import { runWorkers, workersPlan, workersText } from './workers/workers-run.ts'
import type { WorkersPlace } from './workers/workers-run.ts'

const usage = `npm run chaos -- [options]
  --judge               calls from all processes at once, each change recorded by the database, and judged afterwards
  --waits               graphs that wait: races, timers, signals, children, undoings, parking; takes the options of --kills and so on
  --workers             workers of two versions of a program share queues, limits and a schedule, over --store redis or postgres, with
                        --engine bullmq (default) or none, for --minutes; takes --processes, --lease, --pause and --seed
  --functions           durable functions and machines, to which somebody writes; takes the options of --kills and so on
  --remains             kills at each call of everything that a process does, and counts what stays in the store; --kills is how many more
                        at any time, for each thing that is done (default 5)
  --minutes <n>         of the judge and of workers, for each store (default 10)
  --store <name>        of: ${storeKinds.join(', ')}, all (default all)
  --kills <n>           of workers, for each store (default 200)
  --stops <n>           of workers, for about the lease or longer (default 20)
  --closes <n>          orderly ends of workers (default 20)
  --restarts <n>        of the server, after a crash (default 30)
  --cuts <n>            of all connections to it (default 20)
  --executions <n>      at least (default 400)
  --processes <n>       at the same time (default 3)
  --lease <ms>          (default 1000)
  --pause <ms>          between faults, on average (default 500)
  --seed <n>            of the faults (default: by chance)
  --appendfsync <when>  of Redis: always, or everysec to see what a killed server loses (default always)
  --recovery <n>        rounds of measuring the recovery with the default lease (default 20)
  --log <folder>        keeps what happened there`

const number = (name: string): number => {
  const value = Number(flags[name as keyof typeof flags])
  if (Number.isSafeInteger(value) && value >= 0) return value
  throw new Error(`--${name} must be a whole number\n${usage}`)
}
const text = (value: string): { type: 'string'; default: string } => ({ type: 'string', default: value })

const { values: flags } = parseArgs({
  options: {
    store: text('all'),
    kills: text('200'),
    stops: text('20'),
    closes: text('20'),
    restarts: text('30'),
    cuts: text('20'),
    executions: text('400'),
    processes: text('3'),
    engine: text('bullmq'),
    lease: text('1000'),
    pause: text('500'),
    seed: text(String(Math.floor(Math.random() * 1e9))),
    appendfsync: text('always'),
    recovery: text('20'),
    log: { type: 'string' },
    judge: { type: 'boolean', default: false },
    remains: { type: 'boolean', default: false },
    waits: { type: 'boolean', default: false },
    functions: { type: 'boolean', default: false },
    workers: { type: 'boolean', default: false },
    minutes: text('10'),
    help: { type: 'boolean', default: false },
  },
})

const judged = judgedKinds.filter((kind) => flags.store === 'all' || flags.store === kind)
const kinds = storeKinds.filter((kind) => flags.store === 'all' || flags.store === kind)
const { appendfsync } = flags
if (flags.help) console.log(usage)
else if (flags.judge && judged.length > 0) {
  const seed = number('seed')
  console.log(`seed ${seed}`)
  for (const kind of judged) if (!(await judgeOne(kind, seed))) process.exitCode = 1
} else if (flags.workers && (flags.engine === 'bullmq' || flags.engine === 'none')) {
  const stores = (['redis', 'postgres'] as const).filter((kind) => flags.store === 'all' || flags.store === kind)
  const seed = number('seed')
  console.log(`seed ${seed}`)
  for (const store of stores) if (!(await tormentWorkers(store, flags.engine, seed))) process.exitCode = 1
} else if (flags.remains && judged.length > 0) {
  if (!(await countRemains(judged, flags.kills === '200' ? 5 : number('kills')))) process.exitCode = 1
} else if (kinds.length === 0 || (appendfsync !== 'everysec' && appendfsync !== 'always')) {
  console.error(usage)
  process.exitCode = 2
} else {
  const seed = number('seed')
  console.log(`seed ${seed}`)
  for (const kind of kinds) if (!(await tormentOne(kind, seed, appendfsync))) process.exitCode = 1
}

/** Where what happens is kept: of this run alone. */
function logOf(name: string): string | undefined {
  if (flags.log === undefined) return undefined
  mkdirSync(flags.log, { recursive: true })
  const path = join(flags.log, name)
  rmSync(path, { force: true })
  return path
}

function plan(): StormPlan {
  return {
    workers: number('processes'),
    executions: number('executions'),
    inFlight: 20,
    kills: number('kills'),
    stops: number('stops'),
    closes: number('closes'),
    restarts: number('restarts'),
    cuts: number('cuts'),
    leaseMs: number('lease'),
    pauseMs: number('pause'),
  }
}

function tormentOne(kind: StoreKind, seed: number, appendfsync: 'everysec' | 'always'): Promise<boolean> {
  if (flags.functions) return tormentFunctions(kind, seed)
  return flags.waits ? tormentWaits(kind, seed) : torment(kind, seed, appendfsync)
}

async function tormentFunctions(kind: StoreKind, seed: number): Promise<boolean> {
  const log = logOf(`functions-${kind}-${seed}.jsonl`)
  const outcome = await runFunctions(kind, plan(), seed, { log })
  console.log(functionsText(kind, seed, outcome))
  return outcome.violations.length === 0
}

async function tormentWorkers(
  store: WorkersPlace['store'],
  engine: WorkersPlace['engine'],
  seed: number,
): Promise<boolean> {
  const log = logOf(`workers-${store}-${engine}-${seed}.jsonl`)
  const given = {
    ...(flags.processes !== '3' && { workers: number('processes') }),
    ...(flags.lease !== '1000' && { leaseMs: number('lease') }),
    ...(flags.pause !== '500' && { pauseMs: number('pause') }),
  }
  const place = { store, engine, log }
  const outcome = await runWorkers(place, workersPlan(Number(flags.minutes) * 60_000, given), seed)
  console.log(workersText(place, seed, outcome))
  return outcome.violations.length === 0
}

async function tormentWaits(kind: StoreKind, seed: number): Promise<boolean> {
  const log = logOf(`waits-${kind}-${seed}.jsonl`)
  const outcome = await runWaits(kind, plan(), seed, { log })
  console.log(waitsText(kind, seed, outcome))
  return outcome.violations.length === 0
}

async function judgeOne(kind: (typeof judged)[number], seed: number): Promise<boolean> {
  const log = logOf(`judge-${kind}-${seed}.jsonl`)
  const outcome = await judgeOwnServer(kind, seed, { forMs: Number(flags.minutes) * 60_000, log })
  console.log(judgementText(kind, seed, outcome))
  return outcome.violations.length === 0
}

async function torment(kind: StoreKind, seed: number, appendfsync: 'everysec' | 'always'): Promise<boolean> {
  const log = logOf(`${kind}-${seed}.jsonl`)
  const outcome = await runChaos(kind, plan(), seed, { appendfsync, log })
  console.log(summaryOf(kind, seed, outcome))
  const rounds = number('recovery')
  if (rounds === 0) return outcome.violations.length === 0
  const { executions, p50, p99, max } = await measureRecovery(kind, rounds, seed, { appendfsync })
  const limit = defaultLeaseMs + 1_000
  console.log(
    `  recovery of ${executions} executions after ${rounds} kills, with a lease of ${defaultLeaseMs} ms: ` +
      `p50 ${p50} ms, p99 ${p99} ms, max ${max} ms (to be within ${limit} ms)`,
  )
  return outcome.violations.length === 0 && p99 <= limit
}
