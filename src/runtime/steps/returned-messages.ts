import type { Checkpoint } from './checkpoints.ts'
import type { VerbOutcome } from './verb.ts'

/** A message that a run of a function has taken, as its `receive` gives it. */
export interface TakenMessage {
  readonly value: { readonly type: string; readonly value: unknown }
  readonly at: number
}

const kind = 'returned'

/** What the verbs of a run have taken, by their names. */
export class TakenMessages {
  readonly #byVerb = new Map<string, TakenMessage>()

  /** A verb has come to something: perhaps it has taken a message. An update that nobody has answered comes again by itself. */
  note(name: string, verb: string, outcome: VerbOutcome, at: number): void {
    if (verb !== 'receive' || outcome.status !== 'completed') return
    const message = outcome.value as TakenMessage['value'] & { readonly update?: unknown }
    if (message.update === undefined) this.#byVerb.set(name, { value: message, at })
  }

  by(names: readonly string[]): readonly TakenMessage[] {
    return names.flatMap((name) => this.#byVerb.get(name) ?? [])
  }
}

/** Messages that were taken by what no run of the function knows any more, and come again: before all that is in the mailbox, in their order. */
export class ReturnedMessages {
  readonly #left: Checkpoint[]

  constructor(recorded: readonly Checkpoint[]) {
    this.#left = recorded
      .filter((checkpoint) => checkpoint.kind === kind)
      .sort((one, other) => one.at - other.at || one.order - other.order)
  }

  /** Those that nobody has taken. */
  get left(): readonly Checkpoint[] {
    return this.#left
  }

  /** Takes the first of these types: it is on record until what it led to is. */
  take(types: readonly string[]): (TakenMessage & { readonly name: string }) | undefined {
    const place = this.#left.findIndex(({ value }) => types.includes((value as TakenMessage['value']).type))
    const [found] = place === -1 ? [] : this.#left.splice(place, 1)
    return found && { name: found.name, value: found.value as TakenMessage['value'], at: found.at }
  }
}

/** What is put on record of messages, so that they come again; `mark` distinguishes them from those of other times. */
export function returnedOf(messages: readonly TakenMessage[], mark: string): readonly Checkpoint[] {
  return messages.map(({ value, at }, order) => ({
    name: `$returned ${mark} ${order}`,
    kind,
    status: 'open',
    order,
    value,
    error: undefined,
    at,
    dueAt: undefined,
  }))
}
