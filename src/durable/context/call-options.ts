import { isRecord } from '../../core/is-record.ts'
import { problemsOfLifetime } from '../records/stored-limits.ts'
import { placeOptionNames, problemsOfPlace } from './queue-options.ts'

/** The names of the options that calls of a docket take. */
export const logicOptionNames: readonly string[] = [
  'headers',
  'timeout',
  'deadline',
  'observers',
  'logger',
  'overrides',
  'maxPending',
  'maxRunning',
  ...placeOptionNames,
  'key',
]
const callOptionNames = [
  'id',
  'headers',
  'timeout',
  'deadline',
  'signal',
  'observers',
  'logger',
  'overrides',
  'maxPending',
  'maxRunning',
  ...placeOptionNames,
]
export const startOptionNames: readonly string[] = [...callOptionNames, 'key', 'signals', 'onBusy', 'dedupe']
export const startBatchOptionNames: readonly string[] = [
  ...callOptionNames,
  'onBusy',
  'dedupe',
  'shared',
  'concurrency',
  'onError',
  'key',
  'queueKey',
]

/** What is wrong with options of a call that begins something. */
export function problemsOfCall(options: object, keyName?: 'key' | 'queueKey'): readonly string[] {
  return [...problemsOfLifetime(options), ...problemsOfPlace(options, keyName)]
}

/** Why a call takes neither of the options by which a start can come to another execution: a sentence for each that is given. */
export function problemsOfRefusedKeys(
  options: unknown,
  reasons: Readonly<Record<'onBusy' | 'dedupe', string>>,
): readonly (string | false)[] {
  if (!isRecord(options)) return []
  return (['onBusy', 'dedupe'] as const).map((name) => options[name] !== undefined && `${name} ${reasons[name]}`)
}
