import type { ExecutionRecord } from '../../core/contracts/execution-record.ts'
import { isTerminal } from '../../core/contracts/statuses.ts'
import type { FullClock } from '../../runtime/environment/clock.ts'

const maxKept = 10_000
// Somebody may have mended a record, or a key service may be back.
const lookAgainMs = 60_000

interface Entry {
  readonly reasons: readonly string[]
  readonly until: number
}

/** Executions whose records don't fit this process's graphs, and why: for a while they are left to others. */
export class IncompatibleExecutions {
  readonly #clock: FullClock
  readonly #entries = new Map<string, Entry>()

  constructor(clock: FullClock) {
    this.#clock = clock
  }

  /** Those that are left alone for now. */
  ids(): readonly string[] {
    const now = this.#clock.elapsed()
    return [...this.#entries].flatMap(([id, { until }]) => (until > now ? [id] : []))
  }

  /** Whether so many are known that some are forgotten. */
  get isFull(): boolean {
    return this.#entries.size >= maxKept
  }

  reasonsOf(id: string): readonly string[] | undefined {
    return this.#entries.get(id)?.reasons
  }

  /** The reasons, unless others have brought it to its end meanwhile. */
  reasonsOfOpen({ id, status }: ExecutionRecord): readonly string[] | undefined {
    return isTerminal(status) ? undefined : this.reasonsOf(id)
  }

  add(id: string, reasons: readonly string[]): void {
    this.#entries.delete(id)
    if (this.#entries.size >= maxKept) this.#entries.delete(this.#entries.keys().next().value!)
    this.#entries.set(id, { reasons, until: this.#clock.elapsed() + lookAgainMs })
  }

  delete(id: string): void {
    this.#entries.delete(id)
  }
}
