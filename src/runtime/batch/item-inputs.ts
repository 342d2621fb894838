import type { BatchPlan, ItemPlan } from '../../core/graph/batch-plan.ts'
import { InputError } from '../../core/errors.ts'
import type { ErrorPlace } from '../../core/errors.ts'
import type { Plan } from '../../core/graph/plan.ts'
import {
  checkLeaves,
  exampleOf,
  inputErrorOf,
  leafValuesOf,
  matchInputs,
  unknownKeyText,
} from '../inputs/given-inputs.ts'

/** One item's plan and its leaf values. */
export interface ItemRead {
  readonly itemPlan: ItemPlan
  readonly leafValues: readonly unknown[]
  /** Whether the values were checked against their schemas already. */
  readonly areChecked: boolean
}

// Messages of wrong items in one error; `issues` has them all.
const maxTold = 10

/** Reads items: input records, with the leaves that are not shared. */
export class ItemInputs {
  readonly #plan: BatchPlan
  readonly #sharedNames: ReadonlySet<string>
  readonly #place: ErrorPlace
  readonly #withOverrides = new Map<string, ItemPlan>()

  constructor(plan: BatchPlan, sharedNames: ReadonlySet<string>, place: ErrorPlace) {
    this.#plan = plan
    this.#sharedNames = sharedNames
    this.#place = place
  }

  /** Matches an item with the plan; an item that doesn't fit gives the error that it fails with. */
  read(given: unknown, item: number): ItemRead | InputError {
    const { item: itemPlan } = this.#plan
    const { plan } = itemPlan
    const place = { ...this.#place, item }
    if (typeof given !== 'object' || given === null || Array.isArray(given)) {
      return inputErrorOf(
        plan,
        [{ message: `an item must be an object keyed by type names, like ${exampleOf(plan)}`, path: [] }],
        place,
      )
    }
    const record = given as Readonly<Record<string, unknown>>
    const exact = leafValuesOf(plan, record)
    if (exact !== undefined) return { itemPlan, leafValues: exact, areChecked: false }
    let used = itemPlan
    const matched = matchInputs(
      plan,
      record,
      (overrides) => (used = this.#planWith(overrides)).plan,
      this.#refusalOf,
      place,
    )
    return matched instanceof InputError
      ? matched
      : { itemPlan: used, leafValues: matched.leafValues, areChecked: false }
  }

  /** Reads and checks all items before anything runs. At once where the schemas are synchronous. @throws InputError telling all wrong ones */
  readAll(items: readonly unknown[]): readonly ItemRead[] | Promise<readonly ItemRead[]> {
    const reads = items.map((given, item) => this.#readChecked(given, item))
    return reads.some((read) => read instanceof Promise)
      ? Promise.all(reads).then(allOrThrow)
      : allOrThrow(reads as readonly (ItemRead | InputError)[])
  }

  #readChecked(given: unknown, item: number): ItemRead | InputError | Promise<ItemRead | InputError> {
    const read = this.read(given, item)
    if (read instanceof InputError) return read
    const { leaves } = read.itemPlan.plan
    if (leaves.every((leaf) => leaf.type.schema === undefined)) return { ...read, areChecked: true }
    const values: unknown[] = []
    const settle = (error: InputError | undefined): ItemRead | InputError =>
      error ?? { itemPlan: read.itemPlan, leafValues: leaves.map((leaf) => values[leaf.slot]), areChecked: true }
    const checked = checkLeaves(read.itemPlan.plan, read.leafValues, values, () => ({ ...this.#place, item }))
    return checked instanceof Promise ? checked.then(settle) : settle(checked)
  }

  #planWith(overrides: ReadonlySet<string>): ItemPlan {
    const key = JSON.stringify([...overrides].sort())
    let plan = this.#withOverrides.get(key)
    if (plan === undefined) this.#withOverrides.set(key, (plan = this.#plan.itemPlanFor(overrides)))
    return plan
  }

  readonly #refusalOf = (plan: Plan, key: string): string => {
    if (this.#sharedNames.has(key)) return 'is given in shared already; leave it out of the items'
    if (this.#plan.shared.slots.has(key)) return 'is the same for the whole batch; give it once in shared'
    return unknownKeyText(plan, key)
  }
}

function allOrThrow(reads: readonly (ItemRead | InputError)[]): readonly ItemRead[] {
  const wrong = reads.filter((read) => read instanceof InputError)
  const [first] = wrong
  if (first === undefined) return reads as readonly ItemRead[]
  if (wrong.length === 1) throw first
  const told = wrong.slice(0, maxTold).map((error) => error.message)
  const more = wrong.length > maxTold ? `\n… and ${wrong.length - maxTold} more` : ''
  const issues = wrong.flatMap(({ item, issues }) => issues.map((issue) => ({ ...issue, item })))
  const { graph, executionId, item, cause } = first
  throw new InputError(
    'INPUT_INVALID',
    `${wrong.length} items don't fit:\n- ${told.join('\n- ')}${more}`,
    issues,
    { graph, executionId, item },
    { cause },
  )
}
