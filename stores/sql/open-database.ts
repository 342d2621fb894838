import { StoreError } from '../../src/core/errors.ts'
import { firstUserVersion, missingOf, pendingOf } from './migration.ts'
import type { Migration, MigrationDatabase, MigrationPlan, RecordedMigration } from './migration.ts'

/**
 * Makes sure that the tables are the ones that this version of Docket knows: runs what is pending, or refuses.
 * @throws StoreError when the database is newer, or older and may not be changed
 */
export async function prepareTables(
  database: MigrationDatabase,
  known: readonly Migration[],
  mayMigrate: boolean,
): Promise<void> {
  const plan: MigrationPlan = (recorded) => {
    refuseNewer(database.store, known, recorded)
    return pendingOf(known, recorded)
  }
  // Mostly there is nothing to do, and then no lock to wait for.
  const pending = plan(await database.recorded())
  if (pending.length === 0) return
  if (!mayMigrate) {
    const names = pending.map(({ migration }) => `${migration.version} (${migration.name})`).join(', ')
    throw new StoreError(
      database.store,
      `the database's tables are out of date: pending is migration ${names}; run up() of ${database.store}Migrations(…) or docket migrate --yes --store …, or open the store with migrate: true`,
      false,
    )
  }
  await database.migrate(plan)
}

function refuseNewer(store: string, known: readonly Migration[], recorded: readonly RecordedMigration[]): void {
  const newer = missingOf(known, recorded).filter(({ version }) => version < firstUserVersion)
  if (newer.length === 0) return
  const names = newer.map(({ version, name }) => `${version} (${name})`).join(', ')
  throw new StoreError(
    store,
    `the database's tables are newer than this version of Docket, which does not know migration ${names}; upgrade Docket, or take them back with down() of the version that made them`,
    false,
  )
}
