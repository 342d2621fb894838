import type { NewMessage, PostVerdict } from '../../src/core/contracts/message.ts'
import { placeOfMessage } from '../../src/core/contracts/signal-message.ts'
import type { History } from './history.ts'
import { isWrongLetter } from './letters.ts'
import { itemOf } from './machine-mail.ts'
import type { SimulatedBatch } from './random-batch.ts'
import type { SimulatedStep } from './simulated-step.ts'
import { plainOf } from './toy-codec.ts'

/** The data type of what a durable function receives. */
export const noteName = ({ name }: Pick<SimulatedStep, 'name'>): string => `${name}.note`

interface Note {
  /** Its place among all that came to the same function. */
  readonly order: number
  readonly at: number
  /** The verb that was given it, by what its function has come to: its life, generation and so on. */
  readonly takenBy: Map<string, number>
}

// Where many wait for few slots, it is long before a function has what came.
const newMs = 20_000

/** All messages to durable functions: each is given to one verb, and to the same one whenever its function runs again, in the order in which they came. */
export class Notes {
  readonly #history: History
  readonly #batches: ReadonlyMap<string, SimulatedBatch>
  readonly #receivers: ReadonlySet<string>
  readonly #kind: string
  /** Those that were accepted, by function and what they say. */
  readonly #notes = new Map<string, Map<string, Note>>()
  #written = 0

  /** `names` are those of the data types that are received, as messages of one kind. */
  constructor(
    history: History,
    names: readonly string[],
    batches: ReadonlyMap<string, SimulatedBatch>,
    kind: 'receive' | 'update' = 'receive',
  ) {
    this.#kind = kind
    this.#history = history
    this.#batches = batches
    this.#receivers = new Set(names)
  }

  /** A message that no other one is like; its id is its value. */
  write(isWrong: boolean): string {
    return `${isWrong ? '?' : ''}n${++this.#written}`
  }

  /** Whether a function has one to take that came in the last seconds. */
  hasNew(name: string, life: number, item: string): boolean {
    const notes = [...this.#of(`${life} ${name} ${item}`).values()]
    return notes.some(({ at, takenBy }) => takenBy.size === 0 && at > this.#history.now - newMs)
  }

  /** The store has judged it. */
  posted(message: NewMessage, verdict: PostVerdict): void {
    // Who knows only versions without the step takes what it receives for a signal.
    const isGuessed = this.#kind === 'receive' && this.#history.versions !== undefined && message.kind !== 'update'
    const place = message.kind === this.#kind || isGuessed ? placeOfMessage(message) : undefined
    const life = this.#history.lives.get(message.execution)
    if (place === undefined || life === undefined || !this.#receivers.has(place.type) || verdict !== 'accepted') return
    const notes = this.#of(`${life.number} ${place.type} ${itemOf(this.#batches, message.execution, place.item)}`)
    const value = String(plainOf(message.payload))
    if (!notes.has(value)) notes.set(value, { order: notes.size, at: this.#history.now, takenBy: new Map() })
  }

  /** A function of an execution, and perhaps of an item, was given what one says, by this verb of this run of it. */
  taken(
    name: string,
    value: string,
    function_: { readonly life: number; readonly item: string; readonly key: string },
    verb: number,
  ): void {
    const notes = this.#of(`${function_.life} ${name} ${function_.item}`)
    const note = notes.get(value)
    const violate = (what: string): void => this.#history.violate(`${function_.key}: ${value} ${what}`)
    if (note === undefined) return violate('was received, which nobody sent and was accepted')
    if (isWrongLetter(value)) return violate('was received, and does not fit')
    const life = [...this.#history.lives.values()].find(({ number }) => number === function_.life)
    // Another store does not know the messages that came before: what is sent there again is another one.
    if (life !== undefined && this.#history.moves?.placeOf(life) === 'there') return
    for (const [key, index] of note.takenBy)
      if (!isSameRun(key, function_.key) || index !== verb)
        violate(`was received as ${verb}, and before as ${index} of ${key}`)
    note.takenBy.set(function_.key, verb)
    for (const [other, { order, takenBy }] of notes)
      if (order > note.order && (takenBy.get(function_.key) ?? Infinity) < verb)
        violate(`came before ${other}, and was received after it`)
  }

  #of(key: string): Map<string, Note> {
    const notes = this.#notes.get(key) ?? new Map<string, Note>()
    this.#notes.set(key, notes)
    return notes
  }
}

/** What a function was given stays where its execution is tried again: keys differ by how often that was. */
function isSameRun(one: string, other: string): boolean {
  const [ofOne, ofOther] = [one, other].map((key) =>
    key
      .split(' ')
      .filter((_, index) => index !== 2)
      .join(' '),
  )
  return ofOne === ofOther
}
