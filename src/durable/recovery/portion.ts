import type { ExecutionRecord, StepRecord } from '../../core/contracts/execution-record.ts'
import type { StoredValue } from '../../core/contracts/stored-value.ts'

const least = 100
const most = 1_000
// Of values, in one portion: what has much is taken in small ones, since all of a portion is in memory at once.
const light = 1_000_000
const heavy = 4_000_000
// A batch reads its own items; few of them are small.
const likelyBatchBytes = 100_000

/**
 * How many executions are looked for at once. A look costs a few round trips whatever it brings, so it may bring many; but nobody knows what they
 * have before they have come, so the first ones are few.
 */
export class Portion {
  #size = least

  get size(): number {
    return this.#size
  }

  /** What a look for that many has brought, in bytes of values. */
  brought(bytes: number): void {
    if (bytes <= light) this.#size = Math.min(this.#size * 2, most)
    else if (bytes > heavy) this.#size = Math.max(Math.floor(this.#size / 2), least)
  }
}

/** The length of what is stored: bytes, or characters. */
function lengthOf(value: StoredValue | undefined): number {
  return value?.length ?? 0
}

/** About how much of an execution is in memory while it is gone on with. */
export function bytesOf({ kind, inputs }: ExecutionRecord, steps: readonly StepRecord[] = []): number {
  let bytes = lengthOf(inputs) + (kind === 'batch' ? likelyBatchBytes : 0)
  for (const { output, error } of steps) bytes += lengthOf(output) + lengthOf(error)
  return bytes
}
