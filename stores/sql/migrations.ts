import { OptionError, StoreError } from '../../src/core/errors.ts'
import { opening } from './driver-error.ts'
import { missingOf, pendingOf } from './migration.ts'
import type {
  Migration,
  MigrationDatabase,
  MigrationMove,
  MigrationPlan,
  MigrationStatus,
  RecordedMigration,
} from './migration.ts'
import { readMigrationFiles, writeMigrationFile } from './migration-files.ts'

/** Brings a database's tables to the form that this version of Docket knows, and back. What changes something gives the versions that it ran. */
export interface Migrations {
  /** Every known migration in order, with the time when it was applied, or none while it is pending. */
  status(): Promise<readonly MigrationStatus[]>
  /** Runs what is pending. */
  up(): Promise<readonly number[]>
  /** Runs what is pending up to a version, which is included. */
  upTo(version: number): Promise<readonly number[]>
  /** Takes back the last one. */
  down(): Promise<readonly number[]>
  /** Takes back whatever came after a version; 0 takes back everything. */
  downTo(version: number): Promise<readonly number[]>
  /** What the database has seen and this code doesn't know: it is newer, or a directory was left out. */
  missing(): Promise<readonly RecordedMigration[]>
  /** The last version that was applied, 0 for none. */
  version(): Promise<number>
  /** Writes the file of a new migration of one's own, to be filled in, and gives its path. */
  create(directory: string, name: string): Promise<string>
  /** Lets go of connections that it opened itself. */
  close(): Promise<void>
}

/** The migrations of one database: Docket's own, then those of the directories. */
export function createMigrations(
  database: MigrationDatabase,
  own: readonly Migration[],
  directories: readonly string[],
): Migrations {
  const known = async (): Promise<readonly Migration[]> => [...own, ...(await readMigrationFiles(directories))]
  const run = async (plan: MigrationPlan): Promise<readonly number[]> =>
    (await opening(() => database.migrate(plan))).map(({ migration }) => migration.version)
  const recorded = (): Promise<readonly RecordedMigration[]> => opening(async () => database.recorded())
  return {
    async status() {
      const all = await known()
      const times = new Map((await recorded()).map(({ version, appliedAt }) => [version, appliedAt]))
      return all.map(({ version, name }) => ({ version, name, appliedAt: times.get(version) }))
    },
    async up() {
      const all = await known()
      return run((recorded) => pendingOf(all, recorded))
    },
    async upTo(version) {
      const all = await known()
      requireKnown(all, version)
      return run((recorded) => pendingOf(all, recorded, version))
    },
    async down() {
      const all = await known()
      return run((recorded) => takenBack(database.store, all, recorded.slice(-1)))
    },
    async downTo(version) {
      const all = await known()
      requireKnown(all, version)
      return run((recorded) =>
        takenBack(
          database.store,
          all,
          recorded.filter((one) => one.version > version),
        ),
      )
    },
    async missing() {
      return missingOf(await known(), await recorded())
    },
    async version() {
      return (await recorded()).at(-1)?.version ?? 0
    },
    create: (directory, name) => writeMigrationFile(directory, name),
    close: () => database.close(),
  }
}

/** @throws OptionError for a version that no migration has; 0 is before all. */
function requireKnown(known: readonly Migration[], version: number): void {
  if (version === 0 || known.some((one) => one.version === version)) return
  const versions = known.map((one) => one.version).join(', ')
  throw new OptionError(`there is no migration ${String(version)}; known are ${versions}`)
}

/** The last one first. */
function takenBack(
  store: string,
  known: readonly Migration[],
  recorded: readonly RecordedMigration[],
): readonly MigrationMove[] {
  return recorded.toReversed().map(({ version, name }) => {
    const migration = known.find((one) => one.version === version)
    if (migration === undefined)
      throw new StoreError(
        store,
        `migration ${version} (${name}) can't be taken back: this version of Docket, with these directories, does not know it`,
        false,
      )
    return { direction: 'down', migration }
  })
}
