import type { NewExecution } from '../../src/core/contracts/execution-record.ts'
import { isTerminal } from '../../src/core/contracts/statuses.ts'
import type { History } from './history.ts'
import type { RandomSource } from './random-source.ts'

/** Of what a start is to be the only one: the same for all who start its id. */
export interface SimulatedKeys {
  readonly key: string
  readonly onBusy?: 'wait' | 'skip' | 'cancelRunning' | undefined
  readonly dedupe?: { readonly key: string; readonly for: number } | undefined
}

// A key is claimed before the store hears of its execution.
const claimMs = 3_000

// Longer than a start takes.
const dedupes = [
  { key: 'c', for: 10_000 },
  { key: 'd', for: 40_000 },
] as const

export function randomKeys(random: RandomSource): SimulatedKeys {
  const kind = random.weighted({ busy: 55, dedupe: 25, both: 20 })
  return {
    key: random.pick(['a', 'b']),
    onBusy: kind === 'dedupe' ? undefined : random.pick(['wait', 'skip', 'skip', 'cancelRunning']),
    dedupe: kind === 'busy' ? undefined : random.pick(dedupes),
  }
}

/** All starts with keys, and whether there are no more executions than these let. */
export class StartKeys {
  readonly all = new Map<string, SimulatedKeys>()
  readonly #history: History
  /** Whether a process that has claimed a key may be taken for dead before its execution is there. */
  readonly #isDisturbed: boolean
  readonly #created: { readonly id: string; readonly graph: string; readonly kind: string; readonly at: number }[] = []

  readonly #attached = new Set<string>()

  constructor(history: History, isDisturbed: boolean) {
    this.#history = history
    this.#isDisturbed = isDisturbed
  }

  created({ id, graph, kind, parent, forkedFrom }: NewExecution): void {
    const keys = parent === undefined && forkedFrom === undefined ? this.all.get(id) : undefined
    if (keys === undefined) return
    const { now } = this.#history
    const { key, onBusy, dedupe } = keys
    const rivals = this.#created.filter((other) => other.id !== id && other.graph === graph && other.kind === kind)
    this.#created.push({ id, graph, kind, at: now })
    if (this.#isDisturbed) return
    for (const other of rivals) {
      const theirs = this.all.get(other.id)!
      const life = this.#history.lives.get(other.id)
      const isBusy = life !== undefined && !isTerminal(life.status) && life.reopened === 0
      if (onBusy === 'skip' && theirs.onBusy !== undefined && theirs.key === key && isBusy)
        this.#history.violate(`${id} was created while ${other.id} had its key, which was there to be skipped for`)
      if (dedupe !== undefined && theirs.dedupe?.key === dedupe.key && now < other.at + theirs.dedupe.for - claimMs)
        this.#history.violate(`${id} was created ${now - other.at} ms after ${other.id}, which had its key of dedupe`)
    }
  }

  /** What a start that was asked for under an id was answered. */
  answered(id: string, other: string, outcome: string, beganAt: number): void {
    const keys = this.all.get(id)
    const violate = (what: string): void => this.#history.violate(`the start of ${id} was ${outcome}: ${what}`)
    if ((other === id) !== (outcome === 'started' || outcome === 'attached')) violate(`the handle is of ${other}`)
    if (outcome === 'attached') this.#attached.add(id)
    if (other === id) return
    const theirs = this.all.get(other)
    if (keys === undefined || theirs === undefined) return violate(`${other} has no key`)
    if (outcome === 'skipped') {
      const life = this.#history.lives.get(other)
      if (theirs.onBusy === undefined || theirs.key !== keys.key || keys.onBusy !== 'skip') violate(`for ${other}`)
      if (life !== undefined && life.endedAt !== undefined && life.endedAt < beganAt)
        violate(`for ${other}, which had ended`)
    } else if (outcome === 'deduplicated') {
      if (theirs.dedupe?.key !== keys.dedupe?.key || keys.dedupe === undefined) violate(`for ${other}`)
      const last = this.#created.findLast((one) => one.id === other)
      // Whoever starts it again later keeps it for as long once more.
      const isAgain = this.#attached.has(other)
      if (!isAgain && (last === undefined || last.at + theirs.dedupe!.for < beganAt))
        violate(`for ${other}, whose time was over`)
    }
  }

  /** What others are to take the place of ends. */
  checkTheEnd(): void {
    for (const { id, graph, kind, at } of this.#created) {
      const { onBusy, key } = this.all.get(id)!
      if (onBusy !== 'cancelRunning' || this.#isDisturbed) continue
      for (const other of this.#created) {
        const theirs = this.all.get(other.id)!
        const life = this.#history.lives.get(other.id)
        const isRival = other.graph === graph && other.kind === kind && other.id !== id && theirs.key === key
        if (!isRival || theirs.onBusy === undefined || life === undefined || other.at > at || life.createdAt > at)
          continue
        const isCancelled =
          life.cancelledAt !== undefined || life.status === 'cancelled' || life.reopened > 0 || life.endedAt! <= at
        if (!isCancelled) this.#history.violate(`${other.id} was not cancelled, and ${id} has its key`)
      }
    }
  }
}
