import type { ExecutionEnded, ExecutionEvent, StepCancelled, StepEnded } from '../core/events.ts'
import type { Observer } from '../core/observer.ts'
import type { StepRun } from './step-run.ts'

/** What an emitter needs to know of its execution (or of its batch). */
export interface EmitterPlace {
  readonly executionId: string
  readonly graph: string
  readonly target: string
}

/** Builds events and hands them to observers, numbered without gaps. It exists only where somebody observes. */
export class Emitter {
  readonly #place: EmitterPlace
  readonly #observers: readonly ((event: ExecutionEvent) => void)[]
  #seq = 0

  constructor(place: EmitterPlace, observers: readonly Observer[]) {
    this.#place = place
    this.#observers = observers.map((observer) => (typeof observer === 'function' ? observer : (event) => observer.next(event)))
  }

  executionStarted(at: number): void {
    const { executionId, graph, target } = this.#place
    this.#emit({ type: 'execution.started', seq: ++this.#seq, at, executionId, graph, target })
  }

  executionEnded(at: number, status: ExecutionEnded['status'], durationMs: number, error: unknown): void {
    const { executionId, graph, target } = this.#place
    this.#emit({ type: 'execution.ended', seq: ++this.#seq, at, executionId, graph, target, status, durationMs, error })
  }

  stepStarted(run: StepRun, at: number): void {
    const { executionId, graph } = this.#place
    this.#emit({ type: 'step.started', seq: ++this.#seq, at, executionId, graph, step: run.step, item: run.execution.item })
  }

  stepEnded(run: StepRun, at: number, status: StepEnded['status'], error: unknown, fellBack: boolean): void {
    const { executionId, graph } = this.#place
    const durationMs = at - (run.startedAt ?? at)
    this.#emit({ type: 'step.ended', seq: ++this.#seq, at, executionId, graph, step: run.step, item: run.execution.item, status, attempt: run.attempt, durationMs, error, fellBack })
  }

  stepCancelled(run: StepRun, at: number, status: StepCancelled['status'], reason: unknown): void {
    const { executionId, graph } = this.#place
    this.#emit({ type: 'step.cancelled', seq: ++this.#seq, at, executionId, graph, step: run.step, item: run.execution.item, status, attempt: run.attempt, reason })
  }

  attemptStarted(run: StepRun, at: number): void {
    const { executionId, graph } = this.#place
    this.#emit({ type: 'attempt.started', seq: ++this.#seq, at, executionId, graph, step: run.step, item: run.execution.item, attempt: run.attempt })
  }

  attemptFailed(run: StepRun, at: number, durationMs: number, error: unknown, timedOut: boolean): void {
    const { executionId, graph } = this.#place
    this.#emit({ type: 'attempt.failed', seq: ++this.#seq, at, executionId, graph, step: run.step, item: run.execution.item, attempt: run.attempt, durationMs, error, timedOut })
  }

  retryScheduled(run: StepRun, at: number, delayMs: number): void {
    const { executionId, graph } = this.#place
    this.#emit({ type: 'retry.scheduled', seq: ++this.#seq, at, executionId, graph, step: run.step, item: run.execution.item, attempt: run.attempt, delayMs, dueAt: at + delayMs })
  }

  cacheChecked(run: StepRun, at: number, type: 'cache.hit' | 'cache.miss', shared: boolean): void {
    const { executionId, graph } = this.#place
    const scope = run.planStep.spec.persist!.scope
    this.#emit({ type, seq: ++this.#seq, at, executionId, graph, step: run.step, item: run.execution.item, scope, shared })
  }

  batchProgress(at: number, item: number, total: number | undefined, succeeded: number, failed: number): void {
    const { executionId, graph } = this.#place
    this.#emit({ type: 'batch.progress', seq: ++this.#seq, at, executionId, graph, total, succeeded, failed, item })
  }

  #emit(event: ExecutionEvent): void {
    for (const observe of this.#observers) {
      try {
        const answer: unknown = observe(event)
        // An async observer is a void function to the compiler; its rejection must not kill the process.
        if (answer instanceof Promise) answer.catch(warnOfObserver)
      } catch (thrown) {
        warnOfObserver(thrown)
      }
    }
  }
}

let hasWarned = false

function warnOfObserver(thrown: unknown): void {
  if (hasWarned) return
  hasWarned = true
  const text = thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown)
  process.emitWarning(`a Docket observer threw; executions are not affected, and further throws are not reported. ${text}`, 'DocketObserverWarning')
}
