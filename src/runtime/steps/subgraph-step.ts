import type { AnySubgraph } from '../../core/graph/nested-graph.ts'
import { planOf } from '../../core/graph/plan.ts'
import { StepTimeoutError } from '../../core/errors.ts'
import { fireAfter } from '../environment/timers.ts'
import type { Timer } from '../environment/timers.ts'
import type { RunningChild, StepKind, StepWork, WorkingStep } from './step-work.ts'

/** Steps whose value another graph makes, in an execution of its own. */
export const subgraphStep: StepKind<ChildWork> = {
  begin: (step) => new ChildWork(step).begin(),
  close: (work, reason) => work.close(reason),
  moveTo: (work, step) => work.moveTo(step),
}

/** A child execution, as the work of a step: it settles its step once. */
class ChildWork implements StepWork {
  readonly attempt: number
  #step: WorkingStep
  #isOpen = true
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
    const { graph, target } = planStep.spec.step as AnySubgraph
    const plan = planOf(graph, target)
    this.#armTimeout()
    try {
      this.#child = execution.beginChild({
        step: step.step,
        goesOn: step.attempt === 1 || step.isRepeated,
        plan,
        leafValues: plan.leaves.map(({ type }) => inputs[type.name]),
        onCompleted: (value) => this.#inContext(() => this.#succeed(value)),
        onFailed: (error) => this.#inContext(() => this.#fail(error, false)),
      })
    } catch (thrown) {
      this.#fail(thrown, false)
    }
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

  /** It was checked as what it is. */
  #succeed(value: unknown): void {
    const step = this.#step
    if (!this.#isOpen) return step.cameLate(value)
    this.#end()
    step.attemptSucceeded(value)
  }

  #fail(error: unknown, timedOut: boolean): void {
    const step = this.#step
    if (!this.#isOpen) return step.endedLate()
    if (!timedOut && step.isHandedOverFor(error)) return
    this.#end()
    step.attemptFailed(error, timedOut)
  }

  #end(): void {
    this.#isOpen = false
    this.#limit?.cancel()
    this.#step.current = undefined
  }

  #armTimeout(): void {
    const { execution, step, planStep } = this.#step
    const { timeoutMs } = planStep.spec
    if (timeoutMs === undefined) return
    this.#limit = fireAfter(execution.clock, timeoutMs, () =>
      this.#inContext(() => {
        const error = new StepTimeoutError(timeoutMs, { ...execution.place, step, attempt: this.attempt })
        this.#fail(error, true)
        this.#child?.stop(error)
      }),
    )
  }

  #inContext(act: () => void): void {
    this.#step.execution.context.run(act)
  }
}
