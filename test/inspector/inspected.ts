import type { InspectionEvent } from 'xstate'

/** What an inspector sees, in the order in which it does: actors by their ids, and the states that they come into. */
export class Inspected {
  /** `sum` for an actor that appears, `sum: running` for a state of it. */
  readonly lines: string[] = []
  readonly rootIds = new Set<string>()
  readonly #names = new Map<string, string>()
  readonly #last = new Map<string, string>()

  readonly inspect = (event: InspectionEvent): void => {
    const { sessionId } = event.actorRef
    this.rootIds.add(event.rootId)
    if (event.type === '@xstate.actor') {
      const { id } = event.actorRef as unknown as { readonly id: string }
      this.#names.set(sessionId, id)
      this.lines.push(id)
      return
    }
    if (event.type !== '@xstate.snapshot') return
    const { value } = event.snapshot as unknown as { readonly value: string }
    if (this.#last.get(sessionId) === value) return
    this.#last.set(sessionId, value)
    this.lines.push(`${this.#names.get(sessionId) ?? 'unknown'}: ${value}`)
  }

  /** The states of the actors of this id. */
  statesOf(id: string): readonly string[] {
    return this.lines.filter((line) => line.startsWith(`${id}: `)).map((line) => line.slice(id.length + 2))
  }

  /** How many actors of this id have appeared. */
  actorsOf(id: string): number {
    return this.lines.filter((line) => line === id).length
  }
}
