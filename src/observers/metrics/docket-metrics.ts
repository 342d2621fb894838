import { errorCodes } from '../../core/docket-error.ts'
import type { ExecutionEnded, ExecutionEvent } from '../../core/contracts/events.ts'
import type { ProcessEvent } from '../../core/contracts/observed-docket.ts'
import type { ExecutionLife, LifeObserver, ObserverEvents } from '../../core/contracts/execution-life.ts'
import { readOf } from '../../core/thrown.ts'
import { newFamilies } from './families.ts'
import { FleetReader } from './fleet-reader.ts'
import { GraphMetrics } from './graph-metrics.ts'
import { LabelNames, otherName } from './label-names.ts'

const codes: ReadonlySet<unknown> = new Set(errorCodes)

/** The code of an error; `other` for what is none of Docket's. */
function codeOf(error: unknown): string {
  const code = readOf(error, 'code')
  return codes.has(code) ? (code as string) : otherName
}

/** Counts what happens, by what programs declare. */
export class DocketMetrics {
  /** Nothing is counted of these. */
  readonly doesWithout: ObserverEvents = ['step.started', 'attempt.started']
  readonly families = newFamilies()
  readonly fleet: FleetReader
  readonly #names: LabelNames
  readonly #graphs = new Map<string, GraphMetrics>()
  #seesStores = false
  /** Where it is given to a graph and to a docket, each event comes twice, one right after the other. */
  #last: ExecutionEvent | ProcessEvent | undefined
  #lastBegun: { readonly id: string; readonly epoch: number } | undefined

  /** `mostNames`: how many names are taken that are made at run time; `fleetMs`: how long a store may take to answer. */
  constructor(mostNames: number, fleetMs: number) {
    this.#names = new LabelNames(mostNames)
    this.fleet = new FleetReader(this.families, fleetMs)
  }

  /** A life of an execution begins. Gives what observes it, where that is more than this. */
  begin({ executionId: id, graph, hasDeclaredNames, at, record }: ExecutionLife): LifeObserver | undefined {
    if (hasDeclaredNames) this.#declared(graph)
    if (record === undefined) return undefined
    const { startedAt, createdAt, startAt = 0, queue, epoch } = record
    if (startedAt === undefined || epoch === 1) {
      const { queueWait } = this.families
      if (this.#lastBegun?.id === id && this.#lastBegun.epoch === epoch) return undefined
      this.#lastBegun = { id, epoch }
      queueWait.observe(queueWait.of(queue), Math.max(0, at - Math.max(createdAt, startAt)) / 1_000)
      return undefined
    }
    return {
      doesWithout: this.doesWithout,
      next: (event) => {
        if (this.#isRepeated(event)) return
        if (event.type === 'execution.ended') this.#ended({ ...event, durationMs: Math.max(0, event.at - startedAt) })
        else this.#count(event)
      },
    }
  }

  /** Counts an event of an execution, or of a schedule. */
  next(event: ExecutionEvent): void {
    if (!this.#isRepeated(event)) this.#count(event)
  }

  #isRepeated(event: ExecutionEvent | ProcessEvent): boolean {
    if (event === this.#last) return true
    this.#last = event
    return false
  }

  #count(event: ExecutionEvent): void {
    switch (event.type) {
      case 'step.ended':
        this.#stepEnded(event)
        return
      case 'attempt.failed':
        this.#graph(event.graph)
          .step(event.step)
          .attempted(event.timedOut ? 'timed_out' : 'failed')
        return
      case 'retry.scheduled':
        this.#graph(event.graph).step(event.step).retried()
        return
      case 'cache.hit':
      case 'cache.miss': {
        const result = event.type === 'cache.miss' ? 'miss' : event.shared ? 'shared' : 'hit'
        this.#graph(event.graph).step(event.step).lookedUp(event.scope, result)
        return
      }
      case 'execution.started':
        this.#started(event)
        return
      case 'execution.ended':
        this.#ended(event)
        return
      case 'execution.released':
        this.#left(event.graph, event.target)
        return
      case 'execution.resumed':
        this.families.resumes.of(this.#graph(event.graph).name, event.after).value++
        return
      case 'lease.lost':
        this.families.leaseLosses.of(this.#graph(event.graph).name).value++
        return
      case 'execution.incompatible':
        this.families.incompatible.of(this.#graph(event.graph).name).value++
        return
      case 'store.failed':
        // A docket's calls are counted one by one.
        if (!this.#seesStores) this.families.storeErrors.of(event.operation, codeOf(event.error)).value++
        return
      case 'schedule.missed': {
        const graph = this.#graph(event.graph)
        this.families.scheduleMissed.of(graph.name, graph.target(event.target)).value += event.count
        return
      }
      default:
    }
  }

  /** Counts what happens in a docket's process besides. */
  nextOfProcess(event: ProcessEvent): void {
    if (this.#isRepeated(event)) return
    const { storeCalls, storeErrors, wakes, loopBlocked, scheduleLag } = this.families
    switch (event.type) {
      case 'store.called':
        this.#seesStores = true
        storeCalls.observe(storeCalls.of(event.operation), event.durationMs / 1_000)
        if (event.error !== undefined) storeErrors.of(event.operation, codeOf(event.error)).value++
        return
      case 'wake.used':
        wakes.of(event.queue, event.result).value++
        return
      case 'process.blocked':
        loopBlocked.observe(loopBlocked.of(), event.durationMs / 1_000)
        return
      case 'schedule.fired': {
        const graph = this.#graph(event.graph)
        scheduleLag.observe(scheduleLag.of(graph.name, graph.target(event.target)), event.lagMs / 1_000)
        return
      }
      default:
        event satisfies never
    }
  }

  #stepEnded(event: Extract<ExecutionEvent, { type: 'step.ended' }>): void {
    const step = this.#graph(event.graph).step(event.step)
    if (event.status === 'completed' && !event.fellBack) step.attempted('completed')
    step.ended(event.status, event.durationMs)
  }

  #started({ seq, graph, target: of }: Extract<ExecutionEvent, { type: 'execution.started' }>): void {
    const target = this.#graph(graph).ofTarget(of)
    // One that goes on was resumed before it.
    if (seq === 1) target.started.value++
    target.running.value++
  }

  #ended({ graph, target: of, status, error, durationMs }: ExecutionEnded): void {
    const target = this.#graph(graph).ofTarget(of)
    target.ended(status, status === 'completed' ? '' : codeOf(error), durationMs)
    target.running.value--
  }

  #left(graph: string, target: string): void {
    this.#graph(graph).ofTarget(target).running.value--
  }

  #declared(name: string): void {
    if (!this.#graphs.has(name)) this.#graphs.set(name, new GraphMetrics(this.families, this.#names, name, true))
  }

  #graph(name: string): GraphMetrics {
    const known = this.#graphs.get(name)
    if (known !== undefined) return known
    const label = this.#names.of(name, false, 'graph')
    let graph = this.#graphs.get(label)
    if (graph === undefined)
      this.#graphs.set(label, (graph = new GraphMetrics(this.families, this.#names, label, false)))
    return graph
  }
}
