import { append } from '../../core/append.ts'
import type { CompensationError } from '../../core/errors.ts'
import { DocketError } from '../../core/docket-error.ts'
import { takersOf } from '../../core/graph/plan.ts'
import type { Plan } from '../../core/graph/plan.ts'
import type { Effects, EffectUndo } from './effects.ts'
import { Undo } from './undo.ts'
import type { UndoingExecution } from './undo.ts'

/** An execution, or a part of a batch, whose steps have done what is to be undone. */
export interface Compensated extends UndoingExecution {
  readonly plan: Plan
  readonly effects: Effects | undefined
}

/**
 * Undoes what the steps of one execution did, or those of all parts of a batch together: what its dependants did before what a step did,
 * independent ones at the same time. What can't be undone keeps nothing else from it.
 */
export class Compensation {
  readonly done: Promise<readonly CompensationError[]>
  readonly #undos: EffectUndo[] = []

  /** `whole`: the plan that has the steps of all parts; `reasonOf`: why a step is undone; `only`: names of the steps that are. @default all */
  constructor(
    whole: Plan,
    parts: readonly Compensated[],
    reasonOf: (step: string) => unknown,
    only?: Pick<ReadonlySet<string>, 'has'>,
  ) {
    const failures: Promise<CompensationError | undefined>[] = []
    // What has to come before what a step's inputs were made by; nothing where nothing of it or above is undone.
    const waits: (Promise<unknown> | undefined)[] = []
    const others = only === undefined ? undefined : new OtherUndos(whole, parts, only)
    for (let position = whole.steps.length - 1; position >= 0; position--) {
      const { spec, outputSlot } = whole.steps[position]!
      const before = takersOf(whole, outputSlot).flatMap((taker) => waits[taker] ?? [])
      const isUndone = spec.compensate !== undefined && only?.has(spec.name) !== false
      const undos = isUndone ? this.#undosOf(parts, spec.name, reasonOf) : []
      if (undos.length === 0) {
        waits[position] = before.length > 1 ? Promise.all(before) : before[0]
        continue
      }
      const isFree = Promise.all([...before, others?.behind(position)])
      const outcomes = undos.map((undo) => isFree.then(() => undo.run()))
      append(failures, outcomes)
      waits[position] = Promise.all(outcomes)
    }
    this.done = Promise.all(failures).then((errors) => errors.filter((error) => error !== undefined))
  }

  /** Stops it for a reason: it goes on elsewhere. */
  giveUp(reason: unknown): void {
    for (const undo of this.#undos) undo.giveUp(reason)
  }

  #undosOf(parts: readonly Compensated[], step: string, reasonOf: (step: string) => unknown): readonly EffectUndo[] {
    const undos = parts.flatMap((part) => {
      const effect = part.effects?.of(step)
      // The loser of a race may be undone already.
      return effect === undefined ? [] : [(effect.undo ??= new Undo(part, effect, reasonOf(step)))]
    })
    append(this.#undos, undos)
    return undos
  }
}

/** What is undone for another reason, such as another race that is decided in the same turn. */
class OtherUndos {
  readonly #whole: Plan
  readonly #parts: readonly Compensated[]
  readonly #only: Pick<ReadonlySet<string>, 'has'>

  constructor(whole: Plan, parts: readonly Compensated[], only: Pick<ReadonlySet<string>, 'has'>) {
    this.#whole = whole
    this.#parts = parts
    this.#only = only
  }

  /** Resolves when all of it is undone that was made of what a step made. */
  async behind(position: number): Promise<void> {
    // The others are there once all that is decided in this turn is.
    await undefined
    const found = new Set<number>()
    const open = [position]
    for (let at = open.pop(); at !== undefined; at = open.pop())
      for (const taker of takersOf(this.#whole, this.#whole.steps[at]!.outputSlot)) {
        if (found.has(taker)) continue
        found.add(taker)
        open.push(taker)
      }
    const names = [...found].map((at) => this.#whole.steps[at]!.spec.name).filter((name) => !this.#only.has(name))
    await Promise.all(this.#parts.flatMap(({ effects }) => names.map((name) => effects?.of(name)?.undo?.done)))
  }
}

/** Puts what could not be undone beside the error that an execution ends with: what a caller catches stays the same. */
export function withUndoErrors(error: unknown, undoErrors: readonly CompensationError[]): void {
  if (undoErrors.length > 0 && error instanceof DocketError) error.undoErrors = undoErrors
}
