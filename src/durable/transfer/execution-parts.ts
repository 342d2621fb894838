import type { CheckpointRecord } from '../../core/contracts/checkpoint-record.ts'
import { checkpointIdentity } from '../../core/contracts/checkpoint-record.ts'
import type { ExecutionRecord, StepRecord } from '../../core/contracts/execution-record.ts'
import type { Receipt } from '../../core/contracts/message.ts'
import type { StoredValue } from '../../core/contracts/stored-value.ts'
import type { ValueIdentity } from '../../core/values/value-encoding.ts'
import { keptBeside } from '../records/undo-records.ts'

/** Everything that a store has of one execution. */
export interface ExecutionParts {
  readonly record: ExecutionRecord
  readonly steps: readonly StepRecord[]
  readonly checkpoints: readonly CheckpointRecord[]
  /** What is remembered of messages that somebody has read. @default nothing */
  readonly receipts?: readonly Receipt[] | undefined
  /** What steps were called first, by the names that they have in the records, where that is another one. */
  readonly firstNames?: Readonly<Record<string, string>> | undefined
  /** Types of signals that came with its start. @default none */
  readonly givenSignals?: readonly string[] | undefined
}

/** A field of a record that holds a value, and where that is encoded for. */
export interface ValueField<Record> {
  readonly name: keyof Record & string
  readonly isError: boolean
  readonly identityOf: (id: string, record: Record) => ValueIdentity
}

export const executionValues: readonly ValueField<ExecutionRecord>[] = [
  { name: 'inputs', isError: false, identityOf: (id) => ['execution', id, 'inputs'] },
  { name: 'output', isError: false, identityOf: (id) => ['execution', id, 'output'] },
  { name: 'error', isError: true, identityOf: (id) => ['execution', id, 'error'] },
  { name: 'waitsFor', isError: false, identityOf: (id) => ['execution', id, 'waitsFor'] },
]

const ofStep = (id: string, { step, item }: StepRecord, field: string): ValueIdentity => ['step', id, step, item, field]

export const stepValues: readonly ValueField<StepRecord>[] = [
  {
    name: 'output',
    isError: false,
    identityOf: (id, record) => ofStep(id, record, keptBeside(record)?.as === 'inputs' ? 'inputs' : 'output'),
  },
  { name: 'error', isError: true, identityOf: (id, record) => ofStep(id, record, 'error') },
  { name: 'attempts', isError: false, identityOf: (id, record) => ofStep(id, record, 'attempts') },
]

export const checkpointValues: readonly ValueField<CheckpointRecord>[] = [
  { name: 'value', isError: false, identityOf: (id, record) => checkpointIdentity(id, record) },
  { name: 'error', isError: true, identityOf: (id, record) => checkpointIdentity(id, record, 'error') },
]

/** A record's values, each with its field. */
export function valuesIn<Record extends object>(
  id: string,
  record: Record,
  fields: readonly ValueField<Record>[],
): readonly { readonly field: ValueField<Record>; readonly stored: StoredValue; readonly identity: ValueIdentity }[] {
  return fields.flatMap((field) => {
    const stored = record[field.name] as StoredValue | undefined
    return stored === undefined ? [] : [{ field, stored, identity: field.identityOf(id, record) }]
  })
}
