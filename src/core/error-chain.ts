import { shorten } from './shorten.ts'
import { describeThrown, isError, readOf } from './thrown.ts'

/** One of the errors that something failed with, as data. */
export interface ErrorLink {
  /** The error's name; of what is no error, what `typeof` says of it. */
  readonly name: string
  /** What it says. */
  readonly message: string
  /** Its code, where it has one. */
  readonly code?: string
}

/** How much of errors is wanted. */
export interface ErrorChainBounds {
  /** Errors, the outermost among them. */
  readonly most: number
  /** Characters of a message. */
  readonly longest: number
}

/** An error and what it comes from, as data, the outermost first; nothing of undefined and null. Never throws. */
export function errorChain(error: unknown, { most, longest }: ErrorChainBounds): readonly ErrorLink[] {
  const links: ErrorLink[] = []
  const seen = new Set<unknown>()
  for (let one = error; one !== undefined && one !== null && links.length < most; one = readOf(one, 'cause')) {
    if (seen.has(one)) break
    seen.add(one)
    const code = readOf(one, 'code')
    links.push({
      name: isError(one) ? nameOf(readOf(one, 'name')) : typeof one,
      message: shorten(describeThrown(one), longest),
      ...((typeof code === 'string' || typeof code === 'number') && { code: shorten(String(code)) }),
    })
  }
  return links
}

function nameOf(name: unknown): string {
  return typeof name === 'string' && name !== '' ? shorten(name) : 'Error'
}
