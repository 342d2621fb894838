import type { AnyDataType } from '../../core/language/data-type.ts'
import { checkValue } from '../inputs/check-value.ts'
import type { CheckedValue } from '../inputs/check-value.ts'

/** What came of one data type: as long as nothing of it fits, whatever is still to be checked. */
interface ValuesOfType {
  readonly type: AnyDataType
  /** As they were given, in order; the first of them is being checked, or counts. */
  given: readonly unknown[]
  isChecking: boolean
  /** What the first of them is, once it is known to fit. */
  counts: { readonly value: unknown } | undefined
  onCome: (() => void) | undefined
}

/** Values that came to one execution from outside: of each type the first that fits counts. */
export class Signals {
  readonly #byType: ReadonlyMap<string, ValuesOfType>

  /** `types`: those that steps wait for, or will wait for. */
  constructor(types: readonly AnyDataType[]) {
    this.#byType = new Map(
      types.map((type) => [type.name, { type, given: [], isChecking: false, counts: undefined, onCome: undefined }]),
    )
  }

  /** A value comes; it leads to nothing before `check`. */
  give(type: string, value: unknown): void {
    const values = this.#byType.get(type)
    if (values !== undefined && values.counts === undefined) values.given = [...values.given, value]
  }

  /** Looks at what has come. What does not fit is set aside, whether somebody waits for it or not. */
  check(): void {
    for (const values of this.#byType.values()) check(values)
  }

  /** The value that counts, checked; undefined as long as there is none. */
  of(type: string): { readonly value: unknown } | undefined {
    return this.#byType.get(type)?.counts
  }

  /** All that came and may count, by type, as it was given. */
  get all(): Readonly<Record<string, readonly unknown[]>> | undefined {
    const values = [...this.#byType].flatMap(([type, { given }]) =>
      given.length === 0 ? [] : [[type, given] as const],
    )
    return values.length === 0 ? undefined : Object.fromEntries(values)
  }

  /** Calls back once a value of the type counts. */
  listen(type: string, onCome: () => void): void {
    const values = this.#byType.get(type)
    if (values !== undefined) values.onCome = onCome
  }
}

/** A loop, not recursion: very many may not fit. One after the other: the first that came has to be known before the second counts. */
function check(values: ValuesOfType): void {
  while (!values.isChecking && values.counts === undefined && values.given.length > 0) {
    const checked = checkValue(values.type, values.given[0])
    if (!(checked instanceof Promise)) {
      settle(values, checked)
      continue
    }
    values.isChecking = true
    void checked.then((late) => {
      values.isChecking = false
      settle(values, late)
      check(values)
    })
  }
}

function settle(values: ValuesOfType, checked: CheckedValue): void {
  const [first, ...rest] = values.given
  if (checked.issues !== undefined) {
    values.given = rest
    return
  }
  values.given = [first]
  values.counts = { value: checked.value }
  values.onCome?.()
}
