import { latestEnd } from '../../runtime/environment/time-limit.ts'
import { append } from '../../core/append.ts'
import type { StepRecord } from '../../core/contracts/execution-record.ts'
import type { StoredValue } from '../../core/contracts/stored-value.ts'
import type { ErrorPlace } from '../../core/docket-error.ts'
import type { Batch } from '../../runtime/batch/batch.ts'
import type { Execution } from '../../runtime/execution/execution.ts'
import type { Emitter } from '../../runtime/execution/emitter.ts'
import { isInLine } from '../../runtime/execution/step-slots.ts'
import type { StepRun } from '../../runtime/execution/step-run.ts'
import { turnOf } from '../../runtime/environment/turn.ts'
import type { StoreConnection } from '../../runtime/store-access/store-connection.ts'
import { waitTexts } from '../records/wait-text.ts'
import { liveStepsOf } from '../records/live-steps.ts'
import { liveStepInfos } from '../records/open-steps.ts'
import type { BatchNotes } from './batch-notes.ts'
import type { ExecutionCommits } from './execution-commits.ts'
import { dueOfSteps } from './parkable-execution.ts'
import type { BusySource } from './parkable-execution.ts'
import { parkedValues } from './parked-values.ts'
import type { Parkable, ParkedState } from './parking.ts'

// What is written at once, and what is said of it: an item has a few values, and there may be very many of them.
const recordsAtOnce = 500
const bytesAtOnce = 256 * 1024
const mostTexts = 20

/** What a batch is parked by. */
interface ParkableParts {
  readonly connection: StoreConnection
  readonly commits: ExecutionCommits
  readonly batch: Batch
  readonly notes: BatchNotes
  /** Items that have begun and not failed, of which all(T) may still want what is nowhere on record once they have ended; undefined where nothing of that is wanted. */
  readonly begun: ReadonlyMap<number, Execution> | undefined
  /** What comes to it from outside. */
  readonly sources: readonly (BusySource | undefined)[]
}

/** A batch that may be parked. */
export class ParkableBatch implements Parkable {
  readonly #parts: ParkableParts
  /** Which attempt of a step is on record for a parking: what goes on after all keeps it. */
  readonly #written = new WeakMap<StepRun, number>()

  constructor(parts: ParkableParts) {
    this.#parts = parts
  }

  get id(): string {
    return this.#parts.batch.executionId
  }

  get place(): ErrorPlace {
    return this.#parts.batch.place
  }

  get timeoutMs(): number | undefined {
    return this.#parts.batch.setup.options.timeoutMs
  }

  get emitter(): Emitter | undefined {
    return this.#parts.batch.setup.options.emitter
  }

  get waits(): boolean {
    const { batch } = this.#parts
    return batch.waits?.isWaiting === true && !batch.hasEnded
  }

  get isBusy(): boolean {
    const { batch, notes, sources } = this.#parts
    if (!notes.isIdle || sources.some((source) => source?.isBusy === true)) return true
    const { sharesLimits } = batch.whole
    if (sharesLimits && batch.executions.some(({ runs }) => runs.some((run) => run !== undefined && isInLine(run))))
      return true
    return batch.whole.compensates && batch.executions.some(({ losses }) => losses?.areOpen === true)
  }

  dueAt(): number | undefined {
    const { batch } = this.#parts
    let first = latestEnd(batch.setup.options) ?? Infinity
    for (const execution of batch.executions) first = Math.min(first, dueOfSteps(execution))
    return first === Infinity ? undefined : first
  }

  async values(isWanted: () => boolean): Promise<ParkedState> {
    const { batch, begun, connection, commits } = this.#parts
    const done = [...(begun?.values() ?? [])].filter(({ hasEnded }) => hasEnded)
    const turn = turnOf(connection.clock)
    const texts: string[] = []
    let waits = 0
    let portion: StepRecord[] = []
    let bytes = 0
    for (const execution of [...batch.executions, ...done]) {
      if (turn.mustYield()) await turn.next()
      if (!isWanted()) break
      for (const record of await parkedValues(execution, connection.encoding, (run) => this.#isNew(run))) {
        portion.push(record)
        bytes += sizeOf(record.output) + sizeOf(record.error)
      }
      const of = waitTexts(liveStepInfos(liveStepsOf(execution), [], execution.setup.itemKey))
      waits += of.length
      if (texts.length < mostTexts) append(texts, of.slice(0, mostTexts - texts.length))
      if (portion.length < recordsAtOnce && bytes < bytesAtOnce) continue
      await commits.write({ steps: portion })
      portion = []
      bytes = 0
    }
    if (portion.length > 0) await commits.write({ steps: portion })
    return { steps: [], waitsFor: waits > texts.length ? [...texts, `${waits - texts.length} more`] : texts }
  }

  #isNew(run: StepRun): boolean {
    const attempt = run.hasEnded ? Infinity : run.attempt
    if (this.#written.get(run) === attempt) return false
    this.#written.set(run, attempt)
    return true
  }
}

function sizeOf(stored: StoredValue | undefined): number {
  return stored?.length ?? 0
}
