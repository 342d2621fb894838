/** A worker of several queues, in one of two versions of the program, until somebody kills it. What its steps do to the world is a line in the log. */
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { createDocket } from '../../../src/index.ts'
import type { Docket, ExecutionEvent } from '../../../src/index.ts'
import { inputsOf, numberOf } from '../chaos-graphs.ts'
import type { Mark } from '../chaos-graphs.ts'
import { ChaosLog } from '../chaos-log.ts'
import { noteStandstills } from '../standstills.ts'
import { lineOf, WorkerLife } from '../worker-life.ts'
import type { StartOrder, WorkerSettings } from '../worker.ts'
import { openEngine, openWorkersStore } from './engine-under-test.ts'
import type { EngineKind } from './engine-under-test.ts'
import { inDefault, perKeyOfPress, versionedGraphs } from './versioned-graphs.ts'
import type { ProgramVersion } from './versioned-graphs.ts'

export interface VersionedWorkerSettings extends WorkerSettings {
  readonly version: ProgramVersion
  readonly engine: { readonly kind: EngineKind; readonly url: string } | undefined
}

/** Tells a worker to start an execution, and where it stands. */
export interface PlacedOrder extends StartOrder {
  readonly key: string
  readonly priority: number
  /** Whether whoever is told may run it at once. */
  readonly eager: boolean
}

/** For what is handed over. */
export const closeDeadlineMs = 2_000

if (import.meta.main) work(JSON.parse(process.argv[2]!) as VersionedWorkerSettings)

function work({ name, kind, url, log: path, leaseMs, longestMs, version, engine }: VersionedWorkerSettings): void {
  const log = new ChaosLog(path, name)
  const life = new WorkerLife(log)

  const { graphs, ticks } = versionedGraphs(
    version,
    async (step, inputs, { executionId, attempt, idempotencyKey, signal }) => {
      const from = Object.fromEntries(Object.entries(inputs).map(([type, mark]) => [type, mark.tag]))
      const made = { name: step, from: Object.keys(inputs).toSorted() }
      const n = numberOf(made, (input) => inputs[input]!.n)
      const place = { execution: executionId, step, attempt, n }
      log.write('begin', { ...place, idempotencyKey, from, seed: inputs['Seed']?.n })
      try {
        if (Math.random() > 0.2) await sleep(Math.random() * longestMs, undefined, { signal })
      } catch (error) {
        log.write('fail', { ...place, text: 'aborted' })
        throw error
      }
      const mark: Mark = { n, tag: randomUUID(), from }
      log.write('end', { ...place, tag: mark.tag })
      return mark
    },
  )

  const docket: Docket = createDocket({
    graphs: [...graphs.values()].map(({ graph }) => graph),
    schedules: [ticks],
    store: openWorkersStore(kind, url),
    ...(engine !== undefined && { engine: openEngine(engine.kind, engine.url) }),
    work: { default: 6, press: 3 },
    queues: { default: { concurrency: inDefault }, press: { concurrency: { limit: perKeyOfPress, key: true } } },
    lease: leaseMs,
    maxRecoveries: 10_000,
    name,
    version: String(version),
    observers: [observe],
  })
  noteStandstills(log, leaseMs)
  log.write('ready', { n: version })

  function observe(event: ExecutionEvent): void {
    life.noteEnd(event)
    if (event.type === 'execution.incompatible') log.write('left', { execution: event.executionId })
  }

  async function start({ execution, graph, leaves, key, priority, eager }: PlacedOrder): Promise<void> {
    const known = graphs.get(graph)
    if (known === undefined) {
      log.write('refused', { execution, text: 'old: this version has no such graph' })
      return
    }
    const place = { id: execution, key, priority, eager }
    const begin = () => docket.start(known.graph as never, known.target as never, inputsOf(leaves) as never, place)
    await life.follow(execution, begin, lineOf, (error) => (isOther(error) ? 'old' : life.when))
  }

  life.obey(docket, (order: PlacedOrder) => void start(order), closeDeadlineMs)
}

/** Of another version's records, a version says so. */
function isOther(error: unknown): boolean {
  return error instanceof Error && error.message.includes("can't go on in this process")
}
