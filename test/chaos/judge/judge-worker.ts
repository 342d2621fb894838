/** A process that calls a docket as it is ordered to, runs what it owns, and writes down each call, each answer, and each step that it begins. */
import { setTimeout as sleep } from 'node:timers/promises'
import { createDocket, DocketError } from '../../../src/index.ts'
import { openStore } from '../../processes/store-address.ts'
import type { StoreAddress } from '../../processes/store-address.ts'
import { chaosGraphs, failuresOf, inputsOf, numberOf } from '../chaos-graphs.ts'
import type { Mark, RunStep } from '../chaos-graphs.ts'
import { ChaosLog } from '../chaos-log.ts'
import { randomOf } from '../../../src/testing/kit/seeded-random.ts'
import type { Answer, Call } from './call.ts'
import { brittleStep, judgedShapes } from './judged-shapes.ts'

export interface JudgeWorkerSettings {
  readonly name: string
  readonly address: StoreAddress
  readonly log: string
  readonly leaseMs: number
  /** The longest that a step takes. */
  readonly longestMs: number
  /** What each purge is for. */
  readonly olderThanMs: number
  readonly seed: number
}

const pageSize = 40

if (import.meta.main) work(JSON.parse(process.argv[2]!) as JudgeWorkerSettings)

function work({ name, address, log: path, leaseMs, longestMs, olderThanMs, seed }: JudgeWorkerSettings): void {
  const log = new ChaosLog(path, name)
  const random = randomOf(seed)
  let isClosing = false
  let made = 0

  const runStep: RunStep = async (step, inputs, { executionId, attempt }) => {
    const n = numberOf(step, (type) => inputs[type]!.n)
    const place = { execution: executionId, step: step.name, attempt, n }
    log.write('begin', place)
    if (random() > 0.2) await sleep(random() * longestMs)
    if (attempt <= failuresOf(step, n) || (step.name === brittleStep && random() < 0.5)) {
      log.write('fail', place)
      throw new Error('as it must')
    }
    const from = Object.fromEntries(step.from.map((type) => [type, inputs[type]!.tag]))
    return { n, tag: `${name}:${++made}`, from }
  }

  const graphs = chaosGraphs(runStep, judgedShapes)
  const docket = createDocket({
    graphs: [...graphs.values()].map(({ graph }) => graph),
    store: openStore(address),
    lease: leaseMs,
    maxRecoveries: 10_000,
    name,
    observers: [
      (event) => {
        if (event.type === 'execution.released' && event.cause === 'lease-lost')
          log.write('lost', { execution: event.executionId })
      },
    ],
  })

  async function resultOf(id: string): Promise<Answer> {
    const handle = await docket.get(id)
    return handle === undefined ? { type: 'none' } : valueOf((await handle.result()) as Mark)
  }

  async function listAll(): Promise<Answer> {
    const executions: (readonly [string, string])[] = []
    let next: string | undefined
    do {
      const page = await docket.list({ limit: pageSize, after: next })
      executions.push(...page.executions.map(({ id, status }) => [id, status] as const))
      next = page.next
    } while (next !== undefined)
    return { type: 'list', executions }
  }

  async function answerOf({ operation, execution: id, graph, leaves, from, newId }: Call): Promise<Answer> {
    const { graph: declared, target } = graphs.get(graph)!
    const inputs = inputsOf(leaves)
    switch (operation) {
      case 'start':
        await docket.start(declared, target, inputs, { id })
        return { type: 'done' }
      case 'execute':
        return valueOf((await docket.execute(declared, target, inputs, { id })) as Mark)
      case 'result':
        return resultOf(id)
      case 'details': {
        const handle = await docket.get(id)
        return handle === undefined ? { type: 'none' } : { type: 'status', status: (await handle.details()).status }
      }
      case 'cancel':
        await docket.cancel(id)
        return { type: 'done' }
      case 'retry':
        await docket.retry(id)
        return { type: 'done' }
      case 'fork':
        await docket.fork(id, { from: from!, id: newId! })
        return { type: 'done' }
      case 'delete':
        return { type: (await docket.delete(id)) ? 'deleted' : 'none' }
      case 'purge':
        return { type: 'count', count: await docket.purge({ olderThan: olderThanMs }) }
      case 'list':
        return listAll()
    }
  }

  async function make(call: Call): Promise<void> {
    log.write('call', { call })
    let answer: Answer
    try {
      answer = await answerOf(call)
    } catch (error) {
      const code = error instanceof DocketError ? error.code : (error as Error).name
      answer = { type: 'error', code, message: (error as Error).message, isClosing }
    }
    log.write('answer', { call, answer })
  }

  async function close(): Promise<void> {
    if (isClosing) return
    isClosing = true
    log.write('closing')
    await docket.close({ deadline: '1s' })
    log.write('closed')
    if (process.connected) process.disconnect()
  }

  process.on('message', (call) => void make(call as Call))
  process.on('SIGTERM', () => void close())
  process.on('disconnect', () => {
    if (!isClosing) process.exit(1)
  })
  // Not before: a signal that comes earlier ends it.
  log.write('ready')
}

function valueOf({ tag, n }: Mark): Answer {
  return { type: 'value', tag, n }
}
