import type { Plan } from '../../core/graph/plan.ts'
import type { ErrorPlace } from '../../core/docket-error.ts'
import { checkLeaves } from '../inputs/given-inputs.ts'
import type { GivenInputs } from '../inputs/given-inputs.ts'
import { keyNameOfStep } from './key-names.ts'
import type { RunningChild, WorkingStep } from './step-work.ts'
import { noWork } from './verb.ts'
import type { Verb, VerbWork } from './verb.ts'
import { isPromise } from '../../core/own-promise.ts'

/** What a child came to. */
type ChildOutcome = { readonly value: unknown } | { readonly error: unknown }

/** An execution of another graph that a durable function has begun, as far as this run of the function knows it. */
interface Child {
  running: RunningChild | undefined
  outcome: ChildOutcome | undefined
  onOutcome: (() => void) | undefined
}

/** The children that one run of a durable function has begun, or looks at. */
export class FunctionChildren {
  readonly #step: WorkingStep
  readonly #generation: number
  readonly #place: ErrorPlace
  /** By the names of their verbs. */
  readonly #children = new Map<string, Child>()
  /** Begun before, and not looked at in this run. */
  readonly #unseen = new Set<string>()
  #isLeft = false

  constructor(step: WorkingStep, generation: number, place: ErrorPlace) {
    this.#step = step
    this.#generation = generation
    this.#place = place
  }

  /** Begins a child, once its inputs are known to fit. */
  begin(verb: Verb, given: GivenInputs): VerbWork {
    const { clock } = this.#step.execution
    const settle = (leafValues: readonly unknown[] | Error): void => {
      if (verb.isOver || this.#isLeft) return
      if (leafValues instanceof Error) {
        verb.fail(leafValues, clock.now())
        return
      }
      const child = this.#join(verb.name, given.plan, leafValues)
      const isThere = (): void => {
        const { outcome } = child
        // What could not begin has an outcome before anybody could know how it ends.
        if (child.running?.looked !== undefined && outcome !== undefined && 'error' in outcome)
          verb.fail(outcome.error, clock.now())
        else verb.succeed({ id: this.idOf(verb.name) }, clock.now())
      }
      if (child.running?.looked === undefined) isThere()
      else void child.running.looked.then(() => this.#step.execution.context.run(isThere))
    }
    const checked = this.#checked(given)
    if (isPromise(checked)) void checked.then(settle)
    else settle(checked)
    return noWork
  }

  /** A child was begun, as is on record: it is looked at once somebody waits for it. */
  known(name: string): void {
    if (!this.#children.has(name)) this.#unseen.add(name)
  }

  /** Waits for the end of a child. */
  result(name: string, verb: Verb, given: GivenInputs): VerbWork {
    const { clock, setup } = this.#step.execution
    const take = (child: Child): void => {
      const { outcome } = child
      if (outcome === undefined || verb.isOver) return
      if ('error' in outcome) verb.fail(outcome.error, clock.now())
      else verb.succeed(outcome.value, clock.now())
    }
    const follow = (leafValues: readonly unknown[] | Error): RunningChild | undefined => {
      if (verb.isOver || this.#isLeft) return undefined
      if (leafValues instanceof Error) {
        verb.fail(leafValues, clock.now())
        return undefined
      }
      const child = this.#join(name, given.plan, leafValues)
      child.onOutcome = () => take(child)
      take(child)
      return child.running
    }
    // One that lives with its parent is part of its work.
    if (setup.children !== undefined) verb.waits(undefined)
    const known = this.#children.get(name)
    if (known !== undefined) {
      known.onOutcome = () => take(known)
      take(known)
      return noWork
    }
    const checked = this.#checked(given)
    if (!isPromise(checked)) return { ...noWork, looked: follow(checked)?.looked }
    return { ...noWork, looked: checked.then((late) => follow(late)?.looked) }
  }

  /** Ends a child for a reason. */
  cancel(name: string, reason: unknown): void {
    const child = this.#children.get(name)
    if (child?.outcome !== undefined) return
    if (this.#step.execution.setup.children === undefined) child?.running?.stop(reason)
    else this.#step.execution.endChild(this.#labelOf(name), reason)
  }

  /** The step ends, or goes on elsewhere: so do its children. */
  stop(reason: unknown): void {
    if (this.#isLeft) return
    this.#isLeft = true
    for (const { running, outcome } of this.#children.values()) if (outcome === undefined) running?.stop(reason)
    if (this.#step.execution.released !== undefined) return
    for (const name of this.#unseen) this.#step.execution.endChild(this.#labelOf(name), reason)
    // What earlier generations have left is on no record of this one.
    if (this.#generation > 0) this.#step.execution.endChildren(this.#step.step, reason)
  }

  idOf(name: string): string {
    return this.#step.execution.childIdOf(this.#labelOf(name))
  }

  #join(name: string, plan: Plan, leafValues: readonly unknown[]): Child {
    const known = this.#children.get(name)
    if (known !== undefined) return known
    this.#unseen.delete(name)
    const { execution, attempt, isRepeated } = this.#step
    const child: Child = { running: undefined, outcome: undefined, onOutcome: undefined }
    this.#children.set(name, child)
    const came = (outcome: ChildOutcome): void => {
      child.outcome = outcome
      if (!this.#isLeft) execution.context.run(() => child.onOutcome?.())
    }
    try {
      child.running = execution.beginChild({
        step: this.#labelOf(name),
        goesOn: attempt === 1 || isRepeated,
        mayOutlive: true,
        plan,
        leafValues,
        onCompleted: (value) => came({ value }),
        onFailed: (error) => came({ error }),
      })
    } catch (error) {
      child.outcome = { error }
    }
    return child
  }

  /** What stands in the id of a child after that of its parent. Another one where the step was undone, or its function began anew. */
  #labelOf(name: string): string {
    const { step, execution } = this.#step
    const undoings = execution.setup.undoings?.of(step, execution.item) ?? 0
    const generation = this.#generation === 0 ? '' : `${this.#generation}/`
    return `${keyNameOfStep(execution.setup, step)}${undoings === 0 ? '' : `~${undoings}`}/${generation}${name}`
  }

  #checked({ plan, leafValues }: GivenInputs): readonly unknown[] | Error | Promise<readonly unknown[] | Error> {
    const values: unknown[] = []
    const checkedOf = (problem: Error | undefined): readonly unknown[] | Error =>
      problem ?? plan.leaves.map(({ slot }) => values[slot])
    const problem = checkLeaves(plan, leafValues, values, () => this.#place)
    return isPromise(problem) ? problem.then(checkedOf) : checkedOf(problem)
  }
}
