import type { StepRecord } from '../../core/contracts/execution-record.ts'
import type { ValueEncoding } from '../../core/values/value-encoding.ts'
import type { ItemOutcome } from '../../runtime/batch/batch-setup.ts'
import { itemsStep } from './batch-items.ts'
import { decodePresent } from './stored-inputs.ts'
import type { StepPlace } from './undo-records.ts'

/** The record of what became of an item, of all of them, or of the items themselves. @throws SerializationError */
export async function outcomeRecordOf(
  { encoding, clock }: { readonly encoding: ValueEncoding; readonly clock: { now(): number } },
  { id, target, life }: { readonly id: string; readonly target: string; readonly life: number },
  { step, item }: StepPlace,
  outcome: ItemOutcome,
): Promise<StepRecord> {
  const identity = ['step', id, step, item]
  const isDone = 'value' in outcome
  return {
    step,
    item,
    status: isDone ? 'completed' : 'failed',
    attempt: life,
    inputHash: undefined,
    type: step === itemsStep ? itemsStep : target,
    typeVersion: undefined,
    output: isDone ? await encoding.encode(outcome.value, [...identity, 'output']) : undefined,
    error: isDone ? undefined : await encoding.encodeError(outcome.error, [...identity, 'error']),
    attempts: undefined,
    queuedAt: undefined,
    startedAt: undefined,
    endedAt: clock.now(),
    dueAt: undefined,
  }
}

/** What became of an item, by its record. @throws SerializationError */
export async function outcomeOf(
  id: string,
  { step, item, status, output, error }: StepRecord,
  encoding: ValueEncoding,
): Promise<ItemOutcome | undefined> {
  const identity = ['step', id, step, item]
  if (status === 'completed') return { value: await decodePresent(output, [...identity, 'output'], encoding) }
  return error === undefined ? undefined : { error: await encoding.decodeError(error, [...identity, 'error']) }
}
