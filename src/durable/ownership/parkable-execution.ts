import { latestEnd } from '../../runtime/environment/time-limit.ts'
import type { ErrorPlace } from '../../core/docket-error.ts'
import type { ValueEncoding } from '../../core/values/value-encoding.ts'
import type { Emitter } from '../../runtime/execution/emitter.ts'
import type { Execution } from '../../runtime/execution/execution.ts'
import { isInLine } from '../../runtime/execution/step-slots.ts'
import { statusOf } from '../../runtime/execution/step-status.ts'
import { waitTexts } from '../records/wait-text.ts'
import { liveStepsOf } from '../records/live-steps.ts'
import { liveStepInfos } from '../records/open-steps.ts'
import { parkedValues } from './parked-values.ts'
import type { Parkable, ParkedState } from './parking.ts'

/** Where something comes from that may be still to be read or checked, or what is still to be recorded. */
export interface BusySource {
  readonly isBusy: boolean
}

/** An execution that may be parked. */
export class ParkableExecution implements Parkable {
  readonly #execution: Execution
  /** What comes to it from outside. */
  readonly #sources: readonly (BusySource | undefined)[]
  readonly #encoding: ValueEncoding

  constructor(execution: Execution, sources: readonly (BusySource | undefined)[], encoding: ValueEncoding) {
    this.#execution = execution
    this.#sources = sources
    this.#encoding = encoding
  }

  get id(): string {
    return this.#execution.id
  }

  get place(): ErrorPlace {
    return this.#execution.place
  }

  get timeoutMs(): number | undefined {
    return this.#execution.options.timeoutMs
  }

  get emitter(): Emitter | undefined {
    return this.#execution.emitter
  }

  get waits(): boolean {
    return this.#execution.isWaiting && !this.#execution.isSettled
  }

  get isBusy(): boolean {
    if (this.#execution.losses?.areOpen === true) return true
    // What waits in line for a limit goes on as soon as it may: it stays, and holds no slot of the worker.
    if (this.#execution.runs.some((run) => run !== undefined && isInLine(run))) return true
    return this.#sources.some((source) => source?.isBusy === true)
  }

  dueAt(): number | undefined {
    const first = Math.min(latestEnd(this.#execution.options) ?? Infinity, dueOfSteps(this.#execution))
    return first === Infinity ? undefined : first
  }

  async values(): Promise<ParkedState> {
    const steps = await parkedValues(this.#execution, this.#encoding)
    return { steps, waitsFor: waitTexts(liveStepInfos(liveStepsOf(this.#execution), [])) }
  }
}

/** When one of its steps is due first; Infinity where none is. */
export function dueOfSteps({ runs, flow }: Pick<Execution, 'runs' | 'flow'>): number {
  let first = Infinity
  for (const run of runs) {
    if (run === undefined || run.hasEnded || run.startedAt === undefined) continue
    // What has lost a race in an earlier life is never due: it does not begin again.
    if (flow.isWithheld(run.planStep.position)) continue
    const { kind, timeoutMs } = run.planStep.spec
    // The limit of a child is that of its attempt, and is its due time; that of a durable function rests while it waits.
    const limit =
      timeoutMs === undefined || kind === 'subgraph' || kind === 'durable' || statusOf(run) !== 'waiting'
        ? Infinity
        : run.startedAt + timeoutMs
    first = Math.min(first, run.dueAt ?? Infinity, limit)
  }
  return first
}
