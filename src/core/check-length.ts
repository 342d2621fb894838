import { describe } from './check-options.ts'
import type { Problem } from './check-options.ts'
import type { Store } from './contracts/store.ts'
import { leastLimit } from './contracts/store-limits.ts'
import type { StoreLimits } from './contracts/store-limits.ts'
import { OptionError } from './errors.ts'
import { shorten } from './shorten.ts'

type Limited = keyof StoreLimits

/** A store, as far as its limits go. */
export type LimitingStore = Pick<Store, 'name' | 'limits'>

const kinds: Readonly<Record<Limited, string>> = {
  executionId: 'ids of executions',
  graph: 'names of graphs and namespaces',
  step: 'names of steps',
  item: 'keys of items',
  owner: 'names of owners',
  resultKey: 'keys of results',
  name: 'names of types, and versions',
  message: 'ids of messages, and slots',
  checkpoint: 'names of checkpoints',
  queue: 'names of queues',
  key: 'keys of executions',
}

/** What a character takes that a store has to write in another way: none takes more. */
const escapedBytes = 7
// oxlint-disable-next-line no-control-regex
const escaped = /[\0\u0001␛]|\p{Surrogate}/gu
// oxlint-disable-next-line no-control-regex
const escapedAlone = /[\0\u0001␛]/

/** How long a name is, as `StoreLimits` counts. */
export function nameBytes(name: string): number {
  let bytes = Buffer.byteLength(name)
  if (name.isWellFormed() && !escapedAlone.test(name)) return bytes
  for (const [one] of name.matchAll(escaped)) bytes += escapedBytes - Buffer.byteLength(one)
  return bytes
}

/** What is wrong with a name that a store can't keep; `what` says what it names. */
export function problemOfLength(store: LimitingStore, limit: Limited, what: string, name: string): Problem {
  const most = store.limits?.[limit]
  // Nearly all are so short that nothing has to be counted.
  if (most === undefined || name.length * escapedBytes <= most) return undefined
  const bytes = nameBytes(name)
  if (bytes <= most) return undefined
  return `${what} ${JSON.stringify(shorten(name, 40))} is ${bytes} bytes long, but the ${store.name} store keeps ${kinds[limit]} of up to ${most} bytes; use a shorter one, or a digest of it`
}

/** @throws OptionError for a name that the store can't keep */
export function requireLength(store: LimitingStore, limit: Limited, what: string, name: string): void {
  const problem = problemOfLength(store, limit, what, name)
  if (typeof problem === 'string') throw new OptionError(problem)
}

/** What is wrong with the limits that a store declares. */
export function problemsOfLimits({ name, limits = {} }: LimitingStore): readonly Problem[] {
  return Object.entries(limits).map(
    ([limit, bytes]: [string, unknown]) =>
      bytes !== undefined &&
      !(Number.isInteger(bytes) && (bytes as number) >= leastLimit) &&
      `the ${name} store declares the limit ${limit} as ${describe(bytes)}; a limit is a whole number of at least ${leastLimit} bytes, and left out where names may have any length`,
  )
}
