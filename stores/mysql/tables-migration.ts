import type { Migration } from '../sql/migration.ts'
import { checkpointKey } from '../sql/tables.ts'
import type { TableName } from '../sql/tables.ts'
import { collation, keyLength } from './keys.ts'

const tableEnd = `engine = innodb row_format = dynamic default character set utf8mb4 ${collation}`

const key = `varchar(${keyLength}) character set utf8mb4 ${collation}`
const name = `longtext character set utf8mb4 ${collation}`
const word = `varchar(20) character set utf8mb4 ${collation}`
const time = 'datetime(3)'

/** A name that is part of a key, and the column for names that are too long for one. */
const fullKey = (column: string, isNeeded = true): string =>
  `${column} ${key}${isNeeded ? ' not null' : ''}, ${column}_full ${name}`

// Texts, not MySQL's type JSON: it reorders keys and changes numbers. And without a check: JSON_VALID refuses documents that are nested
// more than 32 deep (MariaDB) or 100 (MySQL), which are values all the same.
const value = (column: string): string => `${column} ${name}, ${column}_bytes longblob`

/**
 * Migration 1: the tables. Its statements can be run again: nothing takes back the first ones when the server goes away in the middle.
 * There are no indexes with a condition: `is_open` and `mail_owner` are columns that are NULL where their index shall not look.
 */
export function tablesMigration(prefix: string): Migration {
  const table = (of: TableName | 'counters', ...lines: readonly string[]): string =>
    `create table if not exists \`${prefix}${of}\` (\n  ${lines.join(',\n  ')}\n) ${tableEnd}`
  return {
    version: 1,
    name: 'tables',
    up: [
      table(
        'executions',
        fullKey('id'),
        `kind ${word} not null`,
        fullKey('graph'),
        `target ${name} not null`,
        `status ${word} not null`,
        `request_digest ${name} not null`,
        value('inputs'),
        value('output'),
        value('error'),
        `headers ${name} not null`,
        `graph_hash ${name} not null`,
        'machine_version bigint not null',
        fullKey('parent', false),
        fullKey('forked_from', false),
        'timeout_ms double',
        fullKey('owner', false),
        'epoch bigint not null',
        'recoveries bigint not null',
        'owned_ms double not null',
        `created_at ${time} not null`,
        `started_at ${time}`,
        `updated_at ${time} not null`,
        `ended_at ${time}`,
        `parked_at ${time}`,
        `due_at ${time}`,
        value('waits_for'),
        'last_mail bigint default 0 not null',
        'mail_left bigint default 0 not null',
        `is_open tinyint generated always as (case when status in ('pending', 'running', 'waiting', 'compensating') and parked_at is null then 1 end) stored`,
        `mail_owner ${key} generated always as (case when mail_left > 0 then owner end) stored`,
        'primary key (id)',
        // Looking for work reads this one alone: first the owners, then what the dead ones left, the oldest first.
        'key docket_unfinished (is_open, owner, graph, created_at, id)',
        // And what is parked and due: nothing else of what is parked is read.
        'key docket_due (graph, due_at, id)',
        'key docket_mail (mail_owner)',
        'key docket_created (created_at, id)',
        'key docket_status (status, created_at, id)',
        'key docket_graph (graph, status, created_at, id)',
        'key docket_ended (ended_at)',
        'key docket_parent (parent, created_at, id)',
        'key docket_forked (forked_from, created_at, id)',
      ),
      table(
        'steps',
        fullKey('execution'),
        fullKey('step'),
        fullKey('item'),
        `status ${word} not null`,
        'attempt bigint not null',
        `input_hash ${name}`,
        `type ${name} not null`,
        `type_version ${name}`,
        value('output'),
        value('error'),
        `started_at ${time}`,
        `ended_at ${time}`,
        `due_at ${time}`,
        'primary key (execution, step, item)',
      ),
      table(
        'checkpoints',
        fullKey('execution'),
        `scope varchar(22) character set utf8mb4 ${collation} not null`,
        fullKey('step'),
        fullKey('item'),
        'generation bigint not null',
        fullKey('checkpoint'),
        `kind ${name} not null`,
        'ordinal bigint not null',
        `status ${word} not null`,
        value('value'),
        value('error'),
        `written_at ${time} not null`,
        `due_at ${time}`,
        `primary key (${checkpointKey.join(', ')})`,
        // In which they are read, in portions.
        'key docket_order (execution, scope, generation, ordinal, checkpoint)',
      ),
      table(
        'mailbox',
        fullKey('execution'),
        'seq bigint not null',
        `message_id ${name}`,
        `class ${word} not null`,
        `kind ${name} not null`,
        `slot ${name}`,
        value('payload'),
        `posted_at ${time} not null`,
        'primary key (execution, seq)',
      ),
      table(
        'outbox',
        `entry ${key} not null`,
        `source ${name} not null`,
        `receiver ${name} not null`,
        `message_id ${name} not null`,
        `class ${word} not null`,
        `kind ${name} not null`,
        `slot ${name}`,
        value('payload'),
        `posted_at ${time} not null`,
        'primary key (entry)',
        'key docket_posted (posted_at, entry)',
      ),
      table(
        'receipts',
        `execution ${key} not null`,
        `name ${key} not null`,
        `verdict ${word} not null`,
        'primary key (execution, name)',
      ),
      table(
        'events',
        `event ${key} not null`,
        `scope ${name} not null`,
        `name ${name} not null`,
        `event_key ${name} not null`,
        value('value'),
        `emission ${name} not null`,
        `emitted_at ${time} not null`,
        `expires_at ${time} not null`,
        'generation bigint not null',
        'is_pending tinyint not null',
        'primary key (event)',
        'key docket_expiry (expires_at)',
        'key docket_pending (is_pending)',
      ),
      table(
        'waits',
        `event ${key} not null`,
        fullKey('execution'),
        `since ${time} not null`,
        `seen_at ${time} not null`,
        'delivered bigint default 0 not null',
        'primary key (event, execution)',
        'key docket_seen (seen_at)',
      ),
      table(
        'results',
        fullKey('id'),
        `namespace ${name} not null`,
        `step ${name} not null`,
        `version ${name} not null`,
        `type ${name} not null`,
        `status ${word} not null`,
        fullKey('owner'),
        'epoch bigint not null',
        value('output'),
        value('error'),
        `claimed_at ${time} not null`,
        `ended_at ${time}`,
        `expires_at ${time}`,
        'primary key (id)',
        'key docket_expiry (expires_at)',
        'key docket_status (status)',
      ),
      table(
        'owners',
        `owner ${key} not null`,
        `seen_at ${time} not null`,
        `expires_at ${time} not null`,
        'primary key (owner)',
      ),
      table('counters', `name ${key} not null`, 'value bigint not null', 'primary key (name)'),
    ],
    down: [
      'counters',
      'owners',
      'results',
      'waits',
      'events',
      'receipts',
      'outbox',
      'mailbox',
      'checkpoints',
      'steps',
      'executions',
    ].map((of) => `drop table if exists \`${prefix}${of}\``),
  }
}
