/**
 * A process that owns executions until somebody kills it: it starts those that it is told to and takes over those of others. What its
 * steps do to the world is a line in the log.
 */
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { createDocket, DocketError } from '../../src/index.ts'
import type { ExecutionEvent } from '../../src/index.ts'
import { chaosGraphs, failuresOf, inputsOf, numberOf } from './chaos-graphs.ts'
import type { Mark, RunStep } from './chaos-graphs.ts'
import { ChaosLog } from './chaos-log.ts'
import { openStore } from './chaos-stores.ts'
import type { StoreKind } from './chaos-stores.ts'
import { noteStandstills } from './standstills.ts'

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
  let isClosing = false

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
    if (event.type === 'execution.ended')
      log.write('ended', { execution: event.executionId, text: `${event.status}${describe(event.error)}` })
    if (event.type === 'execution.released' && event.cause === 'lease-lost')
      log.write('lost', { execution: event.executionId })
  }

  async function start({ execution, graph, leaves }: StartOrder): Promise<void> {
    const { graph: declared, target } = graphs.get(graph)!
    try {
      const handle = await docket.start(declared, target, inputsOf(leaves), { id: execution })
      log.write('accepted', { execution })
      await handle.result().then(
        (value) => log.write('result', { execution, tag: (value as Mark).tag, n: (value as Mark).n }),
        (error: unknown) =>
          log.write('no-result', { execution, text: `${isClosing ? 'closing' : 'open'}${describe(error)}` }),
      )
    } catch (error) {
      log.write('refused', { execution, text: `${isClosing ? 'closing' : 'open'}${describe(error)}` })
    }
  }

  async function close(): Promise<void> {
    if (isClosing) return
    isClosing = true
    log.write('closing')
    try {
      await docket.close({ deadline: '2s' })
      log.write('closed')
    } catch (error) {
      log.write('closed', { text: describe(error) })
    }
    // Nothing else may keep the process alive.
    if (process.connected) process.disconnect()
  }

  process.on('message', (order) => void start(order as StartOrder))
  process.on('SIGTERM', () => void close())
  process.on('disconnect', () => {
    if (!isClosing) process.exit(1)
  })
}

function describe(error: unknown): string {
  if (error === undefined) return ''
  if (!(error instanceof Error)) return ` ${String(error)}`
  return ` ${error instanceof DocketError ? error.code : error.name}: ${error.message}`
}
