import type { AnyDataType } from '../../core/language/data-type.ts'
import type { InputIssue } from '../../core/errors.ts'
import { checkValue } from '../inputs/check-value.ts'
import type { CheckedValue } from '../inputs/check-value.ts'
import { isPromise } from '../../core/own-promise.ts'

/** The message that brought a value: its number, and when it was sent. */
interface Bringer {
  readonly seq: number
  readonly at: number
}

/** A value that came. */
interface Given {
  readonly value: unknown
  /** Undefined where no message brought it. */
  readonly message: Bringer | undefined
}

/** What came of one data type: as long as nothing of it fits, whatever is still to be checked. */
interface ValuesOfType {
  readonly type: AnyDataType
  /** As they were given, in order; the first of them is being checked, or counts. */
  readonly given: Given[]
  isChecking: boolean
  /** What the first of them is, once it is known to fit. */
  counts: { readonly value: unknown } | undefined
  onCome: (() => void) | undefined
}

/** Called for a value that does not fit: another one may come. */
export type OnSetAside = (type: string, message: number | undefined, issues: readonly InputIssue[]) => void

/** Values that came to one execution from outside: of each type the first that fits counts. */
export class Signals {
  readonly #byType: ReadonlyMap<string, ValuesOfType>
  readonly #onSetAside: OnSetAside
  /** Whether nothing comes but what is given before the execution begins. */
  readonly areComplete: boolean

  /** `types`: those that steps wait for, or will wait for. */
  constructor(types: readonly AnyDataType[], onSetAside: OnSetAside = () => {}, areComplete = false) {
    this.areComplete = areComplete
    this.#byType = new Map(
      types.map((type) => [type.name, { type, given: [], isChecking: false, counts: undefined, onCome: undefined }]),
    )
    this.#onSetAside = onSetAside
  }

  /** A value comes; it leads to nothing before `check`. False where another one counts already, or nobody waits for the type. */
  give(type: string, value: unknown, message?: Bringer): boolean {
    const values = this.#byType.get(type)
    if (values === undefined || values.counts !== undefined) return false
    values.given.push({ value, message })
    return true
  }

  /** Looks at what has come. What does not fit is set aside, whether somebody waits for it or not. */
  check(): void {
    for (const values of this.#byType.values()) this.#check(values)
  }

  /** The value that counts, checked; undefined as long as there is none. */
  of(type: string): { readonly value: unknown } | undefined {
    return this.#byType.get(type)?.counts
  }

  /** Number of the message that brought the value that counts. */
  messageOf(type: string): number | undefined {
    const values = this.#byType.get(type)
    return values?.counts === undefined ? undefined : values.given[0]?.message?.seq
  }

  /** When the value that counts came; before everything else where no message brought it. Undefined as long as there is none. */
  cameAt(type: string): number | undefined {
    const values = this.#byType.get(type)
    if (values?.counts === undefined) return undefined
    return values.given[0]?.message?.at ?? -Infinity
  }

  /** Whether a value of the type has come that counts, or may. */
  has(type: string): boolean {
    return (this.#byType.get(type)?.given.length ?? 0) > 0
  }

  /** Whether the check of a value takes its time. */
  get areChecking(): boolean {
    for (const { isChecking } of this.#byType.values()) if (isChecking) return true
    return false
  }

  /** All that came and may count, by type, as it was given. */
  get all(): Readonly<Record<string, readonly unknown[]>> | undefined {
    const values = [...this.#byType].flatMap(([type, { given }]) =>
      given.length === 0 ? [] : [[type, given.map(({ value }) => value)] as const],
    )
    return values.length === 0 ? undefined : Object.fromEntries(values)
  }

  /** Calls back once a value of the type counts. */
  listen(type: string, onCome: () => void): void {
    const values = this.#byType.get(type)
    if (values !== undefined) values.onCome = onCome
  }

  /** A loop, not recursion: very many may not fit. One after the other: the first that came has to be known before the second counts. */
  #check(values: ValuesOfType): void {
    while (!values.isChecking && values.counts === undefined && values.given.length > 0) {
      const checked = checkValue(values.type, values.given[0]!.value)
      if (!isPromise(checked)) {
        this.#settle(values, checked)
        continue
      }
      values.isChecking = true
      void checked.then((late) => {
        values.isChecking = false
        this.#settle(values, late)
        this.#check(values)
      })
    }
  }

  #settle(values: ValuesOfType, checked: CheckedValue): void {
    if (checked.issues !== undefined) {
      const first = values.given.shift()!
      this.#onSetAside(values.type.name, first.message?.seq, checked.issues)
      return
    }
    // Of several that came while the first was checked, none is needed any more; what brought them stays known by those.
    values.given.splice(1)
    values.counts = { value: checked.value }
    values.onCome?.()
  }
}
