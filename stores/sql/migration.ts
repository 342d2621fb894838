/** One change of the tables, and how to undo it. */
export interface Migration {
  /** Its place in the order. Docket's own are below 10,000, users' from there on. */
  readonly version: number
  readonly name: string
  /** Statements. */
  readonly up: readonly string[]
  readonly down: readonly string[]
}

/** A migration that a database has seen. */
export interface RecordedMigration {
  /** Its place in the order. */
  readonly version: number
  /** What it was called when it was run. */
  readonly name: string
  /** When it was run. */
  readonly appliedAt: Date
}

/** A migration that is known, and when the database has seen it. */
export interface MigrationStatus {
  /** Its place in the order: Docket's own are below 10,000. */
  readonly version: number
  /** What it is called; of a file of yours, the part of its name after the version. */
  readonly name: string
  /** Undefined while it is pending. */
  readonly appliedAt: Date | undefined
}

/** One thing to do: a migration, up or down. */
export interface MigrationMove {
  readonly direction: 'up' | 'down'
  readonly migration: Migration
}

/** Decides what to do once it is known, under the lock, what has been done. */
export type MigrationPlan = (recorded: readonly RecordedMigration[]) => readonly MigrationMove[]

/** Where migrations are run: one for each kind of database. */
export interface MigrationDatabase {
  /** The store's name, for errors. */
  readonly store: string
  /** What is recorded, by version; nothing when there is no table of migrations. */
  recorded(): Promise<readonly RecordedMigration[]>
  /**
   * Makes the table of migrations if there is none, then does what the plan says, in order, and records it: all of it under a
   * lock that only one process has, and in one transaction where the database can do that.
   */
  migrate(plan: MigrationPlan): Promise<readonly MigrationMove[]>
  close(): Promise<void>
}

/** The first version of a user's own migration. */
export const firstUserVersion = 10_000

/** Docket's own migrations that the database lacks. */
export function pendingOf(
  known: readonly Migration[],
  recorded: readonly RecordedMigration[],
  upTo = Number.POSITIVE_INFINITY,
): readonly MigrationMove[] {
  const done = new Set(recorded.map(({ version }) => version))
  return known
    .filter(({ version }) => !done.has(version) && version <= upTo)
    .map((migration) => ({ direction: 'up', migration }))
}

/** What is recorded, but unknown. */
export function missingOf(
  known: readonly Migration[],
  recorded: readonly RecordedMigration[],
): readonly RecordedMigration[] {
  const versions = new Set(known.map(({ version }) => version))
  return recorded.filter(({ version }) => !versions.has(version))
}
