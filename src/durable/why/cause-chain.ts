import { describeThrown, isError, readOf } from '../../core/thrown.ts'
import { shorten } from '../../core/shorten.ts'
import type { WhyCause } from './why.ts'

const mostCauses = 20
const longestMessage = 1_000

/** An error and what it comes from, as data: the outermost first. Never throws. */
export function causeChain(error: unknown): readonly WhyCause[] {
  const causes: WhyCause[] = []
  const seen = new Set<unknown>()
  for (let one = error; one !== undefined && one !== null && causes.length < mostCauses; one = readOf(one, 'cause')) {
    if (seen.has(one)) break
    seen.add(one)
    const code = readOf(one, 'code')
    causes.push({
      name: isError(one) ? textOr(readOf(one, 'name'), 'Error') : typeof one,
      message: shorten(describeThrown(one), longestMessage),
      ...(typeof code === 'string' && { code }),
    })
  }
  return causes
}

function textOr(value: unknown, otherwise: string): string {
  return typeof value === 'string' && value !== '' ? value : otherwise
}

/** What all began with, in words. */
export function rootText(causes: readonly WhyCause[]): string {
  const root = causes.at(-1)
  if (root === undefined) return 'an error that is not on record'
  return root.name === 'string' ? root.message : `${root.name}: ${root.message}`
}
