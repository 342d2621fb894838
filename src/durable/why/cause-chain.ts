import { errorChain } from '../../core/error-chain.ts'
import type { WhyCause } from './why.ts'

/** An error and what it comes from, as data: the outermost first. Never throws. */
export function causeChain(error: unknown): readonly WhyCause[] {
  return errorChain(error, { most: 20, longest: 1_000 })
}

/** What all began with, in words. */
export function rootText(causes: readonly WhyCause[]): string {
  const root = causes.at(-1)
  if (root === undefined) return 'an error that is not on record'
  return root.name === 'string' ? root.message : `${root.name}: ${root.message}`
}
