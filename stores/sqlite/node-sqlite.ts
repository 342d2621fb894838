import type * as Sqlite from 'node:sqlite'

// Not imported: a Node that does not have it would fail at that, before it could say that it is too old.
export const { DatabaseSync } = process.getBuiltinModule('node:sqlite')
export type DatabaseSync = Sqlite.DatabaseSync
