import type { StepRecord } from '../../src/core/contracts/execution-record.ts'
import type { StepStatus } from '../../src/core/contracts/statuses.ts'
import { damaged } from './errors.ts'
import { escapeText, unescapeText } from './layout.ts'
import type { Packer } from './msgpack.ts'
import { packedText, packedValue, unpackedNumber, unpackedText, unpackedTime, unpackedValue } from './values.ts'

/** The field of an execution's hash that holds a step: a colon, the step, NUL, the item. */
export function stepField({ step, item }: Pick<StepRecord, 'step' | 'item'>): string {
  return `:${escapeText(step)}\0${escapeText(item)}`
}

const colon = 0x3a

export function isStepField(field: Buffer): boolean {
  return field[0] === colon
}

// Before the status of a record without a type, which any other replaces: no script takes it for completed.
const voidMark = '-'

/** A step's record as msgpack: a list of its values, since their names would be as long again. A script reads the status, the first. */
export function stepBytes(record: StepRecord, packer: Packer): Buffer {
  const { status, attempt, inputHash, type, typeVersion, output, error, startedAt, endedAt, dueAt } = record
  const { attempts, queuedAt } = record
  // Most have neither.
  const more = attempts === undefined && queuedAt === undefined ? [] : [packedValue(attempts), queuedAt]
  return packer.pack([
    type === '' ? voidMark + status : status,
    attempt,
    inputHash === undefined ? undefined : packedText(inputHash),
    packedText(type),
    typeVersion === undefined ? undefined : packedText(typeVersion),
    packedValue(output),
    packedValue(error),
    startedAt,
    endedAt,
    dueAt,
    ...more,
  ])
}

/** The record that `field` of an execution's hash holds. @throws StoreError when it is damaged */
export function stepRecord(
  execution: string,
  key: string,
  field: Buffer,
  bytes: Buffer,
  packer: Packer,
): StepRecord & { readonly execution: string } {
  const [step = '', item = ''] = field.toString('utf8', 1).split('\0').map(unescapeText)
  try {
    const values = packer.unpack(bytes)
    if (!Array.isArray(values) || (values.length !== 10 && values.length !== 12))
      throw new Error('it does not have the fields of a step')
    const [status, attempt, inputHash, type, typeVersion, output, error, startedAt, endedAt, dueAt, ...more] =
      values as unknown[]
    if (typeof status !== 'string') throw new Error('its status is not a string')
    return {
      execution,
      step,
      item,
      status: (status.startsWith(voidMark) ? status.slice(voidMark.length) : status) as StepStatus,
      attempt: unpackedNumber(attempt),
      inputHash: unpackedText(inputHash),
      type: unpackedText(type) ?? '',
      typeVersion: unpackedText(typeVersion),
      output: unpackedValue(output),
      error: unpackedValue(error),
      attempts: unpackedValue(more[0]),
      queuedAt: unpackedTime(more[1]),
      startedAt: unpackedTime(startedAt),
      endedAt: unpackedTime(endedAt),
      dueAt: unpackedTime(dueAt),
    }
  } catch (cause) {
    const which = item === '' ? `step "${step}"` : `step "${step}", item "${item}",`
    throw damaged(`the record of ${which} of execution "${execution}"`, key, cause)
  }
}
