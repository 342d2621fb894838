import { describe } from '../core/check-options.ts'

/** Where a trace goes on. */
export const passedByDefault: readonly string[] = ['traceparent', 'tracestate', 'baggage']

const nameForm = /^[!#$%&'*+.^_`|~0-9a-z-]{1,100}$/i
// What HTTP, and this protocol, give a meaning of their own.
const reserved =
  /^(?:authorization|cookie|host|connection|content-.*|transfer-encoding|nexus-.*|docket-.*|webhook-.*)$/i

/** What is wrong with a list of names of headers that are handed on. */
export function problemOfPassed(given: unknown): string | undefined {
  if (given === undefined) return undefined
  if (!Array.isArray(given)) return `passHeaders must be an array of names of headers, not ${describe(given)}`
  const wrong = given.find((name) => typeof name !== 'string' || !nameForm.test(name) || reserved.test(name))
  return wrong === undefined
    ? undefined
    : `passHeaders has ${describe(wrong)}, which is no header that can be handed on`
}

/** Those of some headers that are handed on, in lower case. */
export function passedOf(
  names: readonly string[],
  valueOf: (name: string) => string | null | undefined,
): Record<string, string> {
  const passed: Record<string, string> = {}
  for (const name of names) {
    const value = valueOf(name)
    if (value !== undefined && value !== null) passed[name.toLowerCase()] = value
  }
  return passed
}
