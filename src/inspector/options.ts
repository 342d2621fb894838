import { checkOptions, describe } from '../core/check-options.ts'
import type { Problem } from '../core/check-options.ts'
import { isName } from '../core/check-name.ts'
import { isRecord } from '../core/is-record.ts'
import type { Docket } from '../durable/docket.ts'
import { isLoopback } from './loopback.ts'

/** How a docket is shown. */
export interface InspectorOptions {
  /** What is shown. One with graphs shows what runs in this process as it happens; one without, and `takeOver: false`, what others have written. */
  readonly docket: Docket
  /** The port to listen on. @default 0: any that is free */
  readonly port?: number | undefined
  /** The address to listen on. Off loopback, a token of your own is needed. @default '127.0.0.1' */
  readonly host?: string | undefined
  /** What every request has to know, in at least 22 letters, digits, `-` and `_`: 128 bits. @default a random one, each time another */
  readonly token?: string | undefined
  /** Whether the page may do something: cancel, retry, delete, fork, signal, start and so on. @default false */
  readonly allowActions?: boolean | undefined
  /** Under which name acts are put on record. @default 'inspector' */
  readonly user?: string | undefined
  /** Other origins under which the page is opened, as that of a proxy: `https://inspect.example.com`. @default none */
  readonly origins?: readonly string[] | undefined
  /** Whether programs may show their actors here, with XState's own inspectors: see `ingestUrl`. @default false */
  readonly ingest?: boolean | undefined
}

/** The same, filled in. */
export interface ResolvedOptions {
  readonly docket: Docket
  readonly port: number
  readonly host: string
  readonly token: string | undefined
  readonly allowActions: boolean
  readonly user: string
  readonly ingest: boolean
  readonly origins: readonly URL[]
}

const names = ['docket', 'port', 'host', 'token', 'allowActions', 'user', 'origins', 'ingest']

/** @throws OptionError with all problems */
export function resolveOptions(options: InspectorOptions): ResolvedOptions {
  checkOptions('createInspector', options, names, problemsOf)
  const { docket, port = 0, host = '127.0.0.1', token, allowActions = false, ingest = false } = options
  const { user = 'inspector', origins = [] } = options
  return {
    docket,
    port,
    host,
    token,
    allowActions,
    ingest,
    user,
    origins: origins.map((one) => new URL(one)),
  }
}

function problemsOf(given: Readonly<Record<string, unknown>>): readonly Problem[] {
  const { docket, port, host, token, user, origins } = given
  const isLocal = host === undefined || (typeof host === 'string' && isLoopback(host))
  return [
    !(isRecord(docket) && typeof docket['about'] === 'function' && typeof docket['observe'] === 'function') &&
      `docket must be what createDocket() gives, not ${describe(docket)}`,
    port !== undefined &&
      !(Number.isInteger(port) && (port as number) >= 0 && (port as number) < 65_536) &&
      `port must be a whole number from 0 to 65535, not ${describe(port)}`,
    host !== undefined && !isName(host) && `host must be an address to listen on, not ${describe(host)}`,
    // What it is must not be in a message.
    token !== undefined &&
      !(typeof token === 'string' && /^[\w-]{22,256}$/.test(token)) &&
      'token must have 22 to 256 letters, digits, - and _: 128 bits, like randomBytes(16).toString("base64url")',
    token === undefined &&
      !isLocal &&
      `host ${describe(host)} can be reached by others: give a token of your own, that you can pass on and take back (docket inspect reads it from DOCKET_INSPECTOR_TOKEN)`,
    ...['allowActions', 'ingest'].map(
      (name) =>
        given[name] !== undefined &&
        typeof given[name] !== 'boolean' &&
        `${name} must be true or false, not ${describe(given[name])}`,
    ),
    user !== undefined && !isName(user) && `user must be a non-empty string, not ${describe(user)}`,
    origins !== undefined &&
      !(Array.isArray(origins) && origins.every(isOrigin)) &&
      'origins must be a list of origins, like https://inspect.example.com',
  ]
}

function isOrigin(value: unknown): boolean {
  if (typeof value !== 'string' || !URL.canParse(value)) return false
  const { origin, protocol } = new URL(value)
  return origin === value && (protocol === 'http:' || protocol === 'https:')
}
