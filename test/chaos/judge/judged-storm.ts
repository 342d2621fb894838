import { setTimeout as sleep } from 'node:timers/promises'
import { createDocket } from '../../../src/index.ts'
import { openStore } from '../../processes/store-address.ts'
import type { StoreAddress } from '../../processes/store-address.ts'
import { chaosGraphs } from '../chaos-graphs.ts'
import { ChaosLog } from '../chaos-log.ts'
import { randomOf } from '../../../src/testing/kit/seeded-random.ts'
import { withoutWaits } from '../without-waits.ts'
import { WorkerProcess } from '../worker-process.ts'
import type { Call, Operation } from './call.ts'
import type { Witness } from './change.ts'
import type { JudgeWorkerSettings } from './judge-worker.ts'
import { judge } from './judge.ts'
import type { Judgement } from './judge.ts'
import { judgedShapes } from './judged-shapes.ts'
import type { Rule, Violation } from './violation.ts'

/** How long a storm lasts, and how bad it is. Times are milliseconds. */
export interface JudgedPlan {
  readonly forMs: number
  readonly workers: number
  readonly leaseMs: number
  /** Between a fault and the next, on average. */
  readonly pauseMs: number
  /** Between a call and the next, on average. */
  readonly callEveryMs: number
  /** What each purge is for. */
  readonly olderThanMs: number
}

type Fault = 'kill' | 'stop' | 'close'

export interface JudgedOutcome extends Judgement {
  readonly faults: Readonly<Record<Fault, number>>
  readonly seconds: number
}

const idsAtOnce = 24
const longestStepMs = 40
const closeMs = 15_000
const settleMs = 60_000
/** So long after the last end, nothing is under way any more. */
const quietMs = 2_500

const weights: Readonly<Record<Operation, number>> = {
  execute: 22,
  start: 14,
  result: 10,
  details: 8,
  cancel: 10,
  retry: 14,
  fork: 7,
  delete: 9,
  purge: 3,
  list: 3,
}
const weighed = Object.entries(weights).flatMap(([operation, weight]) =>
  Array.from({ length: weight }, () => operation as Operation),
)

/** An id and what is started under it. */
type Subject = Pick<Call, 'execution' | 'graph' | 'leaves'>

/** What is wrong with how a process ended. */
export function endProblem(
  { name, ending, end, errors }: Pick<WorkerProcess<Call>, 'name' | 'ending' | 'end' | 'errors'>,
  isReady: boolean,
): string | undefined {
  const { code, signal } = end!
  // Before it listens, SIGTERM is the end.
  const isEarly = signal === 'SIGTERM' && !isReady
  const isAsExpected = ending === 'SIGKILL' ? signal === 'SIGKILL' : ending === 'SIGTERM' && (code === 0 || isEarly)
  if (!isAsExpected) return `${name} ended with ${signal ?? code}: ${errors.trim()}`
  const complaints = withoutWaits(errors)
  return complaints === '' ? undefined : `${name} printed: ${complaints}`
}

/** Has several processes call for everything at once on the same few executions, strikes them, and judges what came of it. */
export class JudgedStorm {
  readonly #address: StoreAddress
  readonly #plan: JudgedPlan
  readonly #random: () => number
  readonly #path: string
  readonly #log: ChaosLog
  readonly #workers = new Set<WorkerProcess<Call>>()
  readonly #violations: Violation[] = []
  readonly #faults: Record<Fault, number> = { kill: 0, stop: 0, close: 0 }
  readonly #pending = new Set<Promise<void>>()
  readonly #subjects: Subject[] = []
  /** Who was given each call. */
  readonly #given = new Map<number, WorkerProcess<Call>>()
  #born = 0
  #calls = 0
  #ids = 0
  #isOver = false

  constructor(address: StoreAddress, plan: JudgedPlan, seed: number, path: string) {
    this.#address = address
    this.#plan = plan
    this.#random = randomOf(seed)
    this.#path = path
    this.#log = new ChaosLog(path)
  }

  async run(witness: Witness): Promise<JudgedOutcome> {
    const beganAt = Date.now()
    try {
      for (let i = 0; i < this.#plan.workers; i++) this.#spawn()
      await this.#untilReady()
      const until = Date.now() + this.#plan.forMs
      await Promise.all([this.#call(until), this.#strike(until)])
      await Promise.all(this.#pending)
      await this.#settle()
      this.#isOver = true
      await Promise.all([...this.#workers].map((worker) => this.#close(worker)))
    } finally {
      this.#isOver = true
      await Promise.all([...this.#workers].map((worker) => worker.kill()))
    }
    const quietAt = Date.now()
    await this.#purgeAll()
    for (const left of await witness.leftovers()) this.#report('left behind', left)
    this.#log.read()
    const judgement = await judge(witness, this.#log.lines, { olderThanMs: this.#plan.olderThanMs, quietAt })
    this.#log.close()
    const violations = [...this.#violations, ...judgement.violations]
    return { ...judgement, violations, faults: this.#faults, seconds: (Date.now() - beganAt) / 1_000 }
  }

  #report(rule: Rule, text: string): void {
    this.#violations.push({ rule, text })
  }

  async #untilReady(): Promise<void> {
    while (this.#log.lines.filter(({ kind }) => kind === 'ready').length < this.#plan.workers) {
      await sleep(20)
      this.#log.read()
    }
  }

  async #call(until: number): Promise<void> {
    while (Date.now() < until) {
      await sleep(this.#plan.callEveryMs * 2 * this.#random())
      const able = [...this.#workers].filter((worker) => worker.isAlive && !worker.isStopped)
      const first = this.#pick(able)
      const subject = this.#subject()
      const call = this.#callFor(this.#pick(weighed)!, subject)
      const isTwice = this.#random() < 0.25
      const other = this.#random() < 0.5 ? call.operation : this.#pick(weighed)!
      const second = this.#pick(able.filter((worker) => worker !== first))
      this.#give(first, call)
      if (isTwice) this.#give(second, this.#callFor(other, subject))
    }
  }

  #give(worker: WorkerProcess<Call> | undefined, call: Call): void {
    if (worker === undefined) return
    this.#given.set(call.call, worker)
    worker.give(call)
  }

  #pick<Item>(items: readonly Item[]): Item | undefined {
    return items[Math.floor(this.#random() * items.length)]
  }

  /** One of those that are called for now, or a new one in the place of another. */
  #subject(): Subject {
    const isNew = this.#random() < 0.08 || this.#subjects.length < idsAtOnce
    if (!isNew) return this.#pick(this.#subjects)!
    const shape = this.#pick(judgedShapes)!
    // Several want the same global results.
    const leaves = Object.fromEntries(
      shape.leaves.map((leaf) => [
        leaf,
        leaf === 'Region' ? Math.floor(this.#ids / 30) : Math.floor(this.#random() * 1e9),
      ]),
    )
    return this.#add({ execution: `x${this.#ids++}`, graph: shape.name, leaves })
  }

  #add(subject: Subject): Subject {
    if (this.#subjects.length < idsAtOnce) this.#subjects.push(subject)
    else this.#subjects[Math.floor(this.#random() * idsAtOnce)] = subject
    return subject
  }

  #callFor(operation: Operation, subject: Subject): Call {
    const call = { call: ++this.#calls, operation, ...subject }
    if (operation === 'purge' || operation === 'list') return { ...call, execution: '' }
    if (operation !== 'fork') return call
    const { steps } = judgedShapes.find(({ name }) => name === subject.graph)!
    const newId = `f${this.#ids++}`
    this.#add({ ...subject, execution: newId })
    return { ...call, from: this.#pick(steps)!.name, newId }
  }

  async #strike(until: number): Promise<void> {
    for (;;) {
      await sleep(this.#plan.pauseMs * 2 * this.#random())
      if (Date.now() >= until) return
      const chance = this.#random()
      const fault = chance < 0.5 ? 'kill' : chance < 0.8 ? 'stop' : 'close'
      const worker = this.#pick([...this.#workers].filter(({ isAlive, isStopped }) => isAlive && !isStopped))
      if (worker === undefined) continue
      this.#faults[fault]++
      const stopMs = this.#plan.leaseMs * (0.6 + 2 * this.#random())
      const done = fault === 'kill' ? worker.kill() : fault === 'stop' ? worker.stop(stopMs) : this.#close(worker)
      const tracked: Promise<void> = done.finally(() => this.#pending.delete(tracked))
      this.#pending.add(tracked)
    }
  }

  async #close(worker: WorkerProcess<Call>): Promise<void> {
    if (!worker.isAlive) return worker.exited
    if (!(await worker.close(closeMs)))
      this.#report('process failed', `${worker.name} did not end within ${closeMs} ms of SIGTERM`)
  }

  #spawn(): void {
    const name = `w${++this.#born}`
    const { leaseMs, olderThanMs } = this.#plan
    const settings: JudgeWorkerSettings = {
      name,
      address: this.#address,
      log: this.#path,
      leaseMs,
      longestMs: longestStepMs,
      olderThanMs,
      seed: Math.floor(this.#random() * 2 ** 32),
    }
    const worker: WorkerProcess<Call> = new WorkerProcess('judge/judge-worker.ts', settings, this.#log)
    this.#workers.add(worker)
    void worker.exited.then(() => {
      this.#workers.delete(worker)
      this.#checkEnd(worker)
      if (!this.#isOver) this.#spawn()
    })
  }

  #checkEnd(worker: WorkerProcess<Call>): void {
    this.#log.read()
    const isReady = this.#log.lines.some(({ kind, worker: name }) => kind === 'ready' && name === worker.name)
    const problem = endProblem(worker, isReady)
    if (problem !== undefined) this.#report('process failed', problem)
  }

  /** Waits until all executions have ended, and the messages to them have been read; or for long enough. */
  async #settle(): Promise<void> {
    await using docket = this.#docket(false)
    const until = Date.now() + settleMs
    while (!this.#haveAnswered() && Date.now() < until) await sleep(100)
    while ((await docket.list({ status: ['pending', 'running'], limit: 1 })).executions.length > 0) {
      if (Date.now() > until) break
      await sleep(100)
    }
    await sleep(quietMs)
  }

  /** Whether those who live have answered all that was called for. */
  #haveAnswered(): boolean {
    this.#log.read()
    const open = new Map(this.#given)
    for (const { kind, call } of this.#log.lines) if (kind === 'answer') open.delete(call!.call)
    return [...open.values()].every((worker) => !worker.isAlive)
  }

  /** Deletes whatever has ended: then nothing must be there. */
  async #purgeAll(): Promise<void> {
    // Those that were killed last are dead for the store as well.
    await sleep(this.#plan.leaseMs)
    await using docket = this.#docket(true)
    while ((await docket.purge({ olderThan: 0 })) > 0);
  }

  #docket(takeOver: boolean): ReturnType<typeof createDocket> {
    const graphs = [...chaosGraphs(runNothing, judgedShapes).values()].map(({ graph }) => graph)
    return createDocket({ graphs, store: openStore(this.#address), takeOver, name: 'judge' })
  }
}

function runNothing(): never {
  throw new Error('the judge runs nothing')
}
