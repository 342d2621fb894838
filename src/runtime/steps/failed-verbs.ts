import { causesOf } from '../../core/thrown.ts'
import type { Verb } from './verb.ts'

/** Which verbs failed in one run of a durable function, and what was called after that. */
export class FailedVerbs {
  /** In the order of calls. */
  readonly #opened: { readonly name: string; readonly openedAfter: number }[] = []
  /** When the function was given an error, as its place among all outcomes. */
  readonly #givenAt = new WeakMap<object, { readonly name: string; readonly place: number }>()

  /** What was given last: it may be no object. */
  #last: { readonly error: unknown; readonly name: string; readonly place: number } | undefined

  opened({ name, openedAfter }: Verb): void {
    this.#opened.push({ name, openedAfter })
  }

  given({ name }: Verb, error: unknown, place: number): void {
    this.#last = { error, name, place }
    if (typeof error === 'object' && error !== null && !this.#givenAt.has(error))
      this.#givenAt.set(error, { name, place })
  }

  /** The verbs whose errors stand among the causes of this one, and all that was called since the first of them: what they led to. */
  namesLeadingTo(error: unknown): readonly string[] {
    const names = new Set<string>()
    let first = Infinity
    const last = this.#last !== undefined && Object.is(this.#last.error, error) ? this.#last : undefined
    for (const found of [last, ...[...causesOf(error)].map((cause) => this.#givenAt.get(cause))]) {
      if (found === undefined) continue
      names.add(found.name)
      first = Math.min(first, found.place)
    }
    for (const { name, openedAfter } of this.#opened) if (openedAfter >= first) names.add(name)
    return [...names]
  }
}
