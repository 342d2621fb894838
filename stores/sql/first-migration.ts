import { checkpointKey, isToBegin, isToBeginLater, isToGoOn, isUnmade } from './tables.ts'
import type { TableName } from './tables.ts'

/** What a database calls the types of columns, and what else differs when tables are made. */
export interface SqlTypes {
  /** A name that is part of a key. */
  readonly key: string
  readonly name: string
  readonly word: string
  readonly integer: string
  readonly number: string
  readonly time: string
  readonly json: string
  readonly bytes: string
  /** What follows the columns of a table. */
  tableEnd(table: TableName): string
  /** Full name of a table, quoted. */
  table(name: TableName): string
  /**
   * An index; `where` is left out where indexes can't be partial. Gives the statement, or several.
   */
  index(index: SqlIndex): string
}

export interface SqlIndex {
  readonly name: string
  readonly table: TableName
  readonly columns: readonly string[]
  /** A condition on the table's columns. */
  readonly where?: string
}

/** Migration 1: the tables. The columns' order and names are the ones of `tables.ts`. */
export function firstMigration(types: SqlTypes): { readonly up: readonly string[]; readonly down: readonly string[] } {
  const { key, name, word, integer, number, time, json, bytes } = types
  const table = (of: TableName, ...lines: readonly string[]): string =>
    `create table ${types.table(of)} (\n  ${lines.join(',\n  ')}\n)${types.tableEnd(of)}`
  const value = (column: string, isNeeded = false): string =>
    `${column} ${json},\n  ${column}_bytes ${bytes}${isNeeded ? `,\n  check (${column} is not null or ${column}_bytes is not null)` : ''}`
  return {
    up: [
      table(
        'executions',
        `id ${key} not null primary key`,
        `kind ${word} not null`,
        `graph ${key} not null`,
        `target ${name} not null`,
        `status ${word} not null`,
        `request_digest ${name} not null`,
        value('inputs'),
        value('output'),
        value('error'),
        `error_code ${name}`,
        `headers ${json} not null`,
        `graph_hash ${name} not null`,
        `machine_version ${integer} not null`,
        `parent ${key}`,
        `forked_from ${key}`,
        `timeout_ms ${number}`,
        `queue ${key} not null`,
        `priority ${integer} not null`,
        `queue_key ${key} not null`,
        `start_at ${time}`,
        `owner ${key}`,
        `epoch ${integer} not null`,
        `recoveries ${integer} not null`,
        `owned_ms ${number} not null`,
        `created_at ${time} not null`,
        `started_at ${time}`,
        `updated_at ${time} not null`,
        `ended_at ${time}`,
        `parked_at ${time}`,
        `due_at ${time}`,
        value('waits_for'),
        `last_mail ${integer} default 0 not null`,
        `mail_left ${integer} default 0 not null`,
        `mail_version ${integer} default 0 not null`,
      ),
      table(
        'steps',
        `execution ${key} not null`,
        `step ${key} not null`,
        `item ${key} not null`,
        `status ${word} not null`,
        `attempt ${integer} not null`,
        `input_hash ${name}`,
        `type ${name} not null`,
        `type_version ${name}`,
        value('output'),
        value('error'),
        value('attempts'),
        `queued_at ${time}`,
        `started_at ${time}`,
        `ended_at ${time}`,
        `due_at ${time}`,
        `primary key (execution, step, item)`,
      ),
      table(
        'checkpoints',
        `execution ${key} not null`,
        `scope ${key} not null`,
        `step ${name} not null`,
        `item ${name} not null`,
        `generation ${integer} not null`,
        `checkpoint ${key} not null`,
        `kind ${name} not null`,
        `ordinal ${integer} not null`,
        `status ${word} not null`,
        value('value'),
        value('error'),
        `written_at ${time} not null`,
        `due_at ${time}`,
        `primary key (${checkpointKey.join(', ')})`,
      ),
      table(
        'mailbox',
        `execution ${key} not null`,
        `seq ${integer} not null`,
        `message_id ${name}`,
        `class ${word} not null`,
        `kind ${name} not null`,
        `slot ${name}`,
        value('payload'),
        `posted_at ${time} not null`,
        `primary key (execution, seq)`,
      ),
      table(
        'outbox',
        `entry ${key} not null primary key`,
        `source ${name} not null`,
        `receiver ${name} not null`,
        `message_id ${name} not null`,
        `class ${word} not null`,
        `kind ${name} not null`,
        `slot ${name}`,
        value('payload'),
        `posted_at ${time} not null`,
      ),
      table(
        'receipts',
        `execution ${key} not null`,
        `name ${key} not null`,
        `verdict ${word} not null`,
        `primary key (execution, name)`,
      ),
      table(
        'events',
        `event ${key} not null primary key`,
        `scope ${name} not null`,
        `name ${name} not null`,
        `event_key ${name} not null`,
        value('value'),
        `emission ${name} not null`,
        `emitted_at ${time} not null`,
        `expires_at ${time} not null`,
        `generation ${integer} not null`,
        `is_pending ${integer} not null`,
      ),
      table(
        'waits',
        `event ${key} not null`,
        `execution ${key} not null`,
        `since ${time} not null`,
        `seen_at ${time} not null`,
        `delivered ${integer} default 0 not null`,
        `primary key (event, execution)`,
      ),
      table(
        'schedules',
        `name ${key} not null primary key`,
        `graph_name ${name} not null`,
        `graph_key ${key} not null`,
        `target ${name} not null`,
        value('inputs'),
        `rule ${json} not null`,
        `digest ${name} not null`,
        `next_at ${time}`,
        `due_at ${time}`,
        `paused_at ${time}`,
        `note ${name}`,
        `last_at ${time}`,
        `buffered_at ${time}`,
        `started ${integer} not null`,
        `skipped ${integer} not null`,
        `missed ${integer} not null`,
        `failures ${integer} not null`,
        `runs ${json} not null`,
        `created_at ${time} not null`,
        `updated_at ${time} not null`,
        `revision ${integer} not null`,
        `written_by ${name} not null`,
        `taken_by ${name}`,
      ),
      table(
        'shared',
        `shared_key ${key} not null primary key`,
        `token ${name} not null`,
        `name ${name} not null`,
        value('state'),
        `written_at ${time} not null`,
      ),
      table(
        'acts',
        `act_id ${key} not null primary key`,
        `acted_at ${time} not null`,
        `acted_by ${name} not null`,
        `act ${name} not null`,
        `execution ${key}`,
        `note ${name}`,
      ),
      table(
        'results',
        `id ${key} not null primary key`,
        `namespace ${name} not null`,
        `step ${name} not null`,
        `version ${name} not null`,
        `type ${name} not null`,
        `status ${word} not null`,
        `owner ${key} not null`,
        `epoch ${integer} not null`,
        value('output'),
        value('error'),
        `claimed_at ${time} not null`,
        `ended_at ${time}`,
        `expires_at ${time}`,
        `is_awaited ${integer} default 0 not null`,
      ),
      table(
        'queues',
        `queue ${key} not null primary key`,
        `state ${name} not null`,
        `is_restricted ${integer} not null`,
        `free_at ${number} not null`,
      ),
      table('owners', `owner ${key} not null primary key`, `seen_at ${time} not null`, `expires_at ${time} not null`),
      ...indexes.map((index) => types.index(index)),
    ],
    down: (
      [
        'owners',
        'queues',
        'results',
        'schedules',
        'acts',
        'shared',
        'waits',
        'events',
        'receipts',
        'outbox',
        'mailbox',
        'checkpoints',
        'steps',
        'executions',
      ] as const
    ).map((of) => `drop table ${types.table(of)}`),
  }
}

const indexes: readonly SqlIndex[] = [
  // Looking for work reads this one alone: first the owners, then what the dead ones left, the oldest first.
  {
    name: 'docket_executions_unfinished',
    table: 'executions',
    columns: ['owner', 'queue', 'graph', 'created_at', 'id'],
    where: `status in ('pending', 'running', 'waiting', 'compensating') and parked_at is null`,
  },
  // Of each key in turn, what is still to begin; and before it what has begun. Few of all are in either.
  {
    name: 'docket_executions_to_begin',
    table: 'executions',
    columns: ['queue', 'graph', 'queue_key', 'priority desc', 'created_at', 'id'],
    where: isToBegin(''),
  },
  {
    name: 'docket_executions_to_go_on',
    table: 'executions',
    columns: ['queue', 'graph', 'created_at', 'id'],
    where: isToGoOn(''),
  },
  {
    name: 'docket_executions_later',
    table: 'executions',
    columns: ['queue', 'graph', 'due_at', 'id'],
    where: isToBeginLater(''),
  },
  // And what is parked and due: nothing else of what is parked is read.
  {
    name: 'docket_executions_due',
    table: 'executions',
    columns: ['queue', 'graph', 'due_at', 'id'],
    where: 'parked_at is not null',
  },
  // Most are in the queue that has no name, and have no key. What comes after the id orders nothing: by it, filters that are named together are counted without
  // reading a row.
  {
    name: 'docket_executions_queue',
    table: 'executions',
    columns: ['queue', 'status', 'created_at', 'id', 'graph'],
    where: `queue <> 'default'`,
  },
  {
    name: 'docket_executions_key',
    table: 'executions',
    columns: ['queue_key', 'status', 'created_at', 'id', 'graph', 'queue'],
    where: `queue_key <> ''`,
  },
  // What has failed or was cancelled, by the code of its error: only that costs a write here.
  {
    name: 'docket_executions_error',
    table: 'executions',
    columns: ['error_code', 'status', 'created_at', 'id'],
    where: 'error_code is not null',
  },
  {
    name: 'docket_executions_graph_error',
    table: 'executions',
    columns: ['graph', 'error_code', 'status', 'created_at', 'id'],
    where: 'error_code is not null',
  },
  { name: 'docket_executions_mail', table: 'executions', columns: ['owner'], where: 'mail_left > 0' },
  { name: 'docket_executions_created', table: 'executions', columns: ['created_at', 'id'] },
  { name: 'docket_executions_status', table: 'executions', columns: ['status', 'created_at', 'id', 'queue'] },
  {
    name: 'docket_executions_graph',
    table: 'executions',
    columns: ['graph', 'status', 'created_at', 'id', 'queue'],
  },
  { name: 'docket_executions_ended', table: 'executions', columns: ['ended_at'], where: 'ended_at is not null' },
  // In which they are read, in portions.
  {
    name: 'docket_checkpoints_order',
    table: 'checkpoints',
    columns: ['execution', 'scope', 'generation', 'ordinal', 'checkpoint'],
  },
  // Of all there are, few are children, and fewer forks.
  {
    name: 'docket_executions_parent',
    table: 'executions',
    columns: ['parent', 'created_at', 'id'],
    where: 'parent is not null',
  },
  {
    name: 'docket_executions_forked',
    table: 'executions',
    columns: ['forked_from', 'created_at', 'id'],
    where: 'forked_from is not null',
  },
  { name: 'docket_outbox_posted', table: 'outbox', columns: ['posted_at', 'entry'] },
  { name: 'docket_events_expiry', table: 'events', columns: ['expires_at'] },
  // Those for which somebody may have to be woken: few of all.
  { name: 'docket_events_pending', table: 'events', columns: ['event'], where: 'is_pending = 1' },
  { name: 'docket_waits_seen', table: 'waits', columns: ['seen_at'] },
  // Of each graph, those that somebody is to look at, by when.
  {
    name: 'docket_schedules_due',
    table: 'schedules',
    columns: ['graph_key', 'due_at'],
    where: 'due_at is not null',
  },
  { name: 'docket_schedules_graph', table: 'schedules', columns: ['graph_key', 'name'] },
  { name: 'docket_acts_time', table: 'acts', columns: ['acted_at', 'act_id'] },
  {
    name: 'docket_acts_execution',
    table: 'acts',
    columns: ['execution', 'acted_at', 'act_id'],
    where: 'execution is not null',
  },
  { name: 'docket_shared_written', table: 'shared', columns: ['written_at'] },
  { name: 'docket_results_expiry', table: 'results', columns: ['expires_at'], where: 'expires_at is not null' },
  // What is being made, or was given up: few of all. A purge looks here for what nobody makes any more.
  { name: 'docket_results_unmade', table: 'results', columns: ['status'], where: isUnmade('') },
]
