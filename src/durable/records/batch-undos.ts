import type { StepRecord } from '../../core/contracts/execution-record.ts'
import { isRecord } from '../../core/is-record.ts'
import type { ValueEncoding } from '../../core/values/value-encoding.ts'
import type { PersistedExecution, StepView, UndoView } from '../../runtime/execution/execution-view.ts'
import { stopped, undoViewOf } from './restore-undos.ts'
import { keptBeside, undoIdentity, undoStatusOf } from './undo-records.ts'

const noInputs: ReadonlyMap<string, Record<string, unknown>> = new Map()

type Views = ReadonlyMap<string, StepView>

/** What is kept beside the records of the steps of a batch, by item. */
export class BatchUndos {
  readonly #id: string
  readonly #encoding: ValueEncoding
  readonly #undos = new Map<string, Map<string, UndoView>>()
  readonly #inputs = new Map<string, Map<string, Record<string, unknown>>>()
  readonly #counts = new Map<string, Map<string, number>>()

  constructor(id: string, encoding: ValueEncoding) {
    this.#id = id
    this.#encoding = encoding
  }

  /** Takes a record. @throws SerializationError */
  async take(record: StepRecord): Promise<void> {
    const { item, attempt, output } = record
    const { as, step } = keptBeside(record)!
    if (as === 'count') put(this.#counts, item, step, attempt)
    else if (as === 'undo') {
      const view = await undoViewOf(this.#id, { step, item }, record, this.#encoding)
      if (view !== undefined) put(this.#undos, item, step, view)
    } else if (output !== undefined) {
      const given = await this.#encoding.decode(output, undoIdentity(this.#id, { step, item }, 'inputs'))
      if (isRecord(given)) put(this.#inputs, item, step, given)
    }
  }

  /** The item is not run again: how often its steps were undone is all that is kept. */
  forget(item: string): void {
    this.#undos.delete(item)
    this.#inputs.delete(item)
  }

  /** How often a step was undone. */
  countOf(step: string, item: string): number {
    return this.#counts.get(item)?.get(step) ?? 0
  }

  /** A step begins anew because what it is made of was undone. */
  countAnew(step: string, item: string): void {
    put(this.#counts, item, step, this.countOf(step, item) + 1)
  }

  /** What an item knows of its undoing, and its steps: those of which all is undone are cancelled. Undefined where there is nothing of it. */
  of(item: string, views: Views | undefined): RestoredItem | undefined {
    const undos = this.#undos.get(item)
    const givenInputs = this.#inputs.get(item) ?? noInputs
    if (undos === undefined) return views && { steps: views, undos, givenInputs }
    const steps = new Map(views)
    for (const [step, { status }] of undos)
      // A value that came late may have brought back what its undoing has taken away.
      if (status === 'undone' || status === 'failed' || !steps.has(step))
        steps.set(step, { ...stopped, status: 'cancelled', error: undefined })
    return {
      steps,
      undos: Object.fromEntries(undos),
      givenInputs,
    }
  }
}

/** What is known of the steps of an item. */
interface RestoredItem extends Pick<PersistedExecution, 'steps' | 'givenInputs'> {
  readonly undos: Readonly<Record<string, UndoView>> | undefined
}

/** Whether a record says that the undoing of its step has ended. */
export function isUndoOver(record: StepRecord): boolean {
  const status = undoStatusOf(record)
  return status === 'undone' || status === 'failed'
}

function put<Value>(of: Map<string, Map<string, Value>>, item: string, step: string, value: Value): void {
  const known = of.get(item)
  if (known === undefined) of.set(item, new Map([[step, value]]))
  else known.set(step, value)
}
