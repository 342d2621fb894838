import type { Message, NewMessage, PostVerdict } from '../../src/core/contracts/message.ts'
import { placeOfMessage } from '../../src/core/contracts/signal-message.ts'
import { recordKey } from './batch-ledger.ts'
import type { History } from './history.ts'
import { isWrongLetter } from './letters.ts'
import type { Life } from './life.ts'
import { letterKinds } from './machine-model.ts'
import type { LetterKind } from './machine-model.ts'
import { letterName } from './machines.ts'
import { keyOfItem } from './random-batch.ts'
import type { SimulatedBatch } from './random-batch.ts'
import type { SimulatedStep } from './simulated-step.ts'
import { plainOf } from './toy-codec.ts'

/** A letter to a machine, the first time that it came. */
export interface MachineLetter {
  readonly id: string
  readonly life: Life
  readonly step: string
  readonly item: string
  readonly kind: LetterKind
  readonly value: unknown
  readonly isWrong: boolean
  readonly at: number
  /** Its number in the mailbox, once somebody has read it. */
  seq: number | undefined
  isTaken: boolean
  isConsumed: boolean
}

/** All letters that were sent to machines: each is taken once, in the order in which they came, and consumed by the commit that has what it led to. */
export class MachineMail {
  readonly #history: History
  readonly #batches: ReadonlyMap<string, SimulatedBatch>
  readonly #receivers: ReadonlyMap<string, { readonly step: string; readonly kind: LetterKind }>
  readonly #letters: MachineLetter[] = []
  /** Those that were accepted, by life and id. */
  readonly #byId = new Map<string, MachineLetter>()
  /** By what they say, which no other one does. */
  readonly #byValue = new Map<unknown, MachineLetter>()
  readonly #verdicts = new Map<string, Set<PostVerdict>>()
  readonly #answers: { readonly id: string; readonly verdict: string }[] = []
  #written = 0

  constructor(history: History, machines: readonly SimulatedStep[], batches: ReadonlyMap<string, SimulatedBatch>) {
    this.#history = history
    this.#batches = batches
    this.#receivers = new Map(
      machines.flatMap((step) =>
        letterKinds.map((kind) => [letterName(step, kind), { step: step.name, kind }] as const),
      ),
    )
  }

  /** A letter that no other one is like; its id is its value. */
  write(isWrong: boolean): string {
    return `${isWrong ? '?' : ''}w${++this.#written}`
  }

  /** What the sender of a letter was answered. */
  answered(id: string, verdict: string): void {
    // It goes on in the other store.
    if (this.#history.moves !== undefined && verdict === 'ended') return
    this.#answers.push({ id, verdict })
  }

  /** The store has judged it. Whether it is another one than those before. */
  posted(message: NewMessage, verdict: PostVerdict): boolean {
    const { execution, id: stored = '', payload } = message
    // Who does not know the graph, of what has left its docket, takes it for a signal.
    const isGuessed = this.#history.versions !== undefined || this.#history.moves !== undefined
    const isLetter = message.kind === 'receive' || verdict === 'ended' || isGuessed
    const place = isLetter ? placeOfMessage(message) : undefined
    const receiver = place && this.#receivers.get(place.type)
    const life = this.#history.lives.get(execution)
    if (place === undefined || receiver === undefined) return true
    const value = plainOf(payload)
    const id = String(value)
    this.#verdicts.set(id, (this.#verdicts.get(id) ?? new Set()).add(verdict))
    if (life === undefined || verdict !== 'accepted') return false
    const key = `${life.number} ${stored}`
    if (this.#byId.has(key)) return false
    const letter: MachineLetter = {
      ...receiver,
      id,
      life,
      item: itemOf(this.#batches, execution, place.item),
      value,
      isWrong: isWrongLetter(value),
      at: this.#history.now,
      seq: undefined,
      isTaken: false,
      isConsumed: false,
    }
    this.#byId.set(key, letter)
    this.#byValue.set(`${life.number} ${id}`, letter)
    this.#letters.push(letter)
    return true
  }

  /** Another store numbers them otherwise. */
  moved(life: Life): void {
    for (const letter of this.#letters) if (letter.life === life) letter.seq = letter.isTaken ? -1 : undefined
  }

  read({ execution, id, seq }: Message): void {
    const letter = this.#byId.get(`${this.#history.lives.get(execution)?.number} ${id}`)
    // What was taken before a move, and is sent to the other store once more, keeps its place: letters that came meanwhile came after it.
    if (letter?.isTaken === false) letter.seq = seq
  }

  /** A machine has taken what a letter says. */
  taken(
    life: Life,
    {
      step,
      item,
      kind,
      value,
    }: { readonly step: string; readonly item: string; readonly kind: string; readonly value: string },
    consumed: readonly number[],
  ): void {
    const letter = this.#byValue.get(`${life.number} ${value}`)
    const violate = (what: string): void =>
      this.#history.violate(`${life.id}: the machine of ${step} took ${value}, which ${what}`)
    if (letter === undefined) return violate('nobody sent and was accepted')
    if (letter.step !== step || letter.item !== item || letter.kind !== kind) return violate('is for another one')
    // Another store does not know the messages that came before: what is sent there again is another one.
    if (letter.isTaken && this.#history.moves?.placeOf(life) === 'there') return
    if (letter.isTaken) return violate('it had taken before')
    if (letter.isWrong) return violate('does not fit')
    letter.isTaken = true
    if (!consumed.includes(letter.seq!)) violate('its commit does not consume')
    const later = this.#of(letter).find((other) => other.isTaken && other.seq! > letter.seq!)
    if (later !== undefined) violate(`came before ${later.id}, and after it here`)
  }

  /** The letters that a commit consumes. */
  consumed(life: Life, consumed: readonly number[]): readonly MachineLetter[] {
    if (consumed.length === 0) return []
    const found = this.#letters.filter(
      (letter) => letter.life === life && !letter.isConsumed && consumed.includes(letter.seq!),
    )
    for (const letter of found) letter.isConsumed = true
    return found
  }

  /** A letter to a machine that has waited for long, and has not looked at it. */
  unheard(life: Life, beforeMs: number): MachineLetter | undefined {
    return this.#letters.find((letter) => {
      if (letter.life !== life || letter.isConsumed || letter.at >= beforeMs) return false
      const known = life.steps.get(recordKey(letter.step, letter.item))
      return known?.record.status === 'waiting' && known.at < beforeMs
    })
  }

  /** No letter was passed over, and each sender was answered what the store said. */
  checkTheEnd(): void {
    for (const letter of this.#letters) {
      const { id, life, step, seq, isConsumed } = letter
      const later = isConsumed ? undefined : this.#of(letter).find((other) => other.isTaken && other.seq! > seq!)
      if (later !== undefined)
        this.#history.violate(`${life.id}: the machine of ${step} took ${later.id}, and never ${id}`)
    }
    for (const { id, verdict } of this.#answers) {
      const verdicts = [...(this.#verdicts.get(id) ?? [])]
      if (!verdicts.some((one) => one === verdict))
        this.#history.violate(`letter ${id} was answered ${verdict}, and the store said ${verdicts.join()}`)
    }
  }

  /** All letters to the same machine. */
  #of({ life, step, item }: MachineLetter): readonly MachineLetter[] {
    return this.#letters.filter((other) => other.life === life && other.step === step && other.item === item)
  }
}

/** The key of a batch's item; empty outside of batches, and for what all items share. */
export function itemOf(
  batches: ReadonlyMap<string, SimulatedBatch>,
  execution: string,
  index: number | undefined,
): string {
  return index === undefined ? '' : keyOfItem(batches.get(execution)!, index)
}
