import { setTimeout as sleep } from 'node:timers/promises'
import { temporaryFolder } from '../servers/guarded-process.ts'
import { ChaosLog } from './chaos-log.ts'
import type { LogLine } from './chaos-log.ts'
import { startStore } from './chaos-stores.ts'
import type { StoreKind, StoreSettings } from './chaos-stores.ts'
import { randomOf } from '../../src/testing/kit/seeded-random.ts'
import { WorkerProcess } from './worker-process.ts'
import type { StartOrder, WorkerSettings } from './worker.ts'

/** How long executions stood still after their owner was killed, until another process went on with them. */
export interface RecoveryTimes {
  readonly executions: number
  readonly p50: number
  readonly p99: number
  readonly max: number
}

export const defaultLeaseMs = 5_000
const inFlight = 20
const longestStepMs = 400
const patienceMs = 30_000

/** Kills one of two workers again and again, each time with executions in flight. @throws when one does not go on */
export async function measureRecovery(
  kind: StoreKind,
  rounds: number,
  seed: number,
  settings: StoreSettings,
): Promise<RecoveryTimes> {
  await using store = await startStore(kind, settings)
  const random = randomOf(seed)
  const path = `${temporaryFolder('chaos-log')}/log.jsonl`
  const log = new ChaosLog(path)
  let born = 0
  let ordered = 0
  const spawn = (): WorkerProcess<StartOrder> => {
    const place = { name: `w${++born}`, kind, url: store.url, log: path }
    const settings: WorkerSettings = { ...place, leaseMs: defaultLeaseMs, longestMs: longestStepMs }
    return new WorkerProcess('worker.ts', settings, log)
  }
  let [victim, heir] = [spawn(), spawn()]
  const times: number[] = []
  try {
    for (let round = 0; round < rounds; round++) {
      await until(log, () => [victim, heir].every(({ name }) => log.lines.some(isOf('ready', name))))
      const ids = Array.from({ length: inFlight }, () => `x${ordered++}`)
      for (const execution of ids) {
        const leaves = { Seed: Math.floor(random() * 1e9) }
        const order = { execution, graph: 'Long', leaves }
        ;(Number(execution.slice(1)) % 2 === 0 ? victim : heir).give(order)
      }
      await until(log, () =>
        ids.every((id) => log.lines.some((line) => line.kind === 'accepted' && line.execution === id)),
      )
      await sleep(200 + random() * 1_500)
      log.read()
      const dead = victim.name
      const killedAt = Date.now()
      await victim.kill()
      log.read()
      const orphans = orphansOf(log.lines, dead)
      const from = log.lines.findLastIndex(isOf('killed', dead))
      const goesOn = (id: string): LogLine | undefined =>
        log.lines.slice(from).find((line) => line.kind === 'begin' && line.execution === id)
      ;[victim, heir] = [heir, spawn()]
      await until(log, () => orphans.every((id) => goesOn(id) !== undefined))
      for (const id of orphans) times.push(goesOn(id)!.at - killedAt)
    }
  } finally {
    await Promise.all([victim.kill(), heir.kill()])
    log.close()
  }
  times.sort((one, other) => one - other)
  const quantile = (part: number): number => times[Math.min(times.length - 1, Math.floor(times.length * part))] ?? NaN
  return { executions: times.length, p50: quantile(0.5), p99: quantile(0.99), max: quantile(1) }
}

function isOf(kind: LogLine['kind'], worker: string): (line: LogLine) => boolean {
  return (line) => line.kind === kind && line.worker === worker
}

/** The executions that a worker was running: it began their last step (or created them), and they have not ended. */
function orphansOf(lines: readonly LogLine[], worker: string): readonly string[] {
  const owners = new Map<string, string>()
  for (const { kind, execution, worker: by } of lines) {
    if (kind === 'begin' || (kind === 'accepted' && !owners.has(execution!))) owners.set(execution!, by)
    if (kind === 'ended') owners.delete(execution!)
  }
  return [...owners].filter(([, owner]) => owner === worker).map(([id]) => id)
}

async function until(log: ChaosLog, isTrue: () => boolean): Promise<void> {
  const deadline = Date.now() + patienceMs
  for (;;) {
    log.read()
    if (isTrue()) return
    if (Date.now() > deadline) throw new Error(`nothing for ${patienceMs} ms`)
    await sleep(20)
  }
}
