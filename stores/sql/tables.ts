import { columnsOf } from './cells.ts'
import type { CellColumn, Field } from './cells.ts'

/** The tables, without the prefix that they have in the database. */
export type TableName =
  | 'executions'
  | 'steps'
  | 'checkpoints'
  | 'mailbox'
  | 'outbox'
  | 'receipts'
  | 'events'
  | 'waits'
  | 'shared'
  | 'acts'
  | 'schedules'
  | 'results'
  | 'owners'
  | 'queues'
  | 'migrations'

type Fields = Readonly<Record<string, Field['kind'] | readonly [column: string, kind: Field['kind']]>>

function fieldsOf(kinds: Fields): readonly Field[] {
  return Object.entries(kinds).map(([field, kind]) =>
    typeof kind === 'string' ? { field, column: field, kind } : { field, column: kind[0], kind: kind[1] },
  )
}

/** Which executions may be found to be overdue. */
export const mayBeOverdue = `deadline is not null and status in ('pending', 'running', 'waiting')`

/** Fields of ExecutionRecord. */
export const executionFields = fieldsOf({
  id: 'name',
  kind: 'word',
  graph: 'name',
  target: 'name',
  status: 'word',
  requestDigest: ['request_digest', 'name'],
  inputs: 'value',
  output: 'value',
  error: 'value',
  errorCode: ['error_code', 'name'],
  headers: 'headers',
  graphHash: ['graph_hash', 'name'],
  machineVersion: ['machine_version', 'integer'],
  parent: 'name',
  forkedFrom: ['forked_from', 'name'],
  timeoutMs: ['timeout_ms', 'number'],
  deadline: 'time',
  queue: 'name',
  priority: 'integer',
  key: ['queue_key', 'name'],
  startAt: ['start_at', 'time'],
  owner: 'name',
  epoch: 'integer',
  recoveries: 'integer',
  ownedMs: ['owned_ms', 'number'],
  createdAt: ['created_at', 'time'],
  startedAt: ['started_at', 'time'],
  updatedAt: ['updated_at', 'time'],
  endedAt: ['ended_at', 'time'],
  parkedAt: ['parked_at', 'time'],
  dueAt: ['due_at', 'time'],
  waitsFor: ['waits_for', 'value'],
})

/** Those of them that a HeadChange can name, and those of parking. `isReleased` is no field: it takes the owner away. */
export const headFields = executionFields.filter(({ field }) =>
  [
    'status',
    'inputs',
    'output',
    'error',
    'errorCode',
    'graphHash',
    'machineVersion',
    'deadline',
    'startedAt',
    'endedAt',
    'ownedMs',
    'recoveries',
    'parkedAt',
    'dueAt',
    'waitsFor',
  ].includes(field),
)

/** Fields of StepRecord. The table has `execution` before them. */
export const stepFields = fieldsOf({
  step: 'name',
  item: 'name',
  status: 'word',
  attempt: 'integer',
  inputHash: ['input_hash', 'name'],
  type: 'name',
  typeVersion: ['type_version', 'name'],
  output: 'value',
  error: 'value',
  attempts: 'value',
  queuedAt: ['queued_at', 'time'],
  startedAt: ['started_at', 'time'],
  endedAt: ['ended_at', 'time'],
  dueAt: ['due_at', 'time'],
})

/** A step record with its execution. */
export const stepRowFields: readonly Field[] = [...fieldsOf({ execution: 'name' }), ...stepFields]

/** Fields of CheckpointRecord. */
export const checkpointFields = fieldsOf({
  step: 'name',
  item: 'name',
  generation: 'integer',
  name: ['checkpoint', 'name'],
  kind: 'name',
  order: ['ordinal', 'integer'],
  status: 'word',
  value: 'value',
  error: 'value',
  at: ['written_at', 'time'],
  dueAt: ['due_at', 'time'],
})

/** A checkpoint with its execution, and what stands for its step and item in keys. */
export const checkpointRowFields: readonly Field[] = [
  ...fieldsOf({ execution: 'name', scope: 'word' }),
  ...checkpointFields,
]

/** What names a row of the checkpoints. */
export const checkpointKey = ['execution', 'scope', 'generation', 'checkpoint'] as const

/** Fields of Message. */
export const messageFields = fieldsOf({
  execution: 'name',
  seq: 'integer',
  id: ['message_id', 'name'],
  class: 'word',
  kind: 'name',
  slot: 'name',
  payload: 'value',
  at: ['posted_at', 'time'],
})

/** Fields of OutboxEntry. */
export const outboxFields = fieldsOf({
  entry: 'name',
  source: 'name',
  execution: ['receiver', 'name'],
  id: ['message_id', 'name'],
  class: 'word',
  kind: 'name',
  slot: 'name',
  payload: 'value',
  at: ['posted_at', 'time'],
})

/** Fields of NewEvent. */
export const eventFields = fieldsOf({
  id: ['event', 'name'],
  scope: 'name',
  name: 'name',
  key: ['event_key', 'name'],
  value: 'value',
  emission: 'name',
  at: ['emitted_at', 'time'],
  expiresAt: ['expires_at', 'time'],
})

/** Fields of ScheduleRecord. */
export const scheduleFields = fieldsOf({
  name: 'name',
  graph: ['graph_name', 'name'],
  target: 'name',
  inputs: 'value',
  rule: 'headers',
  digest: 'name',
  nextAt: ['next_at', 'time'],
  dueAt: ['due_at', 'time'],
  pausedAt: ['paused_at', 'time'],
  note: 'name',
  lastAt: ['last_at', 'time'],
  bufferedAt: ['buffered_at', 'time'],
  started: 'integer',
  skipped: 'integer',
  missed: 'integer',
  failures: 'integer',
  runs: 'headers',
  createdAt: ['created_at', 'time'],
  updatedAt: ['updated_at', 'time'],
  revision: 'integer',
  write: ['written_by', 'name'],
})

/** Fields of SharedState. */
export const sharedFields = fieldsOf({
  key: ['shared_key', 'name'],
  token: 'name',
  name: 'name',
  state: 'value',
})

/** Fields of ActRecord. */
export const actFields = fieldsOf({
  id: ['act_id', 'name'],
  at: ['acted_at', 'time'],
  by: ['acted_by', 'name'],
  act: 'name',
  execution: 'name',
  note: 'name',
})

/** Fields of ResultClaim. */
export const claimFields = fieldsOf({
  key: ['id', 'name'],
  namespace: 'name',
  step: 'name',
  version: 'name',
  type: 'name',
  owner: 'name',
  at: ['claimed_at', 'time'],
})

export const executionColumns = columnsOf(executionFields)
/** The number of the call that wrote to an execution last, in its epoch: no field of its record. */
export const sequenceColumn: CellColumn = { name: 'last_sequence', kind: 'integer' }
export const newExecutionColumns: readonly CellColumn[] = [...executionColumns, sequenceColumn]
export const stepColumns = columnsOf(stepFields)
export const stepRowColumns = columnsOf(stepRowFields)
export const checkpointColumns = columnsOf(checkpointFields)
export const checkpointRowColumns = columnsOf(checkpointRowFields)
export const messageColumns = columnsOf(messageFields)
export const outboxColumns = columnsOf(outboxFields)
export const eventColumns = columnsOf(eventFields)
export const scheduleColumns = columnsOf(scheduleFields)
export const claimColumns = columnsOf(claimFields)
export const actColumns = columnsOf(actFields)
export const sharedColumns = columnsOf(sharedFields)

/** What a getResults reads of a result. */
export const resultColumns: readonly CellColumn[] = [
  { name: 'id', kind: 'name' },
  { name: 'status', kind: 'word' },
  { name: 'epoch', kind: 'integer' },
  ...columnsOf(fieldsOf({ output: 'value', error: 'value' })),
]

/** Statuses of executions that take no messages but those that are for ended ones too, as a list. */
export const endedStatuses = `('completed', 'failed', 'cancelled')`

/** What ends an execution's parking. */
export const endParking = 'parked_at = null, due_at = null, waits_for = null, waits_for_bytes = null'

/** The condition of the indexes by owner, word for word: that is how planners know that they may use them. */
export const isRunnable = (table: string): string => `${isUnfinished(table)} and ${table}.parked_at is null`

/** The condition of the index of what is still to begin, and may, word for word. `table` is an alias with a dot. */
export const isToBegin = (table: string): string =>
  `${table}owner is null and ${table}status = 'pending' and ${table}parked_at is null`

/** That of the index of what has begun, and nobody has. */
export const isToGoOn = (table: string): string =>
  `${table}owner is null and ${table}status in ('running', 'waiting', 'compensating') and ${table}parked_at is null`

/** That of the index of what is parked before it begins. */
export const isToBeginLater = (table: string): string => `${table}status = 'pending' and ${table}due_at is not null`

/** Whether an execution has not ended. */
export const isUnfinished = (table: string): string =>
  `${table}.status in ('pending', 'running', 'waiting', 'compensating')`

/** Whether an execution is the child of one that may still wait for it: that has not ended, and was not parked since. `parent` is the alias for that one. */
export const isAwaitedChild = (executions: string, table: string, parent = 'awaiting'): string =>
  `(${table}.parent is not null and exists (select 1 from ${executions} ${parent} where ${parent}.id = ${table}.parent
    and ${isUnfinished(parent)} and (${parent}.parked_at is null or ${parent}.parked_at <= ${table}.ended_at)))`

/** The condition of the index of results that are not there (yet), word for word. `table` is its alias with a dot. */
export const isUnmade = (table: string): string => `${table}status in ('running', 'failed', 'released')`

/** Statuses of step records that an unfinished one does not replace, as a list. */
export const doneStatuses = `('completed', 'cached')`
