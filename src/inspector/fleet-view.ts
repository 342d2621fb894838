import { openStatuses } from '../core/contracts/statuses.ts'
import { durationText } from '../core/duration.ts'
import { limitsText } from '../core/limits-text.ts'
import type { Docket } from '../durable/docket.ts'
import type { DocketHealth } from '../durable/docket-health.ts'
import type { WorkerInfo } from '../durable/records/worker-info.ts'
import type { ScheduleInfo } from '../durable/schedules/schedule-info.ts'
import { defined, isoOf } from './defined.ts'
import type { FleetView } from './fleet-protocol.ts'
import { sharedFor } from './shared-for.ts'

const fleetMs = 1_000
const unfitMs = 30_000
const upTo = 10_000
const mostQueues = 200
const mostIncompatible = 100
const mostLookedAt = 200

/** Everything that runs executions, and what stands ready for it, for all pages that look at about the same time. @throws (as rejection) what the docket throws */
export function fleetOf(docket: Docket): () => Promise<FleetView> {
  // To find out what would not go on here, steps of many executions are read.
  const unfit = sharedFor(unfitMs, () => docket.findIncompatible({ limit: mostLookedAt }))
  return sharedFor(fleetMs, () => fleetViewOf(docket, unfit))
}

async function fleetViewOf(
  docket: Docket,
  findUnfit: () => ReturnType<Docket['findIncompatible']>,
): Promise<FleetView> {
  const [workers, schedules, health, open, names, unfit] = await Promise.all([
    docket.workers(),
    schedulesOf(docket),
    docket.health(),
    docket.list({ status: openStatuses }),
    docket.queues(),
    findUnfit(),
  ])
  // What this process has met and left, and what it would leave.
  const met = open.executions.filter((one) => one.incompatible.length > 0)
  const incompatible = new Map([
    ...met.map((one) => [one.id, one.incompatible] as const),
    ...unfit.incompatible.map(({ id, reasons }) => [id, reasons] as const),
  ])
  // Where there are more than a page of them, to count them costs too much for what looks at it every second.
  const running = open.next === undefined ? Map.groupBy(open.executions, ({ owner }) => owner) : undefined
  return {
    workers: workers.map((worker) => workerView(worker, running && (running.get(worker.owner)?.length ?? 0))),
    queues: await Promise.all(names.slice(0, mostQueues).map((name) => queueView(docket, name))),
    schedules: schedules.map(scheduleView),
    health: healthView(health),
    incompatible: [...incompatible].slice(0, mostIncompatible).map(([id, reasons]) => ({ id, reasons })),
  }
}

async function schedulesOf(docket: Docket): Promise<readonly ScheduleInfo[]> {
  return (await docket.schedules.list({ limit: 1_000 })).schedules
}

function healthView({ isAlive, isReady, problems, storeMs, engine, overruled }: DocketHealth): FleetView['health'] {
  return defined<FleetView['health']>({
    isAlive,
    isReady,
    problems,
    storeMs,
    engine: engine && defined<NonNullable<FleetView['health']['engine']>>(engine),
    overruled,
  })
}

function workerView(
  { owner, name, version, since, renewedAt, queues }: WorkerInfo,
  running: number | undefined,
): FleetView['workers'][number] {
  return defined<FleetView['workers'][number]>({
    id: owner,
    name,
    version,
    startedAt: isoOf(since),
    seenAt: isoOf(renewedAt),
    running,
    queues,
  })
}

async function queueView(docket: Docket, name: string): Promise<FleetView['queues'][number]> {
  const queue = docket.queue(name)
  const [info, backlog] = await Promise.all([queue.info(), queue.backlog({ upTo })])
  const limits = limitsText(info.limits)
  return defined<FleetView['queues'][number]>({
    name,
    isPaused: info.pausedAt !== undefined,
    ready: backlog.ready,
    running: backlog.running,
    oldestReadyMs: backlog.oldestReadyMs,
    limits: limits === '' ? undefined : limits,
  })
}

function scheduleView(info: ScheduleInfo): FleetView['schedules'][number] {
  return defined<FleetView['schedules'][number]>({
    name: info.name,
    graph: info.graph,
    target: info.target,
    isPaused: info.pausedAt !== undefined,
    nextAt: isoOf(info.nextAt),
    lastAt: isoOf(info.lastAt),
    cadence: cadenceOf(info),
  })
}

function cadenceOf({ cron, everyMs, at, timeZone }: ScheduleInfo): string {
  if (cron !== undefined) return timeZone === undefined ? cron : `${cron} (${timeZone})`
  if (everyMs !== undefined) return `every ${durationText(everyMs)}`
  return at === undefined ? 'never' : `once, at ${at.toISOString()}`
}
