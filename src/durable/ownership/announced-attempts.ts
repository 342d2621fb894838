import type { StepRecord } from '../../core/contracts/execution-record.ts'
import type { PlanStep } from '../../core/graph/plan.ts'
import type { StepRun } from '../../runtime/execution/step-run.ts'
import type { PersistSpec, StepSpec } from '../../core/graph/graph-index.ts'

interface Announced {
  readonly attempt: number
  /** Resolves once it is on record; undefined where it is. */
  readonly noted: Promise<void> | undefined
}

/**
 * Attempts that are recorded before they begin, in the commit of what leads to them: so a step that counts its attempts costs no write of
 * its own. Only those that begin at once when that commit is acknowledged: what still waits, for a slot or for a backoff, may never begin,
 * and would have lost an attempt if the process died meanwhile.
 */
export class AnnouncedAttempts {
  readonly #attempts = new Map<string, Announced>()
  /** Steps whose values are on their way to the store. */
  readonly #sent = new WeakSet<StepRun>()

  /** Records of the attempts that begin once this value is kept; it is on its way from now on. */
  ledToBy(run: StepRun, item: string, at: number): readonly StepRecord[] {
    this.#sent.add(run)
    const { execution, planStep, attempt } = run
    const { plan, admission } = execution
    // A result that was found has brought its batch's item no slot; a wanted one may be the last thing that the item makes.
    if (execution.isOver || (admission !== undefined && attempt === 0) || plan.isWanted[planStep.outputSlot]!) return []
    const records: StepRecord[] = []
    for (const position of plan.dependants[planStep.outputSlot]!) {
      const next = plan.steps[position]!
      const key = keyOf(next.spec.name, item)
      if (this.#attempts.has(key) || !this.#isReady(run, next)) continue
      this.#attempts.set(key, { attempt: 1, noted: undefined })
      records.push(firstAttemptOf(next, item, at))
    }
    return records
  }

  /** The value could not be kept, and so what was recorded with it is not on record. */
  revoke(run: StepRun, records: readonly StepRecord[]): void {
    this.#sent.delete(run)
    for (const { step, item } of records) this.#attempts.delete(keyOf(step, item))
  }

  /** The attempt after a failed one begins at once: it is on record as soon as the promise resolves. */
  add({ step, attempt }: StepRun, item: string, noted: Promise<void>): void {
    this.#attempts.set(keyOf(step, item), { attempt: attempt + 1, noted })
  }

  /** These were recorded with the execution itself. */
  begunWith(records: readonly StepRecord[]): void {
    for (const { step, item } of records) this.#attempts.set(keyOf(step, item), { attempt: 1, noted: undefined })
  }

  /** The attempt begins: whether it is on record, or about to be. */
  take({ step, attempt }: StepRun, item: string): Announced | undefined {
    if (this.#attempts.size === 0) return undefined
    const key = keyOf(step, item)
    const announced = this.#attempts.get(key)
    this.#attempts.delete(key)
    return announced?.attempt === attempt ? announced : undefined
  }

  #isReady({ execution, planStep: { outputSlot } }: StepRun, next: PlanStep): boolean {
    if (!countsAttempts(next.spec, execution.persistOf(next.spec))) return false
    const { plan, values, runs } = execution
    const known = runs[next.position]
    if (known !== undefined && (known.attempt > 0 || known.hasEnded || known.startedAt !== undefined)) return false
    return next.portSlots.every((slot) => {
      if (slot === outputSlot || plan.isLeaf[slot]! || values[slot] !== undefined) return true
      const producer = plan.producers[slot]!
      return producer !== -1 && this.#sent.has(runs[producer] as StepRun)
    })
  }
}

/** Whether a step counts its attempts, and begins as soon as it has its inputs: it is a function without a condition, and waits neither for a slot nor for a result of others. */
export function countsAttempts(
  { kind, maxAttempts, isLimited, when, compensate }: StepSpec,
  persist: PersistSpec | undefined,
): boolean {
  // What may have to be undone has its inputs on record before it begins.
  if (compensate !== undefined) return false
  return kind === 'step' && maxAttempts > 1 && !isLimited && when === undefined && persist?.scope === 'execution'
}

/** Whether a step whose attempt has failed begins the next one without waiting for anything. */
export function isRetriedAtOnce({ execution, planStep, dueAt }: StepRun): boolean {
  return dueAt! <= execution.clock.now() && !planStep.spec.isLimited && execution.admission === undefined
}

/** The record of a step that has begun for the first time. */
export function firstAttemptOf({ spec: { name, output } }: PlanStep, item: string, at: number): StepRecord {
  return {
    step: name,
    item,
    status: 'running',
    attempt: 1,
    inputHash: undefined,
    type: output.name,
    typeVersion: output.version,
    output: undefined,
    error: undefined,
    attempts: undefined,
    queuedAt: undefined,
    startedAt: at,
    endedAt: undefined,
    dueAt: undefined,
  }
}

function keyOf(step: string, item: string): string {
  return item === '' ? step : JSON.stringify([step, item])
}
