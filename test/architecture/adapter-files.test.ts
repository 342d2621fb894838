import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { root } from './source-file.ts'

/** Files of every adapter's own: the same name holds the same part. */
const ofEach = [
  'acquirer.ts',
  'acts.ts',
  'events.ts',
  'index.ts',
  'queues.ts',
  'schedules.ts',
  'shared-states.ts',
  'store.ts',
]
const ofServers = ['options.ts', 'errors.ts', 'connection.ts', 'diagnosis.ts']
const parts = [
  'checkpoints.ts',
  'claims.ts',
  'committer.ts',
  'creator.ts',
  'deletion.ts',
  'mailbox.ts',
  'owners.ts',
  'results.ts',
]
const ofSql = [...ofEach, ...ofServers, ...parts, 'dialect.ts', 'migrations.ts']

/** What an adapter has besides, and why the others lack it. */
const adapters: Readonly<Record<string, { readonly shared: readonly string[]; readonly own: readonly string[] }>> = {
  // It deletes in portions by what each takes, since that holds up the process; MySQL by the length of its lists. Its driver is Node's.
  sqlite: { shared: ofSql, own: ['portions.ts', 'node-sqlite.ts'] },
  postgres: {
    // It alone of the SQL databases can notify others, over a connection apart from the pool.
    shared: [...ofSql, 'hints.ts', 'session-locks.ts', 'locks.ts', 'given-transaction.ts'],
    // One statement chooses and takes; statements are prepared by name.
    own: [
      'compiling.ts',
      'hint-listener.ts',
      'hint-payloads.ts',
      'hint-sender.ts',
      // Its driver says of a pool's connections only once they are there, and what is being made must be ended too.
      'open-clients.ts',
      'ready-statement.ts',
      'statement-names.ts',
    ],
  },
  mysql: {
    // As PostgreSQL, it says which connections are there, and a transaction is any client's of its driver.
    shared: [...ofSql, 'session-locks.ts', 'locks.ts', 'given-transaction.ts'],
    // Statements are texts; keys have a greatest length; DDL is in no transaction.
    own: [
      'session.ts',
      'literals.ts',
      'statements.ts',
      'keys.ts',
      'tables-migration.ts',
      'column-migration.ts',
      'portions.ts',
      // Indexes have no conditions; looks are many statements in one.
      'queue-places.ts',
      'ready-looks.ts',
    ],
  },
  redis: {
    // No SQL, so neither dialect nor migrations; what the SQL stores share in reading it has for itself.
    shared: [...ofEach, ...ofServers, ...parts, 'hints.ts', 'reader.ts'],
    own: [
      // Scripts, and what is sent to them together.
      'execution-scripts.ts',
      'deletion-scripts.ts',
      'reading-scripts.ts',
      'room-of-keys.ts',
      'mailbox-listing.ts',
      'backlogs.ts',
      'result-scripts.ts',
      'event-scripts.ts',
      'checkpoint-scripts.ts',
      'schedule-scripts.ts',
      'script-writes.ts',
      'packed-lists.ts',
      'ranges.ts',
      'ready-looks.ts',
      'ready-heads.ts',
      'bucket-heads.ts',
      'first-places.ts',
      'ready-scripts.ts',
      'look-script.ts',
      'taking.ts',
      // The SQL stores share theirs.
      'outbox.ts',
      // Records as bytes.
      'layout.ts',
      'head-record.ts',
      'step-record.ts',
      'kept-result.ts',
      'values.ts',
      'msgpack.ts',
      'steps-reading.ts',
      'unreadable.ts',
      // The client, and the connections that its server knows.
      'sessions.ts',
      'connect.ts',
      'open-store.ts',
      'check-server.ts',
      'link.ts',
    ],
  },
  memory: {
    // One map of executions serves all calls: parts would only share it. Step records and checkpoints are in lists, of which pages are taken.
    shared: [...ofEach, 'results.ts', 'owners.ts'],
    own: [
      'executions.ts',
      'outbox.ts',
      'step-list.ts',
      'checkpoint-list.ts',
      'lineage-index.ts',
      'execution-index.ts',
      'ready-index.ts',
    ],
  },
}

test.each(Object.entries(adapters))('the adapter %s names its files like the others', (name, { shared, own }) => {
  expect(readdirSync(join(root, 'stores', name)).toSorted()).toEqual([...shared, ...own].toSorted())
})
