import type { ExecutionCommit } from '../../src/core/contracts/execution-record.ts'
import type { Message, NewMessage, PostVerdict } from '../../src/core/contracts/message.ts'
import { isTerminal } from '../../src/core/contracts/statuses.ts'
import { ledgerOf, recordKey } from './batch-ledger.ts'
import { isDenied } from './denied-steps.ts'
import type { History } from './history.ts'
import type { Life } from './life.ts'
import type { SimulatedBatch } from './random-batch.ts'
import type { SimulatedGraph } from './simulated-step.ts'
import { plainOf } from './toy-codec.ts'

/** A signal that the store has judged: the first time that it came. */
export interface Letter {
  readonly id: string
  readonly execution: string
  /** The life of its execution, which it came to. */
  readonly life: Life
  readonly signal: string
  readonly value: unknown
  readonly verdict: PostVerdict
  readonly at: number
  /** Its number in the mailbox, once somebody has read it. */
  seq: number | undefined
  isConsumed: boolean
  /** Whether it counts no more: it did not fit, or what it came to has begun anew. */
  isPast: boolean
}

interface Race {
  readonly name: string
  readonly ports: readonly string[]
}

const wrong = '?'

/** Whether a signal's value is one that its type refuses. */
export function isWrongLetter(value: unknown): boolean {
  return typeof value !== 'string' || value.startsWith(wrong)
}

/** The steps that can't do without one, directly or through others. */
function behind(steps: SimulatedGraph['steps'], at: number): readonly SimulatedGraph['steps'][number][] {
  const found = new Set([at])
  // A step takes only what stands before it.
  for (const [index, { ports }] of steps.entries())
    if (ports.some(({ from }) => 'step' in from && found.has(from.step))) found.add(index)
  return [...found].filter((index) => index !== at).map((index) => steps[index]!)
}

/** All signals that were sent, and whether what their senders were answered agrees with what became of them. */
export class Letters {
  readonly #history: History
  readonly #graphs: readonly SimulatedGraph[]
  readonly #batches: ReadonlyMap<string, SimulatedBatch>
  /** The races that a signal leads to, by its name; none for most. */
  readonly #races: ReadonlyMap<string, readonly Race[]>
  readonly #timers: ReadonlySet<string>
  readonly #all: Letter[] = []
  /** By life and id. */
  readonly #byId = new Map<string, Letter>()
  readonly #answers: { readonly id: string; readonly verdict: string }[] = []
  /** What came with a start. */
  readonly #given = new Set<unknown>()
  #written = 0

  constructor(history: History, graphs: readonly SimulatedGraph[], batches: ReadonlyMap<string, SimulatedBatch>) {
    this.#history = history
    this.#graphs = graphs
    this.#batches = batches
    this.#timers = new Set(
      graphs.flatMap(({ steps }) => steps.flatMap(({ name, kind }) => (kind === 'timer' ? [name] : []))),
    )
    this.#races = new Map(
      graphs.flatMap(({ steps }) =>
        steps.flatMap(({ name, kind }, at) => {
          const races = behind(steps, at).flatMap((taker) =>
            taker.kind === 'race' || taker.kind === 'passing race'
              ? [
                  {
                    name: taker.name,
                    ports: taker.ports.flatMap(({ from }) => ('step' in from ? [steps[from.step]!.name] : [])),
                  },
                ]
              : [],
          )
          return kind === 'signal' ? [[name, races] as const] : []
        }),
      ),
    )
  }

  get all(): readonly Letter[] {
    return this.#all
  }

  isTimer(step: string): boolean {
    return this.#timers.has(step)
  }

  isSignal(step: string): boolean {
    return this.#races.has(step)
  }

  /** A value that no other signal has. */
  write(isWrong: boolean): string {
    return `${isWrong ? wrong : ''}letter ${++this.#written}`
  }

  /** It goes along with a start. */
  give(value: unknown): void {
    this.#given.add(value)
  }

  /** Whether it is another one than those before. */
  posted({ id = '', execution, kind, slot = '', payload }: NewMessage, verdict: PostVerdict): boolean {
    const life = this.#history.lives.get(execution)
    if (kind !== 'signal' || life === undefined) return true
    const place = `${life.number} ${id}`
    const known = this.#byId.get(place)
    if (known !== undefined) {
      // Another store does not know the messages that came before.
      const isMoved = this.#history.moves !== undefined && this.#history.moves.placeOf(life) !== 'here'
      if (known.verdict !== verdict && !isMoved) this.#violate(known, `is ${verdict}, and was ${known.verdict} before`)
      return false
    }
    const value = plainOf(payload)
    const at = this.#history.now
    const letter: Letter = {
      id,
      execution,
      life,
      signal: slot,
      value,
      verdict,
      at,
      seq: undefined,
      isConsumed: false,
      isPast: false,
    }
    this.#byId.set(place, letter)
    this.#judge(letter)
    this.#all.push(letter)
    return true
  }

  /** Another store numbers them otherwise. */
  moved(life: Life): void {
    for (const letter of this.#all) if (letter.life === life) letter.seq = undefined
  }

  read({ execution, id, seq }: Message): void {
    const letter = this.#byId.get(`${this.#history.lives.get(execution)?.number} ${id}`)
    if (letter !== undefined) letter.seq = seq
  }

  committed(life: Life, { consumed = [], openedSlots = [] }: ExecutionCommit): void {
    if (consumed.length + openedSlots.length === 0) return
    for (const letter of this.#all) {
      if (letter.life !== life) continue
      if (consumed.includes(letter.seq!)) letter.isConsumed = true
      if (openedSlots.includes(letter.signal) && letter.isConsumed) letter.isPast = true
    }
  }

  /** What the sender of a signal was answered. */
  answered(id: string, verdict: string): void {
    // It goes on in the other store.
    if (this.#history.moves !== undefined && verdict === 'ended') return
    this.#answers.push({ id, verdict })
  }

  /** Signals to what still waits have had an effect within a while, where somebody has it. */
  unheard(life: Life, beforeMs: number): Letter | undefined {
    return this.#all.find(
      (letter) =>
        letter.life === life &&
        letter.verdict === 'accepted' &&
        !letter.isConsumed &&
        letter.at < beforeMs &&
        life.steps.get(letter.signal)?.record.status === 'waiting' &&
        life.steps.get(letter.signal)!.at < beforeMs,
    )
  }

  /** Each value of a signal came from somebody who was answered that it would be read, and each sender was answered what the store said. */
  checkTheEnd(): void {
    for (const life of this.#history.lives.values())
      for (const [name, { record, value }] of life.steps)
        if (this.isSignal(name) && record.status === 'completed' && !this.#isKnown(life, name, value))
          this.#history.violate(`${life.id}: ${name} has ${String(value)}, which nobody sent and was accepted`)
    for (const { id, verdict } of this.#answers) {
      const letters = this.#all.filter((letter) => letter.id === id)
      const isMoved = letters.some(({ life }) => this.#history.moves?.placeOf(life) === 'there')
      if (!isMoved && !letters.some((letter) => letter.verdict === verdict))
        this.#history.violate(`signal ${id} was answered ${verdict}, and the store said ${letters[0]?.verdict}`)
    }
  }

  #isKnown(life: Life, name: string, value: unknown): boolean {
    if (this.#given.has(value) || String(value).endsWith('!')) return true
    // A fork has what its source had.
    return this.#all.some(
      (letter) =>
        letter.signal === name &&
        letter.value === value &&
        letter.verdict === 'accepted' &&
        !isWrongLetter(value) &&
        (letter.life === life || letter.execution === life.forkedFrom),
    )
  }

  #judge(letter: Letter): void {
    const { life, signal, verdict } = letter
    const others = this.#all.filter(
      (other) => other.life === life && other.signal === signal && other.verdict === 'accepted' && !other.isPast,
    )
    if (verdict === 'accepted' && others.length > 0)
      this.#violate(letter, `is accepted beside ${String(others[0]!.value)}`)
    // In another store, what is sent there again takes a place once more.
    const isThere = this.#history.moves?.placeOf(life) === 'there'
    if (verdict === 'duplicate' && others.length === 0 && !isThere && !this.#hasGiven(life, signal))
      this.#violate(letter, 'is a duplicate of none')
    const kept = life.steps.get(signal)?.record
    const isWaiting = kept?.status === 'waiting' && (kept.dueAt ?? Infinity) > letter.at
    const isOver = isTerminal(life.status) || life.status === 'compensating'
    if (verdict === 'late' && isWaiting && !isOver && !this.#isDoneWithout(life, signal))
      this.#violate(letter, 'is late, and is waited for')
  }

  /** Whether nothing waits for it any more: a race is decided that it was waited for, or the target can't come. What the items of a batch share is waited for as long as one of them needs it. */
  #isDoneWithout(life: Life, signal: string): boolean {
    const races = this.#races.get(signal) ?? []
    const { steps } = this.#graphs.find(({ name }) => life.target.startsWith(`${name}.`))!
    const isDecided = (item: string): boolean =>
      races.some(({ name, ports }) => [name, ...ports].some((step) => this.#hasEnded(life, recordKey(step, item))))
    const hasFailed = (item: string): boolean =>
      isDenied(
        steps,
        steps.length - 1,
        (step) => (life.steps.get(recordKey(step, item)) ?? life.steps.get(step))?.record.status,
        life.overrides,
      )
    if (isDecided('') || hasFailed('')) return true
    if (life.kind !== 'batch') return false
    const { keys, missing } = ledgerOf(life)
    if (this.#batches.get(life.id)?.onError === 'fail' && keys.some(hasFailed)) return true
    return keys.length > 0 && keys.every((key) => !missing.includes(key) || isDecided(key) || hasFailed(key))
  }

  #hasGiven(life: Life, signal: string): boolean {
    const kept = life.steps.get(signal)
    return kept === undefined || this.#given.has(kept.value) || kept.record.status !== 'waiting'
  }

  #hasEnded(life: Life, step: string): boolean {
    const status = life.steps.get(step)?.record.status
    return (
      status === 'completed' ||
      status === 'cached' ||
      status === 'failed' ||
      status === 'cancelled' ||
      status === 'skipped'
    )
  }

  #violate({ id, execution, signal }: Letter, what: string): void {
    this.#history.violate(`${execution}: signal ${id} for ${signal} ${what}`)
  }
}
