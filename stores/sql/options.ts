import { checkOptions as checkKnown } from '../../src/core/check-options.ts'
import { OptionError } from '../../src/core/errors.ts'
import { isRecord } from '../../src/core/is-record.ts'
import { parseServerUrl } from '../../src/core/server-address.ts'
import { isError, membersOf } from '../../src/core/thrown.ts'

/** What an option must be: words for it, and the check. */
export type OptionRule = readonly [what: string, isRight: (value: unknown) => boolean]

export const aString: OptionRule = ['a non-empty string', (value) => typeof value === 'string' && value !== '']
export const aBoolean: OptionRule = ['true or false', (value) => typeof value === 'boolean']
export const aFunction: OptionRule = ['a function', (value) => typeof value === 'function']
export const strings: OptionRule = [
  'an array of non-empty strings',
  (value) => Array.isArray(value) && value.every((one) => typeof one === 'string' && one !== ''),
]

/** One of some words. */
export function oneOf(...words: readonly string[]): OptionRule {
  return [words.map((word) => `'${word}'`).join(' or '), (value) => words.includes(value as string)]
}

/**
 * Checks options against the rules of all that are known; undefined is always right. `others` finds what is wrong beside that; what it is
 * given may still be anything.
 * @throws OptionError with all problems
 */
export function checkOptions(
  caller: string,
  options: unknown,
  rules: Readonly<Record<string, OptionRule>>,
  others: (options: Readonly<Record<string, unknown>>) => readonly (string | undefined | false)[],
): void {
  if (options === undefined) throw new OptionError(`${caller}: ${gotUndefined}`)
  if (!isRecord(options)) throw new OptionError(`${caller}: it takes a URL or a path, or an object of options`)
  checkKnown(caller, options, Object.keys(rules), (given) => [
    ...Object.entries(rules).map(
      ([name, [what, isRight]]) => given[name] !== undefined && !isRight(given[name]) && `${name} must be ${what}`,
    ),
    ...others(given),
  ])
}

/** What is said where nothing was given: mostly a variable of the environment is not set. */
const gotUndefined = 'got undefined: is an environment variable missing?'

/** What is wrong where a place has two ways to be given, of which one is needed. */
export function eitherOf(options: Readonly<Record<string, unknown>>, one: string, other: string): string | undefined {
  if ((options[one] === undefined) !== (options[other] === undefined)) return undefined
  const isForgotten = Object.entries(options).some(([name, value]) => name === one && value === undefined)
  return `give either ${one} or ${other}${isForgotten ? ` (${one}: ${gotUndefined})` : ''}`
}

const longestShown = 120

/** A URL, or what was meant to be one, as it may be shown: without what may be a password. */
export function shownUrl(url: unknown): string {
  if (typeof url !== 'string') return typeof url
  const shown = url
    .replace(/^([a-z][a-z\d+.-]*:\/\/)?.*@/is, '$1***@')
    // The host may have been forgotten.
    .replace(/(\/\/[^[/@:]*:)(?!\d*(?:[/?#]|$)).*/s, '$1***')
    .replace(/((?:pass|pwd|secret|token)\w*\s*=\s*)(?:'[^']*'|[^&\s]+)/gi, '$1***')
  return JSON.stringify(shown.length > longestShown ? `${shown.slice(0, longestShown)}…` : shown)
}

/** Host, port and database of a URL; where the server is behind a socket, its path. */
export function serverOf(url: string, defaultPort: number): string | undefined {
  const parsed = parseServerUrl(url)
  if (parsed === null) return undefined
  const { hostname, port, pathname, searchParams } = parsed
  const named = searchParams.get('socketPath') ?? searchParams.get('host')
  const host = named ?? (hostname === '' ? 'localhost' : hostname)
  if (host.startsWith('/')) return `${host}${pathname === '/' ? '' : ` (database ${pathname.slice(1)})`}`
  const database = pathname === '/' ? '' : pathname
  return `${host}:${port === '' ? defaultPort : port}${database}`
}

/** Codes of a connection that did not come about, and what to look at. */
const unreachableCodes: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'is the server running?',
  EHOSTUNREACH: 'is the server running?',
  ENETUNREACH: 'is the server running?',
  ETIMEDOUT: 'is the server running, and are host and port right?',
  ENOTFOUND: 'is the host’s name right, and the server running?',
  EAI_AGAIN: 'is the host’s name right, and the server running?',
  ENOENT: 'is the server running, and is this the path of its socket?',
}

/** What to say of an error that comes from a server which can't be reached; nothing of others. */
export function unreachable(store: string, server: string | undefined, thrown: unknown): string | undefined {
  const { code, address, port, hostname, syscall } = factsOf(thrown)
  const advice = typeof code === 'string' && Object.hasOwn(unreachableCodes, code) ? unreachableCodes[code] : undefined
  // It may be the file of a certificate that is not there.
  if (advice === undefined || (code === 'ENOENT' && syscall !== 'connect')) return undefined
  const reached = address === undefined ? hostname : `${String(address)}:${String(port)}`
  const where = server ?? reached
  return `can't reach ${store}${where === undefined ? '' : ` at ${String(where)}`}: ${String(code)}; ${advice}`
}

/** Node tries all addresses of a name, and reports all; the first speaks for them. */
function factsOf(thrown: unknown): Readonly<Record<string, unknown>> {
  if (!isError(thrown)) return {}
  const [first] = membersOf(thrown)
  return { ...(thrown as object), ...(isError(first) ? first : {}) }
}
