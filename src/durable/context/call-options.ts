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
]
export const startManyOptionNames: readonly string[] = [...callOptionNames, 'signals']
export const startOptionNames: readonly string[] = [...startManyOptionNames, 'key', 'onBusy', 'dedupe']
export const startBatchOptionNames: readonly string[] = [...callOptionNames, 'shared', 'concurrency', 'onError', 'key']
