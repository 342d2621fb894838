import type { AnySubgraph } from '../../core/graph/nested-graph.ts'
import { planOf } from '../../core/graph/plan.ts'
import { StepError, StepTimeoutError } from '../../core/errors.ts'
import { fireAfter } from '../environment/timers.ts'
import type { Timer } from '../environment/timers.ts'
import type { RunningChild, StepKind, StepWork, WorkingStep } from './step-work.ts'

/** Steps whose value another graph makes, in an execution of its own. */
export const subgraphStep: StepKind<ChildWork> = {
  begin: (step) => new ChildWork(step).begin(),
  close: (work, reason) => work.close(reason),
  moveTo: (work, step) => work.moveTo(step),
}

/** What the function of a step failed with, where its execution failed with that. */
function causeOf(error: unknown, step: string): unknown {
  return error instanceof StepError && error.step === step ? error.cause : error
}

/** A child execution, as the work of a step: it settles its step once. One that goes on without this process is waited for; others are part of the work. */
class ChildWork implements StepWork {
  readonly attempt: number
  isWaiting = false
  #step: WorkingStep
  #isOpen = true
  /** Whether it is over, and goes on once there is room: what comes then changes nothing. */
  #isWoken = false
  #limit: Timer | undefined
  #child: RunningChild | undefined

  constructor(step: WorkingStep) {
    this.attempt = step.attempt
    this.#step = step
    step.current = this
  }

  begin(): void {
    const step = this.#step
    const { execution, planStep, inputs } = step
    // Made while it is the current one: the parent goes on in it.
    void execution.context
    const { graph, target, queue, onWorkerLoss, standsFor } = planStep.spec.step as AnySubgraph
    const plan = planOf(graph, target)
    const limitMs = this.#limitMs
    try {
      this.#child = execution.beginChild({
        step: step.step,
        goesOn: step.attempt === 1 || step.isRepeated,
        plan,
        queue,
        onWorkerLoss,
        leafValues: plan.leaves.map(({ type }) => inputs[type.name]),
        onCompleted: (value) => this.#inContext(() => this.#succeed(value)),
        // A step that only runs elsewhere has failed with what its function threw, not with an execution.
        onFailed: (error) =>
          this.#inContext(() => this.#fail(standsFor === undefined ? error : causeOf(error, standsFor.name), false)),
      })
    } catch (thrown) {
      this.#fail(thrown, false)
      return
    }
    const { looked } = this.#child
    // What ended in time counts, however late a process looks.
    if (looked !== undefined && step.isRepeated) void looked.then(() => this.#armTimeout(limitMs))
    else this.#armTimeout(limitMs)
    if (this.#isOpen && execution.setup.children !== undefined) this.#wait(limitMs)
  }

  close(reason: unknown): void {
    if (!this.#isOpen) return
    this.#end()
    this.#child?.stop(reason)
  }

  moveTo(step: WorkingStep): void {
    this.#step.current = undefined
    this.#step = step
    step.current = this
  }

  #wait(limitMs: number | undefined): void {
    const { execution } = this.#step
    this.isWaiting = true
    this.#step.waits(limitMs === undefined ? undefined : execution.clock.now() + limitMs)
    execution.leave()
  }

  /** Goes on once there is room for what follows. Nothing begins after the end, nor while the execution is about to be handed over. */
  #wake(goOn: () => void): void {
    if (!this.isWaiting) {
      goOn()
      return
    }
    const step = this.#step
    if (this.#isWoken || step.execution.isOver) return
    this.#isWoken = true
    step.wakes(() => {
      if (!this.#isOpen || step.execution.isOver) return
      this.isWaiting = false
      goOn()
    })
  }

  /** It was checked as what it is. */
  #succeed(value: unknown): void {
    const step = this.#step
    if (!this.#isOpen) return step.cameLate(value)
    this.#wake(() => {
      this.#end()
      step.attemptSucceeded(value)
    })
  }

  #fail(error: unknown, timedOut: boolean): void {
    const step = this.#step
    if (!this.#isOpen) return step.endedLate()
    if (!timedOut && step.isHandedOverFor(error)) return
    this.#wake(() => {
      this.#end()
      if (timedOut) this.#child?.stop(error)
      step.attemptFailed(error, timedOut)
    })
  }

  #end(): void {
    this.#isOpen = false
    this.#limit?.cancel()
    this.#step.current = undefined
  }

  /** How long it may still take. */
  get #limitMs(): number | undefined {
    const { execution, planStep, isRepeated, heldUntil } = this.#step
    const { timeoutMs } = planStep.spec
    if (timeoutMs === undefined || !isRepeated || heldUntil === undefined) return timeoutMs
    return Math.max(0, heldUntil - execution.clock.now())
  }

  #armTimeout(limitMs: number | undefined): void {
    const { execution, step, planStep } = this.#step
    if (limitMs === undefined || !this.#isOpen) return
    this.#limit = fireAfter(execution.clock, limitMs, () =>
      this.#inContext(() => {
        const error = new StepTimeoutError(planStep.spec.timeoutMs!, {
          ...execution.place,
          step,
          attempt: this.attempt,
        })
        this.#fail(error, true)
      }),
    )
  }

  #inContext(act: () => void): void {
    this.#step.execution.context.run(act)
  }
}
