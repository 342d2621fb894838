import type { BatchPlan } from '../../core/graph/batch-plan.ts'
import type { Plan } from '../../core/graph/plan.ts'
import { OptionError } from '../../core/errors.ts'
import type { InputError } from '../../core/errors.ts'
import type { ErrorPlace } from '../../core/docket-error.ts'
import { describeThrown } from '../../core/thrown.ts'
import type { ExecutionSetup } from '../execution/execution-setup.ts'
import type { Execution } from '../execution/execution.ts'
import { isPromiseLike } from '../inputs/check-value.ts'
import { inputErrorOf } from '../inputs/given-inputs.ts'
import { givenSignals, receivedTypes } from '../inputs/given-signals.ts'
import type { StartSignals } from '../inputs/given-signals.ts'
import { inboxOf, MemoryInbox } from '../steps/inbox.ts'
import { Signals } from '../steps/signals.ts'
import type { PartSetups } from './batch-setup.ts'
import type { ItemRead } from './item-inputs.ts'
import { inMicrotask } from '../../core/in-microtask.ts'

/** Makes the value of one item. */
type ValueOfItem = (item: unknown, index: number) => unknown

/** Values that a batch is given for what its steps wait for: those that its items share, and each item's own. */
export class GivenItemSignals implements PartSetups {
  /** For what items share. */
  readonly shared: StartSignals
  readonly #plan: BatchPlan
  readonly #place: ErrorPlace
  /** The same for each item. */
  readonly #each: StartSignals
  readonly #made: readonly (readonly [string, ValueOfItem])[]
  /** Types of which any number of values are received. */
  readonly #received: ReadonlySet<string>
  readonly #began = new WeakMap<Signals, Execution>()

  /** @throws InputError for unknown types, OptionError for a function of the item where items share the value */
  constructor(call: string, plan: BatchPlan, given: unknown, place: ErrorPlace) {
    const signals = Object.entries(givenSignals(plan.whole, given, true))
    const isShared = (type: string): boolean =>
      plan.shared.signalSteps.some(({ spec }) => spec.output.name === type) ||
      receivedTypes(plan.shared).some(({ name }) => name === type)
    const perItem = signals.filter(([type]) => !isShared(type))
    const shared = signals.filter(([type]) => isShared(type))
    const misplaced = shared.find(([, value]) => typeof value === 'function')
    if (misplaced !== undefined)
      throw new OptionError(
        `${call}: signals: all items share "${misplaced[0]}", since the step that waits for it needs nothing of an item; give one value for it, not a function of the item`,
      )
    this.shared = Object.fromEntries(shared)
    this.#plan = plan
    this.#place = place
    this.#received = new Set(receivedTypes(plan.whole).map(({ name }) => name))
    this.#each = Object.fromEntries(perItem.filter(([, value]) => typeof value !== 'function'))
    this.#made = perItem.flatMap(([type, value]) =>
      typeof value === 'function' ? [[type, value as ValueOfItem] as const] : [],
    )
  }

  /** The values of one item; the error that it fails with where one can't be made. */
  of(given: unknown, item: number): StartSignals | InputError {
    if (this.#made.length === 0) return this.#each
    const made: [string, unknown][] = []
    for (const [type, make] of this.#made) {
      try {
        const value = make(given, item)
        if (isPromiseLike(value)) {
          Promise.resolve(value).catch(() => {})
          return this.#wrong(item, type, 'the function that makes it returned a promise; it must return the value')
        }
        if (value === undefined) continue
        if (this.#received.has(type) && !Array.isArray(value))
          return this.#wrong(item, type, 'a step receives any number of these: the function must return an array')
        made.push([type, value])
      } catch (thrown) {
        return this.#wrong(item, type, `the function that makes it threw: ${describeThrown(thrown)}`, thrown)
      }
    }
    return { ...this.#each, ...Object.fromEntries(made) }
  }

  #wrong(item: number, type: string, what: string, thrown?: unknown): InputError {
    const issues = [{ message: `signal "${type}": ${what}`, path: [type] }]
    return inputErrorOf(this.#plan.item.plan, issues, { ...this.#place, item }, thrown)
  }

  /** What is given is all that comes. */
  setupOf(item: number | undefined, read: ItemRead | undefined): Partial<ExecutionSetup> {
    const { plan, values } =
      item === undefined
        ? { plan: this.#plan.shared, values: this.shared }
        : { plan: this.#plan.item.plan, values: read?.signals ?? {} }
    if (plan.signalSteps.length === 0 && plan.receivers.length === 0) return {}
    const inbox = inboxOf(plan, values, { isComplete: true })
    return { signals: this.#signalsOf(plan, values, { ...this.#place, item }), inbox }
  }

  begins(_item: number | undefined, execution: Execution): void {
    const { signals, inbox } = execution.setup
    if (inbox instanceof MemoryInbox) inbox.check()
    if (signals === undefined) return
    this.#began.set(signals, execution)
    signals.check()
  }

  #signalsOf(plan: Plan, values: StartSignals, place: ErrorPlace): Signals {
    const types = plan.signalSteps.map(({ spec }) => spec.output)
    const signals: Signals = new Signals(
      types,
      (_, __, issues) => {
        // Not before it has begun: it fails as it would by an input.
        const fail = (): void => this.#began.get(signals)?.fail(inputErrorOf(plan, issues, place))
        inMicrotask(fail)
      },
      true,
    )
    for (const [type, value] of Object.entries(values)) signals.give(type, value)
    return signals
  }
}
