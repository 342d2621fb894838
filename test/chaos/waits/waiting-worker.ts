/** A process that owns executions which wait, until somebody kills it; it sends signals too, to whatever it is told. What it does to the world is a line in the log. */
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { createDocket, dataType, type } from '../../../src/index.ts'
import type { Docket, ExecutionEvent } from '../../../src/index.ts'
import type { Mark } from '../chaos-graphs.ts'
import { ChaosLog } from '../chaos-log.ts'
import { openStore } from '../chaos-stores.ts'
import { noteStandstills } from '../standstills.ts'
import { describe, lineOf, parkOf, WorkerLife } from '../worker-life.ts'
import type { StartOrder, WorkerSettings } from '../worker.ts'
import { isBroke, isSlow, markOf, waitingGraphs, waitingInputs } from './waiting-graphs.ts'

/** Tells a worker to send a signal. */
export interface SignalOrder {
  readonly signal: string
  readonly to: string
  readonly id: string
  readonly value: Mark
}

if (import.meta.main) work(JSON.parse(process.argv[2]!) as WorkerSettings)

function work({ name, kind, url, log: path, leaseMs, longestMs }: WorkerSettings): void {
  const log = new ChaosLog(path, name)
  const life = new WorkerLife(log)

  const graphs = waitingGraphs({
    async run(step, inputs, { executionId, attempt, idempotencyKey, signal }) {
      const from = Object.fromEntries(Object.entries(inputs).map(([port, mark]) => [port, mark.tag]))
      const n = markOf(step, (port) => inputs[port]?.n ?? 0)
      const place = { execution: executionId, step: step.name, attempt, n }
      log.write('begin', { ...place, idempotencyKey, from })
      if (step.name === 'Near' && isSlow(inputs['Seed']!.n)) await sleep(600 + Math.random() * 300)
      else if (Math.random() > 0.2) await sleep(Math.random() * longestMs)
      if (step.name === 'Pay' && isBroke(inputs['Seed']!.n)) {
        log.write('fail', place)
        throw new Error('no credit')
      }
      if (signal.aborted && step.name === 'Near' && Math.random() < 0.5) throw signal.reason
      const made: Mark = { n, tag: randomUUID(), from }
      log.write('end', { ...place, tag: made.tag })
      return made
    },
    decided(race, { port, value }, { executionId }) {
      const { n, tag } = value as Mark
      log.write('decided', { execution: executionId, step: race, text: port, tag })
      return { n, tag: `${race} of ${executionId}: ${tag}`, from: {} }
    },
    fired(timer, { dueAt }) {
      log.write('fired', { step: timer, n: dueAt.getTime() })
      return { n: dueAt.getTime(), tag: `${timer} ${dueAt.getTime()}`, from: {} }
    },
    async undo(step, output, { executionId, stepIdempotencyKey, isUncertain }) {
      const place = { execution: executionId, step, idempotencyKey: stepIdempotencyKey }
      log.write('undoing', { ...place, tag: output?.tag, text: isUncertain ? 'uncertain' : '' })
      await sleep(Math.random() * longestMs)
      if (Math.random() < 0.1) throw new Error('not now')
      log.write('undone', place)
    },
  })

  const docket: Docket = createDocket({
    graphs: [...graphs.values()].map(({ graph }) => graph),
    store: openStore(kind, url),
    lease: leaseMs,
    maxRecoveries: 10_000,
    park: parkOf(name),
    name,
    observers: [observe],
  })
  noteStandstills(log, leaseMs)
  log.write('ready')

  function observe(event: ExecutionEvent): void {
    life.noteEnd(event)
    if (event.type === 'execution.released' && event.cause === 'park')
      log.write('parked', { execution: event.executionId })
  }

  async function start({ execution, graph, leaves }: StartOrder): Promise<void> {
    const { graph: declared, target } = graphs.get(graph)!
    const inputs = waitingInputs(leaves)
    // One that has failed would begin anew.
    const begin = async () =>
      (await docket.get(execution)) ??
      docket.start(declared as never, target as never, inputs as never, { id: execution })
    await life.follow(execution, begin, lineOf)
  }

  async function send({ signal, to, id, value }: SignalOrder): Promise<void> {
    try {
      const handle = await docket.get(to)
      const sentAt = Date.now()
      const verdict = await handle?.signal(dataType(signal, type<Mark>()), value, { id })
      if (verdict !== undefined)
        log.write('sent', { execution: to, step: signal, tag: value.tag, n: sentAt, text: verdict })
    } catch (error) {
      log.write('unsent', { execution: to, text: describe(error) })
    }
  }

  life.obey(docket, (order: StartOrder | SignalOrder) => void ('signal' in order ? send(order) : start(order)))
}
