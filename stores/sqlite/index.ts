export { sqliteStore } from './store.ts'
export { sqliteMigrations } from './migrations.ts'
export type { SqliteStoreOptions, SqliteMigrationOptions } from './options.ts'
export type { Migrations } from '../sql/migrations.ts'
