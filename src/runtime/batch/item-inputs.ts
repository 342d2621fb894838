import type { BatchPlan, ItemPlan } from '../../core/graph/batch-plan.ts'
import { InputError } from '../../core/errors.ts'
import type { ErrorPlace } from '../../core/docket-error.ts'
import type { Turn } from '../environment/turn.ts'
import { problemOfSignals } from '../inputs/given-signals.ts'
import type { StartSignals } from '../inputs/given-signals.ts'
import { filledWith } from '../inputs/drawn-args.ts'
import { checkLeaves, isLeafOf, leafValuesOf, matchInputs, unknownKeyText } from '../inputs/given-inputs.ts'
import { isPromise } from '../../core/own-promise.ts'

/** One item's plan and its leaf values. */
export interface ItemRead {
  readonly itemPlan: ItemPlan
  readonly leafValues: readonly unknown[]
  /** Whether the values were checked against their schemas already. */
  readonly areChecked: boolean
  /** Values that were given along for what its steps wait for. @default none */
  readonly signals?: StartSignals | undefined
}

/** Values that are given along for what the steps of an item wait for; the error that it fails with where one can't be made. */
interface SignalsOfItems {
  of(given: unknown, item: number): StartSignals | InputError
}

/** An item that is read, and checked as soon as its schemas have answered. */
type Checking = ItemRead | InputError | Promise<ItemRead | InputError>

// Messages of wrong items in one error; `issues` has them all.
const maxShown = 10

/** Reads items: input records, with the leaves that are not shared. */
export class ItemInputs {
  readonly #plan: BatchPlan
  readonly #sharedNames: ReadonlySet<string>
  readonly #place: ErrorPlace
  readonly #signals: SignalsOfItems | undefined
  readonly #args: ReadonlyMap<string, unknown>

  /** `args` take the places of what items leave out. */
  constructor(
    plan: BatchPlan,
    sharedNames: ReadonlySet<string>,
    place: ErrorPlace,
    signals?: SignalsOfItems,
    args: ReadonlyMap<string, unknown> = new Map(),
  ) {
    this.#args = new Map([...args].filter(([name]) => !sharedNames.has(name)))
    this.#plan = plan
    this.#sharedNames = sharedNames
    this.#place = place
    this.#signals = signals
  }

  /** Matches an item with the plan; an item that doesn't fit gives the error that it fails with. */
  read(given: unknown, item: number): ItemRead | InputError {
    const read = this.#match(given, item)
    if (this.#signals === undefined || read instanceof InputError) return read
    const signals = this.#signals.of(given, item)
    return signals instanceof InputError ? signals : { ...read, signals }
  }

  #match(inputs: unknown, item: number): ItemRead | InputError {
    const { item: itemPlan } = this.#plan
    const given = filledWith(this.#args, inputs)
    const { plan } = itemPlan
    const exact = leafValuesOf(plan, given)
    if (exact !== undefined) return { itemPlan, leafValues: exact, areChecked: false }
    const place = { ...this.#place, item }
    const matched = matchInputs({
      plan,
      inputs: given,
      takes: this.takes,
      refusalOf: this.#refusalOf,
      place,
      what: 'an item',
    })
    return matched instanceof InputError ? matched : { itemPlan, leafValues: matched.leafValues, areChecked: false }
  }

  /**
   * Reads and checks all items before anything runs. At once where the schemas are synchronous and the items not very many.
   * @throws InputError with all wrong ones
   */
  readAll(items: readonly unknown[], turn: Turn): readonly ItemRead[] | Promise<readonly ItemRead[]> {
    const reads: Checking[] = []
    const readMore = (): boolean => {
      while (reads.length < items.length) {
        if (turn.mustYield()) return false
        reads.push(this.#readChecked(items[reads.length], reads.length))
      }
      return true
    }
    if (readMore()) return checkedOf(reads)
    return new Promise((resolve, reject) => {
      const goOn = (): void => {
        try {
          if (readMore()) resolve(checkedOf(reads))
          else turn.defer(goOn)
        } catch (error) {
          reject(error as Error)
        }
      }
      turn.defer(goOn)
    })
  }

  #readChecked(given: unknown, item: number): Checking {
    const read = this.read(given, item)
    if (read instanceof InputError) return read
    const { leaves } = read.itemPlan.plan
    const { signals, itemPlan } = read
    if (signals === undefined && leaves.every((leaf) => leaf.type.schema === undefined))
      return { ...read, areChecked: true }
    const values: unknown[] = []
    const place = (): ErrorPlace => ({ ...this.#place, item })
    const settle = (error: InputError | undefined): ItemRead | InputError =>
      error ?? { ...read, leafValues: leaves.map((leaf) => values[leaf.slot]), areChecked: true }
    const checked = checkLeaves(itemPlan.plan, read.leafValues, values, place)
    const problem = signals === undefined ? undefined : problemOfSignals(itemPlan.plan, signals, place())
    if (!(isPromise(checked) || isPromise(problem))) return settle(checked ?? problem)
    return Promise.all([checked, problem]).then(([wrong, misfit]) => settle(wrong ?? misfit))
  }

  /** Names of the types that items may give. */
  get names(): readonly string[] {
    return [...this.#plan.plain.slots.keys()].filter(this.takes)
  }

  /** Whether items may give it: what an item needs, and what it would need but for the overrides. */
  readonly takes = (key: string): boolean => {
    const { item, whole, plain } = this.#plan
    return isLeafOf(item.plan, key) || (!this.#sharedNames.has(key) && !whole.slots.has(key) && isLeafOf(plain, key))
  }

  readonly #refusalOf = (key: string): string => {
    if (this.#sharedNames.has(key)) return 'is given in shared already; leave it out of the items'
    return unknownKeyText(this.#plan.plain, key)
  }
}

function checkedOf(reads: readonly Checking[]): readonly ItemRead[] | Promise<readonly ItemRead[]> {
  return reads.some((read) => isPromise(read))
    ? Promise.all(reads).then(allOrThrow)
    : allOrThrow(reads as readonly (ItemRead | InputError)[])
}

function allOrThrow(reads: readonly (ItemRead | InputError)[]): readonly ItemRead[] {
  const wrong = reads.filter((read) => read instanceof InputError)
  if (wrong.length === 0) return reads as readonly ItemRead[]
  throw errorOfWrongItems(wrong)
}

/** One error for several items that don't fit, each with its own; there is at least one. */
export function errorOfWrongItems(wrong: readonly InputError[]): InputError {
  const [first] = wrong
  if (wrong.length === 1) return first!
  const shown = wrong.slice(0, maxShown).map((error) => error.message)
  const more = wrong.length > maxShown ? `\n… and ${wrong.length - maxShown} more` : ''
  const issues = wrong.flatMap(({ item, issues }) => issues.map((issue) => ({ ...issue, item })))
  const { graph, executionId, item, cause } = first!
  return new InputError(
    'INPUT_INVALID',
    `${wrong.length} items don't fit:\n- ${shown.join('\n- ')}${more}`,
    issues,
    { graph, executionId, item },
    { cause },
  )
}
