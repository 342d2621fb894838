import { describe } from './check-options.ts'
import { interceptedNames } from './contracts/interceptor.ts'
import type { InterceptorChains, Interceptor } from './contracts/interceptor.ts'
import { OptionError } from './errors.ts'
import { isPlainRecord, isRecord } from './is-record.ts'

type Hook = keyof Interceptor
type Call = Readonly<Record<string, unknown>>
type Link = (call: Call, next: (changes?: Partial<Call>) => unknown) => unknown

/** What an interceptor may change of each kind of call. */
const changeable: Readonly<Record<Hook, readonly string[]>> = {
  start: ['inputs', 'items', 'headers'],
  step: ['inputs', 'headers'],
  signal: ['value'],
  update: ['value'],
  query: ['input'],
  emit: ['value'],
  cancel: [],
  compensate: ['headers'],
}

/** For each hook that an interceptor has, a function that lets a call pass all of them, the first outermost. */
export function interceptorChains(interceptors: readonly Interceptor[] = []): InterceptorChains {
  const chains = interceptedNames.flatMap((hook) => {
    const links = interceptors.flatMap((one) =>
      one[hook] === undefined ? [] : [(one[hook] as unknown as Link).bind(one)],
    )
    return links.length === 0 ? [] : [[hook, chainOf(hook, links)] as const]
  })
  return Object.fromEntries(chains) as unknown as InterceptorChains
}

function chainOf(hook: Hook, links: readonly Link[]): (call: Call, last: (call: Call) => unknown) => unknown {
  return (call, last) => {
    const pass = (index: number, passed: Call): unknown => {
      const link = links[index]
      return link === undefined
        ? last(passed)
        : link(passed, (changes) => pass(index + 1, changed(hook, passed, changes)))
    }
    return pass(0, Object.freeze(call))
  }
}

/** @throws OptionError for what can't be changed */
function changed(hook: Hook, call: Call, changes: unknown): Call {
  if (changes === undefined || changes === call) return call
  if (!isRecord(changes))
    throw new OptionError(`interceptor ${hook}: next takes fields of the call that differ, not ${describe(changes)}`)
  const differing = Object.entries(changes).filter(([key, value]) => value !== call[key])
  if (differing.length === 0) return call
  const isStored = hook === 'start' && call['by'] === 'retry'
  const isGiven = (key: string): boolean => call[key] !== undefined || hook !== 'start'
  const may = isStored ? [] : changeable[hook].filter(isGiven)
  for (const [key, value] of differing) {
    if (!may.includes(key))
      throw new OptionError(
        `interceptor ${hook}: "${key}" can't be changed; ${may.length === 0 ? 'nothing of this call can' : `these can: ${may.join(', ')}`}`,
      )
    if (key === 'headers') requireHeaders(hook, value)
    if (key === 'inputs' && !isRecord(value))
      throw new OptionError(`interceptor ${hook}: inputs must be an object, not ${describe(value)}`)
  }
  return Object.freeze({ ...call, ...Object.fromEntries(differing) })
}

function requireHeaders(hook: Hook, headers: unknown): void {
  if (!isPlainRecord(headers))
    throw new OptionError(`interceptor ${hook}: headers must be a plain object of strings, not ${describe(headers)}`)
  for (const [key, value] of Object.entries(headers))
    if (typeof value !== 'string')
      throw new OptionError(`interceptor ${hook}: header "${key}" must be a string, not ${describe(value)}`)
}

/** What is wrong with a list of interceptors; absent, it is fine. */
export function problemsOfInterceptors(interceptors: unknown): readonly string[] {
  if (interceptors === undefined) return []
  if (!Array.isArray(interceptors)) return [`interceptors must be an array, not ${describe(interceptors)}`]
  return interceptors.flatMap((one: unknown, index) => {
    if (!isRecord(one)) return [`interceptors[${index}] must be an object of functions, not ${describe(one)}`]
    const known: readonly string[] = interceptedNames
    const wrong = known.filter((hook) => one[hook] !== undefined && typeof one[hook] !== 'function')
    // An instance of a class may have functions of its own.
    const isPlain = Object.getPrototypeOf(one) === Object.prototype || Object.getPrototypeOf(one) === null
    const unknown = (isPlain ? Object.keys(one) : []).filter(
      (key) => !known.includes(key) && typeof one[key] === 'function',
    )
    return [
      ...wrong.map((hook) => `interceptors[${index}]: ${hook} must be a function, not ${describe(one[hook])}`),
      ...unknown.map((key) => `interceptors[${index}] has the unknown hook "${key}"; known are ${known.join(', ')}`),
      ...(known.every((hook) => one[hook] === undefined)
        ? [`interceptors[${index}] has none of the hooks ${known.join(', ')}`]
        : []),
    ]
  })
}
