import type * as Sqlite from 'node:sqlite'

// Not imported: a Node that does not have it would fail at that, before it could say that it is too old.
const sqlite: typeof Sqlite | undefined = process.getBuiltinModule('node:sqlite')
if (sqlite === undefined)
  throw new Error(
    'the store for SQLite needs node:sqlite, which this Node does not have: it was built without, or called with --no-experimental-sqlite',
  )
export const { DatabaseSync } = sqlite
export type DatabaseSync = Sqlite.DatabaseSync
