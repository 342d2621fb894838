/**
 * A process that owns executions until somebody kills it: it starts those that it is told to and takes over those of others. What its
 * steps do to the world is a line in the log.
 */
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { createDocket } from '../../src/index.ts'
import type { ExecutionEvent } from '../../src/index.ts'
import { chaosGraphs, failuresOf, inputsOf, numberOf } from './chaos-graphs.ts'
import type { Mark, RunStep } from './chaos-graphs.ts'
import { ChaosLog } from './chaos-log.ts'
import { openStore } from './chaos-stores.ts'
import type { StoreKind } from './chaos-stores.ts'
import { noteStandstills } from './standstills.ts'
import { lineOf, WorkerLife } from './worker-life.ts'

export interface WorkerSettings {
  readonly name: string
  readonly kind: StoreKind
  readonly url: string
  readonly log: string
  readonly leaseMs: number
  /** The longest that a step takes. */
  readonly longestMs: number
}

/** Tells a worker to start an execution. */
export interface StartOrder {
  readonly execution: string
  readonly graph: string
  readonly leaves: Readonly<Record<string, number>>
}

if (import.meta.main) work(JSON.parse(process.argv[2]!) as WorkerSettings)

function work({ name, kind, url, log: path, leaseMs, longestMs }: WorkerSettings): void {
  const log = new ChaosLog(path, name)
  const life = new WorkerLife(log)

  const runStep: RunStep = async (step, inputs, { executionId, attempt, idempotencyKey }) => {
    const from = Object.fromEntries(step.from.map((type) => [type, inputs[type]!.tag]))
    const n = numberOf(step, (type) => inputs[type]!.n)
    const place = { execution: executionId, step: step.name, attempt, n }
    log.write('begin', { ...place, idempotencyKey, from })
    // Some end in the turn they begin in.
    if (Math.random() > 0.2) await sleep(Math.random() * longestMs)
    if (attempt <= failuresOf(step, n)) {
      log.write('fail', place)
      throw new Error('as the graph says')
    }
    const made: Mark = { n, tag: randomUUID(), from }
    log.write('end', { ...place, tag: made.tag })
    return made
  }

  const graphs = chaosGraphs(runStep)
  const docket = createDocket({
    graphs: [...graphs.values()].map(({ graph }) => graph),
    store: openStore(kind, url),
    lease: leaseMs,
    maxRecoveries: 10_000,
    name,
    observers: [observe],
  })
  noteStandstills(log, leaseMs)
  log.write('ready')

  function observe(event: ExecutionEvent): void {
    life.noteEnd(event)
  }

  async function start({ execution, graph, leaves }: StartOrder): Promise<void> {
    const { graph: declared, target } = graphs.get(graph)!
    await life.follow(execution, () => docket.start(declared, target, inputsOf(leaves), { id: execution }), lineOf)
  }

  life.obey(docket, (order: StartOrder) => void start(order))
}
