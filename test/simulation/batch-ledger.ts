import type { StepRecord } from '../../src/core/contracts/execution-record.ts'
import type { Life } from './life.ts'

/** Under which name a record is noted. */
export function recordKey(step: string, item: string): string {
  return item === '' ? step : `${step} of ${item}`
}

/** What the records of a batch say of its items. */
export interface BatchLedger {
  /** The items' keys, in order, as far as they are written. */
  readonly keys: readonly string[]
  /** Values in the order of the items, as text; `!` stands for an item that failed. */
  readonly outputs: string
  /** Items without an outcome. */
  readonly missing: readonly string[]
}

/** The text of a batch's outputs, the same for those that `result()` gives. */
export function textOfOutputs(outputs: readonly unknown[]): string {
  return JSON.stringify(
    outputs.map((output) => {
      if (typeof output !== 'object' || output === null) return output
      return 'error' in output ? '!' : (output as { readonly value: unknown }).value
    }),
  )
}

export function ledgerOf({ steps, target }: Pick<Life, 'steps' | 'target'>): BatchLedger {
  const keys: string[] = []
  const outcomes = new Map<string, unknown>()
  const made = new Map<string, unknown>()
  for (const { record, value } of steps.values()) {
    const { step, item, status } = record
    if (step === '$items') {
      const chunk = JSON.parse(value as string) as { readonly at: number; readonly keys: readonly string[] }
      for (const [index, key] of chunk.keys.entries()) keys[chunk.at + index] = key
    } else if (step === '$item' || step === '$target') {
      outcomes.set(item, status === 'completed' ? { value } : { error: true })
    } else if (record.type === target && hasValue(record)) {
      made.set(item, { value })
    }
  }
  const outputs = keys.map((key) => outcomes.get(key) ?? made.get(key) ?? outcomes.get('') ?? made.get(''))
  return { keys, outputs: textOfOutputs(outputs), missing: keys.filter((_, index) => outputs[index] === undefined) }
}

/** How many items are written. */
export function writtenItems(life: Life): number {
  return ledgerOf(life).keys.reduce((count) => count + 1, 0)
}

function hasValue({ status }: StepRecord): boolean {
  return status === 'completed' || status === 'cached'
}
