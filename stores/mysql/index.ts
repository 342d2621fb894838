export { mysqlStore } from './store.ts'
export { mysqlMigrations } from './migrations.ts'
export type { MysqlStoreOptions, MysqlMigrationOptions } from './options.ts'
export type { Migrations } from '../sql/migrations.ts'
