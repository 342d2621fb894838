import { DatabaseSync } from './node-sqlite.ts'
import { aBoolean, aFunction, aString, checkOptions, eitherOf, oneOf, strings } from '../sql/options.ts'
import type { OptionRule } from '../sql/options.ts'
import { machineTime } from '../sql/machine-time.ts'

/** Where a SQLite store keeps its tables, and how. */
export interface SqliteStoreOptions {
  /** A file, which is made if there is none, or `':memory:'`. @default none: give `path` or `database` */
  readonly path?: string
  /** An open connection of one's own, in place of `path`: its settings stay as they are, and it is never closed. @default none: `path` is opened */
  readonly database?: DatabaseSync
  /**
   * Whether a commit waits until it is on the disk (`full`), or may be lost when the power fails (`normal`: not when the process
   * dies, and the database stays whole). Only with `path`. @default 'full'
   */
  readonly synchronous?: 'full' | 'normal'
  /** Whether `open` brings the tables up to date, and lets the file at `path` have a log beside it (WAL); else it refuses a database that is not, and leaves the file as it is. @default true */
  readonly migrate?: boolean
  /** Milliseconds since the epoch, by which results expire. @default Date.now */
  readonly now?: () => number
  /**
   * Milliseconds of a time that only moves forward, whatever is done to the time of day: leases run out by it. All processes that share the
   * file must have it in common. @default the monotonic clock of the machine; `now`, where that is given
   */
  readonly elapsed?: () => number
}

/** What a store's times are read from. */
export interface StoreTimes {
  readonly now: () => number
  readonly elapsed: () => number
}

/** Whose tables are migrated, and with what. */
export interface SqliteMigrationOptions extends Pick<SqliteStoreOptions, 'path' | 'database'> {
  /** Directories of migrations of one's own; they run after Docket's. @default [] */
  readonly directories?: readonly string[]
}

/** Where the tables are: at a path, or in a connection of the user's. */
export interface SqlitePlace {
  readonly path: string
  readonly database: DatabaseSync | undefined
  readonly synchronous: 'full' | 'normal'
  /** Whether a file with tables of Docket gets a log beside it as soon as it is opened. That stays with the file: what may change nothing of it leaves it as it is. */
  readonly setsLog: boolean
}

const places: Readonly<Record<string, OptionRule>> = {
  path: ['a non-empty string: the path of a file, not a URL', isPath],
  database: ['a DatabaseSync of node:sqlite', (value) => value instanceof DatabaseSync],
}

/** @throws OptionError */
export function storeOptions(given: string | SqliteStoreOptions): Required<Pick<SqliteStoreOptions, 'migrate'>> & {
  readonly place: SqlitePlace
  readonly times: StoreTimes
} {
  const options = typeof given === 'string' ? { path: given } : given
  checkOptions(
    'sqliteStore',
    options,
    {
      ...places,
      synchronous: oneOf('full', 'normal'),
      migrate: aBoolean,
      now: aFunction,
      elapsed: aFunction,
    },
    problemsOfPlace,
  )
  const { migrate = true } = options
  return { place: placeOf(options, migrate), migrate, times: timesOf(options) }
}

/** @throws OptionError */
export function migrationOptions(given: string | SqliteMigrationOptions): {
  readonly place: SqlitePlace
  readonly directories: readonly string[]
} {
  const options = typeof given === 'string' ? { path: given } : given
  checkOptions('sqliteMigrations', options, { ...places, directories: strings }, problemsOfPlace)
  return { place: placeOf(options, false), directories: options.directories ?? [] }
}

function problemsOfPlace(options: Readonly<Record<string, unknown>>): readonly (string | undefined | false)[] {
  const { database, synchronous } = options
  return [
    eitherOf(options, 'path', 'database'),
    database !== undefined &&
      synchronous !== undefined &&
      'synchronous is for path; a database of your own keeps its settings',
  ]
}

/** A URL, of another store or as the command line takes one (`sqlite:FILE`), would be the name of a new file. SQLite itself knows `file:`. */
function isPath(value: unknown): boolean {
  return aString[1](value) && !/^(?!file:)(?:sqlite:|[a-z][a-z\d+.-]*:\/\/)/i.test(value as string)
}

function placeOf({ path, database, synchronous }: SqliteStoreOptions, setsLog: boolean): SqlitePlace {
  return { path: path ?? '', database, synchronous: synchronous ?? 'full', setsLog }
}

function timesOf({ now, elapsed }: SqliteStoreOptions): StoreTimes {
  return { now: now ?? ((): number => Date.now()), elapsed: elapsed ?? now ?? machineTime() }
}
