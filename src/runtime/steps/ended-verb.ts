import type { BesideOutcome, Verb, VerbOutcome } from './verb.ts'

/** A verb that was called, and its outcome. */
export interface EndedVerb {
  readonly verb: Verb
  outcome: VerbOutcome
  readonly at: number
  beside: BesideOutcome | undefined
  /** Whether it is on record, or need not be for the function to have it. */
  isKept: boolean
}

/**
 * Whether a run after this one would come to the same without a record, where no other verb is open: the message that was waited for without a limit stays where it
 * is until that is written.
 */
export function isRepeatable({ verb, outcome }: EndedVerb): boolean {
  return verb.call.kind === 'receive' && outcome.status === 'completed' && verb.dueAt === undefined
}
