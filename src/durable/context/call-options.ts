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
export const startManyOptionNames: readonly string[] = [...callOptionNames, 'key', 'signals']
export const startOptionNames: readonly string[] = [...startManyOptionNames, 'onBusy', 'dedupe']
export const startBatchOptionNames: readonly string[] = [
  ...callOptionNames,
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
