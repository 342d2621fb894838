// `npm run bench`: Docket against the others, in one process; `npm run bench -- durable`: on servers, each in a process of its own. See
// docs/benchmarks.md for what came out.
import { parseArgs } from 'node:util'
import { BenchServers } from './durable/bench-servers.ts'
import { fullEffort, quickEffort } from './measure.ts'
import { installOpponents } from './packages.ts'
import { judgedOf, surroundings, tableOf, verdicts } from './report.ts'
import { verdictOf } from './target.ts'
import { batch } from './workloads/batch.ts'
import { cache } from './workloads/cache.ts'
import { compileTime } from './workloads/compile-time.ts'
import { durableCache } from './workloads/durable-cache.ts'
import { durableChains, functionChains } from './workloads/durable-chain.ts'
import { longFunctions } from './workloads/durable-functions.ts'
import { durableGrowth } from './workloads/durable-growth.ts'
import { durableRecovery, durableResume } from './workloads/durable-recovery.ts'
import { durableSet } from './workloads/durable-set.ts'
import { durableUnpersisted } from './workloads/durable-unpersisted.ts'
import { growth } from './workloads/growth.ts'
import { heap } from './workloads/heap.ts'
import { inspectorPage } from './workloads/inspector-page.ts'
import { listFilters } from './workloads/list-filters.ts'
import { machineEvents } from './workloads/machines.ts'
import { inspectorWatcher } from './workloads/inspector-watcher.ts'
import { observer } from './workloads/observer.ts'
import { observers } from './workloads/observers.ts'
import { shapeWorkloads } from './workloads/run-shape.ts'
import { scale, scaleParts, scaleStores } from './workloads/scale.ts'
import { schemas } from './workloads/schemas.ts'
import { testDockets } from './workloads/test-dockets.ts'
import { updates } from './workloads/updates.ts'
import { waiting } from './workloads/waiting.ts'
import { workerBacklog } from './workloads/worker-backlog.ts'
import { workerSchedules } from './workloads/worker-schedules.ts'
import { workerStart } from './workloads/worker-start.ts'
import { workerTrips } from './workloads/worker-trips.ts'
import { workerThroughput } from './workloads/worker-throughput.ts'
import type { Result } from './workloads/workload.ts'

const inMemory = [
  ...shapeWorkloads,
  growth,
  batch,
  heap,
  schemas,
  observer,
  inspectorWatcher,
  cache,
  testDockets,
  compileTime,
]
const durable = [
  ...durableChains,
  durableGrowth,
  durableSet,
  durableCache,
  durableUnpersisted,
  durableRecovery,
  durableResume,
]
const functions = [...functionChains, longFunctions, machineEvents, updates]
const workers = [workerSchedules, workerThroughput, workerStart, workerTrips]
const others = [workerBacklog, ...observers, scale, listFilters, inspectorPage]
const workloads = [...inMemory, ...durable, ...waiting, ...functions, ...workers, ...others]
const groups: Readonly<Record<string, readonly string[]>> = {
  memory: inMemory.map(({ name }) => name),
  durable: durable.map(({ name }) => name),
  waiting: waiting.map(({ name }) => name),
  'durable-functions': functions.map(({ name }) => name),
  workers: workers.map(({ name }) => name),
  observers: observers.map(({ name }) => name),
}
const names = workloads.map(({ name }) => name)

const usage = `npm run bench -- [<workload or group>…] [--quick] [--json]
  workloads  of memory, which run if nothing is named: ${groups['memory']!.join(', ')}
             of durable, on servers of their own: ${groups['durable']!.join(', ')}
             of waiting, on the same servers: ${groups['waiting']!.join(', ')}
             of durable-functions, on the same servers: ${groups['durable-functions']!.join(', ')}
             of workers, on the same servers: ${groups['workers']!.join(', ')}
             of observers, what each of them costs: ${groups['observers']!.join(', ')}
             worker-backlog, very many executions that are ready
             scale, a store that holds very much; list-filters, lists and counts of one
             inspector-page, in a browser
  --quick    fewer and shorter rounds: to see that it works, not to quote
  --only     workloads, comma-separated: the same as naming them
  --size     for scale: how many executions that have ended the store holds, and a tenth of that which have not; 1000000 by default;
             for list-filters and worker-backlog: how many executions; 1000000 by default; for waiting-parked: how many are parked; 100000 by default
  --stores   for scale, worker-backlog, list-filters (not redis) and waiting-parked (not mysql), comma-separated: ${Object.keys(scaleStores).join(', ')}; all by default
  --parts    of scale, comma-separated: ${scaleParts.join(', ')}; all by default
  --json     everything measured, as JSON on stdout (progress on stderr)`

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: 'boolean', default: false },
    only: { type: 'string', multiple: true, default: [] },
    size: { type: 'string' },
    stores: { type: 'string' },
    parts: { type: 'string' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})
const named = [...positionals, ...flags.only].flatMap((list) => list.split(','))
const chosen = new Set((named.length === 0 ? ['memory'] : named).flatMap((name) => groups[name] ?? [name]))
const unknown = [...chosen].filter((name) => !names.includes(name))
const size = flags.size === undefined ? undefined : Number(flags.size)
const stores = flags.stores?.split(',')
const parts = flags.parts?.split(',')
const problems = [
  ...unknown.map((name) => `unknown workload: ${name}`),
  ...(stores ?? []).filter((store) => !(store in scaleStores)).map((store) => `unknown store: ${store}`),
  ...(parts ?? []).filter((part) => !scaleParts.some((one) => one === part)).map((part) => `unknown part: ${part}`),
  // Parts of it are a tenth, a twentieth and a fiftieth.
  ...(size === undefined || (size >= 1_000 && size % 1_000 === 0) ? [] : ['--size must be a multiple of 1000']),
]
if (flags.help || problems.length > 0) {
  console.error([...problems, usage].join('\n'))
  process.exit(problems.length > 0 ? 1 : 0)
}

installOpponents()
const say = flags.json ? console.error : console.log
const effort = flags.quick ? quickEffort : fullEffort
for (const [name, version] of Object.entries(surroundings())) say(`${name.padEnd(26)} ${version}`)
if (groups['memory']!.some((name) => chosen.has(name)))
  say(
    `in memory: ${effort.rounds} rounds of about ${effort.roundMs} ms each, interleaved; medians, and the range of the middle half of the rounds`,
  )
if (
  ['durable', 'waiting', 'durable-functions', 'workers']
    .flatMap((group) => groups[group]!)
    .some((name) => chosen.has(name))
)
  say(
    'durable: each contender in a process of its own, one after another, several times; medians, and the range of the middle half',
  )

const results = new Map<string, Result>()
const serverVersions: Record<string, string> = {}
{
  await using servers = new BenchServers()
  for (const workload of workloads) {
    if (!chosen.has(workload.name)) continue
    try {
      const result = await workload.measure(effort, { isQuick: flags.quick, servers, size, stores, parts })
      results.set(workload.name, result)
      say(`\n${tableOf(result)}`)
    } catch (error) {
      // What the others measure still counts.
      process.exitCode = 1
      console.error(`\n## ${workload.title}: failed`, error)
    }
  }
  Object.assign(serverVersions, servers.versions)
}
const served = Object.entries(serverVersions).map(([name, version]) => `${name} ${version}`)
if (served.length > 0) say(`\nservers: ${served.join(', ')}`)

if (judgedOf(results).length > 0)
  say(`\n## Verdicts${flags.quick ? ' (a quick run: not to quote)' : ''}\n${verdicts(results)}`)
if (flags.json) {
  const judged = judgedOf(results).map((target) => {
    const got = target.got(results)
    return {
      measure: target.measure,
      must: target.must,
      goal: target.goal,
      unit: target.unit,
      got,
      verdict: verdictOf(target, got),
    }
  })
  console.log(
    JSON.stringify(
      {
        surroundings: { ...surroundings(), ...serverVersions },
        effort,
        results: [...results.values()],
        verdicts: judged,
      },
      undefined,
      2,
    ),
  )
}
