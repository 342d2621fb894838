import { SerializationError } from '../../core/errors.ts'
import type { ExecutionRecord } from '../../core/contracts/execution-record.ts'
import type { ValueEncoding } from '../../core/values/value-encoding.ts'
import type { ItemOutcome } from '../../runtime/batch/batch-setup.ts'
import { isPromiseLike } from '../../runtime/inputs/check-value.ts'
import type { Turn } from '../../runtime/environment/turn.ts'
import { ItemsReader, itemsStep } from './batch-items.ts'
import { outcomeOf } from './outcome-record.ts'
import { headOfBatch } from './batch-head.ts'
import { itemStep, targetStep } from './restore-batch.ts'
import type { StepPages } from './step-pages.ts'

/** The results of a batch that is completed, from its records. @throws SerializationError for damaged records */
export async function batchOutputOf(
  record: ExecutionRecord,
  pages: StepPages,
  encoding: ValueEncoding,
  turn: Turn,
): Promise<readonly unknown[]> {
  const { id, target } = record
  const { onError, total } = await headOfBatch(record, encoding)
  const reader = new ItemsReader(id, total, encoding, turn)
  const outcomes = new Map<string, ItemOutcome>()
  /** What steps have made: an item's own outcome counts before it, whichever is read first. */
  const made = new Map<string, ItemOutcome>()
  await pages(async (steps) => {
    for (const record of steps) {
      if (turn.mustYield()) await turn.next()
      const { step, item, type, status, output } = record
      if (step === itemsStep) await reader.take(record)
      else if (step === itemStep || step === targetStep) {
        const outcome = await outcomeOf(id, record, encoding)
        if (outcome !== undefined) outcomes.set(item, outcome)
      } else if (type === target && output !== undefined && (status === 'completed' || status === 'cached')) {
        const value = encoding.decode(output, ['step', id, step, item, 'output'])
        made.set(item, { value: isPromiseLike(value) ? await value : value })
      }
    }
  })
  const written = await reader.done(total)
  if (typeof written === 'number')
    throw new SerializationError(`batch "${id}" is damaged: only ${written} of its ${total} items are there`, {
      executionId: id,
    })
  const ofAll = outcomes.get('') ?? made.get('')
  const results: unknown[] = []
  for (const key of written.keys) {
    if (turn.mustYield()) await turn.next()
    const outcome = outcomes.get(key) ?? made.get(key) ?? ofAll
    if (outcome === undefined)
      throw new SerializationError(`batch "${id}" is damaged: the result of its item "${key}" is not there`, {
        executionId: id,
      })
    results.push(onError === 'collect' ? outcome : outcome.value)
  }
  return results
}
