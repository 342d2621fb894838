export { postgresStore } from './store.ts'
export { postgresMigrations } from './migrations.ts'
export type { PostgresMigrationOptions, PostgresPool, PostgresStoreOptions } from './options.ts'
export type { Migrations } from '../sql/migrations.ts'
