import { isRecord } from '../../src/core/is-record.ts'
import { aBoolean, aString, checkOptions, eitherOf, shownUrl, strings } from './options.ts'
import type { OptionRule } from './options.ts'

/** What every store of a database server can be given. */
interface ServerStoreOptions {
  readonly url?: string
  readonly pool?: unknown
  readonly migrate?: boolean
  readonly watchSessions?: boolean
  readonly max?: number
}

/** What every set of migrations of a database server can be given. */
interface ServerMigrationOptions {
  readonly url?: string
  readonly pool?: unknown
  readonly directories?: readonly string[]
}

/** What distinguishes the options of one kind of server. */
interface ServerKind<StoreOptions, MigrationOptions, Place> {
  /** What the two functions are called that take the options. */
  readonly callers: { readonly store: string; readonly migrations: string }
  /** The rules of `pool`, and of what keeps two stores of one database apart. */
  readonly rules: Readonly<Record<string, OptionRule>>
  readonly exampleUrl: string
  readonly isDatabaseUrl: (url: string) => boolean
  /** Why statements of Docket would not work in a user's pool. */
  readonly problemOfPool: (pool: Readonly<Record<string, unknown>>) => string | undefined | false
  readonly placeOf: (options: StoreOptions | MigrationOptions, max: number) => Place
}

/** Reads the options of one kind of server. */
export interface ServerOptions<StoreOptions, MigrationOptions, Place> {
  /** @throws OptionError */
  ofStore(given: string | StoreOptions): {
    readonly place: Place
    readonly migrate: boolean
    readonly watchesSessions: boolean
  }
  /** @throws OptionError */
  ofMigrations(given: string | MigrationOptions): { readonly place: Place; readonly directories: readonly string[] }
}

const defaultMax = 10

/** The options of stores and migrations of one kind of server; what is a text is the URL. */
export function serverOptions<
  StoreOptions extends ServerStoreOptions,
  MigrationOptions extends ServerMigrationOptions,
  Place,
>(kind: ServerKind<StoreOptions, MigrationOptions, Place>): ServerOptions<StoreOptions, MigrationOptions, Place> {
  const { callers, placeOf } = kind
  const rules = { url: aString, ...kind.rules }
  const problems = (options: Readonly<Record<string, unknown>>): readonly (string | undefined | false)[] => {
    const { url, pool, max } = options
    return [
      eitherOf(options, 'url', 'pool'),
      typeof url === 'string' &&
        url !== '' &&
        !kind.isDatabaseUrl(url) &&
        `url must be a URL like ${kind.exampleUrl}, got ${shownUrl(url)}`,
      pool !== undefined && max !== undefined && 'max is for url; a pool of your own has its own limit',
      isRecord(pool) && kind.problemOfPool(pool),
    ]
  }
  return {
    ofStore(given) {
      const options = typeof given === 'string' ? ({ url: given } as StoreOptions) : given
      const storeRules = {
        ...rules,
        migrate: aBoolean,
        watchSessions: aBoolean,
        max: ['a whole number from 1 on', (value) => Number.isSafeInteger(value) && (value as number) > 0],
      } satisfies Record<string, OptionRule>
      checkOptions(callers.store, options, storeRules, problems)
      const { migrate = true, watchSessions = true, max = defaultMax } = options
      return { place: placeOf(options, max), migrate, watchesSessions: watchSessions }
    },
    ofMigrations(given) {
      const options = typeof given === 'string' ? ({ url: given } as MigrationOptions) : given
      checkOptions(callers.migrations, options, { ...rules, directories: strings }, problems)
      return { place: placeOf(options, defaultMax), directories: options.directories ?? [] }
    },
  }
}
